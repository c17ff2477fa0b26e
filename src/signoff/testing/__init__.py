"""Conformance suites: does your own model, learner, policy, question or store keep its contract?

Each ``check_*`` function runs the real thing and raises :class:`AssertionError` with one sentence
on the first rule it breaks.
"""

from __future__ import annotations

from signoff.testing.models import check_learner, check_model
from signoff.testing.policies import check_policy
from signoff.testing.questions import check_question
from signoff.testing.stores import check_store

__all__ = ["check_learner", "check_model", "check_policy", "check_question", "check_store"]
