"""The certificate: what is claimed of a pool's labels, in numbers and one plain sentence.

A ``certificate.issued`` event holds it as JSON without floats but for each test's alpha.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Literal, Self, cast

from signoff.core.commitment import SEED_HOLDERS, Commitment, CommittedTest, Outcome, TestResult
from signoff.core.feasibility import percent
from signoff.core.fields import FieldReader, as_json, decimal_text
from signoff.core.process import AnsweredBy, process_that_answered
from signoff.errors import VerificationFailed

Status = Literal["issued", "partial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedTest(CommittedTest):
    """A committed test and what its audit found."""

    finds: int
    open: int
    automatic: int

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Self:
        """The inverse of ``to_json``; raises VerificationFailed on anything malformed."""
        read = FieldReader(value, "a certified test")
        return cls(
            **asdict(CommittedTest.from_json(value)),
            finds=read.integer("finds"),
            open=read.integer("open"),
            automatic=read.integer("automatic"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A finite-sample statement about a pool's final labels for one question.

    ``items`` = ``human`` + ``automatic`` + ``undecided``; ``human`` counts items people decided,
    the ``audited`` ones among them; ``rows`` is how many rows of data the items stand for.
    ``process`` is who gave the answers, ``answered_by`` how many each, and ``answered_before``
    how many of them were given to equal items of earlier pools. ``status`` is "partial" while
    items are undecided: at most ``errors`` of the labels given are wrong then. ``skipped`` counts
    skips, of whatever item. ``checkpoint`` is the signed tree head that covers the certificate's
    event, and no part of that event.
    """

    status: Status
    pool: int
    attempt: int
    window: str
    items: int
    rows: int
    human: int
    answered_before: int
    answered_by: tuple[AnsweredBy, ...]
    audited: int
    automatic: int
    undecided: int
    finds: int
    open: int
    skipped: int
    errors: int
    reserved: int
    max_error: Decimal
    alpha: Decimal
    rule: str
    tests: tuple[CertifiedTest, ...]
    process: Mapping[str, object]
    differs: str
    model: str
    order: str
    seed_commitment: str
    seed_chosen_by: str
    question: str = "answer"
    version: int = 1
    checkpoint: str | None = None

    @property
    def certainty(self) -> Decimal:
        """1 - alpha."""
        return 1 - self.alpha

    @property
    def labelled(self) -> int:
        """Items that have a final label."""
        return self.items - self.undecided

    def statement(self) -> str:
        """What holds, in one plain sentence."""
        promise = (
            f"differ from what the reviewers would have said; certainty {percent(self.certainty)}"
        )
        share = percent(self.max_error)
        if self.status == "partial":
            return (
                f"At most {self.errors:,} of the {self.labelled:,} labels given {promise}; "
                f"{self.undecided:,} of {self.items:,} items are undecided."
            )
        each = f", and at most {share} in each of {len(self.tests)} slices," if self._sliced else ""
        return f"At most {self.errors:,} of {self.items:,} labels ({share}){each} {promise}."

    @property
    def _sliced(self) -> bool:
        return len(self.tests) > 1

    def notes(self) -> list[str]:
        """What a reader should know besides, a sentence each."""
        said: list[str] = []
        if self.rows != self.items:
            said.append(f"The {self.items:,} distinct items stand for {self.rows:,} rows.")
        if self.answered_before:
            said.append(
                f"{self.answered_before:,} items hold answers that people gave to equal items of"
                " earlier pools."
            )
        if len(self.answered_by) > 1:
            parts = " and ".join(map(str, self.answered_by))
            said.append(f"Answers came from {parts}.")
        if self.seed_chosen_by == "operator":
            said.append("Seed chosen by the operator.")
        if self.open:
            said.append(f"{self.open:,} audits have no verdict; they count like errors found.")
        return said

    def sealed_by(self, checkpoint: str) -> Certificate:
        """The same certificate with the signed checkpoint that covers its event."""
        return replace(self, checkpoint=checkpoint)

    def to_json(self, *, checkpoint: bool = True) -> dict[str, object]:
        """Plain JSON; decimals as strings. Without the checkpoint: what the log's event holds."""
        value = as_json(self)
        value["certainty"] = decimal_text(self.certainty)
        value["statement"] = self.statement()
        value["notes"] = self.notes()
        if not checkpoint:
            del value["checkpoint"]
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Certificate:
        """The inverse of :meth:`to_json`; raises VerificationFailed on anything malformed, or
        where the sentences do not follow from the numbers."""
        read = FieldReader(value, "a certificate")
        certificate = cls(
            status=cast("Status", read.one_of("status", ("issued", "partial"))),
            pool=read.integer("pool"),
            question=read.text("question"),
            attempt=read.integer("attempt"),
            window=read.text("window"),
            items=read.integer("items"),
            rows=read.integer("rows"),
            human=read.integer("human"),
            answered_before=read.integer("answered_before"),
            answered_by=tuple(AnsweredBy.from_json(part) for part in read.objects("answered_by")),
            audited=read.integer("audited"),
            automatic=read.integer("automatic"),
            undecided=read.integer("undecided"),
            finds=read.integer("finds"),
            open=read.integer("open"),
            skipped=read.integer("skipped"),
            errors=read.integer("errors"),
            reserved=read.integer("reserved"),
            max_error=read.decimal("max_error"),
            alpha=read.decimal("alpha"),
            rule=read.text("rule"),
            tests=tuple(CertifiedTest.from_json(entry) for entry in read.objects("tests")),
            process=read.object("process"),
            differs=read.text("differs"),
            model=read.text("model"),
            order=read.text("order"),
            seed_commitment=read.text("seed_commitment"),
            seed_chosen_by=read.one_of("seed_chosen_by", SEED_HOLDERS),
            version=read.integer("version"),
            checkpoint=None if value.get("checkpoint") is None else read.text("checkpoint"),
        )
        redone = certificate.to_json(checkpoint="checkpoint" in value)
        for name in redone.keys() | value.keys():
            if redone.get(name) != value.get(name):
                raise VerificationFailed(f"The certificate's {name!r} does not follow from it.")
        return certificate


