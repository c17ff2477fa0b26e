"""The list of a pool's items: which ones, in which order, and what this visitor may see of each.

Two sources meet here. What people were asked are rows of the database. All items, and what the
model decided, are columnar files, read by the lookup's child. A list is made of a source's chunks
until a page is full; one that finds little stops after so many items and says where it got to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from signoff.core.items import Item
from signoff.core.questions import (
    CANNOT_SAY,
    Choice,
    Form,
    MultiChoice,
    Question,
    answer_text,
)
from signoff.core.questions.lists import split_labels
from signoff.core.records import AskReason, Json, Pool
from signoff.errors import InputError
from signoff.server.lookup import By, Found
from signoff.server.site.context import Visit
from signoff.server.site.naming import Names
from signoff.server.site.options import NOTHING_SAID, labels_in, wanted_label
from signoff.store.browsing import AskedItem, Wanted

PAGE = 50
CHUNK = 2_000
MOST_LOOKED_AT = 20_000
"""How many items one page looks at before it says how far it got."""

State = Literal["any", "waiting", "answered", "model", "untouched"]
Sort = Literal["item", "newest", "doubt"]
REASONS: Mapping[AskReason, str] = {
    "start": "to begin with",
    "random": "at random",
    "uncertain": "the model was unsure",
    "audit": "audit",
    "review": "left for people",
    "rule": "a rule",
    "empty": "no text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a visitor asked for; only what they may ask for."""

    state: State = "any"
    sort: Sort = "item"
    search: str = ""
    label: tuple[str, str] | None = None
    reviewer: str | None = None
    reason: AskReason | None = None

    @property
    def chunk(self) -> int:
        """How many items to look at in one go: few where nearly every one fits."""
        narrow = self.search or self.label or self.state == "untouched"
        return CHUNK if narrow else PAGE + 1

    @property
    def of_people(self) -> bool:
        """Whether only items that people were asked can fit."""
        asked = self.state in ("waiting", "answered") or self.sort == "newest"
        return asked or self.reviewer is not None or self.reason is not None

    @property
    def of_nothing(self) -> bool:
        """Whether no item can fit: nobody answered what nobody was asked."""
        by_people = self.reviewer is not None or self.reason is not None
        if self.state == "untouched":
            return by_people or self.label is not None
        return self.state == "model" and by_people


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Somebody's answers on the page; ``labels``: those that are labels, by question."""

    label: str
    labels: frozenset[tuple[str, str]]
    by: str
    at: int | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An item in the list. ``request`` is set where the visitor may answer it here."""

    item: int
    key: str
    text: str
    state: str
    said: Sequence[Said]
    cursor: int
    request: str | None = None
    reason: str | None = None
    erased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A page of the list. ``next``: the cursor behind it; ``tired``: it looked at many items and
    stopped before the page was full."""

    rows: Sequence[Row]
    next: int | None
    tired: bool = False


