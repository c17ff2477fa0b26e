"""Equal texts are one item, in later pools too: what a person answered once is not asked again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from signoff.core.items import Items
from signoff.core.joining import Answered, answered_items
from signoff.core.questions import answers_to_json
from signoff.core.records import (
    CARRIED,
    Answers,
    CarriedAnswer,
    NewRequest,
    Pool,
    Project,
    Review,
)
from signoff.formats.rows import folded
from signoff.loop.recorder import Recorder
from signoff.ports import PoolView, Store
from signoff.project.incoming import Grouping, IncomingRows
from signoff.project.views import ITEM, pool_view
from signoff.store.store import SqlStore

AT = "at"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An item of new rows, and how people answered an equal item before."""

    item: int
    answered: Answered


def carried_answers(
    store: Store,
    project: Project,
    recorder: Recorder,
    rows: IncomingRows,
    *,
    pool: int,
    views: Callable[[Pool], PoolView],
) -> list[CarriedAnswer]:
    """The answers that people gave in earlier pools to items equal to these, ready to be stored.

    ``views`` gives the items of the earlier pools. An item takes all answers of the equal item, or
    none: what several people said is joined here as it was there. Empty texts equal nothing, and
    without grouping no row equals another.
    """
    found = _equal_items(store, project, rows, views)
    if not found:
        return []
    table = rows.stored().with_columns(pl.Series(ITEM, rows.item_of_row))
    view = pool_view(table, project, hidden=frozenset())
    carried: list[CarriedAnswer] = []
    for place, each in enumerate(found):
        request = NewRequest(
            id=recorder.new_id(),
            item=each.item,
            reason=CARRIED,
            priority=place,
            key=view.keys[each.item],
            shown=view.for_people(each.item).shown(),
        )
        for review in each.answered.reviews:
            if review.answers is not None:
                carried.append(_carried(project, recorder, review, review.answers, request, pool))
    return carried


def _carried(
    project: Project,
    recorder: Recorder,
    review: Review,
    answers: Answers,
    request: NewRequest,
    pool: int,
) -> CarriedAnswer:
    """One person's answers, as answers to the item of a new request."""
    return CarriedAnswer(
        id=recorder.new_id(),
        request=request,
        reviewer=review.reviewer,
        answers=answers,
        event=recorder.event(
            "answer.carried",
            {
                "pool": pool,
                "item": request.item,
                "answer": review.event,
                "questions": project.form.versions,
                "reviewer": review.reviewer,
                "reason": CARRIED,
            },
            {"answers": answers_to_json(answers)},
            pool=pool,
            item=request.item,
        ),
    )


def carried_otherwise(
    store: SqlStore, project: Project, views: Callable[[Pool], PoolView]
) -> Iterator[str]:
    """Answers that were carried over between items that are not equal, a sentence each."""
    grouping = Grouping.of(project)
    sources = {
        event.id: str(json.loads(event.canonical)["body"]["answer"])
        for event in store.events(project.id, types=["answer.carried"])
    }
    if not sources:
        return
    texts: dict[str, tuple[object, ...]] = {}
    for pool in store.pools(project.id):
        answered = store.reviews(project, pool.number)
        items = views(pool).items.take([review.item for review in answered])
        for review, text in zip(answered, _keys(items, grouping).rows(), strict=True):
            if review.answers is None:
                continue  # erased: nothing is left to compare
            texts[review.event] = text
            if texts.get(sources.get(review.event, ""), text) != text:
                yield (
                    f"Item {review.item} of pool {pool.number} has the answer of an item that is"
                    " not equal to it."
                )


def _equal_items(
    store: Store, project: Project, rows: IncomingRows, views: Callable[[Pool], PoolView]
) -> list[_Found]:
    """Items of these rows that people answered in an earlier pool, by item; the newest answers."""
    if rows.grouping.text is None:
        return []
    known: list[Answered] = []
    parts: list[pl.DataFrame] = []
    for pool in store.pools(project.id):
        answered = answered_items(store.reviews(project, pool.number), project)
        said = [each for each in answered if each.answers is not None]
        if said:
            items = views(pool).items.take([each.item for each in said])
            parts.append(_keys(items, rows.grouping))
            known += said
    if not parts:
        return []
    before = pl.concat(parts).with_row_index(AT)
    names = [name for name in before.columns if name != AT]
    before = before.filter(before[names[0]] != "").unique(names, keep="last", maintain_order=True)
    table = rows.table.with_columns(pl.Series(ITEM, rows.item_of_row))
    first = table.unique(ITEM, keep="first", maintain_order=True)
    new = _folded(first, rows.grouping).with_columns(first[ITEM])
    equal = new.join(before, on=names, nulls_equal=True).sort(ITEM)
    return [
        _Found(item=int(item), answered=known[int(at)])
        for item, at in equal.select(ITEM, AT).iter_rows()
    ]


def _keys(items: Items, grouping: Grouping) -> pl.DataFrame:
    """What makes these items equal, in their order."""
    wanted = [name for name in (grouping.text, *grouping.apart) if name in items.names]
    return _folded(pl.DataFrame({name: items.column(name) for name in wanted}), grouping)


def _folded(rows: pl.DataFrame, grouping: Grouping) -> pl.DataFrame:
    """What makes rows equal: the text, then the columns that keep them apart, all as text."""
    nothing = pl.Series([None] * rows.height, dtype=pl.String)
    names = [name for name in (grouping.text, *grouping.apart) if name is not None]
    return folded(*[rows[name] if name in rows.columns else nothing for name in names])
