"""Uploads become projects and pools, whole or not at all."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import cast

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workshop import PEOPLE, REVIEWS, Workshop, csv, ndjson

from signoff.core.records import Job
from signoff.project.ownership import owning
from signoff.settings import Settings
from signoff.work.runner import JobRunner


def error_of(job: Job) -> dict[str, object]:
    assert job.state == "failed", job
    assert job.error is not None
    return job.error


def test_an_upload_becomes_a_project_with_its_rows(shop: Workshop) -> None:
    job = shop.bring(REVIEWS, project="letters", key="id")
    assert (job.state, job.error) == ("done", None)
    project = shop.project("letters")
    assert job.project == project.id == job.body["founding"]
    assert job.result == {
        "project": project.id, "pool": 1, "rows": 20, "items": 20, "known": 0, "erased": 0,
    }  # fmt: skip
    assert project.question.ids == ("A", "B")
    assert project.process == {"kind": "person"}
    assert shop.view(project).verify().ok
    assert not list((shop.folder / "uploads").glob("*"))


def test_it_takes_what_a_run_takes(shop: Workshop) -> None:
    rows = [{"body": f"text {n}", "land": "DE" if n % 2 else "FR"} for n in range(10)]
    job = shop.bring(
        ndjson(rows),
        "rows.ndjson",
        text="body",
        question="Which one?",
        ask_always=[["land", "DE"]],
        group=False,
        policy={"kind": "threshold", "confidence": "0.9"},
    )
    assert job.state == "done", job.error
    project = shop.project()
    assert project.text_column == "body"
    assert project.question.text == "Which one?"
    assert [(rule.column, rule.value) for rule in project.rules] == [("land", "DE")]
    assert project.policy.describe() == "threshold 0.9 on calibrated confidence"
    assert not project.group


def test_a_form_with_everything_a_run_takes_is_asked_of_people_who_are_meant(
    shop: Workshop,
) -> None:
    rows = [{"draft": f"text {n}", "field": "law" if n % 2 else "art"} for n in range(10)]
    form = [
        {"kind": "rating", "name": "tone", "version": 1, "text": "How kind?", "high": 3},
        {"kind": "text", "name": "fixed", "version": 1, "text": "Correct it.", "field": "draft"},
    ]
    job = shop.bring(
        ndjson(rows),
        "rows.ndjson",
        labels=None,
        policy=None,
        form=form,
        overlap=2,
        assign=[["field", "law", "lawyer"]],
        due=[3600, "everybody"],
        item_kind="markdown",
        guideline="Be *kind*.",
        blur=True,
        text_direction="rtl",
    )
    assert job.state == "done", job.error
    assert job.result is not None
    assert "no model answers tone, fixed" in str(job.result["note"])
    project = shop.project()
    assert project.form.names == ("tone", "fixed")
    assert project.policy.describe() == "people answer everything"
    assert project.overlap == 2
    assert [(rule.value, rule.tag) for rule in project.queue.assign] == [("law", "lawyer")]
    assert project.queue.due is not None
    assert (project.queue.due.seconds, project.queue.due.outcome) == (3600, "next")
    assert (project.item_kind, project.page.guideline) == ("markdown", "Be *kind*.")
    assert (project.page.blur, project.page.text_direction) == (True, "rtl")
    assert shop.view(project).verify().ok


def test_further_rows_become_the_next_pool_once_the_first_is_closed(shop: Workshop) -> None:
    shop.bring(REVIEWS, key="id")
    project = shop.project()
    more = REVIEWS + "r20,one more review\n"
    early = shop.done(shop.ask(shop.upload(more), into=project))
    assert error_of(early)["code"] == "unfinished"
    assert "Pool 1 is not finished" in str(error_of(early)["message"])
    shop.finish()
    shop.store.retry_job(early.id, now=0)
    job = shop.done(early)
    assert job.state == "done", job.error
    assert job.result is not None
    assert (job.result["pool"], job.result["rows"], job.result["known"]) == (2, 1, 20)
    assert shop.view(project).verify().ok


def test_rows_the_project_has_already_make_no_pool(shop: Workshop) -> None:
    shop.bring(REVIEWS, key="id")
    job = shop.done(shop.ask(shop.upload(REVIEWS), into=shop.project()))
    assert job.result is not None
    assert (job.result["rows"], job.result["known"], job.result["pool"]) == (0, 20, None)
    assert len(shop.store.pools(shop.project().id)) == 1


def test_two_projects_cannot_have_one_name(shop: Workshop) -> None:
    assert shop.bring(REVIEWS).state == "done"
    error = error_of(shop.bring(REVIEWS))
    assert error["code"] == "project_exists"
    assert "'default'" in str(error["message"])


@pytest.mark.parametrize(
    ("content", "name", "options", "code", "says"),
    [
        ("", "a.csv", {}, "empty_file", "a.csv is empty."),
        ("text\n", "a.csv", {}, "no_rows", "a.csv has a header and no rows."),
        ('{"text": 1', "a.ndjson", {}, "broken_json", "a.ndjson is broken JSON"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "a.png", {}, "wrong_format", "a.png is"),
        (REVIEWS, "a.csv", {"text": "body"}, "no_such_column", "'body' not in a.csv"),
        (REVIEWS, "a.csv", {"key": "nr"}, "no_such_column", "'nr' not in a.csv"),
        (REVIEWS, "a.csv", {"labels": ["A"]}, None, ""),
        (REVIEWS, "a.csv", {"labels": None}, "usage", "No labels"),
        (REVIEWS, "a.csv", {"model": "evil.py:model"}, "usage", "cannot be used here"),
        (REVIEWS, "a.csv", {"model": "predictions"}, "no_such_column", "'prediction'"),
        (REVIEWS, "a.csv", {"policy": {"kind": "certified", "max_error": "0.01",
         "certainty": "0.95", "slice": None}}, "infeasible", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_the_job_s_error_and_leaves_nothing(
    sqlite_shop: Workshop,
    content: bytes | str,
    name: str,
    options: dict[str, object],
    code: str | None,
    says: str,
) -> None:
    error = error_of(sqlite_shop.bring(content, name, **options))
    assert code in (None, error["code"])
    assert says in str(error["message"])
    assert error["hint"]
    assert str(sqlite_shop.folder) not in str(error)
    assert sqlite_shop.store.projects() == []
    assert sqlite_shop.trouble == []


def test_a_file_that_unpacks_too_far_is_refused_without_unpacking_it(tmp_path: Path) -> None:
    shop = Workshop.open(str(tmp_path / "a.db"), tmp_path / "artifacts")
    shop.runner = JobRunner(store=shop.store, settings=Settings(most_upload_bytes=1_000_000))
    fine = shop.bring(gzip.compress(REVIEWS.encode()), "fine.csv.gz", project="fine")
    assert fine.state == "done", fine.error
    bomb = gzip.compress(b"text\n" + b"a" * 2_000_000)
    error = error_of(shop.bring(bomb, "bomb.csv.gz"))
    assert error["code"] == "too_large"
    assert "bomb.csv.gz unpacks to more than 1,000,000 bytes" in str(error["message"])
    two_members = gzip.compress(b"text\n" + b"a" * 600_000) * 2
    assert error_of(shop.bring(two_members, "two.csv.gz"))["code"] == "too_large"
    shop.store.close()


@pytest.mark.parametrize("gzipped", [False, True])
def test_a_parquet_file_that_unpacks_too_far_is_refused_without_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gzipped: bool
) -> None:
    shop = Workshop.open(str(tmp_path / "a.db"), tmp_path / "artifacts")
    shop.runner = JobRunner(store=shop.store, settings=Settings(most_upload_bytes=1_000_000))
    packed = io.BytesIO()
    pl.DataFrame({"text": ["fine", "a" * 2_000_000]}).write_parquet(packed)
    bomb, name = packed.getvalue(), "bomb.parquet"
    assert len(bomb) < 5_000
    if gzipped:
        bomb, name = gzip.compress(bomb), "bomb.parquet.gz"
    read: list[object] = []
    monkeypatch.setattr(pl, "read_parquet", lambda *_, **__: read.append(1))
    error = error_of(shop.bring(bomb, name))
    assert error["code"] == "too_large"
    assert "unpacks to more than 1,000,000 bytes" in str(error["message"])
    assert read == []
    assert shop.store.projects() == []
    shop.store.close()


def test_a_parquet_file_that_claims_billions_of_values_is_refused(
    sqlite_shop: Workshop,
) -> None:
    packed = io.BytesIO()
    pl.DataFrame({"text": ["a"]}).select(pl.col("text").repeat_by(600).explode()).select(
        *(pl.col("text").alias(f"c{n}") for n in range(10))
    ).write_parquet(packed)
    import signoff.work.imports as imports

    before = imports.MOST_CELLS
    try:
        imports.MOST_CELLS = 5_999
        error = error_of(sqlite_shop.bring(packed.getvalue(), "wide.parquet"))
    finally:
        imports.MOST_CELLS = before
    assert error["code"] == "too_large"
    assert "wide.parquet holds 6,000 values" in str(error["message"])


def test_a_project_somebody_works_on_lets_the_job_wait(sqlite_shop: Workshop) -> None:
    import threading

    sqlite_shop.bring(REVIEWS, key="id")
    project = sqlite_shop.project()
    job = sqlite_shop.ask(sqlite_shop.upload(REVIEWS), into=project)
    with owning(sqlite_shop.store, project.id):
        thread = threading.Thread(target=sqlite_shop.runner.round)
        thread.start()
        thread.join()
    waiting = sqlite_shop.store.job(job.id)
    assert waiting is not None
    assert (waiting.state, waiting.attempts) == ("queued", 0)
    assert waiting.due > job.due


def test_a_job_that_was_cancelled_meanwhile_stores_nothing(sqlite_shop: Workshop) -> None:
    """The rows and the job's end are one transaction."""
    job = sqlite_shop.ask(sqlite_shop.upload(REVIEWS))
    store = sqlite_shop.store
    real = store.add_pool

    def cancel_first(*args: object, **kwargs: object) -> None:
        store.cancel_job(job.id, now=1)
        real(*args, **kwargs)  # type: ignore[arg-type]

    store.add_pool = cancel_first  # type: ignore[method-assign]
    try:
        found = sqlite_shop.done(job)
    finally:
        del store.add_pool
    assert error_of(found)["code"] == "cancelled"
    assert store.projects() == []


