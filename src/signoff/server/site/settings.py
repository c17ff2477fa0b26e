"""How a project is shown to people, what is fixed about it, and removing somebody's data."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from markdown_it import MarkdownIt

from signoff.bootstrap import recorder_for
from signoff.core.hints import check_hints
from signoff.core.records import Json, PageSettings, TextDirection
from signoff.core.routing import Policy
from signoff.core.showing import HINT_TIMES, HintTime
from signoff.errors import InputError
from signoff.server.api.working import Working
from signoff.server.blindness import is_blind
from signoff.server.site.context import Changing, Overseeing, PageRoute, Visit
from signoff.server.site.forms import Form, Posted
from signoff.server.wire_founding import MOST_GUIDELINE

router = APIRouter(route_class=PageRoute, include_in_schema=False)

ACTOR = "page"
_LEADS_OUT = re.compile(r"(?i:https?://[^\s/\\]|mailto:[^\s/\\])[^\s\x00-\x1f\x7f\\]*")
"""An address that says by itself where it leads: others would lead into this application, or to a
program on the reader's computer."""


@router.get("/projects/{p}/settings")
def settings(visit: Overseeing, changed: str = "") -> Response:
    """Show what is set."""
    return _shown(visit, visit.place.project.page, changed=changed == "1")


@router.post("/projects/{p}/settings")
def change(visit: Changing, form: Posted) -> Response:
    """Change how items are shown, or show what the guideline would look like."""
    wanted = _wanted(form, visit.place.project.policy)
    if form.ticked("preview"):
        return _shown(visit, wanted, preview=True)
    before = visit.place.project.page
    changed = [
        name
        for name in ("guideline", "blur", "text_direction", "hints")
        if getattr(wanted, name) != getattr(before, name)
    ]
    if changed:
        recorder = recorder_for(visit.store, visit.id, actor=ACTOR)
        body: Json = {
            "changed": changed,
            "blur": wanted.blur,
            "text_direction": wanted.text_direction,
            "hints": wanted.hints,
        }
        content = {"guideline": wanted.guideline, "by": visit.place.caller.actor}
        visit.store.change_page(visit.id, wanted, [recorder.event("page.changed", body, content)])
    return RedirectResponse(f"/projects/{visit.id}/settings?changed=1", 303)


@router.post("/projects/{p}/erase")
def erase(visit: Changing, work: Working, form: Posted) -> Response:
    """Order the erasure of the item that a key names, once it is typed the same way twice."""
    key, again = form.text("key"), form.text("again")
    if not key or key != again:
        raise InputError("The two keys are not the same.", hint="Type the key again.")
    by = visit.place.caller.actor
    item = visit.store.stream_items(visit.id, [key]).get(key) if visit.is_stream else None
    if item is not None:
        job = work.erase(visit.place.project, pool=item.window, item=item.item, by=by)
        return RedirectResponse(f"/jobs/{job.id}", 303)
    for pool in () if visit.is_stream else reversed(visit.pools()):
        number = visit.office.lookup.find(visit.place.project, pool, key)
        if number is not None:
            job = work.erase(visit.place.project, pool=pool.number, item=number, by=by)
            return RedirectResponse(f"/jobs/{job.id}", 303)
    raise InputError(
        "No row has this key.", hint="Copy it from the item's page; capitals and spaces count."
    )


def _wanted(form: Form, policy: Policy) -> PageSettings:
    guideline = form.text("guideline").replace("\r\n", "\n")
    if len(guideline) > MOST_GUIDELINE:
        raise InputError(
            f"The guideline has {len(guideline):,} characters; {MOST_GUIDELINE:,} are the most.",
            hint="Keep it to what people need while they answer.",
        )
    direction = form.text("text_direction", "auto")
    if direction not in get_args(TextDirection):
        raise InputError(f"{direction[:20]!r} is no direction.", hint="Choose one of the list.")
    hints = form.text("hints", "off")
    if hints not in HINT_TIMES:
        raise InputError(f"Hints cannot show {hints[:20]!r}.", hint="Choose one of the list.")
    wanted = PageSettings(guideline=guideline, blur=form.ticked("blur"))
    return replace(wanted, text_direction=direction, hints=check_hints(hints, policy))


def _shown(
    visit: Visit, page: PageSettings, *, preview: bool = False, changed: bool = False
) -> Response:
    return visit.show(
        "settings.html",
        here="settings",
        page=page,
        guideline=markdown(page.guideline),
        preview=preview,
        changed=changed,
        blind=visit.blind,
        certified=is_blind(visit.place.project),
        hint_times=_hint_times(visit),
        pools=visit.pools(),
    )


def _hint_times(visit: Visit) -> list[tuple[HintTime, str]]:
    """The choices a manager has, in words; none for a stream, whose certificates never end."""
    if visit.is_stream:
        return []
    if is_blind(visit.place.project):
        return [("off", "Hidden"), ("after", "Shown once the certificate is issued")]
    return [
        ("off", "Hidden"),
        ("after", "Shown after an answer"),
        ("before", "Shown before an answer"),
    ]


class _Markdown(MarkdownIt):
    """Markdown whose links lead to the web or to a mailbox, as on the review page."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 # the library's name
        """Whether a link stays one; as it will stand in the page, entities read and escaped."""
        return _LEADS_OUT.fullmatch(url) is not None


def markdown(text: str) -> str:
    """Markdown as safe HTML: tags are text, pictures are left out, links lead to http, https or
    mailto only."""
    return _Markdown("commonmark", {"html": False}).disable("image").render(text)
