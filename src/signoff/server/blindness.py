"""Who must not see what the model says: a certificate rests on answers that nobody nudged."""

from __future__ import annotations

from collections.abc import Sequence

from signoff.core.records import Pool, Project
from signoff.core.routing import Certified
from signoff.server.access import Caller


def is_blind(project: Project) -> bool:
    """Whether a certificate depends on reviewers who see nothing of the model."""
    return isinstance(project.policy, Certified)


def stays_blind(caller: Caller, project: Project, pools: Sequence[Pool]) -> bool:
    """Whether this caller may not learn the model's answers, nor why items are asked.

    While one of the ``pools`` is open, or none is there yet, whoever may answer sees no more than
    any reviewer does.
    """
    if not (is_blind(project) and caller.may("answer", project.id)):
        return False
    return not pools or any(pool.phase != "closed" for pool in pools)
