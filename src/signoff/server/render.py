"""From the project's words to the wire's. Nothing here tells why an item is asked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from pydantic import JsonValue

from signoff.core.events import instant
from signoff.core.hints import ShownHint
from signoff.core.items import IMAGE, Item
from signoff.core.questions import Answer, answers_to_json
from signoff.core.records import Answers, Project
from signoff.errors import InputError
from signoff.ports import Forecast
from signoff.server import wire
from signoff.server.blindness import is_blind
from signoff.server.desks import Asked, Recent, Standing, Undone

SHOWN_OF_TEXT = 200
SHOWN_OF_ALIKE = 400


def project_shown(project: Project) -> wire.ProjectShown:
    """What a page needs to show this project's items."""
    return wire.ProjectShown(
        id=project.id,
        name=project.name,
        questions=[wire.QuestionJson.model_validate(each) for each in project.form.to_json()],
        guideline=project.page.guideline,
        blur=project.page.blur,
        blind=is_blind(project),
        text_direction=project.page.text_direction,
        hints=project.page.hints,
        policy=project.policy.describe(),
    )


def request_shown(request: Asked, project: Project) -> wire.RequestShown:
    """An item that waits for an answer."""
    return wire.RequestShown(
        id=request.id,
        item=item_shown(request.item, project),
        lease_until=instant(request.until),
        hint=hint_shown(request.hint, project),
    )


def hint_shown(hint: ShownHint | None, project: Project) -> wire.HintShown | None:
    """What the machine says, as people read it; long texts of decided items are shortened."""
    if hint is None:
        return None
    return wire.HintShown(
        machine={
            name: wire.MachineShown(
                answer=answers_shown({name: said.answer})[name],
                confidence=said.confidence,
                words=[wire.WordShown(word=word, weight=weight) for word, weight in said.words],
            )
            for name, said in hint.machine.items()
        },
        alike=[
            wire.AlikeShown(
                item=_shortened(item_shown(each.item, project)),
                answers=answers_shown(each.answers),
            )
            for each in hint.alike
        ],
    )


def _shortened(item: wire.ItemShown) -> wire.ItemShown:
    """An item beside another one: the beginning of a long text, as plain text where it is marked
    up, since half a mark means nothing."""
    if item.kind not in ("text", "markdown") or len(item.text) <= SHOWN_OF_ALIKE:
        return item
    text = item.text[: SHOWN_OF_ALIKE - 1] + "…"
    return item.model_copy(update={"text": text, "kind": "text"})


def item_shown(item: Item, project: Project) -> wire.ItemShown:
    """An item as people read it: its text and the other columns, or its columns alone. A table of
    fields shows the text beside them; the text of a picture is the name it came under."""
    has_text = bool(item.text.strip()) and project.text_column is not None
    kept = {IMAGE, project.text_column if has_text else None}
    fields = {
        name: _plain(value)
        for name, value in item.data.items()
        if value not in (None, "") and name not in kept
    }
    return wire.ItemShown(
        key=item.key,
        text=item.text if has_text else "",
        kind=project.item_kind if has_text else "fields",
        fields=fields,
        image=image_address(project, item.data.get(IMAGE)),
    )


def image_address(project: Project, digest: object) -> str | None:
    """Where a browser finds the picture of an item."""
    if project.item_kind != "image" or not isinstance(digest, str):
        return None
    return f"/api/v1/projects/{project.id}/blobs/{digest}"


def _plain(value: object) -> JsonValue:
    """A value of the data as JSON has it; what JSON lacks as text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [_plain(each) for each in cast("list[object]", value)]
        case dict():
            fields = cast("dict[object, object]", value)
            return {str(name): _plain(each) for name, each in fields.items()}
        case _:
            return str(value)


def progress_shown(
    standing: Standing | None, project: Project, *, mine: int = 0, known: tuple[int, int] = (0, 0)
) -> wire.ProgressShown:
    """Where a project stands, as a reviewer may see it.

    ``known``: how many items with a known answer there are and how many of them this caller
    answered. While the project is open they count like any other, or the numbers would tell them.
    """
    if standing is None:
        return _empty()
    progress = standing.progress
    closed = progress.phase == "closed"
    there, checked = (0, 0) if closed else known
    left = max(0, there - checked)
    remaining = _remaining(progress.forecast, progress.answered)
    remaining = None if remaining is None else remaining + left
    pace = progress.seconds_per_answer
    return wire.ProgressShown(
        phase="asking" if is_blind(project) and not closed else progress.phase,
        items=progress.items + left + checked,
        answered=progress.answered + checked,
        mine=mine,
        automatic=progress.automatic,
        open=progress.open + left,
        remaining=remaining,
        minutes=None if remaining is None or pace is None else round(remaining * pace / 60, 2),
        bound=progress.bound,
        statement=standing.statement,
        paused=standing.paused,
    )


def _empty() -> wire.ProgressShown:
    return wire.ProgressShown(
        phase="asking",
        items=0,
        answered=0,
        mine=0,
        automatic=0,
        open=0,
        remaining=None,
        minutes=None,
        bound=None,
        statement=None,
        paused="The project has no rows yet.",
    )


def _remaining(forecast: Forecast | None, answered: int) -> int | None:
    """Answers still expected, less those given since the forecast."""
    if forecast is None:
        return None
    return max(0, forecast.remaining - max(0, answered - forecast.answered))


def answers_shown(answers: Answers | None) -> dict[str, dict[str, JsonValue]]:
    """Answers by question name; nothing once they were erased."""
    return cast("dict[str, dict[str, JsonValue]]", answers_to_json(answers or {}))


def undone_shown(undone: Undone, project: Project) -> wire.UndoneShown:
    """An item to answer again, and what was answered."""
    return wire.UndoneShown(
        request=request_shown(undone.request, project),
        answers=answers_shown(undone.answers),
    )


def review_shown(recent: Recent, project: Project) -> wire.ReviewShown:
    """An answer somebody gave, in a list of theirs."""
    shown = item_shown(recent.item, project)
    text = shown.text or " · ".join(f"{name}: {value}" for name, value in shown.fields.items())
    return wire.ReviewShown(
        id=recent.id,
        request=recent.request,
        item=wire.TextShown(text=text[:SHOWN_OF_TEXT]),
        answers=answers_shown(recent.answers),
        at=instant(recent.at),
        undoable=recent.undoable,
    )


def parse_answers(
    answers: Mapping[str, Mapping[str, JsonValue]], project: Project
) -> dict[str, Answer]:
    """The answers to the project's form; raises :class:`InputError` where they are none."""
    try:
        _check_storable(answers)
    except ValueError as error:
        raise InputError(f"An answer cannot be kept: {error}.", hint="Send plain text.") from None
    return project.form.from_json(answers)


def _check_storable(value: object) -> None:
    """Raise :class:`ValueError` on what a database cannot keep as JSON."""
    match value:
        case str():
            wire.plain_text(value)
        case float() if not math.isfinite(value):
            raise ValueError("a number is not finite")
        case list():
            for each in cast("list[object]", value):
                _check_storable(each)
        case dict():
            for name, each in cast("dict[str, object]", value).items():
                wire.plain_text(name)
                _check_storable(each)
        case _:
            pass