def test_predictions_that_came_in_are_a_fixed_model_and_stay_hidden_from_people(
    shop: Workshop,
) -> None:
    rows = [
        {"text": f"text number {n}", "prediction": "A" if n % 5 else "B", "confidence": "0.8"}
        for n in range(300)
    ]
    job = shop.bring(
        csv(rows),
        model="predictions",
        policy={"kind": "certified", "max_error": "0.3", "certainty": "0.9", "slice": None},
    )
    assert job.state == "done", job.error
    project = shop.project()
    given = shop.finish(project, answer="A")
    assert given < 300
    for request in shop.store.requests(project.id, 1):
        assert request.shown is not None
        assert request.shown["data"] == {"text": request.shown["text"]}
    view = shop.view(project)
    assert view.verify().ok
    results = view.results().filter(pl.col("signoff_by") == "model")
    assert results.height > 0
    assert (results["signoff_answer"] == results["prediction"]).all()


def test_a_prediction_nobody_can_read_sends_its_item_to_people(sqlite_shop: Workshop) -> None:
    rows = [{"text": f"text {n}", "prediction": "C", "confidence": "high"} for n in range(12)]
    job = sqlite_shop.bring(
        csv(rows), model="predictions", policy={"kind": "threshold", "confidence": "0.5"}
    )
    assert job.state == "done", job.error
    assert sqlite_shop.finish() == 12


