"""What was typed after a flag, and what it means."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.cli.options import check_reviewer, read_labels, read_policy, read_rules, user_name
from signoff.core.routing import Certified, People, Policy, Threshold
from signoff.errors import InputError, SignoffError, UsageError


def policy(
    typed: str | None = None,
    max_error: str | None = None,
    certainty: str | None = None,
    by: str | None = None,
) -> Policy | None:
    return read_policy(typed, max_error=max_error, certainty=certainty, by=by)


def test_no_policy_flag_means_as_the_first_run_fixed_it() -> None:
    assert policy() is None


def test_certified_takes_shares_as_percent_or_decimal_and_keeps_them_exact() -> None:
    assert policy("certified") == Certified()
    assert policy(max_error="10%") == Certified(max_error=Decimal("0.10"))
    assert policy(max_error="0.29", certainty="99%", by="source") == Certified(
        max_error=Decimal("0.29"), certainty=Decimal("0.99"), slice="source"
    )
    certified = policy(certainty="95%")
    assert isinstance(certified, Certified)
    assert certified.alpha == Decimal("0.05")


@pytest.mark.parametrize("share", ["0", "0%", "1.5", "150%", "abc", "", "nan", "-5%", "1", "5%%"])
@pytest.mark.parametrize("flag", ["max_error", "certainty"])
def test_a_share_that_is_none_is_refused_naming_the_flag(share: str, flag: str) -> None:
    with pytest.raises(UsageError, match=f"--{flag.replace('_', '-')}"):
        policy(**{flag: share})


@pytest.mark.parametrize("kind", ["people", "threshold:0.9"])
@pytest.mark.parametrize("flag", ["max_error", "certainty", "by"])
def test_flags_of_certified_are_refused_beside_another_policy(kind: str, flag: str) -> None:
    with pytest.raises(UsageError, match="belongs to --policy certified"):
        policy(kind, **{flag: "5%"})


def test_people_and_thresholds_are_policies() -> None:
    assert policy("people") == People()
    assert policy("threshold:0.9") == Threshold(confidence=0.9)
    assert policy("threshold:90%") == Threshold(confidence=0.9)
    assert policy("threshold:1") == Threshold(confidence=1.0)


@pytest.mark.parametrize(
    "typed", ["threshold", "threshold:", "threshold:0", "threshold:1.1", "threshold:x", "maybe", ""]
)
def test_a_policy_that_is_none_is_refused_with_one_that_is(typed: str) -> None:
    with pytest.raises(UsageError, match=r"threshold:0\.9"):
        policy(typed)


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_typed_raises_nothing_but_a_usage_error(typed: str, share: str) -> None:
    for kind, error in ((typed, None), (None, share), (f"threshold:{typed}", None)):
        with suppress(UsageError):
            policy(kind, max_error=error)


def test_labels_are_split_at_commas_and_stripped() -> None:
    assert read_labels(None) is None
    assert read_labels(" Positive, Negative ") == ("Positive", "Negative")


def test_labels_come_from_a_file_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("\ufeffred, or reddish\r\nblue\r\n\r\n", encoding="utf-8")
    assert read_labels(f"@{file}") == ("red, or reddish", "blue")


@pytest.mark.parametrize("content", [None, b"", b"\n \n", b"\xff\xfe\xff"])
def test_a_labels_file_that_is_no_list_is_refused_by_name(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "labels.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=r"labels\.txt"):
        read_labels(f"@{file}")


def test_rules_are_pairs_and_a_value_may_hold_an_equals_sign() -> None:
    assert read_rules(["country=DE", "formula=a=b", "empty="]) == (
        ("country", "DE"),
        ("formula", "a=b"),
        ("empty", ""),
    )


@pytest.mark.parametrize("rule", ["country", "=DE", ""])
def test_a_rule_without_column_or_value_is_refused(rule: str) -> None:
    with pytest.raises(UsageError, match="COL=VALUE"):
        read_rules([rule])


def test_reviewers_are_the_terminal_a_column_or_nobody() -> None:
    for reviewer in ("terminal", "none", "column:label", "column:a:b"):
        check_reviewer(reviewer)
    for reviewer in ("column:", "column", "me", ""):
        with pytest.raises(SignoffError, match="column:COL"):
            check_reviewer(reviewer)


def test_somebody_always_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    assert user_name() == "ada"