@dataclass(slots=True, kw_only=True)
class Listing:
    """Lists the items of one pool for one visitor."""

    visit: Visit
    pool: Pool
    names: Mapping[str, str]
    own: str | None

    @classmethod
    def of(cls, visit: Visit, pool: Pool) -> Listing:
        """The listing of a pool. ``own``: the reviewer that a visitor who must stay blind is."""
        known = Names.of(visit)
        names = {id: known.reviewer(id) for id in known.reviewers}
        own = None
        if visit.blind_in(pool):
            own = visit.store.find_reviewer(visit.id, visit.place.caller.name)
        return cls(visit=visit, pool=pool, names=names, own=own)

    @property
    def form(self) -> Form:
        """What is asked."""
        return self.visit.place.project.form

    @property
    def blind(self) -> bool:
        """Whether the visitor must not learn what the model says, nor why items are asked."""
        return self.visit.blind_in(self.pool)

    def page(self, wish: Wish, after: int | None) -> Listed:
        """The page behind a cursor."""
        rows: list[Row] = []
        looked = 0
        if wish.of_nothing:
            return Listed(rows=[], next=None)
        of_people = wish.of_people or self.visit.is_stream
        source = self._asked(wish, after) if of_people else self._all(wish, after)
        for chunk in source:
            rows.extend(chunk.rows)
            if len(rows) > PAGE:
                return Listed(rows=rows[:PAGE], next=rows[PAGE - 1].cursor)
            looked += chunk.looked_at
            if looked >= MOST_LOOKED_AT:
                return Listed(rows=rows, next=chunk.end, tired=True)
        return Listed(rows=rows, next=None)

    # ------------------------------------------------------------------- sources

    def _asked(self, wish: Wish, after: int | None) -> Iterator[_Chunk]:
        """From the database: what people were asked."""
        newest = wish.sort == "newest"
        wanted = Wanted(
            state="any" if wish.state not in ("waiting", "answered") else wish.state,
            reason=wish.reason,
            reviewer=wish.reviewer,
            label=wish.label,
        )
        while True:
            items = self.visit.store.asked_items(
                self.visit.id,
                self.pool.number,
                wanted,
                after=after,
                limit=wish.chunk,
                newest=newest,
            )
            if not items:
                return
            after = items[-1].cursor
            rows = [
                self._row_of(each, text_of(each))
                for each in items
                if _holds(each, wish.search) and not self._told_by_label(each, wish)
            ]
            yield _Chunk(rows, len(items), after)

    def _told_by_label(self, item: AskedItem, wish: Wish) -> bool:
        """Whether being in this list would tell an answer that the visitor may not see yet."""
        if self._covered(item):
            return wish.label is not None or wish.reviewer is not None
        return wish.label is not None and not any(
            wish.label in said.labels for said in self.answers(item)
        )

    def _all(self, wish: Wish, after: int | None) -> Iterator[_Chunk]:
        """From the columnar files: every item, with what people said beside it."""
        by: By = "any"
        if wish.state == "model":
            by = "model"
        elif wish.state == "untouched" and not self.blind:
            by = "others"
        while True:
            page = self.visit.office.lookup.items(
                self.visit.place.project,
                self.pool,
                after=after,
                limit=wish.chunk,
                search=wish.search,
                by=by,
                label=self._whole_label(wish) if wish.state == "model" else None,
                order="doubt" if wish.sort == "doubt" else "item",
            )
            if not page.items:
                return
            after = page.items[-1].cursor
            asked = self._asked_among(page.items)
            rows = [
                row
                for found in page.items
                if (row := self._row_for(found, asked.get(found.item), wish)) is not None
            ]
            yield _Chunk(rows, len(page.items), after)
            if not page.more:
                return

    def _whole_label(self, wish: Wish) -> tuple[str, str] | None:
        """The label to look for where it is a whole answer; one of several is looked for after."""
        if wish.label is None or wish.label[1] == NOTHING_SAID:
            return None
        question = self.form.question(wish.label[0])
        return None if isinstance(question, MultiChoice) else wish.label

    def _asked_among(self, found: Sequence[Found]) -> Mapping[int, AskedItem]:
        numbers = [each.item for each in found]
        return {
            each.item: each
            for each in self.visit.store.asked_among(self.visit.id, self.pool.number, numbers)
        }

    # ---------------------------------------------------------------------- rows

    def _row_for(self, found: Found, asked: AskedItem | None, wish: Wish) -> Row | None:
        if wish.state == "untouched" and asked is not None:
            return None
        if wish.state == "model" and asked is not None and asked.given:
            return None  # people decided it after all
        row = (
            self._row_of(asked, found.text, cursor=found.cursor, found=found)
            if asked is not None
            else self._row_of_model(found)
        )
        if wish.label is not None:
            return row if any(wish.label in said.labels for said in row.said) else None
        return row

    def _row_of_model(self, found: Found) -> Row:
        said = [] if self.blind or not found.said else [self._by_model(found)]
        return Row(
            item=found.item,
            key=found.key,
            text=found.text,
            state="decided" if said else "not asked yet" if not self._closed else "undecided",
            said=said,
            cursor=found.cursor,
        )

    @property
    def _closed(self) -> bool:
        return self.pool.phase == "closed"

    def _row_of(
        self, asked: AskedItem, text: str, *, cursor: int | None = None, found: Found | None = None
    ) -> Row:
        covered = self._covered(asked)
        said = [] if covered else self.answers(asked)
        if not said and found is not None and found.said and not self.blind:
            said = [self._by_model(found)]
        states = {"open": "waits", "leased": "waits", "answered": "answered"}
        return Row(
            item=asked.item,
            key=asked.key,
            text=text,
            state=states.get(asked.state, asked.state),
            said=said,
            cursor=asked.cursor if cursor is None else cursor,
            request=asked.request if asked.waiting and self.visit.answers else None,
            reason=None if self.blind else REASONS.get(asked.reason, asked.reason),
            erased=asked.shown is None,
        )

    def _covered(self, asked: AskedItem) -> bool:
        """Whether others' answers are kept from the visitor, who might still give one."""
        return asked.waiting and self.visit.answers

    def answers(self, asked: AskedItem) -> list[Said]:
        """What people said, oldest first; to somebody blind who answered, their own answer alone:
        it can be taken back, and must not be given again by who knows what others said."""
        given = [each for each in asked.given if each.reviewer == self.own] or asked.given
        return [
            Said(
                label=spoken(self.form, each.answers),
                labels=labels_in(each.answers),
                by=self.names.get(each.reviewer, "somebody"),
                at=each.at,
            )
            for each in given
        ]

    def _by_model(self, found: Found) -> Said:
        return Said(
            label=self.said_by_model(found.said),
            labels=self._labels_of_model(found.said),
            by="the model",
            confidence=found.confidence,
        )

    def _labels_of_model(self, said: Mapping[str, str]) -> frozenset[tuple[str, str]]:
        """Which labels the model chose, by question."""
        return frozenset(
            (name, label)
            for name, text in said.items()
            for label in (
                split_labels(text) if isinstance(self.form.question(name), MultiChoice) else [text]
            )
        )

    def said_by_model(self, said: Mapping[str, str]) -> str:
        """The model's answers as people say them."""
        named = {name: _name(self.form.question(name), text) for name, text in said.items()}
        return _together(named)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Rows that fit, of how many looked at, up to which cursor."""

    rows: Sequence[Row]
    looked_at: int
    end: int


def wish_of(fields: Mapping[str, str], *, blind: bool, form: Form) -> Wish:
    """What a visitor asks for in an address; what it may not ask for, or nobody knows, is left
    out."""
    state = fields.get("state", "any")
    sort = fields.get("sort", "item")
    reason = fields.get("reason", "")
    label = fields.get("label", "")
    known = state if state in get_args(State) else "any"
    if blind and known == "model":
        known = "any"
    odd = (sort == "doubt" and known != "model") or (
        sort == "newest" and known in ("model", "untouched")
    )
    if sort not in get_args(Sort) or odd:
        sort = "item"
    return Wish(
        state=known,  # pyright: ignore[reportArgumentType]
        sort=sort,  # pyright: ignore[reportArgumentType]
        search=fields.get("q", "").strip()[:200],
        label=wanted_label(label, form),
        reviewer=fields.get("reviewer", "")[:64] or None,
        reason=reason if reason in REASONS and not blind else None,  # pyright: ignore[reportArgumentType]
    )


def text_of(asked: AskedItem) -> str:
    """What people read of an item, in one line."""
    item = Item.from_shown(asked.item, asked.key, asked.shown)
    return item.text or " · ".join(f"{name}: {value}" for name, value in item.data.items())


def spoken(form: Form, answers: Json | None) -> str:
    """Answers as people say them."""
    if answers is None:
        return "erased"
    try:
        parsed = form.from_json(answers)
    except InputError:
        return "an answer to an earlier question"
    return _together(
        {
            name: "cannot say"
            if answer == CANNOT_SAY
            else _name(form.question(name), answer_text(answer))
            for name, answer in parsed.items()
        }
    )


def _together(said: Mapping[str, str]) -> str:
    if len(said) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{name}: {text}" for name, text in said.items())


def _name(question: Question, text: str) -> str:
    """A choice's label by its name, anything else as it is."""
    labels = question.labels if isinstance(question, Choice) else ()
    return next((each.name for each in labels if each.id == text), text)


def _holds(asked: AskedItem, search: str) -> bool:
    if not search:
        return True
    wanted = search.casefold()
    return wanted in text_of(asked).casefold() or wanted in asked.key.casefold()
