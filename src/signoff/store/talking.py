"""The part of the store where people talk about items."""

from __future__ import annotations

from signoff.core.records import Comment, NewComment, NewEvent
from signoff.store import comments, log
from signoff.store.connections import Database


class Talking(Database):
    """Comment threads; every method is one transaction."""

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
