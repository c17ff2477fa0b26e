"""Equal texts are one item, in later pools too: what a person answered once is not asked again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from signoff.core.items import Items
from signoff.core.questions import Answer
from signoff.core.records import CARRIED, CarriedAnswer, NewRequest, Pool, Project, Review
from signoff.engine import Engine
from signoff.formats.rows import folded
from signoff.ports import PoolView
from signoff.project.incoming import Grouping, IncomingRows
from signoff.project.views import ITEM, pool_view
from signoff.store.store import SqlStore

AT = "at"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An item of new rows, and the answer that an equal item got before."""

    item: int
    review: Review
    answer: Answer


def carried_answers(engine: Engine, rows: IncomingRows, *, pool: int) -> list[CarriedAnswer]:
    """The answers that people gave in earlier pools to items equal to these, ready to be stored.

    Empty texts equal nothing, and without grouping no row equals another.
    """
    project, recorder = engine.project, engine.recorder
    found = _equal_items(engine, rows)
    if not found:
        return []
    table = rows.stored().with_columns(pl.Series(ITEM, rows.item_of_row))
    view = pool_view(table, project, hidden=frozenset())
    return [
        CarriedAnswer(
            id=recorder.new_id(),
            request=NewRequest(
                id=recorder.new_id(),
                item=each.item,
                reason=CARRIED,
                priority=place,
                key=view.keys[each.item],
                shown=view.for_people(each.item).shown(),
            ),
            reviewer=each.review.reviewer,
            answer=each.answer,
            event=recorder.event(
                "answer.carried",
                {
                    "pool": pool,
                    "item": each.item,
                    "answer": each.review.event,
                    "question": project.question.name,
                    "question_version": project.question.version,
                    "reviewer": each.review.reviewer,
                    "reason": CARRIED,
                },
                {"answer": each.answer.to_json()},
                pool=pool,
                item=each.item,
            ),
        )
        for place, each in enumerate(found)
    ]


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
            if review.answer is None:
                continue  # erased: nothing is left to compare
            texts[review.event] = text
            if texts.get(sources.get(review.event, ""), text) != text:
                yield (
                    f"Item {review.item} of pool {pool.number} has the answer of an item that is"
                    " not equal to it."
                )


def _equal_items(engine: Engine, rows: IncomingRows) -> list[_Found]:
    """Items of these rows that a person answered in an earlier pool, by item; the newest answer."""
    if rows.grouping.text is None:
        return []
    known: list[tuple[Review, Answer]] = []
    parts: list[pl.DataFrame] = []
    for pool in engine.store.pools(engine.project.id):
        answered = engine.store.reviews(engine.project, pool.number)
        said = [(each, each.answer) for each in answered if each.answer is not None]
        if said:
            items = engine.views(pool).items.take([review.item for review, _ in said])
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
        _Found(item=int(item), review=known[int(at)][0], answer=known[int(at)][1])
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
