"""The tutorial's program on signoff, end to end: its own process, LangChain's own Gemini client, a
local server that speaks Gemini's format, and a person who types."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from signoff.live import Stream
from signoff.testing.injections import INJECTIONS
from signoff.testing.llm_servers import Fault, LlmServer, Style, Toy, llm_server

pytest.importorskip("langchain_google_genai", reason="not installed (pip install '.[dev]')")

PROGRAM = Path(__file__).parents[2] / "examples" / "langgraph_sentiment.py"
TRIGGER = "Human review triggered! Please judge this text:"


def write(path: Path, texts: list[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    return path


def begin(server: LlmServer, table: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", str(PROGRAM), str(table), *more],
        env={**os.environ, "GOOGLE_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": server.url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def judge(text: str) -> str:
    return "Positive" if "wonderful" in text else "Negative"


def type_answers(
    process: subprocess.Popen[str], answer: Callable[[str], str] = judge
) -> tuple[list[str], str]:
    """Read along and answer each text that is shown; the texts, and all that was printed."""
    assert process.stdout is not None
    assert process.stdin is not None
    asked, told = list[str](), ""
    for line in process.stdout:
        told += line
        if TRIGGER in line:
            text = process.stdout.readline().strip()
            asked.append(text)
            process.stdin.write(answer(text) + "\n")
            process.stdin.flush()
    process.wait(60)
    return asked, told


def results(table: Path) -> list[dict[str, str]]:
    with table.with_suffix(".out.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_asks_prints_and_stores_as_the_tutorial_does(tmp_path: Path) -> None:
    texts = ["A wonderful day", "An awful day", "", "NA", "A thing", INJECTIONS[0]]
    table = write(tmp_path / "texts.csv", texts)
    with llm_server(Toy(gullible=True)) as server:
        process = begin(server, table)
        typed = iter(
            ["Banana", "", "Positive", "Negative", "x", "Negative", "Negative", "Negative"]
        )
        assert process.stdin is not None
        process.stdin.write("\n".join(typed) + "\n")
        process.stdin.flush()
        told, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert server.calls == 4
        assert not any(INJECTIONS[0] in each.prompt for each in server.seen)
        again = begin(server, table)
        asked, second = type_answers(again)
        assert (again.returncode, asked) == (0, [])
        assert server.calls == 4
        assert "Analyzing" not in second
    for said in ("Analyzing: 'A wonderful day'", TRIGGER, "Stored -> Sentiment: Positive"):
        assert said in told
    assert told.count("That is no answer") == 2
    found = results(table)
    assert [row["Text"] for row in found] == texts
    assert [row["Final Sentiment"] for row in found] == [
        "Positive", "Negative", "", "Negative", "Negative", "Negative",
    ]  # fmt: skip
    assert {row["Decided by"] for row in found} == {"reviewers"}


@pytest.mark.parametrize(
    "style", ["nan", "inf", "93", "percent", "in words", "unknown label", "shouted"]
)
def test_wild_replies_go_to_a_person(tmp_path: Path, style: Style) -> None:
    table = write(tmp_path / "texts.csv", ["A wonderful day", "An awful day"])
    with llm_server(Toy(style=style)) as server:
        asked, _ = type_answers(begin(server, table))
    assert asked == ["A wonderful day", "An awful day"]
    assert [row["Final Sentiment"] for row in results(table)] == ["Positive", "Negative"]


def test_calls_that_fail_stop_no_other_row(tmp_path: Path) -> None:
    texts = [f"A wonderful day {n}" for n in range(6)]
    table = write(tmp_path / "texts.csv", texts)
    with llm_server(Toy(faults=[Fault(kind="404", on="day 2")])) as server:
        asked, told = type_answers(begin(server, table))
    assert asked == texts
    assert told.count("Stored") == 6
    assert told.count("No answer of the model: the call failed: ") == 1
    assert len(results(table)) == 6


def test_a_killed_program_goes_on_where_it_was(tmp_path: Path) -> None:
    texts = [f"A wonderful day {n}" for n in range(12)]
    table = write(tmp_path / "texts.csv", texts)
    with llm_server(Toy()) as server:
        process = begin(server, table)

        def answer(text: str) -> str:
            if text.endswith(" 5"):
                process.send_signal(signal.SIGKILL)
            return judge(text)

        first, _ = type_answers(process, answer)
        assert process.returncode == -signal.SIGKILL
        assert server.calls == 6
        second, _ = type_answers(begin(server, table))
        assert server.calls == 12
    assert first == texts[:6]
    assert second in (texts[5:], texts[6:])
    assert [row["Final Sentiment"] for row in results(table)] == ["Positive"] * 12


def test_once_people_agreed_often_enough_labels_go_through_and_some_are_checked(
    tmp_path: Path,
) -> None:
    texts = [f"{'A wonderful' if n % 2 else 'An awful'} day {n}" for n in range(160)]
    table = write(tmp_path / "texts.csv", texts)
    with llm_server(Toy()) as server:
        asked, told = type_answers(begin(server, table))
        assert server.calls == 160
    found = results(table)
    by = [row["Decided by"] for row in found]
    assert by.count("model") > 40
    assert len(asked) + by.count("model") >= 160
    assert [row["Final Sentiment"] for row in found] == [judge(text) for text in texts]
    assert "Sentiment: Positive (by model)" in told
    with Stream.open(table.with_suffix(".signoff.db"), "sentiment") as stream:
        assert stream.verify().ok


def test_an_edited_row_is_judged_anew_and_the_others_are_left_alone(tmp_path: Path) -> None:
    texts = ["A wonderful day", "A wonderful week"]
    table = write(tmp_path / "texts.csv", texts)
    with llm_server(Toy()) as server:
        assert type_answers(begin(server, table))[0] == texts
        write(table, ["A wonderful day", "An awful week"])
        assert type_answers(begin(server, table))[0] == ["An awful week"]
        assert server.calls == 3
    assert [row["Final Sentiment"] for row in results(table)] == ["Positive", "Negative"]


def test_the_texts_are_in_the_column_of_that_name(tmp_path: Path) -> None:
    table = tmp_path / "texts.csv"
    table.write_text("id,Text\n7,A wonderful day\n8\n", encoding="utf-8")
    with llm_server(Toy()) as server:
        asked, _ = type_answers(begin(server, table))
    assert asked == ["A wonderful day", ""]


def test_without_a_key_it_says_what_to_do(tmp_path: Path) -> None:
    table = write(tmp_path / "texts.csv", ["A wonderful day"])
    known = {name: value for name, value in os.environ.items() if not name.endswith("API_KEY")}
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), str(table)], env=known, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr == "error: There is no key for Gemini. Set GOOGLE_API_KEY=...\n"
