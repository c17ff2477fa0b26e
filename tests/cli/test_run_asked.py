"""``signoff run --model PROVIDER:MODEL`` against a local server that speaks the provider's format,
through the provider's own library: consent, cost, what is kept, what is logged."""

from __future__ import annotations

import csv
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TextIO, cast

import polars as pl
import pytest

from signoff.cli import main
from signoff.cli.asking import Asking
from signoff.models.llm import providers
from signoff.sdk import StoreView
from signoff.store.store import SqlStore
from signoff.testing.injections import INJECTIONS
from signoff.testing.llm_servers import Fault, LlmServer, Toy, llm_server
from signoff.testing.llm_servers.toy import BLAME, PRAISE
from signoff.worker import Worker

PROGRAM = [sys.executable, "-c", "import sys; from signoff.cli import main; sys.exit(main())"]
ITEMS = 300


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server(Toy()) as running:
        yield running


def write_table(path: Path, items: int = ITEMS, extra: tuple[str, ...] = ()) -> Path:
    luck = random.Random(3)
    rows = [
        (f"a wonderful day number {n}", "Positive")
        if luck.random() < 0.5
        else (f"an awful day number {n}", "Negative")
        for n in range(items)
    ]
    rows += [(text, "Negative") for text in extra]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "reviews.csv")


def command(table: Path, *more: str, model: str = "gemini:toy") -> list[str]:
    return [
        "run", str(table), "--text", "text", "--labels", "Positive,Negative", "--model", model,
        "--reviewer", "column:label", "--seed", "1", *more,
    ]  # fmt: skip


def at(server: LlmServer, provider: str = "gemini") -> tuple[str, str]:
    return "--base-url", server.url + ("/v1" if provider == "openai" else "")


def view(table: Path) -> StoreView:
    return StoreView.open(str(table.with_suffix(".signoff.db")))


def events(table: Path, type: str) -> list[dict[str, object]]:
    seen = view(table)
    found = [json.loads(each.canonical) for each in seen.store.events(seen.project.id, [type])]
    seen.store.close()
    return [each["body"] for each in found]


# ------------------------------------------------------------------------- the whole of it


