"""From a table of who said what of which item: one label an item, and how reliable people are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from signoff.core.aggregation import (
    Consensus,
    Reliability,
    Votes,
    dawid_skene,
    mace,
    majority,
    one_coin,
    reliability,
    weighted,
)
from signoff.core.agreement import Agreement, agreement
from signoff.core.coding import labels_of
from signoff.core.process import PERSON
from signoff.core.questions import CANNOT_SAY, Choice, Chosen, answer_text
from signoff.core.records import CARRIED
from signoff.errors import InputError, UsageError
from signoff.formats.table import Table, require_column
from signoff.formats.values import as_text
from signoff.project.views import ITEM
from signoff.storeview import StoreView

MOST_LABELS = 1_000
"""A person's errors are k * k numbers: more labels than that are no labels."""
COLUMNS = ("item", "reviewer", "answer")
"""Of a table of votes, where nothing else is said."""
MOST_COMPARED = 100
"""Labels that a choice may have."""
POOLED = "pooled"
Method = Callable[[Votes], Consensus | np.ndarray[tuple[int, ...], np.dtype[np.float64]]]
METHODS: Mapping[str, Method] = {
    POOLED: dawid_skene,
    "dawid-skene": lambda votes: dawid_skene(votes, pooling=None),
    "one-coin": one_coin,
    "mace": lambda votes: mace(votes)[0],
    "weighted": weighted,
    "majority": majority,
}
"""Ways to join votes, by name; the first is the default."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joined:
    """What a crowd said.

    - ``items``: a row an item: its label, how probable that is, its votes, and how many of these
      are for the label.
    - ``people``: a row a person: votes, the expected share of right ones and its 90 % interval;
      whoever is surely least reliable comes first.
    - ``agreement``: how much they agree; None where no item has two votes, or labels are many.
    - ``ignored``: votes without an answer, and earlier votes of a person on the same item.
    """

    items: pl.DataFrame
    people: pl.DataFrame
    agreement: Agreement | None
    labels: tuple[str, ...]
    ignored: int


def join_votes(
    table: Table, *, item: str, reviewer: str, answer: str, method: str = POOLED
) -> Joined:
    """One label an item from a table with a row a vote; of a person's votes on an item the last
    counts.

    Raises :class:`InputError` for a table without such columns or votes, :class:`UsageError` for an
    unknown method.
    """
    if method not in METHODS:
        raise UsageError(
            f"--method {method[:40]!r} is not known.", hint=f"Write one of {', '.join(METHODS)}."
        )
    for column, flag in ((item, "--item"), (reviewer, "--reviewer"), (answer, "--answer")):
        require_column(table, column, f"{flag} COL")
    said = _said(table, item=item, reviewer=reviewer, answer=answer)
    labels = tuple(sorted(said["label"].unique().to_list()))
    votes, names, people = _votes(said, labels)
    found = METHODS[method](votes)
    posterior = found.posterior if isinstance(found, Consensus) else found
    known = found if isinstance(found, Consensus) else dawid_skene(votes)
    return Joined(
        items=_items(item, names, votes, posterior, labels),
        people=_people(reviewer, people, votes, reliability(votes, known)),
        agreement=_agreement(said, labels),
        labels=labels,
        ignored=table.frame.height - said.height,
    )


def votes_of(view: StoreView, question: str | None = None) -> Table:
    """What people said of each item of a project, a row a vote: columns item (its key, or row:N),
    reviewer, answer.

    "Cannot say" is no vote, and neither is what a column, a function or a model said. Raises
    :class:`UsageError` where the answers are no labels, or no person answered.
    """
    asked = view.project.form.question(view.question_named(question))
    if labels_of(asked) is None:
        raise UsageError(
            f"The answers to {asked.name!r} are no labels.",
            hint="Pass --question with a choice.",
        )
    names = view.store.reviewer_names(view.project.id)
    sources = view.store.reviewer_sources(view.project.id)
    rows: list[tuple[str, str, str]] = []
    before = 0
    for pool in view.pools:
        keys: Sequence[str] = view.views(pool).keys
        if view.project.key_column is None:
            keys = _row_names(view.store.rows(pool)[ITEM].to_numpy(), before)
        before += pool.rows
        for review in view.store.reviews(view.project, pool.number):
            answer = review.to(asked.name)
            person = sources[review.reviewer].kind == PERSON and review.reason != CARRIED
            if person and answer is not None and answer != CANNOT_SAY:
                rows.append((keys[review.item], names[review.reviewer], answer_text(answer)))
    if not rows:
        raise UsageError(
            f"No person answered anything of {view.project.name!r} yet.",
            hint="Ask several people with signoff serve, or signoff run --overlap 3.",
        )
    frame = pl.DataFrame(rows, schema=list(COLUMNS), orient="row")
    return Table(frame=frame, name=view.project.name, format="frame")


def _row_names(items: np.ndarray[tuple[int, ...], np.dtype[np.int64]], before: int) -> list[str]:
    """What an item is called without a key: ``row:N``, the first row that has it."""
    _, first = np.unique(items, return_index=True)
    return [f"row:{before + at + 1}" for at in first.tolist()]


def _said(table: Table, *, item: str, reviewer: str, answer: str) -> pl.DataFrame:
    """Votes as text, in the order of the table: columns item, person and label."""
    columns = {"item": item, "person": reviewer, "label": answer}
    frame = pl.DataFrame(
        {name: as_text(table.frame[column]) for name, column in columns.items()}
    ).with_columns(pl.col("label").str.strip_chars())
    for name, column in (("item", item), ("person", reviewer)):
        empty = frame[name].is_null() | (frame[name].str.strip_chars() == "")
        if empty.any():
            raise InputError(
                f"Row {int(empty.arg_max() or 0) + 1} of {table.name} has no {column!r}.",
                hint="Every vote needs an item and somebody who gave it.",
            )
    said = frame.filter(pl.col("label").is_not_null() & (pl.col("label") != ""))
    if said.is_empty():
        raise InputError(
            f"No row of {table.name} has an answer in {answer!r}.", hint="Pass --answer COL."
        )
    if (many := said["label"].n_unique()) > MOST_LABELS:
        raise InputError(
            f"Column {answer!r} holds {many:,} different answers, and labels are at most"
            f" {MOST_LABELS:,}.",
            hint="Pass --answer COL with the column of the labels.",
        )
    return said.unique(["item", "person"], keep="last", maintain_order=True)


def _votes(said: pl.DataFrame, labels: tuple[str, ...]) -> tuple[Votes, list[str], list[str]]:
    items = said["item"].unique(maintain_order=True).to_list()
    people = said["person"].unique(maintain_order=True).to_list()
    codes = [
        said[column].replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy()
        for column, names in (("item", items), ("person", people), ("label", list(labels)))
    ]
    votes = Votes.of(*codes, labels=len(labels), items=len(items), people=len(people))
    return votes, items, people


def _items(
    column: str,
    names: list[str],
    votes: Votes,
    posterior: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    labels: tuple[str, ...],
) -> pl.DataFrame:
    chosen = posterior.argmax(axis=1)
    every = np.arange(len(names))
    columns: dict[str, object] = {
        column: names,
        "signoff_answer": [labels[code] for code in chosen.tolist()],
        "signoff_confidence": posterior[every, chosen],
        "signoff_votes": votes.per_item,
        "signoff_votes_for": votes.counts[every, chosen].astype(np.int64),
    }
    return pl.DataFrame(columns)


def _people(column: str, names: list[str], votes: Votes, found: Reliability) -> pl.DataFrame:
    told = pl.DataFrame(
        {
            column: names,
            "signoff_votes": votes.per_person,
            "signoff_right": found.share,
            "signoff_right_low": found.low,
            "signoff_right_high": found.high,
        }
    )
    told = told.with_columns(pl.col(pl.Float64).fill_nan(None))
    return told.sort("signoff_right_high", nulls_last=True)


def _agreement(said: pl.DataFrame, labels: tuple[str, ...]) -> Agreement | None:
    if not 2 <= len(labels) <= MOST_COMPARED:
        return None
    # By number: what people wrote need not be what a question's labels may be.
    code = {label: Chosen(str(at)) for at, label in enumerate(labels)}
    answers: dict[str, list[Chosen]] = {}
    for name, label in zip(said["item"].to_list(), said["label"].to_list(), strict=True):
        answers.setdefault(name, []).append(code[label])
    question = Choice.of([each.label for each in code.values()])
    return agreement(question, list(answers.values()))
