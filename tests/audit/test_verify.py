"""Verification: an honest log is accepted; any changed byte and any dishonest fact is not."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic_log import KEY, PROJECT, SEED, Change, Json, LogBuilder, certified_log, dump

from signoff.audit.keys import SigningKey
from signoff.audit.verify import Verdict, verify_log
from signoff.core.events import ROWS_PER_LEAF
from signoff.errors import InputError

VKEY = KEY.public.text
LINES = certified_log()
WITHOUT = certified_log(content=False)


def verdict_on(lines: list[bytes], **options: Any) -> Verdict:
    return verify_log(lines, public_key=VKEY, **options)


def reason(lines: list[bytes], **options: Any) -> str:
    verdict = verdict_on(lines, **options)
    assert not verdict.ok
    assert verdict.problem is not None
    assert verdict.problem.line >= 1
    return verdict.problem.reason


def rejected(lines: list[bytes]) -> bool:
    try:
        return not verdict_on(lines).ok
    except InputError:
        return True


# ------------------------------------------------------------------------- honest logs


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"content": False},
        {"erase": True},
        {"erase": True, "content": False},
        {"slices": 2, "max_error": "0.3", "sample": 16},
        {"wrong": range(8, 30)},
        {"wrong": ()},
        {"sample": 0, "max_error": "0.05"},
        {"max_error": "0.29", "items": 100},
    ],
)
def test_an_honest_log_is_accepted(form: dict[str, Any]) -> None:
    verdict = verdict_on(certified_log(**form))
    assert verdict.problem is None
    assert verdict.ok
    assert verdict.trusted
    assert verdict.covered == verdict.events
    assert (verdict.checkpoints, verdict.batches) == (2, 4)
    assert len(verdict.certificates) == 1


def test_the_verdict_counts_what_was_checked() -> None:
    verdict = verdict_on(LINES)
    assert verdict.rows == 43 + 32 + 40
    assert verdict.opened == verdict.rows + 22  # a name and 21 answers, one of them undone
    assert verdict.blanks == 0
    assert (verdict_on(WITHOUT).opened, verdict_on(WITHOUT).blanks) == (0, 0)
    assert verdict_on(certified_log(erase=True)).blanks == 2


def test_without_a_key_the_log_is_held_against_the_key_it_names_and_that_is_said() -> None:
    verdict = verify_log(LINES)
    assert verdict.ok
    assert not verdict.trusted
    other = SigningKey.generate().public.text
    assert "is signed with key" in str(verify_log(LINES, public_key=other).problem)
    with pytest.raises(InputError, match="no public key"):
        verify_log(LINES, public_key="mine")


def test_an_attempt_without_its_seed_is_said_and_not_failed() -> None:
    verdict = verdict_on(certified_log(until="verdicts.sealed"))
    assert verdict.ok
    assert verdict.certificates == ()
    assert "seed is not revealed yet" in verdict.notes[0]


# ------------------------------------------------------------------------ changed bytes


@pytest.mark.parametrize("lines", [LINES, WITHOUT, certified_log(erase=True)])
def test_a_changed_byte_is_rejected(lines: list[bytes]) -> None:
    rng = random.Random(1)
    for _ in range(150):
        assert rejected(flipped(lines, rng.randrange(len(lines)), rng.random(), rng.randrange(8)))


@pytest.mark.soak
def test_every_changed_byte_is_rejected() -> None:
    lines = certified_log(erase=True, items=20, answered=5, sample=4, max_error="0.3")
    assert verdict_on(lines).ok
    for at, line in enumerate(lines):
        for place in range(len(line)):
            changed = line[:place] + bytes([line[place] ^ (1 << place % 7)]) + line[place + 1 :]
            assert rejected([*lines[:at], *split(changed), *lines[at + 1 :]]), (at, place)


def flipped(lines: list[bytes], at: int, place: float, bit: int) -> list[bytes]:
    line = bytearray(lines[at])
    line[int(place * len(line))] ^= 1 << bit
    return [*lines[:at], *split(bytes(line)), *lines[at + 1 :]]


def split(line: bytes) -> list[bytes]:
    return line.splitlines(keepends=True) if line.endswith(b"\n") else [line]


def test_a_line_left_out_doubled_or_moved_is_rejected() -> None:
    for at in range(len(LINES)):
        assert rejected([*LINES[:at], *LINES[at + 1 :]]) or at == first_checkpoint()
        assert rejected([*LINES[: at + 1], *LINES[at:]])
        if at + 1 < len(LINES):
            assert rejected([*LINES[:at], LINES[at + 1], LINES[at], *LINES[at + 2 :]])


def first_checkpoint() -> int:
    """Leaving out a checkpoint before the last hides nothing: the last covers all events."""
    return next(at for at, line in enumerate(LINES) if line.startswith(b'{"checkpoint"'))


def test_events_behind_the_last_checkpoint_are_counted_and_refused_unless_allowed() -> None:
    cut = LINES[:-1]
    verdict = verdict_on(cut, allow_tail=True)
    tail = verdict.events - verdict.covered
    assert verdict.ok
    assert tail > 0
    assert f"The newest {tail} of {verdict.events} events are in no checkpoint" in verdict.notes[0]
    assert reason(cut) == f"No checkpoint covers the last {tail} of {verdict.events} events."


def test_a_log_without_any_checkpoint_proves_nothing_whatever_is_allowed() -> None:
    bare = [line for line in LINES if not line.startswith(b'{"checkpoint"')]
    problem = verdict_on(bare, allow_tail=True).problem
    assert problem is not None
    assert "nothing is signed yet" in problem.reason


def test_the_first_bad_record_is_named_by_line_and_event() -> None:
    at = next(i for i, line in enumerate(LINES) if b"answer.given" in line)
    changed = [*LINES[:at], LINES[at].replace(b"1.234", b"1.235"), *LINES[at + 1 :]]
    problem = verdict_on(changed).problem
    assert problem is not None
    assert "are not those that were signed" in problem.reason
    broken = [*LINES[:at], b"{}\n", *LINES[at + 1 :]]
    problem = verdict_on(broken).problem
    assert problem is not None
    assert str(problem) == f"line {at + 1}: it is no event, batch or checkpoint."


def test_content_other_than_committed_to_is_named() -> None:
    answer = next(i for i, line in enumerate(LINES) if b"answer.given" in line)
    swapped = LINES[answer].replace(b"Positive", b"Negative")
    assert "Its content 'answers' is not the one" in reason(
        [*LINES[:answer], swapped, *LINES[answer + 1 :]]
    )
    rows = next(i for i, line in enumerate(LINES) if line.startswith(b'{"batch"'))
    changed = LINES[rows].replace("é 7".encode(), "é 8".encode())
    assert "Row 7 of the batch" in reason([*LINES[:rows], changed, *LINES[rows + 1 :]])


def in_lines_of(size: int) -> list[bytes]:
    """The log with its first batch, of all rows, in lines of so many rows."""
    at = next(i for i, line in enumerate(LINES) if line.startswith(b'{"batch"'))
    whole = json.loads(LINES[at])
    commitments, salts = (base64.b64decode(whole[name]) for name in ("commitments", "salts"))
    parts: list[bytes] = []
    for first in range(0, len(whole["ints"]), size):
        last = first + size
        part = {
            "batch": whole["batch"],
            "first": first,
            "ints": whole["ints"][first:last],
            "commitments": base64.b64encode(commitments[32 * first : 32 * last]).decode(),
            "private": whole["private"][first:last],
            "salts": base64.b64encode(salts[16 * first : 16 * last]).decode(),
        }
        text = json.dumps(part, ensure_ascii=False, separators=(",", ":"))
        parts.append(text.encode() + b"\n")
    assert len(parts) > 1
    return [*LINES[:at], *parts, *LINES[at + 1 :]]


def test_a_batch_may_come_in_several_lines_cut_between_leaves() -> None:
    assert verdict_on(in_lines_of(ROWS_PER_LEAF)).ok
    assert "end within a leaf" in reason(in_lines_of(ROWS_PER_LEAF - 1))


# ------------------------------------------------- dishonest logs, signed with the real key


def changing(type: str, **changes: Any) -> Change:
    def change(found: str, body: Json) -> Json:
        return body | changes if found == type else body

    return change


def in_tests(**changes: Any) -> Change:
    def change(type: str, body: Json) -> Json:
        if type == "audit.committed":
            body["tests"][0] |= changes
        return body

    return change


def in_certificate(**changes: Any) -> Change:
    def change(type: str, body: Json) -> Json:
        if type == "certificate.issued":
            body["certificate"] |= changes
        return body

    return change


def in_verdicts(edit: Callable[[list[Any]], Any]) -> Change:
    def change(type: str, body: Json) -> Json:
        if type == "verdicts.sealed":
            edit(body["verdicts"])
        return body

    return change


def without(type: str) -> Change:
    return lambda found, body: None if found == type else body


def first_wrong_is_right(verdicts: list[Any]) -> None:
    next(v for v in verdicts if v[1] == "wrong")[1] = "right"


FINDS = {"wrong": range(8, 40)}


@pytest.mark.parametrize(
    ("change", "message", "form"),
    [
        (changing("audit.committed", errors=9), "9 errors are allowed", {}),
        (changing("audit.committed", items=41), "counts 41 items", {}),
        (changing("audit.committed", max_error="0.3"), "max_error 0.3 is not the project's", {}),
        (changing("audit.committed", certainty="0.9"), "certainty 0.9 is not the project's", {}),
        (changing("audit.committed", alpha="0.1"), "spends alpha", {}),
        (changing("audit.committed", rule="S"), "rule S", {}),
        (changing("audit.committed", window="1/2"), "window is '1/2'", {}),
        (changing("audit.committed", attempt=2), "attempt 2 of pool 1 follows 0", {}),
        (changing("audit.committed", reserved=1), "reserved", {}),
        (changing("audit.committed", pool=2), "pool 2 is not in the log", {}),
        (changing("audit.committed", seed_commitment="00" * 32), "not the one committed to", {}),
        (in_tests(limit=99), "allows 99 finds", {}),
        (in_tests(errors=9), "allows 9 errors", {}),
        (in_tests(size=39), "do not cover the 40 items", {}),
        (in_tests(alpha=0.06), "spend more than alpha", {}),
        (in_tests(admitted=31), "admits 31 labels, found 32", {}),
        (in_tests(sample=33), "samples 33 of 32", {}),
        (in_verdicts(lambda v: v.pop()), "was answered, but has no verdict", {}),
        (in_verdicts(lambda v: v.reverse()), "not sorted", {}),
        (in_verdicts(lambda v: v.insert(0, [0, "right"])), "was not admitted", {}),
        (in_verdicts(lambda v: v.insert(0, v[0])), "not sorted", {}),
        (in_verdicts(first_wrong_is_right), "make it wrong", FINDS),
        (changing("seed.revealed", seed="00" * 32), "not the one committed to", {}),
        (without("verdicts.sealed"), "before the verdicts are sealed", {}),
        (without("seed.revealed"), "before the seed is revealed", {}),
        (without("audit.committed"), "attempt 1 is not the newest", {}),
        (without("decisions.made"), "counts item", {}),
        (without("rows.added"), "pool 1 is not in the log", {}),
        (without("reviewer.added"), "reviewer the log does not know", {}),
        (without("project.created"), "begins with project.created", {}),
        (without("answer.skipped"), "skipped 1, recomputed 0", {}),
        (in_certificate(automatic=21), "automatic 21, recomputed 20", {}),
        (in_certificate(human=19), "human 19", {}),
        (in_certificate(rows=40), "rows 40", {}),
        (in_certificate(finds=1), "finds 1", {"wrong": ()}),
        (in_certificate(errors=2), "errors 2", {}),
        (in_certificate(status="partial"), "status partial", {}),
        (in_certificate(statement="No label is wrong."), "No label is wrong", {}),
        (in_certificate(more=1), "more 1, recomputed nothing", {}),
        (in_certificate(seed_chosen_by="operator"), "seed_chosen_by operator", {}),
        (changing("rows.added", items=39), "are not of its 39 items", {}),
        (changing("rows.added", rows=42), "has 42 rows", {}),
        (changing("project.created", public_key="x"), "names another public key", {}),
        (changing("answer.undone", answer="x"), "does not stand", {}),
        (changing("answer.given", questions={"other": 1}), "other questions", {}),
        (changing("verdicts.sealed", question="other"), "which the project does not ask", {}),
        (changing("answer.given", item=40), "item 40 is not in pool 1", {}),
        (changing("decisions.made", by="model"), "by someone else", {}),
        (changing("pool.closed", undecided=1), "1 undecided items, recomputed 0", {}),
        (changing("item.erased", rows=[99]), "rows that pool 1 has not", {"erase": True}),
    ],
)  # fmt: skip
def test_a_dishonest_fact_is_named(change: Change, message: str, form: dict[str, Any]) -> None:
    assert message.casefold() in reason(certified_log(change=change, **form)).casefold()


def test_verdicts_are_held_against_answers_only_where_both_are_known() -> None:
    assert verdict_on(certified_log(wrong=range(8, 40), content=False)).ok
    lying = certified_log(change=in_verdicts(first_wrong_is_right), content=False, **FINDS)
    assert not verdict_on(lying).ok  # the certificate's number of finds gives it away


def decide(log: LogBuilder, item: int, by: int, label: str = "Positive") -> None:
    batch = log.seal("decisions", [[item, by]], [dump(label, None, "", "", "")])
    log.batch(
        "decisions.made", {"pool": 1, "question": "answer", "by": ["model", "reviewers"][by]}, batch
    )


@pytest.mark.parametrize(
    ("again", "message"),
    [
        (lambda log, at: decide(log, at["stands"][0], 0), "decided twice"),
        (lambda log, at: decide(log, at["people"][0], 1), "decided twice"),
        (
            lambda log, at: log.event(
                "seed.revealed", {"pool": 1, "question": "answer", "attempt": 1, "seed": SEED.hex()}
            ),
            "seed is revealed twice",
        ),
        (
            lambda log, at: log.event(
                "verdicts.sealed", {"pool": 1, "question": "answer", "attempt": 1, "verdicts": []}
            ),
            "sealed twice",
        ),
        (
            lambda log, at: log.event("run.ended", {"outcome": "x"}, id=log.new_id()[:-1] + "1"),
            "used twice",
        ),
        (lambda log, at: log.event("run.ended", {"outcome": "x"}, project="q"), "of project 'q'"),
        (lambda log, at: log.event("rows.added", {
            "pool": 1, "rows": 0, "items": 0,
            "batch": {"name": "rows", "root": "00" * 32, "count": 0},
        }), "pool 1 is added after 1 pools"),
    ],
)  # fmt: skip
def test_a_second_try_is_named(again: Callable[[LogBuilder, Json], None], message: str) -> None:
    assert message in reason(certified_log(again=again)).lower()


def test_an_item_a_person_had_answered_cannot_be_admitted() -> None:
    def answered_more(type: str, body: Json) -> Json:
        # The last answer before the freeze is to an item that is admitted.
        if type == "answer.given" and body["item"] == 7:
            body["item"] = 39
        return body

    assert "item 39 was admitted though" in reason(certified_log(change=answered_more)).lower()


def test_the_log_of_another_project_or_key_is_not_this_one() -> None:
    other = [LINES[0].replace(PROJECT.encode(), PROJECT.replace("8000", "8001").encode())]
    assert rejected([*other, *LINES[1:]])
    foreign = LogBuilder(key=SigningKey.generate()).lines
    assert "is signed with key" in reason(foreign)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 60) | st.floats(0, 1) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_any_signed_fact_is_judged_without_a_crash(data: st.DataObject) -> None:
    """Whoever holds the key can sign anything: a verdict comes out all the same."""
    type = data.draw(st.sampled_from([
        "audit.committed", "verdicts.sealed", "seed.revealed", "decisions.made", "rows.added",
        "certificate.issued", "answer.given", "answer.undone", "pool.closed", "project.created",
    ]))  # fmt: skip

    def change(found: str, body: Json) -> Json:
        if found == type:
            target = body
            if type == "audit.committed" and data.draw(st.booleans()):
                target = body["tests"][0]
            if type == "certificate.issued":
                target = body["certificate"]
            target[data.draw(st.sampled_from(sorted(target)))] = data.draw(JSON)
        return body

    try:
        lines = certified_log(change=change)
    except InputError:
        return  # no such event can be built
    verdict = verdict_on(lines)
    assert verdict.ok is (verdict.problem is None)


def test_events_that_no_builder_would_make_are_refused() -> None:
    line = next(line for line in LINES if b"run.started" in line)
    event = json.loads(json.loads(line)["event"])
    for field, value, message in [
        ("type", "run.paused", "not known"),
        ("body", {}, "lacks the field"),
        ("v", 3, "log version"),
    ]:
        text = json.dumps(event | {field: value}, separators=(",", ":"), sort_keys=True)
        changed = json.dumps({"event": text}, separators=(",", ":")).encode() + b"\n"
        assert message in reason([*LINES[:2], changed, *LINES[3:]])
