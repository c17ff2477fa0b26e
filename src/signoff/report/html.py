"""Render a report: one HTML file that needs no network and no script.

Everything that comes from data is escaped by the template; the page's own policy (a meta
element) allows its one style sheet, by hash, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from signoff.report import charts
from signoff.report.data import AuditSample, LearningRound, ReportData
from signoff.report.metrics import (
    Confusion,
    CoveragePoint,
    confusion,
    coverage_curve,
    frequent_confusions,
    reliability,
)

_MOST_LABELS = 12
_MOST_TEXT = 600
_MOST_TABLE_ROWS = 24
_PHASES = {
    "learning": "to teach the model",
    "audit": "to audit it, blind",
    "review": "where it could not decide",
    "rule": "where a rule asks for a person",
    "empty": "without text",
    "answered before": "in earlier pools, of equal items",
}


def render_report(data: ReportData, *further: ReportData) -> str:
    """The report as one self-contained HTML page; ``further``: other questions on the items."""
    style = _resource("report.css")
    return _template().render(
        data=data,
        style=style,
        style_hash=_hash(style),
        parts=[_part(each) for each in (data, *further)],
    )


def _part(data: ReportData) -> dict[str, object]:
    """What the page shows of one question."""
    return {
        "data": data,
        "certificate": _certificate(data.certificate),
        "people": _people(data),
        "bar": charts.composition_bar(
            [
                ("people", data.counts.people),
                ("machine", data.counts.automatic),
                ("undecided", data.counts.undecided),
            ]
        ),
        "coverage": _coverage(data),
        "reliability": _reliability(data.audit),
        "learning": _learning(data.rounds),
        "matrix": _matrix(data),
        "confusions": _confusions(data),
        "tokens": _tokens(data.tokens),
        "overruled": _overruled(data),
    }


# ------------------------------------------------------------------------ the sections


def _certificate(certificate: Mapping[str, object] | None) -> dict[str, object] | None:
    """Statement, standing and the numbers of a certificate, ready to show."""
    if certificate is None:
        return None
    tests = certificate.get("tests")
    return {
        "statement": str(certificate.get("statement", "")),
        "partial": certificate.get("status") == "partial",
        "notes": _strings(certificate.get("notes")),
        "tests": tests if isinstance(tests, list) else [],
        "facts": [
            (name, _fact(key, certificate[key])) for key, name in _FACTS if key in certificate
        ],
    }


_FACTS = (
    ("items", "Labels it covers"),
    ("rows", "Rows they stand for"),
    ("human", "Decided by people"),
    ("answered_before", "Of these answered before, in earlier pools"),
    ("audited", "Audited blind"),
    ("automatic", "Decided by the model"),
    ("undecided", "Undecided"),
    ("finds", "Audited labels that were wrong"),
    ("open", "Audits without a verdict"),
    ("skipped", "Skips"),
    ("errors", "Wrong labels allowed"),
    ("reserved", "Of these reserved for known errors"),
    ("max_error", "Max error"),
    ("certainty", "Certainty"),
    ("rule", "Rule"),
    ("attempt", "Attempt"),
    ("window", "Window"),
    ("differs", "Counted as wrong"),
    ("process", "Human process"),
    ("answered_by", "Whose answers"),
    ("model", "Model"),
    ("order", "Frozen order"),
    ("seed_commitment", "Seed commitment"),
    ("seed_chosen_by", "Seed chosen by"),
    ("key_id", "Signing key"),
)


def _people(data: ReportData) -> list[tuple[str, int]]:
    """People's answers by what they were for."""
    return [(_PHASES.get(phase, phase), n) for phase, n in data.counts.human.items() if n]


def _coverage(data: ReportData) -> dict[str, object] | None:
    if data.audit is None or len(data.audit) < 2 or data.audit.admitted == 0:
        return None
    labels = data.counts.items
    curve = coverage_curve(data.audit, labels)
    standing = data.counts.automatic / labels if data.audit.standing is not None else None
    return {
        "chart": charts.coverage_chart(curve, data.max_error, standing),
        "points": _thin(curve),
    }


