"""A stream whose model goes bad on the way: finds are corrected, automation stops, it recovers.

Reviews come in one after another. In the second window customers turn ironic: what used to be
praise is a complaint now, and the model does not know it. A simulated person reads what is asked
of her. The coins are the same every time, too, so that the play is: a stream of your own takes no
seed, and nobody can know which of its labels are audited.

    python examples/stream.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from make_reviews import Draw, filled, joined, plain
from phrases import PRODUCTS
from signoff import Certified, Stream
from signoff.core.questions import Chosen

SEED = 20260811
WINDOW = 600
REVIEWS = 3 * WINDOW
TURN = WINDOW + 150
ARRIVE_TOGETHER = 30
IRONY = (
    "Said nobody ever.",
    "If only that were true.",
    "In my dreams, that is.",
    "Yeah, right.",
    "What a joke.",
    "Not.",
    "Pigs might fly.",
    "Guess how my evening went.",
    "Thanks a bunch.",
    "My landfill loves it.",
)


@dataclass(frozen=True, slots=True)
class Review:
    """A review, and what a person says of it."""

    key: str
    text: str
    label: str


def reviews() -> Iterator[Review]:
    """All reviews in the order they come; the same ones every time."""
    draw = Draw(SEED)
    for number in range(REVIEWS):
        positive, product = draw.chance(0.5), draw.pick(PRODUCTS)
        ironic = number >= TURN and not positive
        phrases = plain(draw, product, positive=positive or ironic)
        text = joined([filled(draw, phrase, product) for phrase in phrases])
        if ironic:
            text = f"{text} {draw.pick(IRONY)}"
        yield Review(f"r{number:04d}", text, "Positive" if positive else "Negative")


@dataclass(slots=True)
class Play:
    """The stream, the person, and what was said so far."""

    stream: Stream
    truth: dict[str, str] = field(default_factory=dict[str, str])
    said: dict[str, str | None] = field(default_factory=dict[str, str | None])
    state: str = ""
    finds: int = 0
    certified: int = 0

    def send(self, batch: list[Review]) -> None:
        """Some reviews arrive; the person answers what is asked; the worker has its turn."""
        self.truth |= {review.key: review.label for review in batch}
        for reply in self.stream.decide([(review.key, review.text) for review in batch]):
            self.said[reply.key] = reply.answer["label"] if reply.answer else None  # type: ignore[assignment]
        self.tell()
        desk = self.stream.desk("Ada")
        while asked := desk.next_many(50):
            desk.answer_many([(each, Chosen(self.truth[each.item.key])) for each in asked])
        self.stream.tend()
        self.tell()

    def tell(self) -> None:
        """Print what changed."""
        status = self.stream.status()
        place = f"window {status.window}, item {status.arrived:3}"
        if status.finds > self.finds:
            print(
                f"{place}: an audit found a wrong label; its sender is told ({status.finds} so far)"
            )
        if status.state not in (self.state, "paused"):
            print(f"{place}: {status.state}: {status.why}")
            self.state = status.state
        if status.certified > self.certified:
            certificate = self.stream.view.certificate() or {}
            print(f"{place}: certificate of window {status.certified}: {certificate['statement']}")
            self.certified = status.certified
        self.finds = status.finds


def main() -> int:
    """Play it, then count and verify; 0 where all went as promised."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with Stream.create(
            folder / "stream.signoff.db",
            labels=["Positive", "Negative"],
            question="Is the customer happy?",
            policy=Certified(max_error=Decimal("0.1"), certainty=Decimal("0.95")),
            window=WINDOW,
            audit_rate=Decimal("0.2"),
            undo_seconds=0,
            seed=SEED,
        ) as stream:
            play, batch = Play(stream), list[Review]()
            for review in reviews():
                batch.append(review)
                if len(batch) == ARRIVE_TOGETHER:
                    play.send(batch)
                    batch = []
            return summary(play)


def summary(play: Play) -> int:
    """Print who decided, how many labels that left were wrong, and whether the log verifies."""
    frame = play.stream.view.results()
    print()
    worst = 0
    for window in sorted(frame["window"].unique().to_list()):
        rows = frame.filter(frame["window"] == window)
        pairs = zip(rows["key"].to_list(), rows["signoff_answer"].to_list(), strict=True)
        wrong = sum(play.truth[key] != answer for key, answer in pairs)
        automatic = int((rows["signoff_by"] == "model").sum())
        worst = max(worst, wrong)
        print(
            f"window {window}: {automatic} of {rows.height} automatic, {wrong} wrong (allowed 60)"
        )
    events = [event.type for event in play.stream.view.store.events(play.stream.project.id)]
    verdict = play.stream.verify()
    print(f"alarms: {events.count('drift.alarm')}, corrections: {events.count('item.corrected')}")
    print("The log verifies." if verdict.ok else f"NOT verified: {verdict.problem}")
    return 0 if verdict.ok and worst <= WINDOW // 10 else 1


if __name__ == "__main__":
    sys.exit(main())
