"""The stream whose model goes bad half-way is played as its page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_finds_are_corrected_automation_stops_and_recovers(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "stream.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    first, *states = re.findall(r": (learning|automatic|stopped): ", said)
    assert first == "learning"
    # A model that was just corrected may learn a little longer before it is sure of anything.
    assert [state for state in states if state != "learning"] == [
        "automatic",
        "stopped",
        "automatic",
    ]
    assert "alarms: 1," in said
    assert int(re.findall(r"corrections: (\d+)", said)[0]) > 8
    assert "The log verifies." in said
    windows = [
        (int(automatic), int(wrong))
        for automatic, wrong in re.findall(r"(\d+) of 600 automatic, (\d+) wrong", said)
    ]
    assert len(windows) == 3
    assert windows[2][0] > windows[1][0], "it recovers"
    assert max(wrong for _, wrong in windows) <= 60
    assert windows[1][1] > 0
