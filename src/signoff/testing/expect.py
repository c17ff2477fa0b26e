"""The one verb of every suite: a rule that holds, or a sentence that says which does not."""

from __future__ import annotations

from collections.abc import Callable

from signoff.errors import SignoffError


def expect(holds: bool, rule: str) -> None:
    """Raise :class:`AssertionError` with the rule where it does not hold (also under ``-O``)."""
    if not holds:
        raise AssertionError(rule)


def expect_refusal(action: Callable[[], object], what: str) -> SignoffError:
    """The :class:`SignoffError` that ``action`` must raise, one line long and with a hint."""
    try:
        given = action()
    except SignoffError as error:
        expect("\n" not in error.message, f"{what}: the refusal must be one line.")
        expect(bool(error.message), f"{what}: the refusal must say what happened.")
        expect(bool(error.hint), f"{what}: the refusal must say what to do next.")
        return error
    except Exception as error:
        raise AssertionError(f"{what} raised {type(error).__name__}, no SignoffError.") from error
    raise AssertionError(f"{what} must be refused, gave {str(given)[:60]!r}.")
