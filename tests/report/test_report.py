"""The report: every number it needs, one safe page."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.report import (
    Answerer,
    AuditSample,
    Counts,
    LearningRound,
    Overruled,
    ReportData,
    render_report,
)
from signoff.report.charts import ticks
from signoff.report.metrics import (
    confusion,
    coverage_curve,
    frequent_confusions,
    reliability,
    share_interval,
)

LABELS = ("Positive", "Negative")


def sample(m: int = 300, n: int = 5000, seed: int = 3) -> AuditSample:
    rng = np.random.default_rng(seed)
    position = np.sort(rng.choice(n, m, replace=False)).astype(np.int64)
    confidence = 0.5 + 0.499 * (1 - (position / n) ** 3)
    right = rng.random(m) < confidence
    label = [LABELS[i] for i in rng.integers(0, 2, m).tolist()]
    other = dict(zip(LABELS, LABELS[::-1], strict=True))
    answer = [a if ok else other[a] for a, ok in zip(label, right.tolist(), strict=True)]
    answer = ["cannot say" if i == 7 else a for i, a in enumerate(answer)]
    right[7] = False
    return AuditSample(
        position=position,
        label=label,
        answer=answer,
        confidence=confidence,
        right=right,
        admitted=n,
        standing=3900,
    )


def certificate() -> dict[str, object]:
    return {
        "status": "issued",
        "statement": "At most 380 of 7,600 labels (5 %) differ from what the reviewers would have"
        " said; certainty 95 %.",
        "notes": ["The 7,600 distinct items stand for 8,000 rows."],
        "items": 7600,
        "rows": 8000,
        "human": 2800,
        "audited": 300,
        "automatic": 4800,
        "undecided": 0,
        "finds": 9,
        "open": 0,
        "skipped": 2,
        "errors": 380,
        "reserved": 0,
        "max_error": "0.05",
        "certainty": "0.95",
        "rule": "P",
        "process": {"kind": "person", "reviewers": ["ann"], "answers_per_item": 1},
        "seed_commitment": "ab" * 32,
        "seed_chosen_by": "system",
        "tests": [
            {"name": "all", "size": 7600, "errors": 380, "alpha": 0.05, "admitted": 5000}
            | {"sample": 300, "limit": 12, "finds": 9, "open": 0, "automatic": 4800}
        ],
    }


def report() -> ReportData:
    return ReportData(
        title="reviews.csv",
        question="Is this review positive or negative?",
        labels=LABELS,
        policy="certified, max error 5 %, certainty 95 %",
        counts=Counts(
            rows=8000,
            items=7600,
            human={"learning": 1400, "audit": 300, "review": 1080, "rule": 20},
            automatic=4800,
        ),
        created="2026-03-01 12:00 UTC",
        max_error=0.05,
        certificate=certificate(),
        audit=sample(),
        rounds=[
            LearningRound(answers=a, forecast=f, accuracy=acc)
            for a, f, acc in [
                (100, 6100, 0.7),
                (400, 4200, 0.8),
                (900, 3100, 0.86),
                (1400, 2850, 0.88),
            ]
        ],
        slices=[["source", "labels", "model", "wrong in audit"], ["shop", "4,000", "2,900", "4"]],
        tokens={"Positive": [("great", 4.2), ("love", 3.9)], "Negative": [("refund", 5.1)]},
        overruled=[Overruled(text="Oh great, it broke.", model="Positive", people="Negative")],
        overruled_total=31,
        answerers=[Answerer(name="ann", kind="person", answers=2800, median_seconds=3.2)],
        log={"Project": "018f", "Checkpoint": "signoff/018f\n12\nabc=\n\n— key sig"},
        verify=["signoff verify reviews.signoff.db"],
        warnings=["The labels were taken from a column."],
        version="0.1.0",
    )


EMPTY = ReportData(
    title="x",
    question="?",
    labels=LABELS,
    policy="people",
    counts=Counts(rows=0, items=0, human={}, automatic=0),
    created="now",
)


class Page(HTMLParser):
    """Tags in order, and that they close."""

    VOID = frozenset(["meta", "br", "!doctype"])

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


# -------------------------------------------------------------------------------- the page


@pytest.mark.parametrize("data", [report(), EMPTY], ids=["full", "empty"])
def test_the_page_is_whole_loads_nothing_and_runs_nothing(data: ReportData) -> None:
    text = render_report(data)
    page = Page(text)
    assert page.open == []
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "form"}
        assert not {"src", "href", "style"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"https?://|url\(|@import|@font-face", text)


def test_the_pages_policy_names_its_own_style_sheet() -> None:
    text = render_report(report())
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text


def test_the_certificate_comes_first() -> None:
    text = render_report(report())
    statement = str(certificate()["statement"])
    assert text.index(statement) < text.index("Decided by the model")


def test_everything_handed_in_is_shown() -> None:
    text = render_report(report())
    for words in (
        *("reviews.csv", "Is this review positive", "4,800", "2,800", "7,600", "8,000"),
        *("1,400 to teach the model", "300 to audit it", "1,080 where it could not decide"),
        *("The labels were taken from a column.", "promise: 5 %", "Oh great, it broke.", "31"),
        *("refund", "4.20", "ann", "3.2 s", "shop", "signoff verify reviews.signoff.db"),
        *("signoff/018f", "cannot say", "Seed commitment", "0.1.0"),
    ):
        assert words in text, words


def test_a_policy_that_promises_nothing_says_so() -> None:
    text = render_report(replace(report(), certificate=None, policy="threshold 0.9"))
    assert "Nothing is promised" in text
    assert "threshold 0.9" in text
    assert "Certified" not in text


def test_a_partial_certificate_is_marked() -> None:
    text = render_report(replace(report(), certificate={**certificate(), "status": "partial"}))
    assert "Partial certificate" in text
    assert "✓" not in text


nasty = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "</style><script>",
            '" onload="x',
            "{{ 7*7 }}",
            "&amp;",
            "\u202e",
        ]
    ),
)


@settings(deadline=None, max_examples=60)
@given(text=nasty, label=nasty)
def test_foreign_text_is_never_markup(text: str, label: str) -> None:
    audit = replace(sample(40, 100), label=[label] * 40, answer=[text] * 40)
    data = replace(
        report(),
        title=text,
        question=text,
        labels=(label, text + "2"),
        audit=audit,
        tokens={label: [(text, 1.0)]},
        overruled=[Overruled(text=text, model=label, people=text, key=text)],
        answerers=[Answerer(name=text, kind="person", answers=1)],
        slices=[[text, label], [label, text]],
        warnings=[text],
        log={text: text},
        verify=[text],
    )
    plain = Page(render_report(replace(data, title="t")))
    assert plain.open == []
    assert "script" not in {tag for tag, _ in plain.tags}
    assert "49" not in render_report(replace(EMPTY, title="{{ 7*7 }}"))


def test_charts_are_well_formed_and_described() -> None:
    found = re.findall(r'<svg class="chart".*?</svg>', render_report(report()), re.S)
    assert len(found) == 3
    for chart in found:
        root = ElementTree.fromstring(chart)
        assert root.get("role") == "img"
        assert len(root.get("aria-label", "")) > 30
        numbers = re.findall(r' (?:x|y|x1|x2|y1|y2|cx|cy)="([^"]*)"', chart)
        assert all(-1 <= float(number) <= 460 for number in numbers)


def test_many_labels_show_their_confusions_instead_of_a_table_of_all() -> None:
    labels = [f"intent {i}" for i in range(77)]
    m = len(sample())
    audit = replace(sample(), label=["intent 1"] * m, answer=["intent 2"] * m)
    text = render_report(replace(report(), labels=labels, audit=audit))
    assert "Most frequent confusions" in text
    assert "intent 60" not in text


# ------------------------------------------------------------------------------ the numbers


@settings(deadline=None)
@given(trials=st.integers(1, 400), share=st.floats(0, 1))
def test_an_interval_holds_its_share(trials: int, share: float) -> None:
    successes = round(trials * share)
    interval = share_interval(successes, trials)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1


def test_the_interval_of_no_finds_is_the_exact_one() -> None:
    assert share_interval(0, 100).high == pytest.approx(1 - 0.025 ** (1 / 100))


def test_the_end_of_the_coverage_curve_is_the_audits_rate() -> None:
    audit = sample()
    last = coverage_curve(audit, labels=7600)[-1]
    unseen = int(audit.position[-1]) + 1 - len(audit)
    assert last.automatic == unseen
    assert last.wrong.value == pytest.approx((~audit.right).mean() * unseen / 7600)
    assert last.wrong.low < last.wrong.value < last.wrong.high


def test_coverage_grows_and_does_not_depend_on_the_order_of_the_sample() -> None:
    audit = sample()
    curve = coverage_curve(audit, labels=7600)
    assert all(a.coverage <= b.coverage for a, b in pairwise(curve))
    shuffle = np.random.default_rng(0).permutation(len(audit))
    mixed = replace(
        audit,
        position=audit.position[shuffle],
        right=audit.right[shuffle],
        confidence=audit.confidence[shuffle],
        label=[audit.label[i] for i in shuffle],
        answer=[audit.answer[i] for i in shuffle],
    )
    assert coverage_curve(mixed, labels=7600) == curve


def test_weights_correct_for_slices_sampled_at_different_rates() -> None:
    position = np.arange(0, 200, dtype=np.int64)
    right = np.array([True] * 100 + [False] * 100)
    audit = replace(
        sample(200, 1000),
        position=position,
        right=right,
        weight=np.array([9.0] * 100 + [1.0] * 100),
    )
    unweighted = replace(audit, weight=None)
    last = coverage_curve(replace(audit, position=position * 5), 1000)[-1]
    plain = coverage_curve(replace(unweighted, position=position * 5), 1000)[-1]
    assert last.wrong.value == pytest.approx(plain.wrong.value / 5)


@settings(deadline=None)
@given(
    confidence=st.lists(st.sampled_from([0.5, 0.6, 0.9, 0.99, float("nan")]), max_size=80),
    data=st.data(),
)
def test_reliability_groups_hold_every_label_of_known_confidence(
    confidence: list[float], data: st.DataObject
) -> None:
    m = len(confidence)
    right = np.array(data.draw(st.lists(st.booleans(), min_size=m, max_size=m)), dtype=np.bool_)
    audit = AuditSample(
        position=np.arange(m),
        label=["a"] * m,
        answer=["a"] * m,
        confidence=np.array(confidence, dtype=np.float64),
        right=right,
        admitted=m,
    )
    bins = reliability(audit, least=4)
    assert sum(b.count for b in bins) == int(np.isfinite(audit.confidence).sum())
    assert all(a.confidence < b.confidence for a, b in pairwise(bins))


def test_the_confusion_table_counts_every_audited_label() -> None:
    audit = sample()
    table = confusion(audit, LABELS)
    assert table.answers == [*LABELS, "cannot say"]
    assert sum(map(sum, table.counts)) == len(audit)
    right = sum(table.counts[i][i] for i in range(2))
    assert right == int(audit.right.sum())
    assert sum(n for _, _, n in frequent_confusions(audit)) == len(audit) - right


@settings(deadline=None)
@given(low=st.floats(0, 1e6), span=st.floats(1e-3, 1e6))
def test_ticks_are_few_round_and_inside(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert len(found) <= 7
    assert all(low - span * 1e-6 <= t <= low + span * (1 + 1e-6) for t in found)