def issue(
    committed: Commitment,
    outcome: Outcome,
    *,
    rows: int,
    human: int,
    audited: int,
    undecided: int,
    skipped: int = 0,
    answered_before: int = 0,
    answered_by: tuple[AnsweredBy, ...] = (),
) -> Certificate:
    """The certificate of a commitment and its outcome; counts must add up to the pool."""
    if human + outcome.automatic + undecided != committed.items:
        raise ValueError(
            f"{human} by people + {outcome.automatic} automatic + {undecided} undecided is not "
            f"{committed.items} items"
        )
    return Certificate(
        status="partial" if undecided else "issued",
        pool=committed.pool,
        question=committed.question,
        attempt=committed.attempt,
        window=committed.window,
        items=committed.items,
        rows=rows,
        human=human,
        answered_before=answered_before,
        answered_by=answered_by,
        audited=audited,
        automatic=outcome.automatic,
        undecided=undecided,
        finds=outcome.finds,
        open=outcome.open,
        skipped=skipped,
        errors=committed.errors,
        reserved=committed.reserved,
        max_error=committed.max_error,
        alpha=committed.alpha,
        rule=committed.rule,
        tests=tuple(map(_certified, committed.tests, outcome.tests)),
        process=process_that_answered(answered_by, committed.process),
        differs=committed.differs,
        model=committed.model,
        order=committed.order,
        seed_commitment=committed.seed_commitment,
        seed_chosen_by=committed.seed_chosen_by,
    )


def _certified(test: CommittedTest, result: TestResult) -> CertifiedTest:
    return CertifiedTest(
        **asdict(test), finds=result.finds, open=result.open, automatic=result.automatic
    )
