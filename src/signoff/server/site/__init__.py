"""The project pages: for those who run a project, and for those who look over their shoulder."""

from __future__ import annotations

from signoff.server.site import browse, files, log, overview, people, settings

PROJECT_PAGES = tuple(room.router for room in (files, overview, people, browse, settings, log))