def _reliability(audit: AuditSample | None) -> dict[str, object] | None:
    if audit is None or len(audit) == 0:
        return None
    bins = reliability(audit)
    if not bins:
        return None
    return {"chart": charts.reliability_chart(bins), "bins": bins}


def _learning(rounds: Sequence[LearningRound]) -> dict[str, object] | None:
    if len({r.answers for r in rounds if r.forecast is not None}) < 2:
        return None
    return {
        "chart": charts.learning_chart(rounds),
        "rounds": rounds if len(rounds) <= _MOST_TABLE_ROWS else [*rounds[:8], *rounds[-16:]],
        "bounds": any(r.bound is not None for r in rounds),
        "accuracies": any(r.accuracy is not None for r in rounds),
    }


def _matrix(data: ReportData) -> dict[str, object] | None:
    if data.audit is None or len(data.audit) == 0 or len(data.labels) > _MOST_LABELS:
        return None
    table = confusion(data.audit, data.labels)
    return {"answers": table.answers, "rows": _heated(table)}


def _heated(table: Confusion) -> list[dict[str, object]]:
    """Rows of cells with a shade by their share of the row (0..5)."""
    rows: list[dict[str, object]] = []
    for label, counts in zip(table.labels, table.counts, strict=True):
        total = sum(counts) or 1
        cells = [
            {
                "count": count,
                "shade": 0 if count == 0 else 1 + min(4, int(count / total * 5)),
                "right": answer == label,
            }
            for answer, count in zip(table.answers, counts, strict=True)
        ]
        rows.append({"label": label, "cells": cells, "total": sum(counts)})
    return rows


def _confusions(data: ReportData) -> list[tuple[str, str, int]]:
    """The most frequent confusions, where there are too many labels for a table of all."""
    if data.audit is None or len(data.labels) <= _MOST_LABELS:
        return []
    return frequent_confusions(data.audit)


def _tokens(
    tokens: Mapping[str, Sequence[tuple[str, float]]],
) -> list[tuple[str, list[tuple[str, float, str]]]]:
    """For each label (token, weight, bar)."""
    sections: list[tuple[str, list[tuple[str, float, str]]]] = []
    for label, weighted in list(tokens.items())[:_MOST_LABELS]:
        top = max((abs(weight) for _, weight in weighted), default=0.0) or 1.0
        rows = [(t, w, charts.small_bar(abs(w) / top)) for t, w in list(weighted)[:12]]
        if rows:
            sections.append((label, rows))
    return sections


def _overruled(data: ReportData) -> dict[str, object] | None:
    if not data.overruled:
        return None
    total = len(data.overruled) if data.overruled_total is None else data.overruled_total
    return {"total": total, "rows": data.overruled, "more": total - len(data.overruled)}


# ------------------------------------------------------------------------------ tools


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["count"] = _count
    environment.filters["percent"] = charts.percent
    environment.filters["clip"] = _clip
    environment.filters["seconds"] = _seconds
    return environment.from_string(_resource("report.html.j2"))


def _resource(name: str) -> str:
    return files("signoff.report").joinpath(name).read_text(encoding="utf-8")


def _hash(style: str) -> str:
    """The style sheet's digest, as a content security policy names it."""
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _count(value: float) -> str:
    return f"{value:,}"


def _clip(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else f"{value / 60:.1f} min"


def _fact(name: str, value: object) -> str:
    """One fact of a certificate; shares, which it holds as decimals, in per cent."""
    if name in ("max_error", "certainty"):
        try:
            return charts.percent(float(str(value)))
        except ValueError:
            return str(value)
    return _shown(value)


def _shown(value: object) -> str:
    """Any value of a certificate as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return "; ".join(f"{_words(name)}: {_shown(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(each) for each in value)
    return "none" if value is None else str(value)


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _strings(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _thin(points: Sequence[CoveragePoint], most: int = 12) -> list[CoveragePoint]:
    """About ``most`` of the points, the last one among them."""
    step = max(1, -(-len(points) // most))
    return [*points[-1::-step]][::-1]
