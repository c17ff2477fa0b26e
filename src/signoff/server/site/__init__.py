"""The project pages: for those who run a project, and for those who look over their shoulder."""

from __future__ import annotations

from signoff.server.site import browse, files, first_run, jobs, log, overview, people, settings

PROJECT_PAGES = tuple(
    room.router for room in (files, first_run, jobs, overview, people, browse, settings, log)
)
