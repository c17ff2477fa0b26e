"""The certificate of a window of a stream: what is claimed of its labels, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from signoff.core.commitment import DIFFERS
from signoff.core.feasibility import percent
from signoff.core.fields import as_json, decimal_text
from signoff.core.windows import Effects, Ledger, WindowPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCertificate:
    """A finite-sample statement about the ``items`` labels of one window.

    ``items`` = ``human`` + ``automatic``; ``human`` counts the labels people gave, the ``audited``
    ones among them, and the ``repeats`` of texts they had answered in the window.
    """

    window: str
    pool: int
    items: int
    human: int
    audited: int
    automatic: int
    repeats: int
    admitted: int
    finds: int
    open: int
    skipped: int
    errors: int
    reserved: int
    max_error: Decimal
    alpha: Decimal
    audit_rate: Decimal
    effects: Effects
    rule: str
    limit: int
    process: Mapping[str, object]
    differs: str
    seed_commitment: str
    seed_chosen_by: str
    status: str = "issued"
    kind: str = "stream"
    version: int = 1

    def statement(self) -> str:
        """What holds, in one plain sentence."""
        what = "labels" if self.effects == "reversible" else "effects"
        return (
            f"At most {self.errors:,} of {self.items:,} {what} ({percent(self.max_error)}) differ"
            " from what the reviewers would have said; certainty"
            f" {percent(1 - self.alpha)}."
        )

    def notes(self) -> list[str]:
        """What a reader should know besides, a sentence each."""
        said: list[str] = []
        if self.finds:
            which = "corrected" if self.effects == "reversible" else "wrong, and counted as errors"
            said.append(f"{self.finds:,} audited labels were found {which} after they had left.")
        if self.finds > self.limit:
            said.append("Automation stopped before the window ended: more finds than its limit.")
        return said

    def to_json(self) -> dict[str, object]:
        """What the log's event holds; decimals as strings."""
        value = as_json(self)
        value["certainty"] = decimal_text(1 - self.alpha)
        value["statement"] = self.statement()
        value["notes"] = self.notes()
        return value


def certify_window(
    plan: WindowPlan,
    ledger: Ledger,
    *,
    number: int,
    window: str,
    repeats: int,
    automatic: int,
    skipped: int,
    process: Mapping[str, object],
    seed_commitment: str,
    seed_chosen_by: str,
) -> WindowCertificate:
    """The certificate of a window whose labels are all there and whose verdicts are all sealed."""
    return WindowCertificate(
        window=window,
        pool=number,
        items=plan.items,
        human=plan.items - automatic,
        audited=ledger.admitted - ledger.tails,
        automatic=automatic,
        repeats=repeats,
        admitted=ledger.admitted,
        finds=ledger.finds,
        open=ledger.open,
        skipped=skipped,
        errors=plan.errors,
        reserved=0,
        max_error=plan.max_error,
        alpha=plan.alpha,
        audit_rate=plan.audit_rate,
        effects=plan.effects,
        rule="S",
        limit=plan.limit,
        process=process,
        differs=DIFFERS,
        seed_commitment=seed_commitment,
        seed_chosen_by=seed_chosen_by,
    )