# ------------------------------------------------------------------------------ any bytes

LINE = st.one_of(
    st.dictionaries(
        st.text(max_size=6),
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9),
            st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=2), st.text()),
        ),
        max_size=4,
    ).map(lambda row: ndjson([row]).encode()),
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([b"{}\n", b"[]\n", b"null\n", b'{"text": "a"}\n', b"\xff\xfe", b"{" * 9]),
)  # fmt: skip


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lines=st.lists(LINE, max_size=8))
def test_any_bytes_end_as_rows_or_as_an_error_that_says_what_to_do(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    shop = Workshop.open(str(folder / "a.db"), folder / "artifacts")
    try:
        job = shop.bring(b"".join(lines), "fuzz.ndjson", text="text")
        if job.state == "done":
            assert job.result is not None
            assert cast("int", job.result["rows"]) > 0
            assert shop.view().verify().ok
        else:
            error = error_of(job)
            assert error["code"] not in ("error", "gave_up", "store"), error
            assert error["message"]
            assert error["hint"]
        assert shop.trouble == []
    finally:
        shop.store.close()


def test_policies_are_read_from_json(sqlite_shop: Workshop) -> None:
    assert sqlite_shop.bring(REVIEWS, policy=PEOPLE).state == "done"
    assert sqlite_shop.project().policy.to_json() == PEOPLE
