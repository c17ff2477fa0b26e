"""Results, logs and verification as files and verdicts that a worker makes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
from workshop import REVIEWS, Workshop, csv, ndjson

from signoff.audit.verify import verify_log
from signoff.bootstrap import clock
from signoff.core.records import Job
from signoff.storeview import StoreView
from signoff.work.kinds import export_body, log_body

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "plain", "-5", "a=b"]


def asked(shop: Workshop, kind: str, body: dict[str, object]) -> Job:
    project = shop.project()
    return shop.done(shop.store.enqueue(kind=kind, body=body, project=project.id, now=clock()))


def export(shop: Workshop, format: str, *, as_is: bool = False) -> tuple[Job, Path]:
    body = export_body(format=format, by="ann", as_is=as_is)  # type: ignore[arg-type]
    job = asked(shop, "export", body)
    assert job.state == "done", job.error
    return job, shop.store.transfers.export(shop.project().id, job.id, format)


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_an_export_holds_every_row_with_what_was_decided(shop: Workshop, format: str) -> None:
    shop.bring(REVIEWS, key="id")
    shop.finish()
    job, path = export(shop, format)
    read = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[format]
    frame = read(path)
    assert frame.height == 20
    assert frame.columns[:3] == ["id", "text", "signoff_answer"]
    assert set(frame["signoff_answer"]) == {"A"}
    assert set(frame["signoff_reviewers"]) == {"Ada"}
    data = path.read_bytes()
    assert job.result == {
        "format": format,
        "rows": 20,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def test_every_export_is_an_event_that_names_its_file_and_hides_who_asked(shop: Workshop) -> None:
    shop.bring(REVIEWS)
    job, _ = export(shop, "csv")
    assert job.result is not None
    (event,) = shop.store.events(shop.project().id, ["export.made"])
    body = json.loads(event.canonical)["body"]
    assert body == {
        "what": "results", "format": "csv", "rows": 20, "sha256": job.result["sha256"],
    }  # fmt: skip
    assert "ann" not in event.canonical
    assert [(part.name, part.value) for part in event.content] == [("by", '"ann"')]
    assert shop.view().verify().ok


def test_no_cell_and_no_header_of_a_csv_is_a_formula(sqlite_shop: Workshop) -> None:
    rows = [{"text": f"t{n}", "=HYPERLINK()": value} for n, value in enumerate(FORMULAS)]
    sqlite_shop.bring(ndjson(rows), "rows.ndjson", text="text", labels=["=A()", "B"])
    sqlite_shop.finish(answer="=A()")
    _, path = export(sqlite_shop, "csv")
    frame = pl.read_csv(path, infer_schema=False)
    assert frame.columns[1] == "'=HYPERLINK()"
    assert frame["'=HYPERLINK()"].to_list() == [
        "'=1+1", "'+cmd|' /C calc'!A0", "'-2+3", "'@SUM(A1)", "'\tx", "plain", "-5", "a=b",
    ]  # fmt: skip
    assert set(frame["signoff_answer"]) == {"'=A()"}
    _, plain = export(sqlite_shop, "jsonl")
    assert pl.read_ndjson(plain)["=HYPERLINK()"].to_list() == FORMULAS
    _, plain = export(sqlite_shop, "csv", as_is=True)
    assert pl.read_csv(plain, infer_schema=False)["=HYPERLINK()"].to_list() == FORMULAS


def test_two_columns_whose_names_differ_in_an_apostrophe_are_exported(
    sqlite_shop: Workshop,
) -> None:
    rows = [{"text": f"t{n}", "=A": "x", "'=A": "y"} for n in range(5)]
    sqlite_shop.bring(ndjson(rows), "rows.ndjson", text="text", labels=["A", "B"])
    _, path = export(sqlite_shop, "csv")
    assert pl.read_csv(path).columns[1:3] == ["'=A", "''=A"]


@pytest.mark.parametrize("content", [False, True])
def test_the_log_as_a_file_verifies_and_holds_values_only_where_asked(
    shop: Workshop, content: bool
) -> None:
    shop.bring(csv([{"text": f"secret {n}"} for n in range(9)]))
    shop.finish()
    job = asked(shop, "log", log_body(content=content, by="ann"))
    assert job.state == "done", job.error
    path = shop.store.transfers.export(shop.project().id, job.id, "jsonl")
    with path.open("rb") as lines:
        assert verify_log(lines).ok
    assert (b"secret 3" in path.read_bytes()) is content


def test_verifying_is_a_job_whose_result_is_the_verdict(shop: Workshop) -> None:
    shop.bring(REVIEWS)
    shop.finish()
    job = asked(shop, "verify", {"by": "ann"})
    assert job.result is not None
    assert job.result["ok"] is True
    assert job.result["events"] == job.result["covered"]
    with shop.store.transaction() as db:
        db.exec_driver_sql("UPDATE reviews SET undone = NOT undone")
    job = asked(shop, "verify", {"by": "ann"})
    assert job.result is not None
    assert job.result["ok"] is False
    assert job.result["problem"]


def test_erasing_removes_exports_that_may_hold_the_content(shop: Workshop) -> None:
    shop.bring(REVIEWS, key="id")
    shop.finish()
    _, before = export(shop, "csv")
    assert "review number 7" in before.read_text(encoding="utf-8")
    shop.view().erase("r7")
    assert not before.exists()
    _, after = export(shop, "csv")
    assert "review number 7" not in after.read_text(encoding="utf-8")


def test_an_export_during_which_somebody_is_erased_is_made_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.bring(REVIEWS, key="id")
    shop.finish()
    results, calls = StoreView.results, []

    def erased_meanwhile(view: StoreView, *, blind: bool = False) -> pl.DataFrame:
        frame = results(view, blind=blind)
        if not calls:
            calls.append(1)
            shop.view().erase("r7")
        return frame

    monkeypatch.setattr(StoreView, "results", erased_meanwhile)
    _, path = export(shop, "csv")
    assert "review number 7" not in path.read_text(encoding="utf-8")


def test_old_files_are_swept_and_waiting_uploads_stay(sqlite_shop: Workshop) -> None:
    sqlite_shop.bring(REVIEWS)
    _, path = export(sqlite_shop, "csv")
    waits = sqlite_shop.ask(sqlite_shop.upload(REVIEWS), project="later")
    nobody_s = sqlite_shop.upload(REVIEWS)
    transfers = sqlite_shop.store.transfers
    keep = frozenset({str(waits.body["upload"])})
    transfers.sweep(keep)
    assert transfers.upload(nobody_s) is not None
    assert path.exists()
    transfers.sweep(keep, now=path.stat().st_mtime + 86_401)
    assert transfers.upload(nobody_s) is None
    assert not path.exists()
    assert sqlite_shop.done(waits).state == "done"


def test_a_job_of_a_kind_this_version_does_not_know_fails_with_a_hint(
    sqlite_shop: Workshop,
) -> None:
    job = sqlite_shop.done(sqlite_shop.store.enqueue(kind="dream", body={}, now=clock()))
    assert job.error is not None
    assert "'dream'" in str(job.error["message"])
    assert job.error["hint"] == "Update signoff."
