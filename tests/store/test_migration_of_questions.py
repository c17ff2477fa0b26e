"""A store of one question becomes one of forms: what it holds goes by the question's name."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from storeroom import open_store

from signoff.core.questions import CANNOT_SAY, Choice, Chosen, Form
from signoff.core.routing import People
from signoff.store.migrate import config

PROJECT = "01890a5d-ac96-774b-bcce-b302099a8057"
QUESTION = Choice(labels=Choice.of(["Yes", "No"]).labels, name="useful")
ROOT = "ab" * 32


def old_store(where: str) -> None:
    """A store of the first schema with a project, a pool, three answers and an audit."""
    settings = config()
    engine = sa.create_engine(where)
    with engine.begin() as db:
        settings.attributes["connection"] = db
        command.upgrade(settings, "0001")
        tables = sa.MetaData()
        tables.reflect(db)

        def add(table: str, **values: object) -> None:
            db.execute(sa.insert(tables.tables[table]).values(**values))

        settled = {"model": "text", "group": True, "text_column": "text", "key_column": None}
        add(
            "projects", id=PROJECT, name="old", question=QUESTION.to_json(),
            policy=People().to_json(), rules=[], process={}, settings={**settled, "hidden": []},
            key_id="0" * 64, created=1,
        )  # fmt: skip
        for number, root in ((1, ROOT), (2, None)):
            add(
                "pools", project=PROJECT, number=number, rows=3, items=3, phase="finishing",
                rows_root=ROOT, frozen_root=root, model_root=root, people_root=None,
            )  # fmt: skip
        add("reviewers", id="r", project=PROJECT, name="Ann", kind="person")
        answers = [Chosen("Yes").to_json(), CANNOT_SAY.to_json(), None]
        for item, answer in enumerate(answers):
            add(
                "requests", id=f"q{item}", project=PROJECT, pool=1, item=item, reason="start",
                priority=item, state="answered", key=f"k{item}",
            )  # fmt: skip
            add(
                "reviews", id=f"a{item}", project=PROJECT, request=f"q{item}", pool=1, item=item,
                reviewer="r", answer=sa.null() if answer is None else answer, at=1, reason="start",
                phase="learning", event=f"e{item}", undone=False, counted=True,
            )  # fmt: skip
        for attempt, results in ((1, None), (2, [])):
            add(
                "audits", project=PROJECT, pool=1, attempt=attempt, committed={"max_error": "0.05"},
                seed=bytes(32), seed_chosen_by="system", certificate=sa.null(),
                results=sa.null() if results is None else results, tokens=sa.null(),
            )  # fmt: skip
    engine.dispose()


def test_what_one_question_had_goes_by_its_name(store_url: str, tmp_path: Path) -> None:
    old_store(store_url)
    store = open_store(store_url, tmp_path / "artifacts")
    project = store.find_project("old")
    assert project is not None
    assert project.form == Form((QUESTION,))
    first, second = store.pools(PROJECT)
    assert (first.frozen_roots, first.model_roots, first.people_roots) == (
        {"useful": ROOT},
        {"useful": ROOT},
        {},
    )
    assert (second.frozen_roots, second.model_roots) == ({}, {})
    said = {review.item: review.answers for review in store.reviews(project, 1)}
    assert said == {0: {"useful": Chosen("Yes")}, 1: {"useful": CANNOT_SAY}, 2: None}
    audit = store.audits(PROJECT, 1)["useful"]
    assert (audit.attempt, audit.question, audit.results) == (2, "useful", ())
    with store.reading() as db:
        kept = db.execute(sa.text("SELECT certificate, results FROM audits ORDER BY attempt")).all()
    assert [row.certificate for row in kept] == [None, None]
    assert kept[0].results is None
    store.close()
