"""From stored rows to the items of a pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signoff.core.items import Items
from signoff.core.questions import Choice, MultiChoice, Pairwise, Question
from signoff.core.questions.form import columns_shown
from signoff.core.questions.pairwise import SIDES
from signoff.core.records import Pool, Project
from signoff.formats.lazy import Lazy
from signoff.models.predictions import ANSWER, PREDICTIONS, SCORE
from signoff.ports import PoolView
from signoff.store.artifacts import PREFIX
from signoff.store.blobs import blob_path
from signoff.store.store import SqlStore

KEY = PREFIX + "key"
ITEM = PREFIX + "item"


class Columns(Mapping[str, Sequence[object]]):
    """The columns of a frame as Python lists, made when first asked for."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self._made: dict[str, list[object]] = {}

    def __getitem__(self, name: str) -> Sequence[object]:
        if name not in self._frame.columns:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._frame[name].to_list()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._frame.columns)

    def __len__(self) -> int:
        return len(self._frame.columns)


@dataclass(slots=True)
class PoolViews:
    """Views of a project's pools, read once each."""

    store: SqlStore
    project: Project
    hidden: frozenset[str]
    cache: dict[int, PoolView]

    def __call__(self, pool: Pool) -> PoolView:
        """The pool's items."""
        if pool.number not in self.cache:
            rows = self.store.rows(pool)
            folder = str(self.store.blobs.of(self.project.id))
            self.cache[pool.number] = pool_view(
                rows, self.project, hidden=self.hidden, images=folder
            )
        return self.cache[pool.number]


def pool_view(
    rows: pl.DataFrame, project: Project, *, hidden: frozenset[str], images: str = ""
) -> PoolView:
    """A pool's items: the first row of each stands for all rows with its text; ``images``: the
    folder of their pictures."""
    first = rows
    if len(rows) != rows[ITEM].n_unique() or not rows[ITEM].is_sorted():
        first = rows.unique(ITEM, keep="first", maintain_order=True).sort(ITEM)
    user = [
        name
        for name in first.columns
        if not name.startswith(PREFIX) and name not in hidden and name not in project.hidden
    ]
    slices, names = _slices(first, project)
    return PoolView(
        items=Items(
            Columns(first.select(user)),
            text_column=project.text_column,
            image_path=partial(blob_path, images) if project.item_kind == "image" else None,
        )
        if user
        else Items({"": [None] * first.height}),
        keys=Lazy(first[KEY].fill_null("")),
        rows=np.bincount(rows[ITEM].to_numpy(), minlength=first.height).astype(np.int64),
        blank=_blank(first, project),
        ruled=_ruled(rows, project, first.height),
        erased=first[KEY].is_null().to_numpy(),
        slices=slices,
        slice_names=names,
        telling=_telling(first.select(user), project),
        audiences=_audiences(rows, project),
    )


def _blank(first: pl.DataFrame, project: Project) -> NDArray[np.bool_]:
    """Items without text: nothing a model could decide on. Erased items are among them."""
    gone = first[KEY].is_null()
    if project.text_column is None:
        return gone.to_numpy()
    text = first[project.text_column].cast(pl.String).fill_null("")
    blank = gone.to_numpy().copy()
    # Few texts are this short: to look closely at those alone is several times as fast.
    short = (text.str.len_bytes() == 3) | ~text.str.contains(r"\S")
    at = short.arg_true()
    few = text.gather(at)
    blank[at.to_numpy()] |= (
        (few.str.strip_chars() == "") | few.str.to_lowercase().eq("nan")
    ).to_numpy()
    return blank


def _ruled(rows: pl.DataFrame, project: Project, items: int) -> NDArray[np.bool_]:
    """Items of which any row meets a rule."""
    ruled = np.zeros(items, dtype=np.bool_)
    for rule in project.rules:
        met = (rows[rule.column].cast(pl.String) == rule.value).fill_null(value=False)
        ruled[rows[ITEM].to_numpy()[met.to_numpy()]] = True
    return ruled


def _audiences(rows: pl.DataFrame, project: Project) -> dict[int, str]:
    """The tag of those who are asked, of items of which any row meets a rule; the first rule
    counts."""
    found: dict[int, str] = {}
    for rule in reversed(project.queue.assign):
        met = (rows[rule.column].cast(pl.String) == rule.value).fill_null(value=False)
        found |= dict.fromkeys(rows[ITEM].filter(met).to_list(), rule.tag)
    return found


def _telling(frame: pl.DataFrame, project: Project) -> frozenset[str]:
    """Columns of text, but for the one people read, in which nothing stands but labels: somebody's
    answers, or a machine's; and the predictions that came in. A certificate rests on answers that
    nobody nudged."""
    said = {ANSWER, SCORE} & set(frame.columns) if project.model == PREDICTIONS else set[str]()
    wanted = [words for question in project.form.questions if (words := _words(question))]
    shown = {project.text_column, *columns_shown(project.form)}
    return frozenset(said) | frozenset(
        column.name
        for column in frame.get_columns()
        if column.dtype == pl.String and column.name not in shown
        if (values := set(column.str.strip_chars().str.to_lowercase().unique()) - {None, ""})
        and any(values <= words for words in wanted)
    )


def _words(question: Question) -> set[str]:
    """What a column that answers a question with one word holds, in small letters."""
    if isinstance(question, Choice | MultiChoice):
        return {name.casefold() for label in question.labels for name in (label.id, label.name)}
    if isinstance(question, Pairwise):
        return {word for side in SIDES for word in (side, side.replace("_", " "))}
    return set()


def _slices(first: pl.DataFrame, project: Project) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    by = getattr(project.policy, "slice", None)
    if by is None:
        return np.zeros(first.height, dtype=np.int64), ()
    values = first[by].cast(pl.String).fill_null("")
    names = tuple(values.unique().sort().to_list())
    place = {name: at for at, name in enumerate(names)}
    return np.array([place[value] for value in values.to_list()], dtype=np.int64), names
