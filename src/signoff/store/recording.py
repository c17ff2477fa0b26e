"""The part of the store that keeps the log: events, and the signed checkpoints over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from signoff.core.records import NewEvent
from signoff.store import log
from signoff.store.connections import Database


class Recording(Database):
    """Appending to a project's log, signing it and reading it; every method is one transaction."""

    def __init__(self, where: str, *, create: bool) -> None:
        super().__init__(where, create=create)
        self.signer: log.Signer | None = None
        self._sequencers: dict[str, log.Sequencer] = {}

    def record(self, project: str, events: Sequence[NewEvent]) -> None:
        """Append events that change nothing else."""
        with self.transaction() as db:
            log.append(db, project, events)

    def checkpoint(self, project: str) -> str | None:
        """Number new events and sign a checkpoint over the whole log; its text."""
        if self.signer is None:
            raise RuntimeError("this store was opened without a key to sign with")
        sequencer = self._sequencers.setdefault(project, log.Sequencer(project, self.signer))
        try:
            with self.transaction() as db:
                return sequencer.run(db, now=log.last_instant(db, project))
        except BaseException:
            # Its tree may hold numbers that were rolled back.
            del self._sequencers[project]
            raise

    def last_event(self, project: str) -> int:
        """A number that grows with every event of a project."""
        with self.reading() as db:
            return log.last_event(db, project)

    def unsigned(self, project: str) -> int:
        """How many events no checkpoint covers yet."""
        with self.reading() as db:
            return log.unnumbered(db, project)

    def events(
        self, project: str, types: Sequence[str] | None = None, *, unsigned: bool = False
    ) -> Iterator[log.StoredEvent]:
        """Numbered events in log order, then those no checkpoint covers yet where ``unsigned``."""
        with self.reading() as db:
            yield from log.read_events(db, project, types, unsigned=unsigned)

    def checkpoints(self, project: str) -> list[str]:
        """Every signed checkpoint, smallest tree first."""
        with self.reading() as db:
            return log.all_checkpoints(db, project)

    def newest_checkpoint(self, project: str) -> str | None:
        """The text of the newest signed checkpoint."""
        with self.reading() as db:
            return log.newest_checkpoint(db, project)

    def decision_event(self, project: str, root: str) -> str | None:
        """The id of the event that made a batch of decisions."""
        with self.reading() as db:
            return log.event_of_batch(db, project, root)

    def last_instant(self, project: str) -> int:
        """The time of the newest event: a clock set back never goes behind it."""
        with self.reading() as db:
            return log.last_instant(db, project)
