"""Where a pool stands, for whoever watches: counts, forecast, pace, the live bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from signoff.core.commitment import Commitment, live_bound
from signoff.core.records import Json, Pool, Project
from signoff.ports import Forecast, Progress, Store


def progress_of(store: Store, project: Project, pool: Pool, *, budget_left: int | None) -> Progress:
    """The state of a pool from the store alone; cheap enough to ask for after every answer."""
    counts = store.queue_counts(project.id, pool.number)
    automatic = decided_by_model(store, pool)
    return Progress(
        pool=pool.number,
        phase=pool.phase,
        items=pool.items,
        rows=pool.rows,
        answered=counts.answered,
        automatic=automatic,
        open=counts.open,
        forecast=_in_answers(_forecast(pool, counts.answered, automatic), project.overlap),
        seconds_per_answer=store.seconds_per_answer(project.id, pool.number),
        bound=_bound(store, project, pool),
        budget_left=budget_left,
    )


def _forecast(pool: Pool, answered: int, automatic: int) -> Forecast | None:
    """What people still have to give: known once the audit is over, planned before."""
    if pool.phase in ("finishing", "closed"):
        return Forecast(
            answered=answered,
            learning=0,
            audit=0,
            review=pool.items - answered - automatic,
            automatic=automatic,
        )
    if pool.forecast is None:
        return None
    planned = Forecast(**cast("dict[str, int]", pool.forecast))
    given = max(0, answered - planned.answered)
    learning = max(0, planned.learning - given)
    audit = max(0, planned.audit - max(0, given - planned.learning))
    return Forecast(
        answered=answered,
        learning=learning,
        audit=audit,
        review=planned.review,
        automatic=planned.automatic,
    )


def _in_answers(forecast: Forecast | None, overlap: int) -> Forecast | None:
    """A forecast of items as the answers that people give to them."""
    if forecast is None or overlap == 1:
        return forecast
    return replace(
        forecast,
        learning=forecast.learning * overlap,
        audit=forecast.audit * overlap,
        review=forecast.review * overlap,
    )


def _bound(store: Store, project: Project, pool: Pool) -> float | None:
    """The same for every question: they share N and the errors allowed."""
    audits = list(store.audits(project.id, pool.number).values())
    if not audits:
        return None
    commitment = Commitment.from_json(audits[0].committed)
    sealed = all(audit.results is not None for audit in audits)
    return live_bound(commitment.errors, commitment.items, sealed=sealed)


def pool_certificate(store: Store, pool: Pool) -> Json | None:
    """The certificates of a pool as one document, once they are issued."""
    audits = store.audits(pool.project, pool.number)
    return certificates_json(
        {name: audit.certificate for name, audit in audits.items() if audit.certificate is not None}
    )


def certificates_json(issued: Mapping[str, Json]) -> Json | None:
    """The certificates of a form by question as one document: that of an only question as it is,
    several under ``questions`` with their statements joined. None where none is issued."""
    if not issued:
        return None
    if len(issued) == 1:
        (certificate,) = issued.values()
        return dict(certificate)
    said = [f"{name}: {certificate['statement']}" for name, certificate in issued.items()]
    return {
        "statement": " ".join(said),
        "notes": ["Each statement holds with its certainty by itself, not all of them at once."],
        "questions": {name: dict(certificate) for name, certificate in issued.items()},
    }


def decided_by_model(store: Store, pool: Pool) -> int:
    """How many items the model decided: each for all questions of its form."""
    sizes = [store.batch_size(pool.project, root) for root in pool.model_roots.values()]
    return sizes[0] if sizes else 0


def forecast_json(forecast: Forecast | None) -> Json | None:
    """A forecast as the store keeps it."""
    if forecast is None:
        return None
    return {
        "answered": forecast.answered,
        "learning": forecast.learning,
        "audit": forecast.audit,
        "review": forecast.review,
        "automatic": forecast.automatic,
    }
