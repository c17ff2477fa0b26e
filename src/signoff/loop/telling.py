"""The events of what reviewers do: of an item of a pool, or of one whose answer is known, which
enters no pool's history."""

from __future__ import annotations

from signoff.core.events import instant
from signoff.core.questions import answers_to_json
from signoff.core.records import (
    CommentKind,
    Expired,
    Json,
    NewEvent,
    NewReview,
    OpenRequest,
    Project,
    Review,
)
from signoff.loop.recorder import Recorder


def answer_event(
    recorder: Recorder, project: Project, review: NewReview, *, counted: bool
) -> NewEvent:
    """Somebody answered."""
    asked = review.request
    content: Json = {"answers": answers_to_json(review.answers)}
    if review.note:
        content["note"] = review.note
    by: Json = {"reviewer": review.reviewer, "seconds": review.seconds}
    if asked.gold is not None:
        return _event(recorder, "gold.answered", {"gold": asked.gold, **by}, content, asked)
    body = {
        **_place(asked),
        "questions": project.form.versions,
        **by,
        "reason": asked.reason,
    }
    return _event(recorder, "answer.given" if counted else "answer.extra", body, content, asked)


def skip_event(
    recorder: Recorder, asked: OpenRequest, reviewer: str, reason: str | None, *, for_good: bool
) -> NewEvent:
    """Somebody put an item back."""
    by: Json = {"reviewer": reviewer, "for_good": for_good}
    content: Json = {"note": reason} if reason else {}
    if asked.gold is not None:
        return _event(recorder, "gold.skipped", {"gold": asked.gold, **by}, content, asked)
    return _event(recorder, "answer.skipped", {**_place(asked), **by}, content, asked)


def words_event(
    recorder: Recorder, asked: OpenRequest, reviewer: str, text: str, kind: CommentKind
) -> NewEvent:
    """Somebody said something of an item."""
    content: Json = {"note" if kind == "flag" else "text": text}
    if asked.gold is not None:
        body: Json = {"gold": asked.gold, "reviewer": reviewer}
        return _event(recorder, "gold.said", body, content, asked)
    type = "item.flagged" if kind == "flag" else "comment.added"
    return _event(recorder, type, {**_place(asked), "reviewer": reviewer}, content, asked)


def undo_event(recorder: Recorder, review: Review) -> NewEvent:
    """Somebody took an answer back."""
    if review.gold is not None:
        return recorder.event("gold.undone", {"gold": review.gold, "answer": review.event})
    return recorder.event(
        "answer.undone", {"pool": review.pool, "item": review.item, "answer": review.event}
    )


def expiry_event(recorder: Recorder, gone: Expired) -> NewEvent:
    """The time of a request ran out."""
    body: Json = {
        "pool": gone.pool,
        "item": gone.item,
        "due": instant(gone.due),
        "outcome": gone.outcome,
        "to": gone.to,
    }
    return recorder.event("request.expired", body)


def _place(asked: OpenRequest) -> Json:
    return {"pool": asked.pool, "item": asked.item}


def _event(
    recorder: Recorder, type: str, body: Json, content: Json, asked: OpenRequest
) -> NewEvent:
    return recorder.event(type, body, content, pool=asked.pool, item=asked.item)
