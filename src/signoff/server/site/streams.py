"""What the pages of a stream say: its window, why it is automatic or not, its certificates."""

from __future__ import annotations

from collections.abc import Sequence

from signoff.server.desks import Panel
from signoff.server.site.context import Visit
from signoff.server.templates.words import count


def stream_panels(visit: Visit) -> Sequence[Panel]:
    """The panels of a stream's overview; none for a project of rows.

    Who may answer sees no count that would tell whether the last answer was an audit.
    """
    project = visit.place.project
    if project.kind != "stream":
        return ()
    from signoff.stream.status import status_of

    status = status_of(visit.store, project)
    if status is None:
        return ()
    arrived = f"{count(status.arrived)} of {count(status.items)} items arrived"
    facts = [(f"Window {status.window}", arrived), ("Waiting for people", count(status.waiting))]
    if not visit.answers:
        facts += [
            ("Labels admitted", count(status.admitted)),
            ("Left for good", count(status.automatic)),
            ("Audits that wait", count(status.pending)),
            ("Found wrong, and corrected", f"{count(status.finds)} (limit {count(status.limit)})"),
            ("Budget left before a pause", count(status.budget_left)),
        ]
    why = status.why
    if visit.answers and status.state == "paused":
        why = "Nothing is automatic until people have answered more."
    panels = [
        Panel(
            title="Automation",
            facts=facts,
            state=why,
            care=status.state in ("paused", "stopped"),
        )
    ]
    issued = [
        (f"Window {window.number}", str(window.certificate["statement"]))
        for window in reversed(visit.store.windows(project.id))
        if window.certificate is not None
    ]
    return [*panels, Panel(title="Certificates of windows", facts=issued)] if issued else panels
