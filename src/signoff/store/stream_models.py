"""Models of streams in SQL; their arrays are files. No transactions: callers hold the lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from signoff.core.streams import StreamModel
from signoff.store.schema_streams import models


def put_model(db: sa.Connection, project: str, model: StreamModel) -> None:
    """Store a fitted model; one of the same version takes the newer calibration."""
    db.execute(
        sa.delete(models).where(models.c.project == project, models.c.version == model.version)
    )
    db.execute(sa.insert(models).values(project=project, **asdict(model)))


def forget_models(db: sa.Connection, project: str, keep: Sequence[str]) -> None:
    """Forget all models but these."""
    db.execute(sa.delete(models).where(models.c.project == project, models.c.version.not_in(keep)))


def model_files(db: sa.Connection, project: str) -> set[str]:
    """The files that models are kept in."""
    query = sa.select(models.c.sha256).where(
        models.c.project == project, models.c.sha256.is_not(None)
    )
    return {str(sha256) for sha256 in db.scalars(query)}


def find_model(db: sa.Connection, project: str, version: str) -> StreamModel | None:
    """A model by its version."""
    row = db.execute(
        sa.select(models).where(models.c.project == project, models.c.version == version)
    ).first()
    if row is None:
        return None
    values = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]
    del values["project"]
    return StreamModel(**values)  # pyright: ignore[reportArgumentType]
