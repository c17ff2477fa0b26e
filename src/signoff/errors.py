"""Every error signoff raises on purpose.

::

    SignoffError                    code, message, hint, exit code
    ├── UsageError            (2)   a flag, an argument or a combination of them is wrong
    ├── InputError            (2)   the data handed in cannot be used
    ├── StoreError            (2)   the store, its artifacts or its key cannot be used
    │   ├── StoreBusy         (2)   another live run owns the project
    │   └── StoreChanged      (2)   a re-run asks for something other than the first run fixed
    ├── Unfinished            (3)   work remains and a later run can resume it
    ├── Infeasible            (4)   no plan can keep the promise; nothing was asked
    └── VerificationFailed    (1)   a log, a certificate or a table is not what was signed

The message says what happened and shows the value seen; the hint says what to do next.
"""

from __future__ import annotations

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


class StoreChanged(StoreError):
    """A re-run asks for something other than the first run fixed."""

    code = "store_changed"


class Unfinished(SignoffError):
    """Work remains and a later run can resume it."""

    code = "unfinished"
    exit_code = Exit.UNFINISHED


class Infeasible(SignoffError):
    """No plan can keep the promise; nothing was asked."""

    code = "infeasible"
    exit_code = Exit.INFEASIBLE


class VerificationFailed(SignoffError):
    """A log, a certificate or a table is not what was signed."""

    code = "verification_failed"
    exit_code = Exit.FAILED
