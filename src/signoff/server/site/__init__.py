"""The project pages: for those who run a project, and for those who look over their shoulder."""

from __future__ import annotations

from signoff.server.site import files, log, overview, people

PROJECT_PAGES = (files.router, overview.router, people.router, log.router)
