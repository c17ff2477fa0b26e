"""A store with something of everything that the project pages can show, and who visits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from teams import STORE, TESTS  # noqa: F401  (puts the helpers of the server's tests on the path)

from offices import LABELS, begin  # isort: skip
from servers import new_id  # isort: skip

from signoff.bootstrap import open_store, recorder_for
from signoff.core.questions import Choice, Chosen, Form, Rated, Rating
from signoff.core.records import PageSettings, Project
from signoff.core.routing import Certified
from signoff.core.routing import People as Alone
from signoff.live import Stream
from signoff.managing import Known
from signoff.server.stored import StoredDesks, open_served

LETTERS, LONG, RIGHT_TO_LEFT, TICKETS, QUIET = "letters", "long", "rtl", "tickets", "quiet"
PANEL = "panel"
LONG_NAME = (
    "Complaints of the second quarter, read again after the change of the returns policy in all"
    " branches and Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüsselanhänger"
)
LONG_LABELS = (
    "Complains about the delivery, or about anything that came of it, even where the writer says"
    " that it was nobody's fault",
    "Rechtsschutzversicherungsgesellschaftsangestelltenverhältnisauflösungsvereinbarung" * 2,
    "Else",
)
GUIDELINE = """Judge the **whole** letter, not its first sentence.

1. *Positive*: the writer would buy it again.
2. *Negative*: the writer regrets it.

> “Not bad at all” is **Positive**.

See [the long form](https://example.com/guideline), or ask in a comment.
"""
ARABIC = (
    "الجهاز ممتاز ولكن البطارية ضعيفة",
    "وصل الطرد متأخرا ولم يتصل أحد",
    "الصوت رائع والسعر مناسب (350 ريال)",
)
REMARKS = ("Half of it is about the delivery.", "Is sarcasm negative? The guideline does not say.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """The projects of the store, by what they show."""

    projects: dict[str, Project]

    def path(self, name: str) -> str:
        """The address of a project's pages."""
        return f"/projects/{self.projects[name].id}"


def furnish(folder: Path) -> Gallery:
    """Fill the store of a folder; takes some seconds, since one project is worked on to its end."""
    where = folder / STORE
    goal = Certified(max_error=Decimal("0.1"), certainty=Decimal("0.95"))
    begin(where, "Customer letters", rows=400, reviewer="column:label", policy=goal)
    begin(where, LONG_NAME, rows=_long_rows(), labels=LONG_LABELS, policy=Alone())
    begin(where, "تقييمات العملاء", rows=_arabic_rows(), labels=("إيجابي", "سلبي"), policy=Alone())
    begin(where, "Nobody answered yet", rows=30, policy=goal)
    with Stream.create(where, labels=["Refund", "Repair", "Else"], project="Tickets") as stream:
        stream.decide([(f"t{n}", f"The lamp of order {n} flickers") for n in range(40)])
    names = {
        "Customer letters": LETTERS,
        LONG_NAME: LONG,
        "تقييمات العملاء": RIGHT_TO_LEFT,
        "Tickets": TICKETS,
        "Nobody answered yet": QUIET,
        "Second opinions": PANEL,
    }
    _ask_a_panel(where)
    store = open_store(str(where), create=False)
    projects = {names[project.name]: project for project in store.projects()}
    project = projects[LETTERS]
    told = {"changed": ["guideline"], "blur": False, "text_direction": "auto"}
    recorder = recorder_for(store, project.id, actor="page")
    settings = PageSettings(guideline=GUIDELINE)
    store.change_page(project.id, settings, [recorder.event("page.changed", told)])
    store.close()
    return Gallery(projects=projects)


def _ask_a_panel(where: Path) -> None:
    """A project with two questions that two people answer, with tags and known answers."""
    form = Form((Choice.of(LABELS, text="How does it sound?"), Rating(name="strength")))
    begin(where, "Second opinions", rows=60, form=form, policy=Alone(), overlap=2)
    with open_served(str(where)) as store:
        project = store.find_project("Second opinions")
        assert project is not None
        manager = StoredDesks(store=store).manager(project)
        answers = {"answer": Chosen(LABELS[0]), "strength": Rated(4)}
        manager.plant(
            [
                Known(
                    key=f"known-{n}", answers=answers, shown={"text": f"As good as {n}", "data": {}}
                )
                for n in range(12)
            ]
        )
        for at, name in enumerate(("Ann", "Dr. Benedikta Schreiber-Lang")):
            desk = StoredDesks(store=store)(project, name)
            desk.gold_share = 0.5
            while asked := desk.next_many(10):
                for n, request in enumerate(asked):
                    said = {
                        "answer": Chosen(LABELS[int("good" not in request.item.text)]),
                        "strength": Rated(1 + (n + at * (n % 3 == 0)) % 5),
                    }
                    desk.answer(request, said, seconds=2.5 + 60 * at)
            manager.tag(desk.reviewer, ["medic", "returns-policy-2026", "de"][: 1 + 2 * at])


def answer_some(browser: Any, project: Project, labels: Sequence[str], *, most: int = 6) -> None:
    """Answer items as the page does, with notes and a flag."""
    api = f"/api/v1/projects/{project.id}"
    leased = browser.post(f"{api}/leases", json={"limit": 10}).json()["requests"]
    for at, request in enumerate(leased[:most]):
        place = f"{api}/requests/{request['id']}"
        if at == 0:
            browser.post(f"{place}/flag", json={"note": "The text is cut off."}).raise_for_status()
            said = {"id": new_id(), "text": REMARKS[0]}
            browser.post(f"{place}/comments", json=said).raise_for_status()
        answers = {"answer": {"label": labels[at % len(labels)]}}
        body = {
            "request": request["id"],
            "answers": answers,
            "note": REMARKS[1] if at < 2 else None,
        }
        browser.put(f"{api}/reviews/{new_id()}", json=body).raise_for_status()


def _long_rows() -> list[dict[str, Any]]:
    sentence = "The parcel stood in the rain until evening, and nobody rang. "
    return [
        {
            "id": f"{'very-long-key-' * (6 if n == 1 else 1)}{n:03}",
            "text": f"{n}. {sentence * (1 + 12 * (n % 3))}" + ("W" * 300 if n == 0 else ""),
            "a column whose name is rather long as well": sentence * 3,
            "branch": "Vienna",
        }
        for n in range(24)
    ]


def _arabic_rows() -> list[dict[str, Any]]:
    return [
        {"id": f"{n:03}", "text": f"{ARABIC[n % 3]} {n}", "المدينة": "الرياض"} for n in range(20)
    ]
