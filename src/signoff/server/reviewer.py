"""The reviewer of a run who answers on a page in the browser."""

from __future__ import annotations

import os
import sys
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from signoff.errors import StoreError
from signoff.ports import Desk, Progress
from signoff.server.local import LocalPage

LOOK_SECONDS = 0.3
FAREWELL_SECONDS = 1.5
"""How long the page has to hear that all is done before its server ends."""


@dataclass(slots=True, kw_only=True)
class PageReviewer:
    """A person at the review page; the run waits and shows how far they got.

    ``start`` starts the page of the run's project, once. ``show`` is told the link and whether
    a browser was opened; ``on_progress`` hears of every answer.
    """

    name: str
    start: Callable[[], LocalPage]
    show: Callable[[str, bool], None] = field(default=lambda _url, _opened: None)
    on_progress: Callable[[Progress], None] = field(default=lambda _: None)
    open_browser: bool = True
    kind: Literal["person"] = field(default="person", init=False)
    _page: LocalPage | None = field(default=None, init=False)

    def review(self, desk: Desk) -> bool:
        """Wait until nothing more waits for people; raises :class:`StoreError` where the page ended
        by itself."""
        page = self._opened()
        seen = -1
        while True:
            progress = desk.progress()
            if progress.answered != seen:
                seen = progress.answered
                self.on_progress(progress)
            if progress.open == 0 or progress.budget_left == 0:
                return True
            if not page.alive():
                raise StoreError(
                    "The review page ended by itself.",
                    hint="Run the same command again; every answer is kept.",
                    code="page",
                )
            time.sleep(LOOK_SECONDS)

    def _opened(self) -> LocalPage:
        if self._page is None:
            self._page = self.start()
            opened = self.open_browser and has_display() and webbrowser.open(self._page.url)
            self.show(self._page.url, opened)
        return self._page

    def close(self) -> None:
        """Let the page say how it ended, then end it."""
        if self._page is not None:
            time.sleep(FAREWELL_SECONDS)
            self._page.close()
            self._page = None


def has_display() -> bool:
    """Whether a browser window could be seen: a text browser must not take the terminal."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
