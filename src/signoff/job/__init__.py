"""One run of a project: what was asked for, against what the store already fixed."""

from __future__ import annotations

from signoff.job.collecting import rarely_collecting
from signoff.job.estimating import Estimate, estimate
from signoff.job.first_run import people_note
from signoff.job.options import RunOptions, print_link
from signoff.job.paths import Paths, paths_of
from signoff.job.prepared import Job, column_reviewer, new_rows
from signoff.job.preparing import ACTOR, Arrival, arrival, prepare
from signoff.job.refusals import refuse_other_reviewers

__all__ = [
    "ACTOR",
    "Arrival",
    "Estimate",
    "Job",
    "Paths",
    "RunOptions",
    "arrival",
    "column_reviewer",
    "estimate",
    "new_rows",
    "paths_of",
    "people_note",
    "prepare",
    "print_link",
    "rarely_collecting",
    "refuse_other_reviewers",
]
