"""``signoff stream create``, and the commands about a store on a stream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from signoff.cli import main
from signoff.core.questions import Chosen
from signoff.errors import Exit
from signoff.live import Stream
from signoff.project.evidence import public_key_of


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "tickets.signoff.db")


def create(store: str, *options: str) -> int:
    return main(["stream", "create", store, "--labels", "Yes,No", *options])


def test_a_stream_is_made_and_says_what_it_bears(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(store, "--project", "tickets", "--window", "7600") == Exit.DONE
    said = capsys.readouterr().out
    assert "tickets" in said
    assert "finds allowed  30" in said
    assert main(["status", store, "--json"]) == Exit.DONE
    status = json.loads(capsys.readouterr().out)
    assert (status["state"], status["window"], status["items"]) == ("learning", 1, 7600)
    assert main(["verify", store]) == Exit.DONE
    assert main(["export", store]) == Exit.DONE
    assert main(["report", store]) == Exit.USAGE
    assert "is a stream: there is no report" in capsys.readouterr().err


def test_a_window_is_ended_and_its_certificate_said(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(store, "--undo-seconds", "0") == Exit.DONE
    assert main(["stream", "end", store]) == Exit.USAGE
    assert "Nothing arrived in window 1 yet." in capsys.readouterr().err
    with Stream.open(store) as stream:
        stream.decide([("a", "one"), ("b", "two")])
    assert main(["stream", "end", store]) == Exit.DONE
    said = capsys.readouterr().out
    assert "Window 1 ended with 2 items." in said
    assert "once 2 items are answered" in said
    with Stream.open(store) as stream:
        desk = stream.desk("Ada")
        desk.answer_many([(each, Chosen("Yes")) for each in desk.next_many(10)])
        stream.tend()
    assert main(["stream", "end", store]) == Exit.DONE
    assert "At most 2 of 2 labels (100 %) differ" in capsys.readouterr().out
    assert main(["verify", store]) == Exit.DONE


def test_a_seed_is_the_operators_and_the_log_says_so(tmp_path: Path) -> None:
    commitments: list[object] = []
    for name, options in (("a", ["--seed", "7"]), ("b", ["--seed", "7"]), ("c", [])):
        where = str(tmp_path / f"{name}.signoff.db")
        assert create(where, *options) == Exit.DONE
        with Stream.open(where) as stream:
            (window,) = stream.view.store.windows(stream.project.id)
            assert window.seed_chosen_by == ("operator" if options else "system")
            commitments.append(window.seed_commitment)
            assert stream.verify().ok
    assert commitments[0] == commitments[1] != commitments[2]


def test_what_cannot_be_promised_is_refused_and_leaves_nothing(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(store, "--window", "200") == Exit.INFEASIBLE
    error = capsys.readouterr().err
    assert "--window 560" in error
    assert error.count("\n") == 1
    assert not Path(store).exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--window", "0"], "--window 0 holds no label"),
        (["--window", "many"], "--window 'many' is not a whole number"),
        (["--audit-rate", "10"], "Did you mean 10%?"),
        (["--effects", "maybe"], "--effects 'maybe' is not known"),
        (["--model", "none.py:f"], "Model file 'none.py' does not exist"),
        (["--seed", "x"], "--seed 'x' is not a whole number"),
        (["--undo-seconds", "-1"], "--undo-seconds '-1' is not a whole number"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(
    store: str, capsys: pytest.CaptureFixture[str], options: list[str], reason: str
) -> None:
    assert create(store, *options) == Exit.USAGE
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert not Path(store).exists()


def test_without_labels_or_a_command_the_way_on_is_told(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stream", "create", store]) == Exit.USAGE
    assert "Pass --labels A,B" in capsys.readouterr().err
    assert main(["stream"]) == Exit.USAGE
    assert "create" in capsys.readouterr().out


def test_a_name_is_taken_once(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert create(store) == Exit.DONE
    assert create(store) == Exit.USAGE
    assert "There is a project 'stream' already" in capsys.readouterr().err


def test_an_item_is_proved_and_erased(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(store, "--undo-seconds", "0") == Exit.DONE
    with Stream.open(store) as stream:
        stream.decide([("a", "one"), ("b", "two")])
        desk = stream.desk("Ada")
        desk.answer_many([(each, Chosen("Yes")) for each in desk.next_many(1)])
        stream.tend()
        key = public_key_of(stream.view.store, stream.project).text
    proof = str(tmp_path / "proof.json")
    assert main(["proof", store, "b"]) == Exit.USAGE
    assert "'b' is not decided yet" in capsys.readouterr().err
    assert main(["proof", store, "a", "--out", proof]) == Exit.DONE
    assert main(["verify", proof, "--key", key, "--json"]) == Exit.DONE
    shown = json.loads(capsys.readouterr().out)
    assert (shown["event"], shown["decision"]) == ("item.decided", '{"label":"Yes"}')
    assert main(["erase", store, "a", "b", "--yes"]) == Exit.DONE
    assert capsys.readouterr().out == "Erased a: 1 row.\nErased b: 1 row.\n"
    assert main(["erase", store, "c", "--yes"]) == Exit.USAGE
    assert main(["verify", store]) == Exit.DONE
    assert main(["verify", proof, "--key", key]) == Exit.DONE


def test_the_stream_decides_from_python(store: str) -> None:
    assert create(store) == Exit.DONE
    with Stream.open(store) as stream:
        (reply,) = stream.decide([("a", "Where is my parcel?")])
        assert (reply.route, reply.answer) == ("REVIEW", None)
        assert stream.look(reply.id) == reply
        assert stream.look("none") is None
        assert stream.status().arrived == 1
        assert not stream.tend()
        assert stream.verify().ok
