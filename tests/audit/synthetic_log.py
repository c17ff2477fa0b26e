"""A complete small log, built with the real parts: events, batches, signatures, one audit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signoff.audit.checkpoint import LogSigner
from signoff.audit.export import batch_lines, checkpoint_line, event_line, header_line
from signoff.audit.keys import SigningKey
from signoff.core.audits import draw
from signoff.core.batches import Batch, BatchName, StoredBatch, seal
from signoff.core.canonical import canonical_json
from signoff.core.certificate import issue
from signoff.core.certification import RIGHT, WRONG, split_tests
from signoff.core.coins import seed_commitment
from signoff.core.commitment import Commitment, certify, commit_test
from signoff.core.events import build_event, commit
from signoff.core.merkle import Frontier
from signoff.core.process import Source, answered_by
from signoff.core.questions import Choice
from signoff.core.routing import Certified

KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
PROJECT = "01890a5d-ac96-774b-bcce-b302099a8000"
SEED = hashlib.sha256(b"the seed of a test").digest()
LABELS = ("Positive", "Negative")

Json = dict[str, Any]
Change = Callable[[str, Json], Json | None]
"""Changes the body of an event before it is signed: (type, body) -> body, None to leave it out."""


@dataclass(slots=True)
class LogBuilder:
    """Writes events as an honest (or, with ``change``, a dishonest) holder of the key would."""

    content: bool = True
    change: Change = lambda _, body: body
    key: SigningKey = KEY
    lines: list[bytes] = field(default_factory=list)
    tree: Frontier = field(default_factory=Frontier)
    ids: int = 0
    bytes_drawn: int = 0

    def __post_init__(self) -> None:
        self.lines.append(header_line(PROJECT, self.key.public, content=self.content))

    def entropy(self, n: int) -> bytes:
        self.bytes_drawn += 1
        return hashlib.shake_128(str(self.bytes_drawn).encode()).digest(n)

    def new_id(self) -> str:
        self.ids += 1
        return f"01890a5d-ac96-774b-bcce-{self.ids:012x}"

    def event(
        self,
        type: str,
        body: Mapping[str, object],
        content: Mapping[str, object] | None = None,
        *,
        blank: bool = False,
        **envelope: Any,
    ) -> str:
        changed = self.change(type, json.loads(json.dumps(body)))
        if changed is None:
            return ""
        values = {name: canonical_json(value).decode() for name, value in (content or {}).items()}
        opened = {name: (self.entropy(16), text) for name, text in values.items()}
        facts: Json = {
            "id": self.new_id(),
            "project": PROJECT,
            "type": type,
            "at": 1_700_000_000_000_000 + self.ids,
            "actor": "test",
            "body": changed,
            "content": {name: commit(salt, text.encode()) for name, (salt, text) in opened.items()},
        }
        event = build_event(**(facts | envelope))
        exported = opened if self.content and not blank else None
        self.lines.append(event_line(event.canonical, exported))
        self.tree.append(event.leaf)
        return event.id

    def seal(self, name: BatchName, ints: Any, private: Sequence[bytes]) -> Batch:
        numbers = np.array(ints, dtype=np.int64)
        return seal(name, numbers, private, entropy=self.entropy)

    def batch(
        self, type: str, body: Mapping[str, object], batch: Batch, erased: Sequence[int] = ()
    ) -> None:
        before = len(self.lines)
        self.event(type, {**body, "batch": batch.reference()})
        if len(self.lines) > before:
            self.lines.extend(batch_lines(stored(batch, erased), content=self.content))

    def checkpoint(self) -> None:
        note = LogSigner(self.key).sign(project=PROJECT, size=self.tree.size, root=self.tree.root())
        self.lines.append(checkpoint_line(note))


def stored(batch: Batch, erased: Sequence[int] = ()) -> StoredBatch:
    """A batch as a store gives it back."""
    rows = range(len(batch))
    return StoredBatch(
        name=batch.name,
        root=batch.root,
        ints=batch.ints,
        private=[None if i in erased else batch.private[i] for i in rows],
        salts=[None if i in erased else batch.salts[16 * i : 16 * i + 16] for i in rows],
        commitments=batch.commitments,
    )


def dump(*values: object) -> bytes:
    return canonical_json(list(values))


def certified_log(
    *,
    content: bool = True,
    change: Change = lambda _, body: body,
    items: int = 40,
    answered: int = 8,
    wrong: Sequence[int] = (17,),
    max_error: str = "0.2",
    sample: int = 12,
    slices: int = 0,
    erase: bool = False,
    until: str = "",
    again: Callable[[LogBuilder, Json], None] = lambda *_: None,
) -> list[bytes]:
    """One pool from its first row to its certificate; ``wrong`` items' frozen labels are wrong.

    ``again`` may add events before the last checkpoint; ``until`` stops before an event type.
    """
    log = LogBuilder(content, change)
    truth = [LABELS[item % 2] for item in range(items)]
    policy = Certified(max_error=Decimal(max_error), slice="shop" if slices else None)
    log.event(
        "project.created",
        {
            "name": "test", "kind": "pool", "form": [Choice.of(list(LABELS)).to_json()],
            "item_kind": "text", "blur": False, "text_direction": "auto",
            "policy": policy.to_json(),
            "rules": [], "process": {"kind": "person"},
            "model": "text", "public_key": KEY.public.text, "signoff": "0.1.0",
        },
    )  # fmt: skip
    log.event("run.started", {"signoff": "0.1.0"})
    log.event("reviewer.added", {"reviewer": "r1", "kind": "person"}, {"name": "Ada"})
    rows = [[row, row % items] for row in range(items + 3)]
    rows_batch = log.seal("rows", rows, [dump(f"k{r}", [f"text é {r}"]) for r, _ in rows])
    log.batch(
        "rows.added", {"pool": 1, "rows": len(rows), "items": items}, rows_batch,
        erased=[3, items + 3] if erase else [],
    )  # fmt: skip
    log.event("requests.opened", {"pool": 1, "reason": "start", "items": list(range(answered))})

    def answer(item: int, *, blank: bool = False) -> str:
        return log.event(
            "answer.given",
            {
                "pool": 1, "item": item, "questions": {"answer": 1},
                "reviewer": "r1", "seconds": 1.234, "reason": "random",
            },
            {"answers": {"answer": {"label": truth[item]}}},
            blank=blank,
        )  # fmt: skip

    log.event("answer.skipped", {"pool": 1, "item": 2, "reviewer": "r1"})
    first = answer(0)
    log.event("answer.undone", {"pool": 1, "item": 0, "answer": first})
    for item in range(answered):
        answer(item, blank=erase and item == 3)
    if erase:
        log.event("item.erased", {"pool": 1, "item": 3, "rows": [3]})
    log.checkpoint()
    log.event(
        "model.fitted",
        {
            "pool": 1,
            "question": "answer",
            "model": "m1",
            "answers": answered,
            "snapshot": "00" * 32,
            "scores": {"f": 1},
        },
    )

    order = np.array([i for i in range(items - 1, -1, -1) if i >= answered], dtype=np.int64)
    labels = [LABELS[(i + (i in wrong)) % 2] for i in order.tolist()]
    names = [f"shop {k}" for k in range(slices)]
    shop = np.arange(items) % max(1, slices)
    sizes = np.bincount(shop).tolist()
    test_of = shop[order]
    tests = tuple(
        commit_test(test, admitted=int((test_of == k).sum()), sample=sample // max(1, slices))
        for k, test in enumerate(split_tests(names, sizes, policy.max_error, policy.alpha))
    )
    frozen = log.seal(
        "frozen",
        np.column_stack([np.arange(len(order)), order, test_of]),
        [dump(label, "0.9") for label in labels],
    )
    committed = Commitment(
        pool=1, attempt=1, window="1/1", items=items, max_error=policy.max_error,
        errors=int(policy.max_error * items), alpha=policy.alpha, tests=tests,
        process={"kind": "person", "reviewers": 1, "answers_per_item": 1},
        seed_commitment=seed_commitment(SEED), seed_chosen_by="system", model="m1",
        order=frozen.root, answered=answered, forced=0,
    )  # fmt: skip
    log.batch("audit.committed", committed.to_json(), frozen)
    heads = draw(tests, test_of, order, seed=SEED, window="1/1")
    sampled = sorted(order[heads].tolist())
    log.event("requests.opened", {"pool": 1, "reason": "audit", "items": sampled})
    for item in sampled:
        answer(item)
    if until == "verdicts.sealed":
        log.checkpoint()
        return log.lines
    attempt = {"pool": 1, "question": "answer", "attempt": 1}
    words = [[item, "wrong" if item in wrong else "right"] for item in sampled]
    log.event("verdicts.sealed", {**attempt, "verdicts": words})
    log.event("seed.revealed", {**attempt, "seed": SEED.hex()})

    verdicts = np.where(np.isin(order, list(wrong)), WRONG, RIGHT)
    outcome = certify(tests, test_of=test_of, sampled=heads, verdicts=verdicts)
    stands = order[outcome.stands].tolist()
    label_of = dict(zip(order.tolist(), labels, strict=True))
    by_model = log.seal(
        "decisions",
        np.array([[item, 0] for item in stands], dtype=np.int64).reshape(-1, 2),
        [dump(label_of[item], "0.9", "certified", "", "m1") for item in stands],
    )
    log.batch("decisions.made", {"pool": 1, "question": "answer", "by": "model"}, by_model)
    rest = sorted(set(order.tolist()) - set(stands) - set(sampled))
    for item in rest:
        answer(item)
    people = sorted(set(range(items)) - set(stands))
    kept = [item for item in people if not (erase and item == 3)]
    by_people = log.seal(
        "decisions",
        [[item, 1] for item in kept],
        [dump(truth[item], None, "review", "Ada", "") for item in kept],
    )
    log.batch("decisions.made", {"pool": 1, "question": "answer", "by": "reviewers"}, by_people)
    certificate = issue(
        committed, outcome, rows=len(rows), human=len(people), audited=int(heads.sum()),
        undecided=0, skipped=1,
        answered_by=answered_by(["r1"] * len(people), {"r1": Source(kind="person")}),
    ).to_json(checkpoint=False)  # fmt: skip
    log.event("certificate.issued", {**attempt, "certificate": certificate})
    log.event("pool.closed", {"pool": 1, "undecided": 0})
    log.event("run.ended", {"outcome": "certified"})
    again(log, {"stands": stands, "sampled": sampled, "people": people, "rest": rest})
    log.checkpoint()
    return log.lines
