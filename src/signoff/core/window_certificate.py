"""The certificate of a window of a stream: what is claimed of its labels, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal

from signoff.core.commitment import DIFFERS
from signoff.core.feasibility import percent
from signoff.core.fields import as_json, decimal_text
from signoff.core.windows import Effects, Ledger, WindowPlan

SHARE_DIGITS = Context(prec=4, rounding=ROUND_CEILING)
"""What a share is shown with: never smaller than it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCertificate:
    """A finite-sample statement about the ``items`` labels of one window.

    ``planned`` labels were committed to; with fewer the window was ended early, and the statement
    is of the same number of errors among them.

    ``items`` = ``human`` + ``automatic`` + ``withdrawn``, those erased before they were decided;
    ``human`` counts the labels people gave, the ``audited``
    ones among them, and the ``repeats`` of texts they had answered in the window.
    """

    window: str
    pool: int
    planned: int
    items: int
    human: int
    audited: int
    automatic: int
    repeats: int
    admitted: int
    finds: int
    open: int
    skipped: int
    withdrawn: int
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
        errors = min(self.errors, self.items)
        full = self.items == self.planned
        share = self.max_error if full else SHARE_DIGITS.divide(Decimal(errors), self.items)
        return (
            f"At most {errors:,} of {self.items:,} {what} ({percent(share)}) differ"
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
        if self.withdrawn:
            said.append(f"{self.withdrawn:,} items were erased before they were decided.")
        if self.seed_chosen_by == "operator":
            said.append("Seed chosen by the operator.")
        if self.items < self.planned:
            said.append(
                f"The window was ended early, at {self.items:,} of {self.planned:,} labels; what it"
                " promises is the number of errors it began with."
            )
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
    size: int,
    number: int,
    window: str,
    repeats: int,
    automatic: int,
    skipped: int,
    withdrawn: int,
    process: Mapping[str, object],
    seed_commitment: str,
    seed_chosen_by: str,
) -> WindowCertificate:
    """The certificate of a window whose labels are all there and whose verdicts are all sealed.

    ``size``: how many labels it has; fewer than the plan's where it was ended early.
    """
    return WindowCertificate(
        window=window,
        pool=number,
        planned=plan.items,
        items=size,
        human=size - automatic - withdrawn,
        audited=ledger.admitted - ledger.tails,
        automatic=automatic,
        repeats=repeats,
        admitted=ledger.admitted,
        finds=ledger.finds,
        open=ledger.open,
        skipped=skipped,
        withdrawn=withdrawn,
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
