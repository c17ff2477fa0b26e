"""Every question to the server as a value: what is sent, and how the answer is read.

Both clients send these, so that nothing about the API is written twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from pydantic import BaseModel

from signoff.core.questions import Answer
from signoff.core.records import Json
from signoff.server import wire
from signoff.server.wire_streams import ItemReplies, ItemReply, StreamMade, StreamShown
from signoff.server.wire_work import JobShown, UploadShown

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
API = "/api/v1"
IDEMPOTENCY = "Idempotency-Key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request. ``again``: it may be sent twice, since the second changes nothing."""

    method: str
    path: str
    read: Callable[[object], T]
    body: Json | None = None
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    again: bool = False


def _model(kind: type[M]) -> Callable[[object], M]:
    """Reads an answer into one of the API's own models."""

    def read(said: object) -> M:
        return kind.model_validate(said)

    return read


def _nothing(_: object) -> None:
    """Reads an answer without a body."""


def _json(said: object) -> Json:
    return cast("Json", said)


def new_key() -> str:
    """An idempotency key, or the id of a review."""
    return str(uuid.uuid4())


# --------------------------------------------------------------------------- the server


def me() -> Call[wire.Me]:
    """Who the token belongs to."""
    return Call(method="GET", path=f"{API}/me", read=_model(wire.Me), again=True)


def projects() -> Call[list[wire.ProjectBrief]]:
    """The projects that the token sees."""
    return Call(
        method="GET",
        path=f"{API}/projects",
        read=lambda said: wire.ProjectList.model_validate(said).projects,
        again=True,
    )


def uploaded(name: str) -> Call[UploadShown]:
    """A file for a new project; its bytes are the body."""
    return Call(
        method="POST", path=f"{API}/uploads", params={"name": name}, read=_model(UploadShown)
    )


def found_project(wanted: Json, *, key: str) -> Call[JobShown]:
    """A project to make of an upload."""
    return Call(
        method="POST",
        path=f"{API}/projects",
        body=wanted,
        headers={IDEMPOTENCY: key},
        read=_model(JobShown),
        again=True,
    )


def found_stream(wanted: Json) -> Call[StreamMade]:
    """A stream to make; the same one again is the one there is."""
    return Call(
        method="POST", path=f"{API}/streams", body=wanted, read=_model(StreamMade), again=True
    )


def job(id: str) -> Call[JobShown]:
    """How long work stands."""
    return Call(method="GET", path=f"{API}/jobs/{id}", read=_model(JobShown), again=True)


def job_file(id: str) -> Call[JobShown | None]:
    """What long work made."""
    return Call(method="GET", path=f"{API}/jobs/{id}/file", read=_model(JobShown), again=True)


