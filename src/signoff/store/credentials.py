"""Sessions, invitations and API tokens in SQL: by their secrets' digests."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa

from signoff.core.people import ApiToken, Identity, Invitation, Right, Role
from signoff.store.accounts import read_account, roles_of
from signoff.store.schema_accounts import accounts, api_tokens, invitations, sessions

_OF_SESSION = (
    sa.select(accounts)
    .join(sessions, sessions.c.account == accounts.c.id)
    .where(
        sessions.c.digest == sa.bindparam("digest"),
        sessions.c.expires > sa.bindparam("now"),
        accounts.c.removed.is_(None),
    )
)
_OF_TOKEN = (
    sa.select(
        accounts,
        api_tokens.c.id.label("token"),
        api_tokens.c.scopes,
        api_tokens.c.last_used,
    )
    .join(api_tokens, api_tokens.c.account == accounts.c.id)
    .where(
        api_tokens.c.digest == sa.bindparam("digest"),
        api_tokens.c.expires > sa.bindparam("now"),
        api_tokens.c.revoked.is_(None),
        accounts.c.removed.is_(None),
    )
)


def insert_session(db: sa.Connection, digest: str, account: str, now: int, until: int) -> None:
    """Store a new session, and forget those that have expired."""
    db.execute(sa.delete(sessions).where(sessions.c.expires <= now))
    db.execute(
        sa.insert(sessions).values(digest=digest, account=account, created=now, expires=until)
    )


def identity_of_session(db: sa.Connection, digest: str, now: int) -> Identity | None:
    """Whose session it is, while it lasts."""
    row = db.execute(_OF_SESSION, {"digest": digest, "now": now}).first()
    if row is None:
        return None
    return Identity(account=read_account(row), roles=roles_of(db, row.id))


def delete_session(db: sa.Connection, digest: str) -> bool:
    """End a session; whether there was one."""
    return db.execute(sa.delete(sessions).where(sessions.c.digest == digest)).rowcount > 0


def delete_sessions(db: sa.Connection, account: str, *, but: str | None = None) -> int:
    """End an account's sessions but one; how many."""
    query = sa.delete(sessions).where(sessions.c.account == account)
    if but is not None:
        query = query.where(sessions.c.digest != but)
    return db.execute(query).rowcount


# --------------------------------------------------------------------- invitations


def insert_invitation(db: sa.Connection, invitation: Invitation, digest: str) -> None:
    """Store a new invitation."""
    db.execute(
        sa.insert(invitations).values(
            id=invitation.id,
            digest=digest,
            project=invitation.project,
            role=invitation.role,
            made_by=invitation.by,
            created=invitation.created,
            expires=invitation.expires,
        )
    )


def _open(now: int) -> sa.ColumnElement[bool]:
    return (
        invitations.c.used.is_(None)
        & invitations.c.revoked.is_(None)
        & (invitations.c.expires > now)
    )


def _invitation(row: sa.Row[tuple[object, ...]]) -> Invitation:
    return Invitation(
        id=row.id,
        project=row.project,
        role=cast("Role", row.role),
        by=row.made_by,
        created=row.created,
        expires=row.expires,
        used=row.used,
    )


def open_invitation(db: sa.Connection, digest: str, now: int) -> Invitation | None:
    """An invitation that can still be accepted."""
    query = sa.select(invitations).where(invitations.c.digest == digest, _open(now))
    row = db.execute(query).first()
    return None if row is None else _invitation(row)


def open_invitations(db: sa.Connection, project: str | None, now: int) -> list[Invitation]:
    """The invitations to a project, or to the site (None), that wait."""
    where = invitations.c.project.is_(None) if project is None else invitations.c.project == project
    query = sa.select(invitations).where(where, _open(now)).order_by(invitations.c.id)
    return [_invitation(row) for row in db.execute(query)]


def use_invitation(db: sa.Connection, digest: str, now: int) -> bool:
    """Accept an invitation; False where somebody did, or it has expired or was taken back."""
    query = sa.update(invitations).where(invitations.c.digest == digest, _open(now))
    return db.execute(query.values(used=now)).rowcount == 1


def revoke_invitation(db: sa.Connection, id: str, project: str | None, now: int) -> bool:
    """Take an invitation back; False where it does not wait any more."""
    where = invitations.c.project.is_(None) if project is None else invitations.c.project == project
    query = sa.update(invitations).where(invitations.c.id == id, where, _open(now))
    return db.execute(query.values(revoked=now)).rowcount == 1


# -------------------------------------------------------------------------- tokens


def insert_token(db: sa.Connection, token: ApiToken, digest: str) -> None:
    """Store a new token."""
    db.execute(
        sa.insert(api_tokens).values(
            id=token.id,
            digest=digest,
            account=token.account,
            name=token.name,
            prefix=token.prefix,
            scopes=sorted(token.scopes),
            created=token.created,
            expires=token.expires,
        )
    )


def identity_of_token(db: sa.Connection, digest: str, now: int) -> tuple[Identity, int] | None:
    """Whose token it is and when it was last used (0: never), while it lasts."""
    row = db.execute(_OF_TOKEN, {"digest": digest, "now": now}).first()
    if row is None:
        return None
    identity = Identity(
        account=read_account(row),
        roles=roles_of(db, row.id),
        scopes=frozenset(cast("list[Right]", row.scopes)),
        token=row.token,
    )
    return identity, row.last_used or 0


def touch_token(db: sa.Connection, id: str, now: int) -> None:
    """Note that a token was used."""
    db.execute(sa.update(api_tokens).where(api_tokens.c.id == id).values(last_used=now))


def tokens_of(db: sa.Connection, account: str) -> list[ApiToken]:
    """An account's tokens that were not revoked, oldest first."""
    query = (
        sa.select(api_tokens)
        .where(api_tokens.c.account == account, api_tokens.c.revoked.is_(None))
        .order_by(api_tokens.c.id)
    )
    return [
        ApiToken(
            id=row.id,
            account=row.account,
            name=row.name or "",
            prefix=row.prefix,
            scopes=frozenset(row.scopes),
            created=row.created,
            expires=row.expires,
            last_used=row.last_used,
            revoked=row.revoked,
        )
        for row in db.execute(query)
    ]


def revoke_token(db: sa.Connection, account: str, id: str, now: int) -> bool:
    """Revoke one of an account's tokens; False where there is none such."""
    query = sa.update(api_tokens).where(
        api_tokens.c.id == id, api_tokens.c.account == account, api_tokens.c.revoked.is_(None)
    )
    return db.execute(query.values(revoked=now)).rowcount == 1