@pytest.mark.parametrize("provider", ["gemini", "openai", "anthropic"])
def test_a_whole_run_is_certified_and_a_second_one_asks_nothing(
    server: LlmServer, table: Path, provider: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = command(table, *at(server, provider), model=f"{provider}:toy")
    assert main(run) == 0
    assert server.calls == ITEMS
    results = pl.read_csv(table.with_suffix(".signoff.csv"))
    decided = results["signoff_by"].value_counts()
    assert decided.filter(pl.col("signoff_by") == "model")["count"].item() > ITEMS / 3
    assert "certainty 95 %" in capsys.readouterr().out
    assert main(run) == 0
    assert server.calls == ITEMS
    assert main(["verify", str(table.with_suffix(".signoff.db"))]) == 0


def test_the_log_says_where_each_text_went_before_it_went(server: LlmServer, table: Path) -> None:
    assert main(command(table, *at(server))) == 0
    (agreed,) = events(table, "provider.agreed")
    assert (agreed["provider"], agreed["model"], agreed["host"]) == ("gemini", "toy", "127.0.0.1")
    (sent,) = events(table, "texts.sent")
    assert sent["items"] == list(range(ITEMS))
    assert sent["host"] == "127.0.0.1"
    (prompt,) = events(table, "prompt.fixed")
    assert re.fullmatch(r"prompt-[0-9a-f]{16}", str(prompt["version"]))


def test_another_project_of_the_store_pays_for_none_of_the_same_texts(
    server: LlmServer, table: Path
) -> None:
    assert main(command(table, *at(server))) == 0
    assert main(command(table, *at(server), "--project", "again", "--max-error", "10%")) == 0
    assert server.calls == ITEMS


def test_what_the_model_may_not_see_goes_to_people_unseen(
    server: LlmServer, tmp_path: Path
) -> None:
    hidden = ("", "NaN", "   ", INJECTIONS[0])
    table = write_table(tmp_path / "some.csv", extra=hidden)
    ruled = ("--ask-always", "text=a wonderful day number 0")
    assert "a wonderful day number 0," in table.read_text()
    assert main(command(table, *at(server), *ruled)) == 0
    prompts = [each.prompt for each in server.seen]
    assert len(prompts) == ITEMS - 1
    seen = "\n".join(prompts)
    for text in ("a wonderful day number 0", "NaN", INJECTIONS[0]):
        assert f">\n{text}\n<" not in seen
    results = pl.read_csv(table.with_suffix(".signoff.csv"))
    assert results["signoff_answer"].null_count() == 0
    few = results.filter(pl.col("text").is_null() | pl.col("text").is_in(list(hidden)))
    assert set(few["signoff_by"]) == {"reviewers"}


# --------------------------------------------------------------------------------- consent


@pytest.fixture
def far(server: LlmServer, monkeypatch: pytest.MonkeyPatch) -> LlmServer:
    """The local server, taken for one that is elsewhere."""
    monkeypatch.setattr(providers, "is_local", lambda host: False)
    monkeypatch.setattr(providers, "_host_of", lambda url: "models.example")
    monkeypatch.setenv("GEMINI_API_KEY", "secret-key-of-somebody")
    return server


def test_nothing_leaves_this_machine_before_somebody_agrees(
    far: LlmServer, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(table, *at(far))) == 2
    told = capsys.readouterr().err
    assert "models.example" in told
    assert "--yes" in told
    assert told.count("\n") == 1
    assert far.calls == 0
    assert list(table.parent.glob("*.db")) == []


def test_who_agreed_once_is_not_asked_again_and_a_new_address_is(
    far: LlmServer, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(command(table, *at(far), "--yes")) == 0
    assert main(command(table)) == 0
    write_table(table, ITEMS + 200)
    assert main(command(table)) == 0
    assert far.calls == ITEMS + 200
    monkeypatch.setattr(providers, "_host_of", lambda url: "another.example")
    write_table(table, ITEMS + 400)
    assert main(command(table, *at(far))) == 2
    assert far.calls == ITEMS + 200


def test_offline_refuses_whatever_is_elsewhere(
    far: LlmServer, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(table, *at(far), "--yes", "--offline")) == 2
    assert "--offline forbids" in capsys.readouterr().err
    assert far.calls == 0


def test_a_key_or_a_text_is_in_no_message_and_in_no_event(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "secret-key-of-somebody")
    with llm_server(Toy(faults=[Fault(kind="401", share=1)])) as server:
        assert main(command(table, *at(server))) == 3
    told = capsys.readouterr()
    for secret in ("secret-key-of-somebody", "day number", "You judge items"):
        assert secret not in told.err + told.out
    seen = view(table)
    for event in seen.store.events(seen.project.id, unsigned=True):
        assert "secret-key-of-somebody" not in event.canonical
        assert "day number" not in event.canonical


def test_a_terminal_is_asked_once_and_no_is_no(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            return len(text)

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stdin", Terminal())
    answers = iter(["y", "n", ""])

    def typed(_: str) -> str:
        return next(answers)

    monkeypatch.setattr("typer._click.termui.visible_prompt_func", typed)
    asking = Asking(as_json=False, stream=cast("TextIO", Terminal()))
    assert [asking.agree("Texts go to models.example.") for _ in range(3)] == [True, False, False]
    assert "models.example" in capsys.readouterr().err


# ------------------------------------------------------------------------------------ cost


PRICE = '[gemini.toy]\ninput = "1000"\noutput = "1000"\nas_of = "2026-11-01"\n'


@pytest.fixture
def priced(signoff_home: Path) -> None:
    (signoff_home / "prices.toml").write_text(PRICE)


def test_an_estimate_sends_and_makes_nothing(
    server: LlmServer, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(table, *at(server), "--estimate")) == 0
    told = capsys.readouterr().out
    assert f"{ITEMS} calls" in told
    assert "cost unknown" in told
    assert "Nothing was sent." in told
    assert server.calls == 0
    assert list(table.parent.iterdir()) == [table]


@pytest.mark.usefixtures("priced")
def test_an_estimate_is_near_what_a_run_then_takes_and_falls_to_nothing_after_it(
    server: LlmServer, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = command(table, *at(server))
    assert main([*run, "--estimate", "--json"]) == 0
    before = json.loads(capsys.readouterr().out)
    assert before["calls"] == ITEMS
    assert before["price_as_of"] == "2026-11-01"
    people = list(before["human_answers"].values())
    assert people == sorted(people)
    assert people[0] < people[-1] <= ITEMS
    assert main(run) == 0
    capsys.readouterr()
    assert main(["spent", str(table.with_suffix(".signoff.db")), "--json"]) == 0
    spent = json.loads(capsys.readouterr().out)
    assert spent["calls"] == ITEMS
    assert spent["input_tokens"] * 0.5 < before["input_tokens"] < spent["input_tokens"] * 2
    assert spent["cost"].startswith("$")
    assert spent["cost_a_correct_decision"].startswith("at most $")
    assert main([*run, "--estimate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["calls"] == 0


@pytest.mark.usefixtures("priced")
def test_max_cost_stops_before_it_is_passed_and_a_larger_one_goes_on(
    server: LlmServer, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(table, *at(server), "--max-cost", "20")) == 3
    told = capsys.readouterr().err
    assert "--max-cost" in told
    stopped = server.calls
    assert 0 < stopped < ITEMS
    store = str(table.with_suffix(".signoff.db"))
    assert main(["spent", store, "--json"]) == 0
    spent = json.loads(capsys.readouterr().out)
    assert float(spent["cost"].removeprefix("$")) <= 20
    assert spent["calls"] == stopped
    assert main(command(table, *at(server), "--max-cost", "20")) == 3
    assert server.calls == stopped
    assert main(command(table, *at(server), "--max-cost", "10000")) == 0
    assert server.calls == ITEMS


def test_max_cost_needs_a_price(
    server: LlmServer, table: Path, capsys: pytest.CaptureFixture[str], signoff_home: Path
) -> None:
    assert main(command(table, *at(server), "--max-cost", "20")) == 2
    assert str(signoff_home / "prices.toml") in capsys.readouterr().err
    assert server.calls == 0


@pytest.mark.parametrize("typed", ["0", "-1", "nan", "inf", "much", "1e99"])
def test_an_amount_is_one(table: Path, typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(table, "--max-cost", typed)) == 2
    assert typed in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags", [("--base-url", "http://127.0.0.1:1"), ("--max-cost", "1"), ("--estimate",)]
)
def test_flags_of_such_models_are_refused_with_others(
    table: Path, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(table, *flags, model="text")) == 2
    assert "gemini:MODEL" in capsys.readouterr().err


def test_prices_are_shown_with_their_days(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices"]) == 0
    assert re.search(r"gemini:gemini-2.5-flash .*2\.50  \(as of \d{4}-", capsys.readouterr().out)
    assert main(["prices", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["own"].endswith("prices.toml")


# ------------------------------------------------------------------------------- asking more


def test_samples_and_a_second_model_are_fixed_by_the_first_run(
    server: LlmServer, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with llm_server(Toy(version="other-1")) as other:
        where = (*at(server), "--samples", "2", "--second", "anthropic:other", "--budget", "20")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ANTHROPIC_BASE_URL", other.url)
            assert main([*command(table, *where), "--estimate", "--json"]) == 0
            assert json.loads(capsys.readouterr().out)["calls"] == 4 * ITEMS
            assert main(command(table, *where)) == 3
        assert (server.calls, other.calls) == (3 * ITEMS, ITEMS)
        # Later runs find who was asked, and where.
        assert main(["run", str(table), "--reviewer", "column:label", "--seed", "1"]) == 0
        assert (server.calls, other.calls) == (3 * ITEMS, ITEMS)
    agreed = {(each["provider"], each["model"]) for each in events(table, "provider.agreed")}
    assert agreed == {("gemini", "toy"), ("anthropic", "other")}
    assert len(events(table, "texts.sent")) == 2
    assert main(command(table)) == 2
    assert "samples 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags", [("--samples", "21"), ("--samples", "x"), ("--second", "text"), ("--second", "x:y")]
)
def test_what_cannot_be_asked_more_is_refused(
    server: LlmServer, table: Path, flags: tuple[str, ...]
) -> None:
    assert main(command(table, *at(server), *flags)) == 2
    assert server.calls == 0


# ---------------------------------------------------------------------------------- prompts


def test_the_prompt_is_shown_and_stays_while_a_pool_is_open(
    server: LlmServer, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guideline = tmp_path / "guide.md"
    guideline.write_text("Irony counts as it is meant.")
    unfinished = command(table, *at(server), "--guideline", str(guideline), "--budget", "20")
    assert main(unfinished) == 3
    store = str(table.with_suffix(".signoff.db"))
    capsys.readouterr()
    assert main(["prompt", "show", store]) == 0
    told = capsys.readouterr().out
    assert "Irony counts as it is meant." in told
    assert "A = Positive" in told
    with closing(view(table).store) as opened:
        project = opened.find_project("default")
        assert project is not None
        opened.change_page(project.id, replace(project.page, guideline="Irony never counts."), [])
    assert main(command(table, *at(server))) == 0
    assert server.calls == ITEMS
    assert main(["prompt", "show", store, "--all", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out.splitlines()[-1])["prompts"]) == 1


# ------------------------------------------------------------------------------ reliability


def test_a_killed_run_repeats_at_most_the_calls_that_were_in_flight(tmp_path: Path) -> None:
    rows = 1_000
    table = write_table(tmp_path / "many.csv", rows)
    with llm_server(Toy(latency=0.05)) as server:
        run = [*PROGRAM, *command(table, *at(server))]
        with subprocess.Popen(run, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            while server.calls < rows // 3:
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        before = server.calls
        assert before < rows
        done = subprocess.run(run, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        assert server.calls <= rows + 64
    assert main(["verify", str(table.with_suffix(".signoff.db"))]) == 0


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    table = write_table(tmp_path / "many.csv", 600)
    with llm_server(Toy(latency=0.1)) as server:
        run = [*PROGRAM, *command(table, *at(server))]
        with subprocess.Popen(run, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            while server.calls < 200:
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)
        assert process.returncode == 3, told
        assert b"Traceback" not in told
        done = subprocess.run(run, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        assert server.calls <= 600 + 64


def test_rows_whose_calls_fail_for_good_go_to_people_with_the_reason(tmp_path: Path) -> None:
    table = write_table(tmp_path / "some.csv", 200)
    with llm_server(Toy(faults=[Fault(kind="blocked", share=0.1)])) as server:
        assert main(command(table, *at(server))) == 0
    results = pl.read_csv(table.with_suffix(".signoff.csv"))
    assert results.height == 200
    assert results["signoff_answer"].null_count() == 0
    held_back = results["signoff_reason"] == "review: the provider held the model's reply back"
    assert 5 < held_back.sum() < 40


def test_no_injection_is_decided_by_a_gullible_model(tmp_path: Path) -> None:
    table = write_table(tmp_path / "some.csv", ITEMS, extra=tuple(INJECTIONS))
    with llm_server(Toy(gullible=True)) as server:
        assert main(command(table, *at(server))) == 0
    results = pl.read_csv(table.with_suffix(".signoff.csv"))
    injected = results.filter(pl.col("text").is_in(list(INJECTIONS)))
    assert injected.height == len(INJECTIONS)
    assert set(injected["signoff_by"]) == {"reviewers"}
    assert set(injected["signoff_reason"]) == {"review: tries to instruct the model"}


def test_a_worker_goes_on_where_texts_were_agreed_to_go(server: LlmServer, table: Path) -> None:
    assert main(command(table, *at(server), "--budget", "20")) == 3
    asked = server.calls
    write_table(table)
    with closing(SqlStore(str(table.with_suffix(".signoff.db")))) as store:
        errors: list[object] = []
        worker = Worker(store=store, on_error=lambda name, error: errors.append(error))
        project = store.find_project("default")
        assert project is not None
        assert worker._engine(project).progress().answered == 20  # pyright: ignore[reportPrivateUsage]
        assert errors == []
    assert server.calls == asked


def test_erasing_an_item_erases_its_reply(server: LlmServer, table: Path) -> None:
    assert main(command(table, *at(server))) == 0
    store = str(table.with_suffix(".signoff.db"))
    assert main(["erase", store, "row:7", "--yes"]) == 0
    seen = view(table)
    assert sum(each.items for each in seen.store.spent(seen.project.id)) == ITEMS - 1
    seen.store.close()


def test_people_answer_the_examples_first_and_the_prompt_shows_them(
    server: LlmServer, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = command(table, *at(server), "--examples", "6")
    assert main([*run, "--budget", "6"]) == 3
    assert server.calls == 0
    assert events(table, "prompt.fixed") == []
    assert main(run) == 0
    assert server.calls == ITEMS - 6
    assert all(each.prompt.count("<item ") == 7 for each in server.seen)
    results = pl.read_csv(table.with_suffix(".signoff.csv"))
    shown = results.filter(pl.col("signoff_reason") == "start")
    assert shown.height == 6
    assert all(text in server.seen[0].prompt for text in shown["text"])
    capsys.readouterr()
    store = str(table.with_suffix(".signoff.db"))
    assert main(["prompt", "show", store]) == 0
    assert shown["text"][0] in capsys.readouterr().out
    # A later part of the data is asked with the same prompt, and nobody answers examples again.
    write_table(table, ITEMS + 100)
    assert main(run) == 0
    assert server.calls == ITEMS + 100 - 6
    assert len(events(table, "prompt.fixed")) == 1
    row = results["text"].to_list().index(shown["text"][0]) + 1
    assert main(["erase", store, f"row:{row}", "--yes"]) == 0
    capsys.readouterr()
    assert main(["prompt", "show", store]) == 0
    told = capsys.readouterr().out
    assert shown["text"][0] not in told
    assert "erased" in told
    assert main(["verify", store]) == 0


def test_the_log_tells_when_a_name_moved_to_another_version(table: Path) -> None:
    with llm_server(Toy(version="toy-1", weighs=False)) as before:
        assert main(command(table, *at(before), "--budget", "20")) == 3
    table_of_later = write_table(table, ITEMS)
    with llm_server(Toy(version="toy-2", weighs=False)) as after:
        assert main(command(table_of_later, *at(after))) == 0
        write_table(table, ITEMS + 200)
        assert main(command(table, *at(after))) == 0
        assert after.calls == 200
    told = events(table, "version.answered")
    assert [each["version"] for each in told] == ["toy-1", "toy-2"]
    assert [each["weighs"] for each in told] == [True, True]


def test_a_model_in_a_persons_place_is_called_one_and_no_certificate_rests_on_it(
    server: LlmServer, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.write_text(table.read_text() + ",\n" + f'"{INJECTIONS[0]}",\n')
    run = ["run", str(table), "--text", "text", "--labels", "Positive,Negative", *at(server)]
    judged = [*run, "--reviewer", "openai:toy", "--base-url", server.url + "/v1"]
    assert main(judged) == 2
    told = capsys.readouterr().err
    assert "a certificate rests on what people say" in told
    assert server.calls == 0
    assert list(table.parent.glob("*.db")) == []
    assert main([*judged, "--policy", "people"]) == 3
    assert server.calls == ITEMS
    results = pl.read_csv(table.with_suffix(".signoff.csv"))
    assert results.filter(pl.col("signoff_by") == "judge").height == ITEMS
    assert results["signoff_answer"].null_count() == 2
    assert set(results["signoff_reviewers"].drop_nulls()) == {"openai:toy"}
    joined = events(table, "reviewer.added")
    assert [each["kind"] for each in joined] == ["model"]
    sent = [
        item for each in events(table, "texts.sent") for item in cast("list[int]", each["items"])
    ]
    assert sorted(sent) == list(range(ITEMS))
    # Run again it asks nothing: what it could not answer waits for people.
    assert main([*judged, "--policy", "people"]) == 3
    assert server.calls == ITEMS


def test_a_stronger_model_is_asked_where_the_first_is_not_sure(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    luck, items = random.Random(4), 1000
    words = {"Positive": ("wonderful", "sturdy"), "Negative": ("awful", "flimsy")}
    rows = [(label, luck.choice(words[label])) for label in luck.choices(list(words), k=items)]
    with table.open("w", newline="", encoding="utf-8") as file:
        told = [(f"a {word} thing number {n}", label) for n, (label, word) in enumerate(rows)]
        csv.writer(file).writerows([("text", "label"), *told])
    wise = Toy(version="wise-1", praise=PRAISE | {"sturdy"}, blame=BLAME | {"flimsy"})
    hard = sum(word in ("sturdy", "flimsy") for _, word in rows)
    with llm_server(Toy()) as cheap, llm_server(wise) as strong:
        monkeypatch.setenv("OPENAI_BASE_URL", strong.url + "/v1")
        run = command(table, *at(cheap), "--then", "openai:wise")
        assert main([*run, "--estimate"]) == 0
        assert f"at most {2 * items:,} calls" in capsys.readouterr().out
        assert main(run) == 0
        assert cheap.calls == items
        assert 0.9 * hard < strong.calls < hard + items / 4
        spent = strong.calls
        assert main(run) == 0
        assert (cheap.calls, strong.calls) == (items, spent)
        assert main(["verify", str(table.with_suffix(".signoff.db"))]) == 0
        results = pl.read_csv(table.with_suffix(".signoff.csv"))
        assert (results["signoff_by"] == "model").sum() > 0.55 * items
        assert (results["signoff_answer"] == results["label"]).mean() > 0.95
        assert {each["provider"] for each in events(table, "provider.agreed")} == {
            "gemini",
            "openai",
        }
        assert sum(
            len(cast("list[int]", each["items"])) for each in events(table, "texts.sent")
        ) == (cheap.calls + strong.calls)