# -------------------------------------------------------------------------- one project


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCalls:
    """What may be asked of one project, by its id."""

    id: str

    def _path(self, rest: str = "") -> str:
        return f"{API}/projects/{self.id}{rest}"

    def describe(self) -> Call[wire.ProjectShown]:
        """What is asked, and how items are shown."""
        return Call(method="GET", path=self._path(), read=_model(wire.ProjectShown), again=True)

    def progress(self) -> Call[wire.ProgressShown]:
        """Where the project stands."""
        return Call(
            method="GET", path=self._path("/progress"), read=_model(wire.ProgressShown), again=True
        )

    def certificate(self) -> Call[Json]:
        """The newest certificate."""
        return Call(method="GET", path=self._path("/certificate"), read=_json, again=True)

    def lease(self, limit: int, holding: Sequence[str]) -> Call[wire.Leased]:
        """Further requests, and those held for longer."""
        body: Json = {"limit": limit, "holding": list(holding)}
        # A second lease gives what the first one gave: requests leased to the same person.
        return Call(
            method="POST",
            path=self._path("/leases"),
            body=body,
            read=_model(wire.Leased),
            again=True,
        )

    def give_back(self, requests: Sequence[str]) -> Call[None]:
        """Requests that will not be answered."""
        return Call(
            method="DELETE",
            path=self._path("/leases"),
            body={"requests": list(requests)},
            read=_nothing,
            again=True,
        )

    def answer(
        self,
        request: str,
        answers: Mapping[str, Answer | Json],
        *,
        seconds: float | None,
        note: str | None,
        id: str,
    ) -> Call[wire.ReviewStored]:
        """One person's answers, under an id that makes sending them again harmless."""
        body: Json = {
            "request": request,
            "answers": {name: _answer_json(given) for name, given in answers.items()},
            "seconds": seconds,
            "note": note,
        }
        return Call(
            method="PUT",
            path=self._path(f"/reviews/{id}"),
            body=body,
            read=_model(wire.ReviewStored),
            again=True,
        )

    def skip(self, request: str, reason: str | None = None, for_good: bool = False) -> Call[None]:
        """A request to put behind the others, or to leave to others."""
        return Call(
            method="POST",
            path=self._path(f"/requests/{request}/skip"),
            body={"reason": reason, "for_good": for_good},
            read=_nothing,
        )

    def flag(self, request: str, note: str) -> Call[None]:
        """What is wrong with an item."""
        return Call(
            method="POST",
            path=self._path(f"/requests/{request}/flag"),
            body={"note": note},
            read=_nothing,
        )

    def undo(self, review: str | None) -> Call[wire.UndoneShown]:
        """An answer to take back."""
        return Call(
            method="POST",
            path=self._path("/undo"),
            body={"review": review},
            read=_model(wire.UndoneShown),
            # By its id an answer is taken back once; "the last one" would be another one then.
            again=review is not None,
        )

    def history(self, limit: int) -> Call[list[wire.ReviewShown]]:
        """The caller's last answers."""
        return Call(
            method="GET",
            path=self._path("/history"),
            params={"limit": str(limit)},
            read=lambda said: wire.History.model_validate(said).reviews,
            again=True,
        )

    # ------------------------------------------------------------------- live items

    def decide(self, items: Sequence[Json], wait: int) -> Call[list[ItemReply]]:
        """Live items to decide; their keys make sending them again harmless."""
        return Call(
            method="POST",
            path=self._path("/items"),
            body={"items": list(items)},
            params={"wait": str(wait)},
            read=lambda said: ItemReplies.model_validate(said).items,
            again=True,
        )

    def item(self, id: str, wait: int) -> Call[ItemReply]:
        """What became of a live item."""
        return Call(
            method="GET",
            path=self._path(f"/items/{id}"),
            params={"wait": str(wait)},
            read=_model(ItemReply),
            again=True,
        )

    def stream(self) -> Call[StreamShown]:
        """Where a stream stands."""
        return Call(method="GET", path=self._path("/stream"), read=_model(StreamShown), again=True)

    def end_window(self, number: int) -> Call[StreamShown]:
        """A window to end before it is full."""
        return Call(
            method="POST",
            path=self._path(f"/windows/{number}/end"),
            read=_model(StreamShown),
            again=True,
        )

    # ------------------------------------------------------------------- files

    def add_rows(self, name: str, *, key: str) -> Call[JobShown]:
        """A file of further rows; its bytes are the body."""
        return Call(
            method="POST",
            path=self._path("/import"),
            params={"name": name},
            headers={IDEMPOTENCY: key},
            read=_model(JobShown),
        )

    def export(self, format: str, *, as_is: bool = False) -> Call[JobShown | None]:
        """The results as a file; a job where it takes long."""
        return self._file("/export", {"format": format, "as_is": str(as_is).lower()})

    def log(self) -> Call[JobShown | None]:
        """The signed log as a file; a job where it takes long."""
        return self._file("/log", {})

    def _file(self, rest: str, params: Mapping[str, str]) -> Call[JobShown | None]:
        return Call(
            method="GET",
            path=self._path(rest),
            params={**params, "wait": "0"},
            read=_model(JobShown),
            again=True,
        )

    def verify(self) -> Call[JobShown]:
        """The log, the audit and the certificate to check; the job's result is the verdict."""
        return Call(
            method="POST",
            path=self._path("/verify"),
            params={"wait": "0"},
            read=_model(JobShown),
            again=True,
        )


def _answer_json(given: Answer | Json) -> Json:
    return given if isinstance(given, dict) else given.to_json()
