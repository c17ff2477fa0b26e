"""``signoff demo-llm``: a toy in place of a language model."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys

import httpx2
import pytest

from signoff.cli import main

PROGRAM = [sys.executable, "-c", "import sys; from signoff.cli import main; sys.exit(main())"]


def test_it_says_that_it_is_a_toy_answers_and_ends() -> None:
    process = subprocess.Popen(
        [*PROGRAM, "demo-llm", "--port", "0", "--latency", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = ""
    while "Ctrl-C" not in told:
        line = process.stdout.readline()
        assert line, "it ended by itself"
        told += line
    assert "no language model" in told
    found = re.search(r"GOOGLE_GEMINI_BASE_URL=(\S+)", told)
    assert found is not None
    body = {"contents": [{"parts": [{"text": 'Given the text: "A great day", classify it'}]}]}
    path = "/v1beta/models/any:generateContent"
    reply = httpx2.post(found.group(1) + path, json=body).json()
    text = reply["candidates"][0]["content"]["parts"][0]["text"]
    assert text.startswith("Sentiment: Positive\nConfidence: 0.9")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("option", "value"), [("--port", "70000"), ("--latency", "-1"), ("--latency", "nan")]
)
def test_what_cannot_be_is_refused(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo-llm", option, value]) == 2
    assert value in capsys.readouterr().err


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["demo-llm", "--port", port]) == 2
    assert f"port {port}" in capsys.readouterr().err
