"""How long the page takes from a key to the next item, in a real browser over a slow network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _measure import COMMAND, HERE
from _signoff_server import environment_of

ITEMS, PRESSES, DELAY_MS = 200, 50, 80
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-sync"]
WATCH = """() => {
    globalThis.times = [];
    let pressed = 0;
    addEventListener("keydown", (event) => (pressed = event.timeStamp), true);
    new MutationObserver(() => {
        if (pressed === 0) return;
        const from = pressed;
        pressed = 0;
        // A message posted from the frame's callback arrives right after its painting.
        requestAnimationFrame(() => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => globalThis.times.push(performance.now() - from);
            port2.postMessage(null);
        });
    }).observe(document.querySelector(".item"), {
        childList: true, characterData: true, subtree: true,
    });
}"""
FIRST_PICTURE = "() => new Promise(seen => requestAnimationFrame(() => setTimeout(seen, 50)))"
"""Browsers drop keys pressed before it."""


def program() -> str | None:
    """The browser there is."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def key_to_painted(folder: Path) -> list[float]:
    """Milliseconds from each of 50 keys to the picture of the next item; every request of the page
    takes 80 ms longer than it does here."""
    from playwright.sync_api import sync_playwright

    with _page(folder) as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        slow = {"offline": False, "latency": DELAY_MS}
        limits = {"downloadThroughput": -1, "uploadThroughput": -1}
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        network.send("Network.emulateNetworkConditions", {**slow, **limits})
        page.goto(link)
        page.locator(".item .prose").first.wait_for()
        page.evaluate(FIRST_PICTURE)
        page.evaluate(WATCH)
        for press in range(PRESSES):
            page.keyboard.press(str(press % 2 + 1))
            # Not in step with the screen's frames, nor with the network.
            page.wait_for_timeout(120 + (press * 37) % 60)
        times: list[float] = page.evaluate("() => globalThis.times")
        browser.close()
    if len(times) != PRESSES:
        raise SystemExit(f"{PRESSES} keys brought {len(times)} items")
    return times


@contextmanager
def _page(folder: Path) -> Iterator[str]:
    """The link to the page of a small project, served while the block runs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    store, environ = folder / "a.signoff.db", environment_of(folder)
    make = [sys.executable, str(HERE / "_server_store.py"), str(store), str(ITEMS), "0"]
    subprocess.run(make, env=environ, stdout=subprocess.DEVNULL, check=True)
    command = [sys.executable, "-c", COMMAND, "serve", "--store", str(store), "--port", "0"]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        link = next(found for line in process.stdout if (found := re.search(r"http://\S+", line)))
        yield link.group()
    finally:
        process.terminate()
        process.wait(30)
