"""The style and scripts of the project pages; everybody may have them."""

from __future__ import annotations

import mimetypes

from fastapi import APIRouter, Response

from signoff.server.guard import LASTING
from signoff.server.problems import Refusal
from signoff.server.templates import addresses, file_bytes

router = APIRouter(include_in_schema=False)


@router.get("/site/{digest}/{name}")
def file(digest: str, name: str) -> Response:
    """Give a file under the address that its content has."""
    if addresses().get(name) != f"/site/{digest}/{name}":
        raise Refusal(404, "not_found", "There is no such file.", hint="Load the page again.")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(file_bytes(name), media_type=kind, headers={"Cache-Control": LASTING})
