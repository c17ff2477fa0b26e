"""Comments on items, and who may see whose. SQL only; no transactions."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from signoff.core.records import Comment, NewComment
from signoff.errors import NotLeased
from signoff.store import seats as held
from signoff.store.lanes import with_done
from signoff.store.schema import requests, reviews
from signoff.store.schema_queue import comments, seats


def add(db: sa.Connection, project: str, comment: NewComment, *, at: int, event: str) -> bool:
    """Store a comment; False where one of this id is stored already."""
    known = db.execute(sa.select(comments.c.id).where(comments.c.id == comment.id)).first()
    if known is not None:
        return False
    db.execute(sa.insert(comments).values(**asdict(comment), project=project, at=at, event=event))
    return True


def thread(
    db: sa.Connection, project: str, request: str, reviewer: str, *, blind: bool
) -> list[Comment]:
    """What was said of an item, oldest first: all of it, or before one's own answer in a ``blind``
    project one's own words alone, since a comment may tell an answer.

    Whoever saw what others said cannot take the answer back any more.
    """
    if not blind:
        return _read(db, request)
    mine = sa.and_(reviews.c.request == request, reviews.c.reviewer == reviewer)
    answered = db.execute(
        sa.select(reviews.c.id).where(mine, reviews.c.undone.is_(False)).limit(1)
    ).first()
    if answered is None:
        return [each for each in _read(db, request) if each.reviewer == reviewer]
    found = _read(db, request)
    if any(each.reviewer != reviewer for each in found):
        db.execute(sa.update(reviews).where(mine).values(sealed=True))
    return found


def whole_thread(
    db: sa.Connection, project: str, request: str, reviewer: str, *, blind: bool
) -> list[Comment]:
    """All that was said of an item, for whoever looks after the project. In a ``blind`` project
    they are not asked about the item any more, if they were not yet."""
    if blind:
        _take_out(db, project, request, reviewer)
    return _read(db, request)


def _take_out(db: sa.Connection, project: str, request: str, reviewer: str) -> None:
    held.lock(db, project, [request])
    row = db.execute(
        sa.select(requests.c.lane).where(
            requests.c.project == project,
            requests.c.id == request,
            requests.c.state == "open",
        )
    ).first()
    if row is None:
        return
    held.leave(db, [request], seats.c.reviewer == reviewer)
    db.execute(
        sa.update(requests)
        .where(requests.c.id == request)
        .values(lane=with_done(row.lane, reviewer))
    )


def require(db: sa.Connection, project: str, request: str) -> None:
    """Refuse a request that this project does not have."""
    found = db.execute(
        sa.select(requests.c.id).where(requests.c.project == project, requests.c.id == request)
    ).first()
    if found is None:
        raise NotLeased("There is no such request.", hint="Load the page again.")


def _read(db: sa.Connection, request: str) -> list[Comment]:
    rows = db.execute(
        sa.select(comments)
        .where(comments.c.request == request)
        .order_by(comments.c.at, comments.c.id)
    )
    return [
        Comment(
            id=row.id,
            request=row.request,
            reviewer=row.reviewer,
            kind=row.kind,
            text=row.text,
            at=row.at,
        )
        for row in rows
    ]
