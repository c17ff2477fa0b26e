"""A pool's results: what each item ended with so far, and the table that says so."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signoff.core.coding import labels_of, read_value
from signoff.core.decisions import read_model_rows
from signoff.core.joining import answered_items
from signoff.core.process import MODEL
from signoff.core.questions import answer_text
from signoff.core.records import Pool, Project
from signoff.core.repeated import Repeated
from signoff.core.routing import Certified
from signoff.formats.results import Decisions, results_frame
from signoff.project.views import ITEM
from signoff.store.artifacts import PREFIX
from signoff.store.store import SqlStore


class _Texts:
    """A column of n texts or None while it is filled in; texts recur, so each is kept once."""

    def __init__(self, n: int) -> None:
        self._places: dict[str | None, int] = {None: 0}
        self._place = np.zeros(n, dtype=np.int64)

    def put(self, items: NDArray[np.int64] | int, text: str | None) -> None:
        """Write one text for all these items."""
        self._place[items] = self._places.setdefault(text, len(self._places))

    def put_each(
        self, items: NDArray[np.int64], texts: Sequence[str], codes: NDArray[np.int64]
    ) -> None:
        """Write ``texts[codes[i]]`` for ``items[i]``."""
        places = [self._places.setdefault(text, len(self._places)) for text in texts]
        self._place[items] = np.array(places)[codes]

    @property
    def column(self) -> Repeated[str | None]:
        """The texts (n,)."""
        return Repeated(list(self._places), self._place)


class _Decided:
    """What each of n items ended with, while it is filled in; at first all are undecided."""

    def __init__(self, n: int) -> None:
        self.answer, self.by, self.reason = _Texts(n), _Texts(n), _Texts(n)
        self.reviewers, self.model, self.event = _Texts(n), _Texts(n), _Texts(n)
        self.confidence = np.full(n, np.nan)


def pool_results(
    store: SqlStore, project: Project, pool: Pool, *, blind: bool = False
) -> pl.DataFrame:
    """A pool's columns and the result columns, row by row; ``blind`` as in :func:`kept_back`."""
    rows = store.rows(pool)
    user = [name for name in rows.columns if not name.startswith(PREFIX)]
    blind = blind and kept_back(project, pool)
    decided = {
        name: pool_decisions(store, project, pool, name, blind=blind) for name in project.form.names
    }
    return results_frame(rows.select(user), rows[ITEM].to_numpy(), decided)


def kept_back(project: Project, pool: Pool) -> bool:
    """Whether who may answer must not know why items are asked, nor what the model decided: that
    would tell which of them are audited."""
    return isinstance(project.policy, Certified) and pool.phase != "closed"


def pool_decisions(
    store: SqlStore, project: Project, pool: Pool, question: str, *, blind: bool = False
) -> Decisions:
    """What each item of a pool ended with so far for a question, columnar; ``blind``: by people,
    without the reasons."""
    decided = _Decided(pool.items)
    if question in pool.model_roots and not blind:
        _fill_automatic(store, project, pool.model_roots[question], question, decided)
    _fill_people(store, project, pool, question, decided)
    return Decisions(
        answer=decided.answer.column,
        by=decided.by.column,
        confidence=decided.confidence,
        reason=_Texts(pool.items).column if blind else decided.reason.column,
        reviewers=decided.reviewers.column,
        model=decided.model.column,
        event=decided.event.column,
    )


def _fill_automatic(
    store: SqlStore, project: Project, root: str, question: str, decided: _Decided
) -> None:
    """What the model decided, column by column; erased rows stay undecided."""
    batch = store.batch(project.id, "decisions", root)
    asked = project.form.question(question)
    said = read_model_rows(batch.private, labels_of(asked))
    kept = np.flatnonzero(said.codes >= 0)
    items = batch.ints[kept, 0]
    texts = [answer_text(read_value(asked, value)) for value in said.values]
    decided.answer.put_each(items, texts, said.codes[kept])
    decided.by.put(items, "model")
    decided.reason.put(items, said.reason)
    decided.model.put(items, said.model)
    decided.event.put(items, store.decision_event(project.id, root))
    decided.confidence[items] = said.confidence[kept]


def _fill_people(
    store: SqlStore, project: Project, pool: Pool, question: str, decided: _Decided
) -> None:
    names = store.reviewer_names(project.id)
    sources = store.reviewer_sources(project.id)
    silences = silences_of(store, project, pool, question)
    for each in answered_items(store.reviews(project, pool.number), project):
        answer = each.to(question)
        if answer is None:
            continue
        decided.answer.put(each.item, answer_text(answer))
        judged = {sources[reviewer].kind for reviewer in each.reviewers} == {MODEL}
        decided.by.put(each.item, "judge" if judged else "reviewers")
        why = silences.get(each.item) if each.reason == "review" else None
        decided.reason.put(each.item, each.reason if why is None else f"{each.reason}: {why}")
        decided.reviewers.put(each.item, each.names(names))
        decided.event.put(each.item, each.event)


def silences_of(store: SqlStore, project: Project, pool: Pool, question: str) -> dict[int, str]:
    """Why the model had no answer to items of a pool, by item; nothing of those that are erased."""
    found: dict[int, str] = {}
    for event in store.events(project.id, ["model.silent"], unsigned=True):
        body = json.loads(event.canonical)["body"]
        if (body["pool"], body["question"]) == (pool.number, question):
            for part in event.content:
                found[int(part.name.partition(":")[2])] = json.loads(part.value)
    return found
