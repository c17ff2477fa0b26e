"""Charts as inline SVG: no script, no style attributes, colours from the page's variables.

Every chart is an image with a title and a description; the page puts its numbers in a table
beside it. Text is escaped here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from signoff.report.data import LearningRound
from signoff.report.metrics import CoveragePoint, ReliabilityBin

WIDTH, HEIGHT = 440, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 18, 32, 46


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From values to places on the page, along one axis."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return round(self.start + (value - self.low) / span * (self.end - self.start), 1)


def coverage_chart(
    curve: Sequence[CoveragePoint], max_error: float | None, standing: float | None
) -> str:
    """Wrong labels expected against the share the model decides, with the promise.

    ``standing`` is the share that was decided by the model in the end.
    """
    x = _across(0, max(0.1, *(p.coverage for p in curve)))
    shown = [p.wrong.value for p in curve] + [p.wrong.high for p in curve[-1:]]
    y = _up(0, _headroom(max([max_error or 0, *shown])))
    parts = [
        _axes(x, y, "share of labels the model decides", "wrong labels, of all", percent),
        _band([(p.coverage, p.wrong.low, p.wrong.high) for p in curve], x, y),
        _line([(p.coverage, p.wrong.value) for p in curve], x, y, "line machine"),
    ]
    if max_error is not None:
        at = y(max_error)
        parts.append(f'<line class="promise" x1="{x.start}" x2="{x.end}" y1="{at}" y2="{at}"/>')
        parts.append(_text(x.start + 6, at - 6, f"promise: {percent(max_error)}", "label bad"))
    if standing is not None:
        at = x(min(standing, x.high))
        side = "end" if at > WIDTH / 2 else "start"
        gap = -6 if side == "end" else 6
        parts.append(f'<line class="stop" x1="{at}" x2="{at}" y1="{y.start}" y2="{y.end}"/>')
        words = f"decided by the model: {percent(standing)}"
        parts.append(_text(at + gap, y.end + 8, words, "label ink", side))
    last = curve[-1]
    return _svg(
        "Coverage and error",
        f"With {percent(last.coverage)} of the labels decided by the model,"
        f" {percent(last.wrong.value)} of all labels would be expected to be wrong.",
        parts,
    )


def reliability_chart(bins: Sequence[ReliabilityBin]) -> str:
    """Share right against stated confidence; on the diagonal they agree."""
    lowest = min(min(b.confidence, b.right.low) for b in bins)
    floor = max(0.0, math.floor(lowest * 10) / 10)
    x, y = _across(floor, 1), _up(floor, 1)
    parts = [
        _axes(x, y, "calibrated confidence", "share right in the audit", percent),
        f'<line class="diagonal" x1="{x.start}" y1="{y.start}" x2="{x.end}" y2="{y.end}"/>',
        _text(x(floor + 0.12 * (1 - floor)), y(floor + 0.2 * (1 - floor)), "as stated", "label"),
    ]
    for each in bins:
        at = x(each.confidence)
        parts.append(
            f'<line class="whisker" x1="{at}" x2="{at}"'
            f' y1="{y(each.right.low)}" y2="{y(each.right.high)}"/>'
            f'<circle class="dot machine" cx="{at}" cy="{y(each.right.value)}" r="4.5">'
            f"<title>{each.count} labels: {percent(each.confidence)} stated,"
            f" {percent(each.right.value)} right</title></circle>"
        )
    return _svg(
        "Reliability of the confidence",
        "; ".join(f"stated {percent(b.confidence)}, right {percent(b.right.value)}" for b in bins),
        parts,
    )


def learning_chart(rounds: Sequence[LearningRound]) -> str:
    """The forecast of people's answers, round by round."""
    known = [(r.answers, r.forecast) for r in rounds if r.forecast is not None]
    x = _across(0, max(a for a, _ in known) * 1.02)
    y = _up(0, _headroom(max(f for _, f in known)))
    points = [(float(a), float(f)) for a, f in known]
    answers, forecast = points[-1]
    first = points[0]
    parts = [
        _axes(x, y, "answers given", "answers expected in all", _count),
        _line(points, x, y, "line people"),
        *(f'<circle class="dot people" cx="{x(a)}" cy="{y(f)}" r="3"/>' for a, f in points),
        _text(x(answers), y(forecast) - 10, _count(forecast), "label ink", "end"),
    ]
    if len(points) > 2:
        parts.append(_text(x(first[0]) + 2, y(first[1]) - 10, _count(first[1]), "label"))
    return _svg(
        "Forecast while learning",
        f"After {_count(first[0])} answers {_count(first[1])} were expected in all;"
        f" after {_count(answers)}, {_count(forecast)}.",
        parts,
    )


