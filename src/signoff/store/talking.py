"""The part of the store beside the queue: talk about items, and items whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from signoff.core.records import Comment, Gold, GoldScore, NewComment, NewEvent, NewGold, Project
from signoff.store import comments, gold, log, projects
from signoff.store.connections import Database


class Talking(Database):
    """Comment threads and known answers; every method is one transaction."""

    def comment(self, project: str, comment: NewComment, event: NewEvent) -> None:
        """Store a comment and log it; the same id again is the same comment sent again."""
        with self.transaction() as db:
            if comments.add(db, project, comment, at=event.at, event=event.id):
                log.append(db, project, [event])

    def thread(
        self, project: str, request: str, reviewer: str, *, blind: bool, everything: bool = False
    ) -> list[Comment]:
        """What a reviewer may see of what was said of an item; ``everything`` for managers.

        Raises :class:`NotLeased` where there is no such request.
        """
        read = comments.whole_thread if everything else comments.thread
        with self.transaction() as db:
            comments.require(db, project, request)
            return read(db, project, request, reviewer, blind=blind)

    # --------------------------------------------------------------- known answers

    def plant_gold(
        self,
        project: Project,
        new: Sequence[NewGold],
        tell: Callable[[Gold], NewEvent],
    ) -> list[int]:
        """Keep items whose answer is known, and log them; their numbers (those given are ignored).

        Raises :class:`InputError` where one has nothing to show, or the project shows hints; then
        none of them is kept.
        """
        with self.transaction() as db:
            gold.require_no_hints(projects.page_of(db, project.id))
            first = gold.next_number(db, project.id)
            numbers = [
                gold.plant(db, project, replace(each, number=first + at), tell)
                for at, each in enumerate(new)
            ]
            log.append(db, project.id, [event for _, event in numbers])
        return [number for number, _ in numbers]

    def gold(self, project: str) -> list[Gold]:
        """The items whose answer is known, oldest first."""
        with self.reading() as db:
            return gold.all_gold(db, project)

    def gold_scores(self, project: Project) -> list[GoldScore]:
        """How often each reviewer was right where the answer is known."""
        with self.reading() as db:
            return gold.scores(db, project.id, project.form)
