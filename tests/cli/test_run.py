"""``signoff run`` from end to end: real files, a real store, real processes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from signoff.cli import main

SOURCE = Path(__file__).resolve().parent.parent.parent / "src"
PROGRAM = "import sys; from signoff.cli import main; sys.exit(main())"
LABELS = "Positive,Negative"
GOOD = ["love", "great", "superb", "happy", "perfect", "sturdy", "elegant", "reliable"]
BAD = ["hate", "awful", "broken", "sad", "useless", "flimsy", "ugly", "returned"]
THINGS = ["lamp", "kettle", "chair", "phone", "jacket", "bottle", "keyboard", "tent"]
ANSWER_ALL = ("--reviewer", "column:label")


def reviews(rows: int, *, seed: int = 1) -> list[dict[str, str]]:
    """Short distinct reviews with their label; a few lie about their mood."""
    rng = random.Random(seed)
    made: list[dict[str, str]] = []
    for number in range(rows):
        label = rng.choice(["Positive", "Negative"])
        mood = GOOD if (label == "Positive") == (rng.random() > 0.02) else BAD
        text = f"{rng.choice(mood)} {rng.choice(mood)} {rng.choice(THINGS)} number {number}"
        made.append({"id": f"{number:03}", "text": text, "note": "NA", "label": label})
    return made


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the working folder of the test."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def small(folder: Path) -> Path:
    """Six reviews: few enough to answer all by hand."""
    return write(folder / "reviews.csv", reviews(6))


@pytest.fixture
def data(folder: Path) -> Path:
    """Enough easy reviews for a certificate at 10 %."""
    return write(folder / "reviews.csv", reviews(400))


def signoff(
    *args: str, stdin: str | bytes | None = "", session: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the program for real, in the working folder."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *args],
        env={**os.environ, "PYTHONPATH": str(SOURCE), **environment},
        input=given,
        capture_output=True,
        timeout=300,
        check=False,
        start_new_session=session,
    )
    return subprocess.CompletedProcess(
        args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def in_process(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    """Run in this process; exit code, standard output, standard error."""
    code = main(args)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


class Pipe(Protocol):
    def __call__(self, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def piped(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Pipe:
    """Runs in this process (starting one takes seconds) with lines as its standard input."""

    def run(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        return subprocess.CompletedProcess(args, *in_process(capsys, *args))

    return run


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


# -------------------------------------------------------------------------- the main job


def test_a_certified_run_writes_the_four_files_and_keeps_every_column(
    data: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = in_process(
        capsys, "run", str(data), "--labels", LABELS, "--max-error", "10%", *ANSWER_ALL
    )
    assert code == 0, err
    assert {
        "reviews.signoff.db",
        "reviews.signoff.csv",
        "reviews.signoff.certificate.json",
        "reviews.signoff.html",
    } <= files(folder)
    before, after = read(data), read(folder / "reviews.signoff.csv")
    assert [{name: row[name] for name in before[0]} for row in after] == before
    added = [name for name in after[0] if name.startswith("signoff_")]
    assert added == [
        f"signoff_{name}"
        for name in ("answer", "by", "confidence", "reason", "reviewers", "model", "event")
    ]
    assert {row["signoff_by"] for row in after} == {"model", "reviewers"}
    wrong = sum(row["signoff_answer"] != row["label"] for row in after)
    assert wrong <= 40
    certificate = json.loads((folder / "reviews.signoff.certificate.json").read_text())
    assert certificate["statement"] in out
    assert "reviews.signoff.certificate.json" in out
    assert "\x1b" not in out + err


def test_for_machines_there_is_one_object_at_the_end_and_progress_on_standard_error(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = in_process(
        capsys, "run", str(data), "--labels", LABELS, "--max-error", "10%", "--json", *ANSWER_ALL
    )
    assert code == 0
    result = json.loads(out)
    assert result["exit_code"] == 0
    assert result["certificate"]["statement"]
    assert result["counts"]["undecided"] == 0
    assert Path(result["paths"]["results"]).exists()
    progress = [json.loads(line)["progress"] for line in err.splitlines()]
    assert progress[-1]["phase"] == "closed"
    assert progress[-1]["items"] == 400


def test_labels_come_from_the_column_that_answers(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = in_process(capsys, "run", str(small), "--policy", "people", *ANSWER_ALL)
    assert code == 0, err
    assert all(
        row["signoff_answer"] == row["label"]
        for row in read(small.with_name("reviews.signoff.csv"))
    )


def test_a_promise_that_cannot_be_kept_is_refused_before_anything_is_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "reviews.csv", reviews(18))
    code, out, err = in_process(capsys, "run", "reviews.csv", "--labels", LABELS)
    assert (code, out) == (4, "")
    (line,) = err.splitlines()
    assert "items" in line
    assert "--max-error" in line
    assert "--certainty" in line
    assert files(folder) == {"reviews.csv"}


# ----------------------------------------------------------------------- people in a pipe


def test_a_pipe_answers_everything_and_the_next_run_asks_nothing(small: Path) -> None:
    command = ("run", str(small), "--labels", LABELS, "--policy", "people", "--as", "ada")
    done = signoff(*command, stdin="1\n2\nx\n1\n2\n1\n")
    assert done.returncode == 0, done.stderr
    rows = read(small.with_name("reviews.signoff.csv"))
    assert {row["signoff_by"] for row in rows} == {"reviewers"}
    assert {row["signoff_reviewers"] for row in rows} == {"ada"}
    again = signoff(*command)
    assert again.returncode == 0, again.stderr
    assert "number" not in again.stdout


def test_quitting_is_unfinished_and_the_same_command_goes_on_without_asking_twice(
    small: Path, piped: Pipe
) -> None:
    command = ("run", str(small), "--labels", LABELS, "--policy", "people")
    texts = [row["text"] for row in read(small)]
    first = piped(*command, stdin="1\n2\nq\n")
    assert first.returncode == 3, first.stderr
    second = piped(*command, stdin="1\n" * 4)
    assert second.returncode == 0, second.stderr
    asked = [text for text in texts if text in first.stdout]
    asked_again = [text for text in texts if text in second.stdout]
    assert len(asked) == 3
    assert len(asked_again) == 4
    assert len(set(asked) | set(asked_again)) == 6


def test_what_is_decided_so_far_is_written_when_the_reviewer_quits(
    small: Path, piped: Pipe
) -> None:
    done = piped("run", str(small), "--labels", LABELS, "--policy", "people", stdin="1\n")
    assert done.returncode == 3
    answers = [row["signoff_answer"] for row in read(small.with_name("reviews.signoff.csv"))]
    assert sorted(answers) == [""] * 5 + ["Positive"]


def test_an_unknown_label_is_refused_with_the_list_and_nothing_is_lost(
    small: Path, piped: Pipe
) -> None:
    done = piped("run", str(small), "--labels", LABELS, "--policy", "people", stdin="1\nGreat\n2\n")
    assert done.returncode == 3
    assert "'Great' is not one of the labels. Allowed: Positive, Negative." in done.stdout


def test_nobody_to_ask_queues_and_is_unfinished(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = in_process(
        capsys,
        *("run", str(small), "--labels", LABELS, "--policy", "people", "--reviewer", "none"),
    )
    assert code == 3
    assert "6 items wait" in out
    code, out, _ = in_process(capsys, "status", "reviews.signoff.db", "--json")
    assert (code, json.loads(out)["waiting"]) == (0, 6)


def test_a_budget_that_is_spent_is_unfinished_and_a_larger_one_goes_on(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("run", str(small), "--labels", LABELS, "--policy", "people", *ANSWER_ALL)
    code, out, err = in_process(capsys, *command, "--budget", "2")
    assert code == 3, err
    assert "--budget" in out
    assert "2 answered by people" in out
    code, _, err = in_process(capsys, *command, "--budget", "6")
    assert code == 0, err


# ----------------------------------------------------------------------- standard input


def test_data_from_standard_input_can_be_answered_by_a_column(folder: Path) -> None:
    done = signoff(
        *("run", "-", "--policy", "people", "--out", "-", *ANSWER_ALL),
        stdin="text,label\ngood,Positive\nbad,Negative\n",
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [row["signoff_answer"] for row in rows] == ["Positive", "Negative"]
    assert "2 answered by people" in done.stderr


def test_data_from_standard_input_without_a_terminal_to_answer_from_is_refused(
    folder: Path,
) -> None:
    done = signoff(
        *("run", "-", "--labels", LABELS, "--policy", "people"),
        stdin="text\ngood\nbad\n",
        session=True,
    )
    assert done.returncode == 2
    assert "no terminal to answer from" in done.stderr
    assert files(folder) == set()


# ---------------------------------------------------------------------------- bad input


def refused(
    capsys: pytest.CaptureFixture[str], folder: Path, *args: str, labels: str | None = LABELS
) -> str:
    """Run on bad input; the one line of the refusal. Nothing may have appeared."""
    before = files(folder)
    chosen = [] if labels is None else ["--labels", labels]
    code, out, err = in_process(capsys, "run", *args, *chosen, "--policy", "people")
    assert (code, out) == (2, ""), err
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert "Internal" not in line
    assert files(folder) == before
    return line


def test_a_missing_file_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere.csv" in refused(capsys, folder, "nowhere.csv")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"text,label\n", "row"),
        (b"id,text\n1,good\n1,good,extra\n", "line 3"),
        (b"PK\x03\x04zipped", "zip"),
        (b'{"text": "good"}\n{"text": \n', "line 2"),
        (b"signoff_answer,text\na,b\n", "signoff_"),
    ],
)
def test_a_broken_file_is_refused_saying_what_is_wrong_and_where(
    content: bytes, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.csv").write_bytes(content)
    assert said in refused(capsys, folder, "bad.csv")


def test_a_directory_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "inner").mkdir()
    assert "inner" in refused(capsys, folder, "inner")


def test_a_compressed_file_is_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with gzip.open(folder / "reviews.csv.gz", "wt") as file:
        file.write("text,label\ngood,Positive\nbad,Negative\n")
    code, _, err = in_process(capsys, "run", "reviews.csv.gz", "--policy", "people", *ANSWER_ALL)
    assert code == 0, err


@pytest.mark.parametrize(
    "args",
    [
        ("--text", "body"),
        ("--key", "uuid"),
        ("--reviewer", "column:gold"),
        ("--ask-always", "country=DE"),
    ],
)
def test_a_column_that_is_not_there_is_refused_with_those_that_are(
    args: tuple[str, str], small: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, folder, str(small), *args)
    assert "text" in line
    assert "note" in line


def test_a_text_column_that_cannot_be_guessed_is_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "two.csv", [{"left": "a b c", "right": "d e f"}])
    line = refused(capsys, folder, "two.csv")
    assert "--text" in line
    assert "left" in line


def test_a_key_with_two_contents_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "twice.csv", [{"id": "7", "text": "good"}, {"id": "7", "text": "bad"}])
    assert "'7'" in refused(capsys, folder, "twice.csv", "--key", "id")


def test_an_unknown_label_in_the_answering_column_is_refused_with_the_list(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        folder / "mixed.csv", [{"text": "good", "label": "Positive"}, {"text": "x", "label": "Meh"}]
    )
    line = refused(capsys, folder, "mixed.csv", *ANSWER_ALL)
    assert "'Meh'" in line
    assert "Positive, Negative" in line


@pytest.mark.parametrize("labels", [None, "Positive", "Positive,", "Yes,yes"])
def test_labels_that_make_no_choice_are_refused(
    labels: str | None, small: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "label" in refused(capsys, folder, str(small), labels=labels).lower()


# --------------------------------------------------------------------------- re-runs


def test_another_target_is_refused_with_the_difference_and_another_project_is_not(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("run", str(data), "--labels", LABELS, "--reviewer", "none")
    assert in_process(capsys, *command, "--max-error", "10%")[0] == 3
    code, _, err = in_process(capsys, *command, "--max-error", "20%")
    assert code == 2
    (line,) = err.splitlines()
    assert "0.1" in line
    assert "0.2" in line
    assert "--project" in line
    assert in_process(capsys, *command, "--max-error", "20%", "--project", "looser")[0] == 3


def test_the_same_run_twice_at_once_is_refused_for_the_second(small: Path) -> None:
    command = ["run", str(small), "--labels", LABELS, "--policy", "people"]
    first = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdin is not None
    assert first.stdout is not None
    try:
        while "Positive" not in first.stdout.readline():
            assert first.poll() is None
        second = signoff(*command)
        assert second.returncode == 2
        assert len(second.stderr.splitlines()) == 1
    finally:
        first.communicate("q\n", timeout=60)
    assert first.returncode == 3


def test_an_interrupt_is_unfinished_and_the_same_command_finishes(data: Path) -> None:
    command = ["run", str(data), "--labels", LABELS, "--max-error", "10%", "--json", *ANSWER_ALL]
    running = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    assert "progress" in running.stderr.readline()
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode in (0, 3)
    assert signoff(*command).returncode == 0


# ------------------------------------------------------------------ what can be done then


def test_status_export_report_log_proof_verify_and_erase_work_on_the_store(
    data: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("run", str(data), "--key", "id", "--labels", LABELS, "--max-error", "10%")
    assert in_process(capsys, *command, *ANSWER_ALL)[0] == 0
    store = "reviews.signoff.db"

    code, out, _ = in_process(capsys, "status", store)
    assert code == 0
    assert "default" in out

    code, out, _ = in_process(capsys, "export", store)
    assert code == 0
    assert len(list(csv.DictReader(out.splitlines()))) == 400
    assert in_process(capsys, "export", store, "--out", "again.jsonl")[0] == 0
    assert len((folder / "again.jsonl").read_text().splitlines()) == 400

    assert in_process(capsys, "report", store, "--out", "again.html")[0] == 0
    assert "<html" in (folder / "again.html").read_text()

    code, out, err = in_process(capsys, "verify", store)
    assert code == 0, out + err
    assert "Verified." in out.splitlines()

    assert in_process(capsys, "log", store, "--out", "log.jsonl")[0] == 0
    lines = (folder / "log.jsonl").read_text().splitlines()
    key = json.loads(lines[0])["public_key"]
    (folder / "key.txt").write_text(key + "\n")
    for trusted in ((), ("--key", key), ("--key", "key.txt")):
        code, out, err = in_process(capsys, "verify", "log.jsonl", *trusted)
        assert code == 0, out + err

    assert in_process(capsys, "proof", store, "007", "--out", "proof.json")[0] == 0
    code, out, err = in_process(capsys, "verify", "proof.json", "--key", key)
    assert code == 0, out + err
    assert in_process(capsys, "verify", "proof.json")[0] == 2
    proof = (folder / "proof.json").read_text()
    number = json.loads(proof)["index"]
    (folder / "proof.json").write_text(
        proof.replace(f'"index": {number}', f'"index": {number + 1}')
    )
    assert in_process(capsys, "verify", "proof.json", "--key", key)[0] == 1

    code, out, err = in_process(capsys, "erase", store, "007", "--yes")
    assert code == 0, err
    code, out, err = in_process(capsys, "verify", store)
    assert code == 0, out + err
    text = read(data)[7]["text"]
    in_process(capsys, "export", store, "--out", "after.csv")
    assert text not in (folder / "after.csv").read_text()


def test_an_exported_table_holds_no_formula_unless_it_is_to_be_as_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["=1+1", "@ann thanks", "-3.5", "plain"]
    rows = "".join(f"{n},{text},A\n" for n, text in enumerate(texts))
    (folder / "reviews.csv").write_text("id,text,label\n" + rows)
    command = ("run", "reviews.csv", "--labels", "A,B", "--key", "id", "--policy", "people")
    assert in_process(capsys, *command, "--reviewer", "column:label")[0] == 0
    assert [row["text"] for row in read(folder / "reviews.signoff.csv")] == texts

    store = "reviews.signoff.db"
    code, _, err = in_process(capsys, "export", store, "--out", "out.csv")
    assert code == 0
    assert "2 texts that a spreadsheet would run begin with an apostrophe" in err
    guarded = ["'=1+1", "'@ann thanks", "-3.5", "plain"]
    assert [row["text"] for row in read(folder / "out.csv")] == guarded
    code, _, err = in_process(capsys, "export", store, "--out", "out.csv", "--as-is")
    assert (code, "apostrophe" in err) == (0, False)
    assert [row["text"] for row in read(folder / "out.csv")] == texts
    code, out, _ = in_process(capsys, "export", store)
    assert [row["text"] for row in csv.DictReader(out.splitlines())] == texts


def test_a_changed_log_is_not_verified_and_the_record_is_named(
    small: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_process(capsys, "run", str(small), "--policy", "people", *ANSWER_ALL)[0] == 0
    assert in_process(capsys, "log", "reviews.signoff.db", "--out", "log.jsonl")[0] == 0
    log = folder / "log.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    changed = next(n for n, line in enumerate(lines) if "answer.given" in line)
    lines[changed] = lines[changed].replace("answer.given", "answer.giben")
    log.write_text("".join(lines))
    code, out, err = in_process(capsys, "verify", "log.jsonl")
    assert code == 1
    assert str(changed + 1) in out + err


def test_erasing_without_a_terminal_needs_a_yes(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_process(capsys, "run", str(small), "--policy", "people", *ANSWER_ALL)[0] == 0
    done = signoff("erase", "reviews.signoff.db", "whatever")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    done = signoff("erase", "reviews.signoff.db", "no-such-key", "--yes")
    assert done.returncode == 2
    assert "no-such-key" in done.stderr


def test_a_store_that_is_none_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "x.signoff.db").write_text("hello")
    for command in (["status"], ["export"], ["verify"], ["log"]):
        code, _, err = in_process(capsys, *command, "x.signoff.db")
        assert code in (1, 2)
        assert len(err.splitlines()) == 1
        assert "Internal" not in err
