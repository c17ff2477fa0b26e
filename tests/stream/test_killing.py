"""SIGKILL at any moment: what was told stands, coins stay, nothing is taken twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from brook import Brook

from signoff.live import Stream

FEEDER = Path(__file__).with_name("feeder.py")


def fed_until_killed(brook: Brook, first: int, seconds: float) -> list[dict[str, Any]]:
    """What a feeding process was told in so many seconds, from its first reply on."""
    process = subprocess.Popen(
        [sys.executable, str(FEEDER), brook.where, str(first)],
        stdout=subprocess.PIPE,
        env={**os.environ, "SIGNOFF_ARTIFACTS": str(brook.folder / "artifacts")},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    rest = process.stdout.read()
    process.wait()
    process.stdout.close()
    whole = [each for each in (line + rest).split(b"\n") if each.endswith(b"}")]
    return [json.loads(each) for each in whole]


def play(brook: Brook, monkeypatch: pytest.MonkeyPatch, *, kills: int) -> None:
    brook.learn()
    moments = random.Random(7)
    told: dict[str, dict[str, Any]] = {}
    for kill in range(kills):
        # Half of what the last one sent is sent again, as a client does that got no reply.
        first = max(0, 3 * (len(told) // 3) - 6)
        for reply in fed_until_killed(brook, first, moments.uniform(0.0, 0.3)):
            before = told.setdefault(reply["key"], reply)
            same = ("id", "route", "confidence", "request", "window", "why")
            assert {name: before[name] for name in same} == {name: reply[name] for name in same}
        if kill % 3 == 2:
            brook.answer()
    assert len(told) >= 3 * kills
    monkeypatch.setenv("SIGNOFF_ARTIFACTS", str(brook.folder / "artifacts"))
    with Stream.open(brook.where) as stream:
        stream.tend()
        keys = sorted(told, key=lambda key: int(key[1:]))
        texts = {key: f"{('yes', 'no')[int(key[1:]) % 2]} {key[1:]}" for key in keys}
        for reply in stream.decide([(key, texts[key]) for key in keys]):
            assert reply.id == told[reply.key]["id"]
            assert reply.route == told[reply.key]["route"]
        verdict = stream.verify()
    assert verdict.problem is None
    for number in range(1, brook.window.number + 1):
        found = brook.store.window_items(brook.project.id, number)
        assert [item.item for item in found] == list(range(len(found)))
        assert "admitted" not in {item.state for item in found}


def test_killed_at_any_moment_nothing_told_is_lost_or_taken_twice(
    sqlite_brook: Brook, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(sqlite_brook, monkeypatch, kills=5)


@pytest.mark.soak
def test_killed_fifty_times_nothing_told_is_lost_or_taken_twice(
    brook: Brook, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(brook, monkeypatch, kills=50)
