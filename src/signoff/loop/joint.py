"""Several questions on one pool: which items they ask next, and what they freeze, as one.

An item is asked, audited and decided whole: a person answers its form, and the model decides it
where the labels of all questions stand. So all questions freeze the same items in the same order,
and one sample of them is every question's sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.audits import Admission
from signoff.core.batches import Batch, seal
from signoff.core.coding import Value
from signoff.core.decisions import BY_CODE, frozen_rows, model_rows
from signoff.core.records import AskReason
from signoff.loop.bookkeeping import hardest
from signoff.ports import Ask, Automation, Forecast, Freeze

Index = NDArray[np.int64]


def asked_by(asks: Sequence[Ask]) -> tuple[Index, list[AskReason]]:
    """The items that any question asks, the most useful to each first, and why; each item once."""
    longest = max(len(ask.positions) for ask in asks)
    reasons: dict[int, AskReason] = {}
    for place in range(longest):
        for ask in asks:
            if place < len(ask.positions):
                reasons.setdefault(int(ask.positions[place]), ask.reason)
    return np.array(list(reasons), dtype=np.int64), list(reasons.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A model's answers to one question, columnar over n items: ``codes`` (n,) into ``values``."""

    values: Sequence[Value]
    codes: Index
    confidence: NDArray[np.float64]
    model: str

    def batch(
        self,
        items: Index,
        chosen: NDArray[np.bool_],
        *,
        reason: str,
        entropy: Callable[[int], bytes],
    ) -> Batch:
        """The decisions on the chosen of these items (n,), sealed."""
        who = np.full(int(chosen.sum()), BY_CODE["model"])
        rows = model_rows(
            self.values,
            self.codes[chosen],
            self.confidence[chosen],
            reason=reason,
            model=self.model,
        )
        ints = np.column_stack([items[chosen], who]).astype(np.int64)
        return seal("decisions", ints, rows, entropy=entropy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Frozen labels of every question on the same n items, in one order.

    ``order`` (n,): items; ``codes`` and ``confidence``: (n,) for each question. ``audits``: the
    sample of each test, the largest that any question asked for.
    """

    order: Index
    codes: Mapping[str, Index]
    confidence: Mapping[str, NDArray[np.float64]]
    audits: Sequence[int]
    forecast: Forecast

    @classmethod
    def of(cls, freezes: Mapping[str, Freeze], test_of: Index) -> Frozen:
        """The items that have a label for every question, those most likely right in all first.

        ``test_of`` (items of the pool,): the test of each. What lacks a label for one question
        goes to people, who answer its whole form.
        """
        if len(freezes) == 1:
            ((name, only),) = freezes.items()
            return cls(
                order=only.order,
                codes={name: only.codes},
                confidence={name: only.confidence},
                audits=only.audits,
                forecast=only.forecast,
            )
        shared = _shared([freeze.order for freeze in freezes.values()])
        places = {name: _places(freeze.order, shared) for name, freeze in freezes.items()}
        sure = {name: freezes[name].confidence[at] for name, at in places.items()}
        ranked = np.lexsort((shared, -np.prod(list(sure.values()), axis=0)))
        wanted = [
            max(each) for each in zip(*(freeze.audits for freeze in freezes.values()), strict=True)
        ]
        sizes = np.bincount(test_of[shared], minlength=len(wanted)).tolist()
        forecast = hardest([freeze.forecast for freeze in freezes.values()])
        if forecast is None:
            raise ValueError("a freeze always has a forecast")
        return cls(
            order=shared[ranked],
            codes={name: freezes[name].codes[at][ranked] for name, at in places.items()},
            confidence={name: each[ranked] for name, each in sure.items()},
            audits=[min(sample, sizes[test]) for test, sample in enumerate(wanted)],
            forecast=forecast,
        )


def frozen_batches(
    frozen: Frozen,
    admission: Admission,
    automations: Mapping[str, Automation],
    entropy: Callable[[int], bytes],
) -> dict[str, Batch]:
    """The admitted labels of each question, sealed."""
    order = frozen.order[admission.places]
    ints = np.column_stack([np.arange(len(order)), order, admission.test_of]).astype(np.int64)
    return {
        name: seal(
            "frozen",
            ints,
            frozen_rows(
                automations[name].codes.values,
                frozen.codes[name][admission.places],
                frozen.confidence[name][admission.places],
            ),
            entropy=entropy,
        )
        for name in frozen.codes
    }


def _shared(orders: Sequence[Index]) -> Index:
    """Ascending items that are in every order."""
    shared = orders[0]
    for order in orders[1:]:
        shared = np.intersect1d(shared, order)
    return np.sort(shared)


def _places(order: Index, items: Index) -> Index:
    """Where each of these items stands in an order that holds them all."""
    by_item = np.argsort(order)
    return by_item[np.searchsorted(order, items, sorter=by_item)]
