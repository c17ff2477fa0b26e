"""What ``signoff verify`` says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signoff.audit.verify import Verdict


def verdict_json(verdict: Verdict) -> dict[str, object]:
    """The verdict for machines."""
    problem = verdict.problem
    return {**asdict(verdict), "problem": None if problem is None else str(problem)}


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """The verdict for people: the answer first, then what it rests on."""
    if verdict.problem is not None:
        yield f"NOT verified. First bad record: {verdict.problem}"
    else:
        yield _answer(verdict)
    yield f"{_covered(verdict)}; {verdict.rows:,} rows in {verdict.batches:,} batches."
    if verdict.opened or verdict.blanks:
        yield f"{verdict.opened:,} private values match their digests, {verdict.blanks:,} erased."
    for certificate in verdict.certificates:
        yield f"Certificate recomputed: {certificate.get('statement', 'no statement')}"
    yield from verdict.notes
    if verdict.public_key:
        yield f"Signed by {verdict.public_key}"
    if verdict.public_key and not verdict.trusted:
        yield "That is the key the log itself names; --key checks it against one you trust."


def _answer(verdict: Verdict) -> str:
    """In one line: whether all is proved, or all but what was not signed yet."""
    tail = verdict.events - verdict.covered
    if not verdict.ok:
        return "NOT verified."
    return f"Verified, but for the newest {tail:,} events." if tail else "Verified."


def _covered(verdict: Verdict) -> str:
    if verdict.covered == verdict.events:
        return f"{verdict.events:,} events under signed checkpoints"
    return f"{verdict.covered:,} of {verdict.events:,} events under signed checkpoints"
