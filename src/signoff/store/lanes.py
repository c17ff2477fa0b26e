"""Lanes: for whom a request waits and who is done with it, in one text that an index can sort by.

A lane is ``audience|done``. The audience is "" for everybody, a tag, or the ids of people after
``@``; ``done`` names the reviewers who answered the item or will not, by the last part of their
ids. Few lanes are in use at a time (which people are done with what still waits), so a lease looks
at the head of each lane that is for this reviewer: however many items wait, and however many of
them this reviewer is done with, its cost stays the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from signoff.core.queueing import EVERYBODY

PEOPLE = "@"
GOLD = "="
MOST_DONE = 100
"""So many people a lane can name: a longer text would not fit an index page."""


def lane(audience: str = EVERYBODY, done: Iterable[str] = ()) -> str:
    """The lane of a request.

    >>> lane(), lane("medic", ["1-b", "1-a"])
    ('|', 'medic|a b')
    """
    return f"{audience}|{' '.join(sorted(map(_short, done)))}"


def audience_of(found: str) -> str:
    """For whom a lane is."""
    return found.partition("|")[0]


def _done(found: str) -> list[str]:
    return found.partition("|")[2].split()


def with_done(found: str, reviewer: str) -> str:
    """The lane where this reviewer is done, too; as it was where it is full."""
    done = {*_done(found), _short(reviewer)}
    return lane(audience_of(found), done) if len(done) <= MOST_DONE else found


def without_done(found: str, reviewer: str) -> str:
    """The lane where this reviewer may be asked again."""
    return lane(audience_of(found), [each for each in _done(found) if each != _short(reviewer)])


def for_audience(found: str, audience: str) -> str:
    """The lane for others than before."""
    return lane(audience, _done(found))


def of_people(ids: Iterable[str]) -> str:
    """The audience of these reviewers.

    >>> of_people(["1-b", "1-a"])
    '@a b'
    """
    return PEOPLE + " ".join(sorted(map(_short, ids)))


def of_gold(reviewer: str) -> str:
    """The audience of a known answer that this reviewer meets."""
    return GOLD + _short(reviewer)


def is_open(found: str) -> bool:
    """Whether a lane's items have no claim to come before those for everybody: known answers must
    not stand out."""
    audience = audience_of(found)
    return audience == EVERYBODY or audience.startswith(GOLD)


def is_done(found: str, reviewer: str) -> bool:
    """Whether this reviewer is done with what waits in a lane."""
    return _short(reviewer) in _done(found)


def is_for(found: str, reviewer: str, tags: Collection[str]) -> bool:
    """Whether a lane's items may go to a reviewer with these tags."""
    audience = audience_of(found)
    if audience.startswith((PEOPLE, GOLD)):
        return _short(reviewer) in audience[1:].split()
    return audience in (EVERYBODY, *tags)


def _short(reviewer: str) -> str:
    """The random end of a UUIDv7."""
    return reviewer.rpartition("-")[2]
