"""Who begins a project manages it."""

from __future__ import annotations

from signoff.core.people import role_body
from signoff.core.records import FirstManager
from signoff.loop.recorder import Recorder
from signoff.store.store import SqlStore


def first_manager(store: SqlStore, recorder: Recorder, by: str) -> FirstManager | None:
    """The account ``by`` as a project's first manager, with the event of that; None where ``by`` is
    no account."""
    account = store.account(by)
    if account is None:
        return None
    recorder.actor = account.id
    body = role_body(account.id, "manager", None, everywhere=False, by=account.id)
    return FirstManager(account=account.id, event=recorder.event("role.changed", body))
