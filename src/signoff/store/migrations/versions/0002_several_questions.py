"""Several questions on one item: answers, batches and audits are kept by question."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ROOTS = ("frozen_root", "model_root", "people_root")


def upgrade() -> None:
    """Put what one question had under its name."""
    names = _forms()
    _answers(names)
    _roots(names)
    _audits(names)


def _forms() -> dict[str, str]:
    """Make each project's question a form of one; question names by project.

    Columns are renamed and dropped, never tables: others refer to them.
    """
    op.alter_column("projects", "question", new_column_name="form")
    projects = sa.table("projects", sa.column("id"), sa.column("form", Json))
    db = op.get_bind()
    found = db.execute(sa.select(projects.c.id, projects.c.form)).all()
    for id, question in found:
        db.execute(sa.update(projects).where(projects.c.id == id).values(form=[question]))
    return {id: str(question["name"]) for id, question in found}


def _answers(names: dict[str, str]) -> None:
    """Put each answer under its question's name; those of erased items stay empty."""
    op.alter_column("reviews", "answer", new_column_name="answers")
    postgres = op.get_context().dialect.name == "postgresql"
    under = "jsonb_build_object(CAST(:name AS text), answers)" if postgres else (
        "json_object(:name, json(answers))"
    )  # fmt: skip
    wrap = sa.text(
        f"UPDATE reviews SET answers = {under} WHERE project = :project AND answers IS NOT NULL"
    )
    for project, name in names.items():
        op.get_bind().execute(wrap, {"project": project, "name": name})


def _roots(names: dict[str, str]) -> None:
    """Keep the roots of a pool's batches by question."""
    for column in ROOTS:
        op.add_column("pools", sa.Column(f"{column}s", Json, nullable=False, server_default="{}"))
    pools = sa.table(
        "pools",
        sa.column("project", sa.String()),
        sa.column("number", sa.Integer()),
        *(sa.column(name, sa.String()) for name in ROOTS),
        *(sa.column(f"{name}s", Json) for name in ROOTS),
    )
    db = op.get_bind()
    for row in db.execute(sa.select(pools)).all():
        roots = {name: getattr(row, name) for name in ROOTS}
        by_question = {
            f"{name}s": {names[row.project]: root} for name, root in roots.items() if root
        }
        if by_question:
            which = (pools.c.project == row.project, pools.c.number == row.number)
            db.execute(sa.update(pools).where(*which).values(by_question))
    for column in ROOTS:
        op.drop_column("pools", column)


def _audits(names: dict[str, str]) -> None:
    """Make the question part of an audit's key: the table is made anew."""
    kept = (
        sa.Column("committed", Json, nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("seed_chosen_by", sa.String(length=16), nullable=False),
        sa.Column("certificate", Json, nullable=True),
        sa.Column("results", Json, nullable=True),
        sa.Column("tokens", Json, nullable=True),
    )
    before = sa.table(
        "audits",
        sa.column("project", sa.String()),
        sa.column("pool", sa.Integer()),
        sa.column("attempt", sa.Integer()),
        *(sa.column(column.name, column.type) for column in kept),
    )
    rows = [dict(row._mapping) for row in op.get_bind().execute(sa.select(before))]  # pyright: ignore[reportPrivateUsage]
    op.drop_table("audits")
    made = op.create_table(
        "audits",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("pool", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        *kept,
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_audits_project")),
        sa.PrimaryKeyConstraint("project", "pool", "question", "attempt", name=op.f("pk_audits")),
    )
    if rows:
        empty = {name: sa.null() for name in ("certificate", "results", "tokens")}
        for row in rows:
            given = {name: value for name, value in row.items() if value is not None}
            named = {"question": names[str(row["project"])]}
            op.get_bind().execute(sa.insert(made).values({**empty, **given, **named}))
