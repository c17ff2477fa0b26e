"""Takes a request's body to disk as it comes, in little memory."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from signoff.bootstrap import new_id
from signoff.server.problems import Refusal
from signoff.store.transfers import Transfers, Upload, disk_is_full

BUFFER = 1 << 20
SUFFIXES = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/x-ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/vnd.apache.parquet": "parquet",
    "application/gzip": "gz",
    "application/zip": "zip",
}
BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself. What it is, is told by its content.",
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}}
            for media in (*SUFFIXES, "application/octet-stream")
        },
    }
}
"""How such a body is described."""


async def receive(request: Request, transfers: Transfers, *, name: str | None, by: str) -> Upload:
    """Store the request's body as an upload; on any failure nothing is left of it.

    Raises a :class:`Refusal`: 422 for an empty body, 507 where the disk is full.
    """
    said = int(request.headers.get("content-length", "0"))
    if said > await run_in_threadpool(transfers.room):
        raise _disk_full()
    id, given = new_id(), name or f"upload.{_suffix(request)}"
    digest = hashlib.sha256()
    try:
        with transfers.receiving(id, given) as file:
            size = await _write(request, file, digest)
            if size == 0:
                raise Refusal(422, "empty_file", "The body is empty.", hint="Send the file in it.")
    except OSError as error:
        if disk_is_full(error):
            raise _disk_full() from None
        raise
    upload = Upload(id=id, name=given, by=by, size=size, sha256=digest.hexdigest())
    await run_in_threadpool(transfers.received, upload)
    return upload


def _suffix(request: Request) -> str:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return SUFFIXES.get(media, "csv")


async def _write(request: Request, file: BinaryIO, digest: hashlib._Hash) -> int:  # pyright: ignore[reportPrivateUsage]
    """Write the body piece by piece; how many bytes it has."""

    def put(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    size, waiting = 0, bytearray()
    async for chunk in request.stream():
        size += len(chunk)
        waiting += chunk
        if len(waiting) >= BUFFER:
            await run_in_threadpool(put, bytes(waiting))
            waiting.clear()
    await run_in_threadpool(put, bytes(waiting))
    await run_in_threadpool(file.flush)
    return size


def _disk_full() -> Refusal:
    return Refusal(
        507,
        "disk_full",
        "The server's disk is full; nothing of the file was kept.",
        hint="Whoever runs the server can make room; then send it again.",
    )
