"""Numbers, times and names as the pages say them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

MICROSECONDS = 1_000_000
MINUTES_OF_AN_HOUR = 60
HOURS_OF_A_DAY = 24


def count(number: int) -> str:
    """A whole number with its thousands apart.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,}"


def share(part: float, whole: float = 1.0) -> str:
    """A share in per cent, so exact that small ones are not nothing.

    >>> [share(0, 10), share(1, 3), share(1, 20_000), share(19_999, 20_000), share(5, 5)]
    ['0 %', '33 %', '< 0.1 %', '> 99.9 %', '100 %']
    """
    if whole <= 0 or part <= 0:
        return "0 %"
    percent = 100 * part / whole
    if percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %" if percent < 10 and percent != round(percent) else f"{percent:.0f} %"


def percent(number: object) -> str:
    """A decimal number as per cent, exactly.

    >>> percent("0.05"), percent("0.995"), percent("much")
    ('5 %', '99.5 %', 'much')
    """
    try:
        value = Decimal(str(number)) * 100
    except InvalidOperation:
        return str(number)
    return f"{value.normalize():f} %"


def duration(minutes: float) -> str:
    """How long something takes, as people say it.

    >>> [duration(minutes) for minutes in (0.2, 12.4, 90, 60 * 30)]
    ['under a minute', '12 minutes', '1.5 hours', '30 hours']
    """
    if minutes < 1:
        return "under a minute"
    if minutes < MINUTES_OF_AN_HOUR:
        whole = round(minutes)
        return f"{whole} minute{'' if whole == 1 else 's'}"
    hours = minutes / MINUTES_OF_AN_HOUR
    return f"{hours:.1f}".removesuffix(".0") + (" hour" if hours == 1 else " hours")


def seconds(value: float | None) -> str:
    """A time to answer.

    >>> seconds(2.345), seconds(75.0), seconds(None)
    ('2.3 s', '1 min 15 s', '–')
    """
    if value is None:
        return "–"
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {round(value % 60)} s"


def moment(microseconds: int) -> str:
    """An instant of the log, to the second, in UTC.

    >>> moment(1_700_000_000_000_000)
    '2023-11-14 22:13:20'
    """
    at = datetime.fromtimestamp(microseconds / MICROSECONDS, tz=UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S")


def iso(microseconds: int) -> str:
    """An instant as machines read it.

    >>> iso(1_700_000_000_000_000)
    '2023-11-14T22:13:20Z'
    """
    return moment(microseconds).replace(" ", "T") + "Z"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    >>> plural(1, "item"), plural(2000, "item"), plural(0, "reply", "replies")
    ('1 item', '2,000 items', '0 replies')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shortened(text: str, most: int = 240) -> str:
    """The beginning of a text.

    >>> shortened("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


FILTERS: Mapping[str, Callable[..., str]] = {
    "count": count,
    "share": share,
    "percent": percent,
    "duration": duration,
    "seconds": seconds,
    "moment": moment,
    "iso": iso,
    "plural": plural,
    "shortened": shortened,
}
