"""The types of events a log may hold: what the body of each must say, and how it is checked.

A type that is not here is not known: writing it is an error, and a log that holds it does not
verify. What an event is, and its bytes, is in :mod:`signoff.core.events`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import cast

from signoff.core.canonical import is_int, is_object
from signoff.core.people import ROLES
from signoff.errors import InputError

HASH = re.compile(r"[0-9a-f]{64}")
"""A SHA-256 in hex."""

Check = Callable[[object], bool]


def _text(value: object) -> bool:
    return isinstance(value, str)


def _count(value: object) -> bool:
    return is_int(value) and value >= 0


def _number(value: object) -> bool:
    return is_int(value) or isinstance(value, float)


def _boolean(value: object) -> bool:
    return isinstance(value, bool)


def _hash(value: object) -> bool:
    return isinstance(value, str) and HASH.fullmatch(value) is not None


def _share(value: object) -> bool:
    """A decimal number strictly between 0 and 1, written as text."""
    if not isinstance(value, str) or not re.fullmatch(r"0?\.[0-9]{1,30}|[0-9]E-[0-9]{1,2}", value):
        return False
    try:
        return 0 < Decimal(value) < 1
    except InvalidOperation:
        return False


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, cast("list[object]", value)))


def _one_of(*allowed: object) -> Check:
    return lambda value: isinstance(value, str) and value in allowed


def _object_with(**fields: Check) -> Check:
    def check(value: object) -> bool:
        return is_object(value) and all(
            name in value and field(value[name]) for name, field in fields.items()
        )

    return check


def _verdict(value: object) -> bool:
    if not isinstance(value, list):
        return False
    pair = cast("list[object]", value)
    return len(pair) == 2 and _count(pair[0]) and pair[1] in ("right", "wrong")


def _pair(value: object) -> bool:
    """Two counts."""
    return _list_of(_count)(value) and len(cast("list[object]", value)) == 2


def _versions(value: object) -> bool:
    """Versions of questions by name."""
    return is_object(value) and bool(value) and all(map(_count, value.values()))


def _batch(name: str) -> Check:
    return _object_with(name=_one_of(name), root=_hash, count=_count)


_role = _one_of(*ROLES)

_test = _object_with(
    name=_text, size=_count, errors=_count, alpha=_number, admitted=_count, sample=_count,
    limit=is_int,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """What the body of a type of event holds, and the private values it may commit to."""

    fields: Mapping[str, Check]
    content: frozenset[str] = frozenset()
    version: int = 1


def _type(content: Iterable[str] = (), **fields: Check) -> EventType:
    return EventType(fields=fields, content=frozenset(content))


EVENT_TYPES: Mapping[str, EventType] = {
    "project.created": _type(
        ["guideline"], name=_text, kind=_text, form=_list_of(is_object), item_kind=_text,
        blur=_boolean, text_direction=_text, policy=is_object, rules=_list_of(is_object),
        process=is_object, model=_text, public_key=_text, signoff=_text,
    ),
    "reviewer.added": _type(["name"], reviewer=_text, kind=_text),
    "rows.added": _type(pool=_count, rows=_count, items=_count, batch=_batch("rows")),
    "provider.agreed": _type(
        provider=_text, model=_text, host=_text, base_url=_or_null(_text),
    ),
    "prompt.fixed": _type(["prompt"], question=_text, version=_text),
    "version.answered": _type(
        provider=_text, model=_text, version=_text, weighs=_or_null(_boolean),
    ),
    "texts.sent": _type(pool=_count, host=_text, question=_text, items=_list_of(_count)),
    "model.silent": _type(["why"], pool=_count, question=_text, items=_list_of(_count)),
    "requests.opened": _type(pool=_count, reason=_text, items=_list_of(_count)),
    "answer.given": _type(
        ["answers", "note"], pool=_count, item=_count, questions=_versions, reviewer=_text,
        seconds=_or_null(_number), reason=_text,
    ),
    "answer.extra": _type(
        ["answers", "note"], pool=_count, item=_count, questions=_versions, reviewer=_text,
        seconds=_or_null(_number), reason=_text,
    ),
    "answer.carried": _type(
        ["answers"], pool=_count, item=_count, questions=_versions, reviewer=_text, reason=_text,
        answer=_text,
    ),
    "answer.undone": _type(pool=_count, item=_count, answer=_text),
    "reviewer.tagged": _type(reviewer=_text, tags=_list_of(_text)),
    "request.assigned": _type(
        pool=_count, item=_count, tag=_or_null(_text), people=_list_of(_text),
    ),
    "request.expired": _type(
        pool=_count, item=_count, due=_text, outcome=_one_of("stay", "next"), to=_text,
    ),
    "comment.added": _type(["text"], pool=_count, item=_count, reviewer=_text),
    "gold.planted": _type(["key", "shown", "answers"], gold=_count),
    "gold.answered": _type(
        ["answers", "note"], gold=_count, reviewer=_text, seconds=_or_null(_number),
    ),
    "gold.undone": _type(gold=_count, answer=_text),
    "gold.skipped": _type(["note"], gold=_count, reviewer=_text),
    "gold.said": _type(["note", "text"], gold=_count, reviewer=_text),
    "gold.erased": _type(gold=_count),
    "answer.skipped": _type(["note"], pool=_count, item=_count, reviewer=_text),
    "item.flagged": _type(["note"], pool=_count, item=_count, reviewer=_text),
    "model.fitted": _type(
        pool=_count, question=_text, model=_text, answers=_count, snapshot=_hash, scores=is_object
    ),
    "audit.committed": _type(
        pool=_count, question=_text, attempt=_count, window=_text, items=_count,
        max_error=_share, errors=_count, reserved=_count, alpha=_share, rule=_text,
        certainty=_share, tests=_list_of(_test), process=is_object, differs=_text,
        seed_commitment=_hash,
        seed_chosen_by=_one_of("system", "operator"), model=_text, answered=_count, forced=_count,
        batch=_batch("frozen"),
    ),
    "verdicts.sealed": _type(
        pool=_count, question=_text, attempt=_count, verdicts=_list_of(_verdict)
    ),
    "seed.revealed": _type(pool=_count, question=_text, attempt=_count, seed=_hash),
    "decisions.made": _type(
        pool=_count, question=_text, by=_one_of("model", "reviewers"), batch=_batch("decisions")
    ),
    "certificate.issued": _type(
        pool=_count, question=_text, attempt=_count, certificate=is_object
    ),
    "window.started": _type(
        pool=_count, window=_text, rule=_one_of("S"), items=_count, max_error=_share,
        errors=_count, alpha=_share, audit_rate=_share,
        effects=_one_of("reversible", "irreversible"), limit=is_int, reserved=_count,
        process=is_object, differs=_text, seed_commitment=_hash,
        seed_chosen_by=_one_of("system", "operator"),
    ),
    "window.ended": _type(["by"], pool=_count, items=_count),
    "items.arrived": _type(
        pool=_count, first=_count, count=_count, admitted=_list_of(_count), number=_count,
        model=_text, repeats=_list_of(_pair),
    ),
    "coins.drawn": _type(
        pool=_count, number=_count, count=_count, heads=_list_of(_count), left=_list_of(_count)
    ),
    "item.decided": _type(["answer", "key"], pool=_count, item=_count, id=_text),
    "item.corrected": _type(["answer", "key", "was"], pool=_count, item=_count, id=_text),
    "drift.alarm": _type(pool=_count, finds=_count, limit=is_int),
    "item.erased": _type(pool=_count, item=_count, rows=_list_of(_count)),
    "pool.closed": _type(pool=_count, undecided=_count),
    "role.changed": _type(
        account=_text, role=_or_null(_role), was=_or_null(_role), everywhere=_boolean, by=_text
    ),
    "session.begun": _type(account=_text, how=_one_of("password", "invitation")),
    "session.ended": _type(account=_text, why=_one_of("sign-out", "password", "everywhere")),
    "session.refused": _type(account=_text, tries=_count),
    "password.changed": _type(account=_text, by=_text),
    "token.made": _type(account=_text, token=_text, scopes=_list_of(_text), expires=_text),
    "token.revoked": _type(account=_text, token=_text, by=_text),
    "invitation.made": _type(
        invitation=_text, role=_role, everywhere=_boolean, expires=_text, by=_text
    ),
    "invitation.revoked": _type(invitation=_text, by=_text),
    "person.removed": _type(account=_text, reviewers=_list_of(_text), by=_text),
    "export.made": _type(["by"], what=_text, format=_text, rows=_count, sha256=_hash),
    "webhook.added": _type(["url", "by"], webhook=_text, events=_list_of(_text)),
    "webhook.removed": _type(["by"], webhook=_text),
    "page.changed": _type(
        ["guideline", "by"], changed=_list_of(_text), blur=_boolean, text_direction=_text
    ),
    "run.started": _type(signoff=_text),
    "run.ended": _type(outcome=_text),
}  # fmt: skip


def check_body(type: str, body: Mapping[str, object]) -> None:
    """Raise :class:`InputError` where a body lacks a field of its type or holds it wrongly typed.

    Further fields are allowed: a later version may say more.
    """
    known = EVENT_TYPES.get(type)
    if known is None:
        raise InputError(f"Event type {type[:40]!r} is not known.", hint="Update signoff.")
    for name, check in known.fields.items():
        if name not in body:
            raise InputError(f"A {type} event lacks the field {name!r}.")
        if not check(body[name]):
            raise InputError(
                f"The field {name!r} of a {type} event cannot be {str(body[name])[:60]!r}."
            )
