"""``signoff backup`` and ``signoff restore``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signoff.cli.output import say, say_json
from signoff.cli.serve import ArtifactsOption
from signoff.cli.store_commands import Json, Store

if TYPE_CHECKING:
    from signoff.store.backup import Copied

KEY_STAYS = (
    "The key that signs is not in it ({keys}): without it projects can be read and verified, not"
    " worked on. `signoff doctor` says where it is; keep a copy apart."
)


def backup(
    store: Store,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, such as a.zip.")],
    artifacts: ArtifactsOption = None,
    json: Json = False,
) -> None:
    """Write a whole store to FILE while it is used.

    It holds everything people wrote: keep it as safe as the store. Signing keys are not in it."""
    from signoff.bootstrap import open_store
    from signoff.store.backup import backup as write

    opened = open_store(store, create=False, artifacts=artifacts)
    try:
        copied = write(opened, file, created=datetime.now(UTC).isoformat(timespec="seconds"))
    finally:
        opened.close()
    _tell(f"Wrote {file}", copied, as_json=json)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `signoff backup`.")],
    store: Store,
    artifacts: ArtifactsOption = None,
    json: Json = False,
) -> None:
    """Make a store of a backup, at an empty place.

    FILE may come from SQLite and go to PostgreSQL, or back. Webhooks are off in the new store."""
    from signoff.bootstrap import artifact_folder
    from signoff.store.backup import restore as make

    copied = make(file, store, folder=artifact_folder(store, artifacts))
    _tell(f"Restored {store.rpartition('@')[2]}", copied, as_json=json)


def _tell(what: str, copied: Copied, *, as_json: bool) -> None:
    if as_json:
        say_json(
            {
                "projects": copied.projects,
                "rows": copied.rows,
                "files": copied.files,
                "keys": list(copied.keys),
            }
        )
        return
    say(f"{what}: {copied.projects:,} projects, {copied.rows:,} rows, {copied.files:,} artifacts.")
    if copied.keys:
        say(KEY_STAYS.format(keys=", ".join(copied.keys)))