def composition_bar(parts: Sequence[tuple[str, int]]) -> str:
    """One bar for all items, a piece for each (class, count); its legend is the page's."""
    total = sum(count for _, count in parts) or 1
    pieces: list[str] = []
    at = 0.0
    for name, count in parts:
        width = count / total * 1000
        if count:
            pieces.append(
                f'<rect class="{escape(name)}" x="{at:.1f}" y="0"'
                f' width="{max(width - 2, 1):.1f}" height="10"/>'
            )
        at += width
    return (
        '<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(pieces)}</svg>"
    )


def small_bar(share: float) -> str:
    """A bar in a table cell, for a share of the largest value."""
    width = max(0.0, min(1.0, share)) * 100
    return (
        '<svg class="small-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="machine" x="0" y="0" width="{width:.1f}" height="8"/></svg>'
    )


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from low to high.

    >>> ticks(0, 0.074)
    [0.0, 0.02, 0.04, 0.06]
    """
    span = high - low
    if span <= 0:
        return [low]
    rough = span / (most - 1)
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * f for f in (1, 2, 2.5, 5, 10) if unit * f >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


# ---------------------------------------------------------------------------- pieces


def _across(low: float, high: float) -> Scale:
    return Scale(low=low, high=high, start=_LEFT, end=WIDTH - _RIGHT)


def _up(low: float, high: float) -> Scale:
    return Scale(low=low, high=high, start=HEIGHT - _BOTTOM, end=_TOP)


def _headroom(value: float) -> float:
    return value * 1.18 or 1.0


def _axes(x: Scale, y: Scale, across: str, up: str, form: Callable[[float], str]) -> str:
    """Thin horizontal lines, numbers on both axes, and what they count."""
    parts: list[str] = []
    for value in ticks(y.low, y.high, 5):
        at = y(value)
        parts.append(f'<line class="grid" x1="{x.start}" x2="{x.end}" y1="{at}" y2="{at}"/>')
        parts.append(_text(x.start - 7, at + 4, form(value), "tick", "end"))
    for value in ticks(x.low, x.high, 6):
        parts.append(_text(x(value), y.start + 17, form(value), "tick", "middle"))
    parts.append(f'<line class="axis" x1="{x.start}" x2="{x.end}" y1="{y.start}" y2="{y.start}"/>')
    parts.append(_text(x.end, y.start + 37, f"{across} →", "axis-name", "end"))
    parts.append(_text(2, 11, f"↑ {up}", "axis-name"))
    return "".join(parts)


def _line(points: Sequence[tuple[float, float]], x: Scale, y: Scale, kind: str) -> str:
    path = " ".join(f"{x(a)},{y(min(b, y.high))}" for a, b in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def _band(points: Sequence[tuple[float, float, float]], x: Scale, y: Scale) -> str:
    upper = [f"{x(a)},{y(min(high, y.high))}" for a, _, high in points]
    lower = [f"{x(a)},{y(min(low, y.high))}" for a, low, _ in points]
    return f'<polygon class="band" points="{" ".join(upper + lower[::-1])}"/>'


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def _svg(title: str, description: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escape(f"{title}. {description}")}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def percent(value: float) -> str:
    """A share in per cent, with one decimal where it has one."""
    shown = value * 100
    return f"{shown:.{0 if abs(shown - round(shown)) < 0.05 else 1}f} %"


def _count(value: float) -> str:
    return f"{round(value):,}"
