"""Schemathesis against a server that listens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 1800
REPOSITORY = Path(__file__).resolve().parents[2]


def fuzz(browser: Any, *options: str, config: str, examples: int, url: str, folder: Path) -> None:
    """All of schemathesis' checks: statuses, types, schemas, refusals of what is malformed."""
    settings, description = folder / "schemathesis.toml", folder / "openapi.json"
    settings.write_text(config, encoding="utf-8")
    description.write_text(browser.get("/api/v1/openapi.json").text, encoding="utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"]
    common = ["--url", url, "--checks", "all", "--continue-on-failure"]
    common += ["--max-examples", str(examples), "--seed", "1", *options]
    ended = subprocess.run(
        [*command, str(description), *common],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=folder,
        # Tables of Unicode, made once and not once for each folder.
        env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(REPOSITORY / ".hypothesis")},
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
