"""Pictures as files of their own, named by their content; to a browser they are nothing else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.responses import FileResponse

from signoff.core.images import MEDIA_TYPES, image_format
from signoff.server.api.context import Reading, refusals, services
from signoff.server.guard import INERT, KEPT_A_DAY
from signoff.server.problems import Refusal

router = APIRouter(prefix="/api/v1/projects/{p}/blobs", responses=refusals(), tags=["items"])
Digest = Annotated[
    str,
    Path(pattern=r"^[0-9a-f]{64}$", description="The SHA-256 of the picture's bytes."),
]
_START = 16


@router.get(
    "/{digest}",
    response_model=None,
    responses={
        200: {
            "description": "The picture as it came in.",
            "content": {
                media: {"schema": {"type": "string", "format": "binary"}}
                for media in MEDIA_TYPES.values()
            },
        },
        206: {"description": "The part of it that was asked for."},
        416: {"description": "It has no such part."},
    },
)
def blob(digest: Digest, place: Reading, request: Request) -> Response:
    """Give a picture that an item of this project shows."""
    blobs = services(request).blobs
    path = None if blobs is None else blobs.find(place.project.id, digest)
    if path is None:
        raise _missing()
    try:
        with path.open("rb") as file:
            format = image_format(file.read(_START))
    except OSError:
        raise _missing() from None
    if format is None:
        raise _missing()
    return FileResponse(
        path,
        media_type=MEDIA_TYPES[format],
        filename=f"{digest[:16]}.{format}",
        content_disposition_type="inline",
        headers={"Content-Security-Policy": INERT, "Cache-Control": KEPT_A_DAY},
    )


def _missing() -> Refusal:
    return Refusal(
        404, "no_picture", "The project has no such picture.", hint="It may have been erased."
    )
