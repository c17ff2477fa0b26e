"""What managers do to a queue: skills, assignments, items whose answer is known."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from signoff.core.queueing import EVERYBODY, MOST_TAGS, check_tag
from signoff.core.records import Answers, Gold, Json, NewEvent, NewGold, Project
from signoff.errors import InputError, NotLeased, UsageError
from signoff.loop.recorder import Recorder
from signoff.store.lanes import of_people
from signoff.store.store import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A reviewer as managers see them: answers in the newest pool, and how often they were right
    where the answer is known."""

    id: str
    name: str
    tags: Sequence[str]
    answers: int
    gold_answers: int
    gold_right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An item whose answer is known: its key, what people see of it (None: what they saw of the
    answered item with this key), and the answers."""

    key: str
    answers: Answers
    shown: Json | None = None


@dataclass(slots=True, kw_only=True)
class Manager:
    """Looks after the queue of one project."""

    store: SqlStore
    project: Project
    recorder: Recorder

    def people(self) -> list[Person]:
        """Who answers here, by name."""
        pools = self.store.pools(self.project.id)
        tags = self.store.reviewer_tags(self.project.id)
        scores = {each.reviewer: each for each in self.store.gold_scores(self.project)}
        found: list[Person] = []
        for id, name in self.store.reviewer_names(self.project.id).items():
            score = scores.get(id)
            newest = pools[-1].number if pools else 1
            found.append(
                Person(
                    id=id,
                    name=name,
                    tags=tags.get(id, []),
                    answers=self.store.answered_by(self.project.id, newest, id),
                    gold_answers=0 if score is None else score.answers,
                    gold_right=0 if score is None else score.right,
                )
            )
        return sorted(found, key=lambda each: (each.name, each.id))

    def tag(self, reviewer: str, tags: Collection[str]) -> None:
        """Let a reviewer have these skills and no other; raises :class:`InputError` for a stranger
        and :class:`UsageError` for what is no tag, or for too many."""
        self._require([reviewer])
        skills = sorted({check_tag(tag) for tag in tags})
        if len(skills) > MOST_TAGS:
            raise UsageError(
                f"{len(skills)} tags are more than the {MOST_TAGS} a person can have.",
                hint="Give those that some item asks for.",
            )
        event = self.recorder.event("reviewer.tagged", {"reviewer": reviewer, "tags": skills})
        self.store.set_tags(self.project.id, reviewer, skills, [event])

    def assign(self, request: str, *, tag: str | None, people: Sequence[str]) -> None:
        """Ask an item of people with a skill, or of some reviewers; of everybody with neither.

        Raises :class:`NotLeased` where it waits no longer.
        """
        if tag is not None and people:
            raise UsageError(
                "An item is for people with a tag, or for some people by id, not for both.",
                hint="Give one of the two.",
            )
        self._require(people)
        asked = self.store.request(self.project.id, request)
        if asked is None or asked.gold is not None:
            raise NotLeased("There is no such request.", hint="Load the page again.")
        audience = of_people(people) if people else EVERYBODY if tag is None else check_tag(tag)
        body: Json = {"pool": asked.pool, "item": asked.item, "tag": tag, "people": list(people)}
        event = self.recorder.event("request.assigned", body)
        self.store.assign(self.project.id, request, audience, [event])

    def plant(self, known: Sequence[Known]) -> list[int]:
        """Keep items whose answer is known; their numbers.

        Raises :class:`InputError` where one has nothing to show; then none of them is kept.
        """
        new = [
            NewGold(number=0, key=each.key, answers=each.answers, shown=each.shown)
            for each in known
        ]
        return self.store.plant_gold(self.project, new, self._planted)

    def gold(self) -> list[Gold]:
        """The items whose answer is known, oldest first."""
        return self.store.gold(self.project.id)

    def _planted(self, gold: Gold) -> NewEvent:
        content: Json = {"key": gold.key, "shown": gold.shown, "answers": gold.answers}
        return self.recorder.event(
            "gold.planted", {"gold": gold.number}, content, pool=0, item=gold.number
        )

    def _require(self, reviewers: Sequence[str]) -> None:
        known = self.store.reviewer_names(self.project.id)
        for reviewer in reviewers:
            if reviewer not in known:
                raise InputError(
                    f"There is no reviewer {reviewer[:40]!r} in this project.",
                    hint="GET …/reviewers lists them.",
                    code="unknown_reviewer",
                )
