"""Every error signoff raises on purpose.

::

    SignoffError                    code, message, hint, exit code
    ├── UsageError            (2)   a flag, an argument or a combination of them is wrong
    ├── InputError            (2)   the data handed in cannot be used
    ├── StoreError            (2)   the store, its artifacts or its key cannot be used
    │   ├── StoreBusy         (2)   another live run owns the project
    │   │   └── AnswersChanged  (2) an answer was taken back while the loop was thinking
    │   └── StoreChanged      (2)   a re-run asks for something other than the first run fixed
    ├── QueueError            (2)   what a reviewer asked of the queue cannot be done
    │   ├── NotLeased         (2)   the item no longer waits for an answer
    │   ├── OtherAnswer       (2)   another answer was sent under the same id before
    │   ├── OtherContent      (2)   an item's key came with other content before
    │   ├── ItemErased        (2)   an item's key is that of one that was erased
    │   ├── Settled           (2)   an answer can no longer be taken back
    │   ├── WindowOver        (2)   a stream's window is not one that can be ended
    │   └── JobMoved          (2)   a job is not in the state for what was asked of it
    ├── RemoteError           (1)   a server refused, or could not be reached
    ├── Unfinished            (3)   work remains and a later run can resume it
    │   ├── ModelUnavailable  (3)   nothing comes from whoever provides the model
    │   └── CostReached       (3)   a call could cost more than the user allows
    ├── Infeasible            (4)   no plan can keep the promise; nothing was asked
    └── VerificationFailed    (1)   a log, a certificate or a table is not what was signed

The message says what happened and shows the value seen; the hint says what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line; a contract."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNFINISHED = 3
    INFEASIBLE = 4


class SignoffError(Exception):
    """Something signoff can explain: ``message`` is one line, ``hint`` is the next step."""

    code: str = "error"
    exit_code: Exit = Exit.FAILED

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class UsageError(SignoffError):
    """A flag, an argument or a combination of them is wrong."""

    code = "usage"
    exit_code = Exit.USAGE


class InputError(SignoffError):
    """The data handed in cannot be used."""

    code = "input"
    exit_code = Exit.USAGE


class StoreError(SignoffError):
    """The store, its artifacts or its key cannot be used."""

    code = "store"
    exit_code = Exit.USAGE


class StoreBusy(StoreError):
    """Another live run owns the project."""

    code = "store_busy"


class AnswersChanged(StoreBusy):
    """An answer was taken back while the loop was thinking; it thinks again."""

    code = "answers_changed"


class StoreChanged(StoreError):
    """A re-run asks for something other than the first run fixed."""

    code = "store_changed"


class QueueError(SignoffError):
    """What a reviewer asked of the queue cannot be done."""

    code = "queue"
    exit_code = Exit.USAGE


class NotLeased(QueueError):
    """The item no longer waits for an answer: it was withdrawn, or never asked."""

    code = "not_leased"


class OtherAnswer(QueueError):
    """Another answer was sent under the same id before; ``first`` stands, ``second`` does not.

    Both are answers by question name, as JSON.
    """

    code = "other_answer"

    def __init__(self, first: dict[str, object] | None, second: dict[str, object]) -> None:
        super().__init__(
            "Another answer was sent under this id before; the first one stands.",
            hint="Take it back with undo, then answer again.",
        )
        self.first = first
        self.second = second


class OtherContent(QueueError):
    """An item's key came with other content before; what was said of that stands."""

    code = "other_content"


class ItemErased(QueueError):
    """An item's key is that of one that was erased; nothing is kept of it."""

    code = "item_erased"


class Settled(QueueError):
    """An answer can no longer be taken back: something was built on it."""

    code = "settled"


class WindowOver(QueueError):
    """A window cannot be ended: there is none of this number, it is full, or nothing arrived."""

    code = "window_over"


class JobMoved(QueueError):
    """A job is not in the state for what was asked of it: another worker has it, or it is over."""

    code = "job_moved"


class RemoteError(SignoffError):
    """A server refused, or could not be reached.

    ``status`` is the HTTP status, None where no answer came; ``problem`` is the refusal's body.
    """

    code = "remote"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str | None = None,
        status: int | None = None,
        problem: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.status = status
        self.problem = dict(problem or {})


class Unfinished(SignoffError):
    """Work remains and a later run can resume it."""

    code = "unfinished"
    exit_code = Exit.UNFINISHED


class ModelUnavailable(Unfinished):
    """Nothing comes from whoever provides the model: no key, no such model, or it is down."""

    code = "model_unavailable"


class CostReached(Unfinished):
    """A call could cost more than the user allows; what was replied is kept."""

    code = "cost_reached"


class Infeasible(SignoffError):
    """No plan can keep the promise; nothing was asked."""

    code = "infeasible"
    exit_code = Exit.INFEASIBLE


class VerificationFailed(SignoffError):
    """A log, a certificate or a table is not what was signed."""

    code = "verification_failed"
    exit_code = Exit.FAILED
