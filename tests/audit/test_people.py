"""What a log may tell of people: roles that follow one another, nobody who acts once removed."""

from __future__ import annotations

from typing import Any

import pytest
from synthetic_log import KEY, LogBuilder

from signoff.audit.verify import verify_log
from signoff.core.questions import Choice
from signoff.errors import InputError

ANN, BEN = "01890a5d-ac96-774b-bcce-0000000000aa", "01890a5d-ac96-774b-bcce-0000000000bb"
CREATED = {
    "name": "reviews",
    "kind": "pool",
    "form": [Choice.of(["Positive", "Negative"]).to_json()],
    "item_kind": "text",
    "blur": False,
    "text_direction": "auto",
    "policy": {"kind": "people"},
    "rules": [],
    "process": {},
    "model": "text",
    "public_key": KEY.public.text,
    "signoff": "0",
}
Told = tuple[str, dict[str, Any]]


def role(account: str, new: str | None, was: str | None, *, everywhere: bool = False) -> Told:
    body = {"account": account, "role": new, "was": was, "everywhere": everywhere, "by": ANN}
    return "role.changed", body


def begun(account: str) -> Told:
    return "session.begun", {"account": account, "how": "password"}


def removed(account: str, *reviewers: str) -> Told:
    return "person.removed", {"account": account, "reviewers": list(reviewers), "by": ANN}


def reason(*told: Told) -> str | None:
    """Why a log that tells this is refused; None where it is not."""
    builder = LogBuilder()
    builder.event("project.created", CREATED)
    for type, body in told:
        builder.event(type, body)
    builder.checkpoint()
    verdict = verify_log(builder.lines, public_key=KEY.public.text)
    return None if verdict.problem is None else verdict.problem.reason


def test_roles_that_follow_one_another_are_accepted() -> None:
    assert (
        reason(
            role(ANN, "admin", None, everywhere=True),
            role(BEN, "reviewer", None),
            begun(BEN),
            role(BEN, "manager", "reviewer"),
            role(BEN, None, "manager"),
            role(BEN, "auditor", None),
            ("session.ended", {"account": BEN, "why": "sign-out"}),
            ("session.refused", {"account": BEN, "tries": 10}),
            ("password.changed", {"account": BEN, "by": BEN}),
            ("token.made", {"account": BEN, "token": "t", "scopes": ["read"], "expires": "x"}),
            ("token.revoked", {"account": BEN, "token": "t", "by": BEN}),
            ("reviewer.added", {"reviewer": "r", "kind": "person"}),
            removed(BEN, "r"),
        )
        is None
    )


def test_a_role_everywhere_may_be_older_than_the_project() -> None:
    assert reason(begun(ANN), role(ANN, None, "admin", everywhere=True)) is None


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ([role(BEN, "manager", "reviewer")], "was reviewer says the log, and is None"),
        ([role(BEN, "reviewer", None), role(BEN, "admin", None)], "and is reviewer"),
        ([role(BEN, None, None)], "changed to what it is"),
        ([removed(BEN), begun(BEN)], "does something after it was removed"),
        ([removed(BEN), removed(BEN)], "does something after it was removed"),
        ([removed(BEN), role(BEN, "admin", None)], "does something after it was removed"),
        ([removed(BEN, "nobody")], "who was reviewer nobody, whom the log lacks"),
        (
            [("token.revoked", {"account": BEN, "token": "t", "by": BEN})] * 2,
            "Token t is revoked twice",
        ),
        ([("invitation.revoked", {"invitation": "i", "by": BEN})] * 2, "revoked twice"),
    ],
)
def test_what_cannot_be_is_refused(told: list[Told], why: str) -> None:
    assert why in (reason(*told) or "")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (role(BEN, "owner", None), "cannot be 'owner'"),
        (("session.begun", {"account": BEN, "how": "magic"}), "cannot be 'magic'"),
        (("person.removed", {"account": BEN, "by": BEN}), "lacks the field"),
    ],
)
def test_what_has_another_form_is_never_written(told: Told, why: str) -> None:
    with pytest.raises(InputError, match=why):
        reason(told)
