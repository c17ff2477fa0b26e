"""Projects, pools, rounds and audits in SQL; the lease that makes one run their owner."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa

from signoff.core.commitment import TestResult
from signoff.core.process import Source
from signoff.core.questions import form_from_json
from signoff.core.queueing import queue_rules
from signoff.core.records import Audit, Json, PageSettings, Pool, Project, Round
from signoff.core.routing import AskAlways, policy_from_json
from signoff.core.showing import item_kind
from signoff.store.schema import audits, pools, projects, reviewers, rounds
from signoff.store.schema_accounts import accounts

# As text: who reads the same project again and again does not read its JSON again.
_ROWS = sa.select(
    projects.c.id,
    projects.c.name,
    projects.c.key_id,
    projects.c.created,
    *(
        sa.cast(column, sa.Text).label(column.name)
        for column in (
            projects.c.form,
            projects.c.policy,
            projects.c.rules,
            projects.c.process,
            projects.c.settings,
        )
    ),
)
_BY_ID = _ROWS.where(projects.c.id == sa.bindparam("id"))


def insert_project(db: sa.Connection, project: Project) -> None:
    """Store a new project."""
    db.execute(
        sa.insert(projects).values(
            id=project.id,
            name=project.name,
            form=project.form.to_json(),
            policy=project.policy.to_json(),
            rules=[*(rule.to_json() for rule in project.rules), *project.queue.to_json()],
            process=project.process,
            settings={
                "model": project.model,
                "group": project.group,
                "text_column": project.text_column,
                "key_column": project.key_column,
                "hidden": list(project.hidden),
                "kind": project.kind,
                "item_kind": project.item_kind,
                "page": asdict(project.page),
            },
            key_id=project.key_id,
            created=project.created,
        )
    )


def find_project(db: sa.Connection, name: str | None) -> Project | None:
    """The project of this name; without a name the only one there is, if there is one."""
    query = _ROWS.order_by(projects.c.created)
    if name is not None:
        query = query.where(projects.c.name == name)
    rows = db.execute(query.limit(2)).all()
    return _project(rows[0]) if len(rows) == 1 else None


def all_projects(db: sa.Connection) -> list[Project]:
    """All projects of the store, oldest first."""
    return [_project(row) for row in db.execute(_ROWS.order_by(projects.c.created))]


def project_by_id(db: sa.Connection, id: str) -> Project | None:
    """The project with this id."""
    row = db.execute(_BY_ID, {"id": id}).first()
    return None if row is None else _project(row)


def project_names(db: sa.Connection) -> list[str]:
    """All projects of the store, oldest first."""
    return list(db.scalars(sa.select(projects.c.name).order_by(projects.c.created)))


def _project(row: sa.Row[tuple[object, ...]]) -> Project:
    return _read(*row)


@lru_cache(maxsize=256)
def _read(
    id: str,
    name: str,
    key_id: str,
    created: int,
    form: str,
    policy: str,
    rules: str,
    process: str,
    settings_text: str,
) -> Project:
    """A project from what its row holds. The same row gives the same project, which nobody
    changes."""
    settings: Json = json.loads(settings_text)
    hidden = settings["hidden"]
    known_rules: list[Any] = json.loads(rules)
    return Project(
        id=id,
        name=name,
        form=form_from_json(json.loads(form)),
        policy=policy_from_json(json.loads(policy)),
        rules=tuple(
            AskAlways(column=rule["column"], value=rule["value"])
            for rule in known_rules
            if rule["kind"] == "ask_always"
        ),
        queue=queue_rules(known_rules),
        process=json.loads(process),
        model=str(settings["model"]),
        group=bool(settings["group"]),
        text_column=_text(settings["text_column"]),
        key_column=_text(settings["key_column"]),
        hidden=tuple(str(name) for name in hidden) if isinstance(hidden, list) else (),  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        key_id=key_id,
        created=created,
        kind="stream" if settings.get("kind") == "stream" else "pool",
        item_kind=item_kind(settings.get("item_kind", "text")),
        page=_page(settings.get("page")),
    )


def _page(value: object) -> PageSettings:
    """How a project is shown; projects of before there was a choice are shown plainly."""
    return PageSettings(**cast("dict[str, Any]", value)) if value else PageSettings()


def page_of(db: sa.Connection, project: str) -> PageSettings:
    """How a project is shown; until the transaction ends nobody changes it."""
    settings: Json = db.execute(
        sa.select(projects.c.settings).where(projects.c.id == project).with_for_update(read=True)
    ).scalar_one()
    return _page(settings.get("page"))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def take_ownership(
    db: sa.Connection, project: str, owner: str, *, dead: str | None, now: int, until: int
) -> str | None:
    """Make ``owner`` the project's loop; the name of the live owner where there is one.

    ``dead`` is an owner the caller knows to be gone (its process no longer runs on this machine).
    """
    row = db.execute(
        sa.select(projects.c.owner, projects.c.owner_until)
        .where(projects.c.id == project)
        .with_for_update()
    ).one()
    free = row.owner in (None, owner, dead) or row.owner_until < now
    if not free:
        return str(row.owner)
    db.execute(
        sa.update(projects).where(projects.c.id == project).values(owner=owner, owner_until=until)
    )
    return None


def renew_ownership(db: sa.Connection, project: str, owner: str, *, until: int) -> bool:
    """Lengthen the lease of the project's loop; False where ``owner`` lost it, if for a moment."""
    renewed = db.execute(
        sa.update(projects)
        .where(projects.c.id == project, projects.c.owner == owner)
        .values(owner_until=until)
    )
    return renewed.rowcount == 1


def owns(db: sa.Connection, project: str, owner: str) -> bool:
    """Whether ``owner`` owns the project's loop, and until the transaction ends nobody else."""
    found = db.execute(
        sa.select(projects.c.owner).where(projects.c.id == project).with_for_update(read=True)
    ).scalar_one_or_none()
    return found == owner


def current_owner(db: sa.Connection, project: str) -> str | None:
    """Who owns the project's loop, alive or not."""
    return db.execute(
        sa.select(projects.c.owner).where(projects.c.id == project)
    ).scalar_one_or_none()


def release_ownership(db: sa.Connection, project: str, owner: str) -> None:
    """Let another run own the project."""
    db.execute(
        sa.update(projects)
        .where(projects.c.id == project, projects.c.owner == owner)
        .values(owner=None, owner_until=None)
    )


def find_reviewer(
    db: sa.Connection, project: str, name: str, account: str | None = None
) -> str | None:
    """The id of a reviewer by name; none where the name is not (any more) that of ``account``."""
    query = sa.select(reviewers.c.id).where(
        reviewers.c.project == project, reviewers.c.name == name
    )
    if account is not None:
        # One statement: the name may be taken away and taken anew at any moment.
        query = query.where(sa.exists().where(accounts.c.id == account, accounts.c.name == name))
    return db.execute(query).scalar_one_or_none()


def insert_reviewer(db: sa.Connection, project: str, id: str, name: str, kind: str) -> None:
    """Store a new reviewer."""
    db.execute(sa.insert(reviewers).values(id=id, project=project, name=name, kind=kind))


def reviewer_names(db: sa.Connection, project: str) -> dict[str, str]:
    """Names by id; people whose name was removed go by their id."""
    rows = db.execute(
        sa.select(reviewers.c.id, reviewers.c.name).where(reviewers.c.project == project)
    )
    return {id: id if name is None else name for id, name in rows}


def reviewer_sources(db: sa.Connection, project: str) -> dict[str, Source]:
    """Where the answers of each reviewer come from, by the reviewer's id."""
    rows = db.execute(
        sa.select(reviewers.c.id, reviewers.c.kind, reviewers.c.name).where(
            reviewers.c.project == project
        )
    )
    return {id: Source.of(kind, name or "") for id, kind, name in rows}


def insert_pool(db: sa.Connection, pool: Pool) -> None:
    """Store a new pool."""
    db.execute(sa.insert(pools).values(**asdict(pool)))


def update_pool(db: sa.Connection, project: str, number: int, **changes: object) -> None:
    """Change a pool's phase, artifacts or forecast."""
    db.execute(
        sa.update(pools)
        .where(pools.c.project == project, pools.c.number == number)
        .values(**changes)
    )


def project_pools(db: sa.Connection, project: str) -> list[Pool]:
    """The pools of a project, oldest first."""
    rows = db.execute(sa.select(pools).where(pools.c.project == project).order_by(pools.c.number))
    return [Pool(**row._mapping) for row in rows]  # pyright: ignore[reportPrivateUsage]


def insert_round(db: sa.Connection, project: str, round: Round) -> None:
    """Store a round of learning."""
    db.execute(
        sa.insert(rounds).values(
            project=project,
            pool=round.pool,
            number=round.number,
            answers=round.answers,
            reason=round.reason,
            model=round.model,
            forecast=round.forecast,
            scores=dict(round.scores),
        )
    )


def pool_rounds(db: sa.Connection, project: str, pool: int) -> list[Round]:
    """The rounds of a pool, in order."""
    rows = db.execute(
        sa.select(rounds)
        .where(rounds.c.project == project, rounds.c.pool == pool)
        .order_by(rounds.c.number)
    )
    return [
        Round(
            pool=row.pool,
            number=row.number,
            answers=row.answers,
            reason=row.reason,
            model=row.model,
            forecast=row.forecast,
            scores=row.scores,
        )
        for row in rows
    ]


def insert_audit(db: sa.Connection, project: str, audit: Audit) -> None:
    """Store an attempt at a certificate."""
    db.execute(
        sa.insert(audits).values(
            project=project,
            pool=audit.pool,
            question=audit.question,
            attempt=audit.attempt,
            committed=audit.committed,
            seed=audit.seed,
            seed_chosen_by=audit.seed_chosen_by,
            certificate=audit.certificate,
            results=_results(audit),
            tokens=audit.tokens,
        )
    )


def _results(audit: Audit) -> list[Json] | None:
    return None if audit.results is None else [asdict(result) for result in audit.results]


def update_audit(db: sa.Connection, project: str, audit: Audit) -> None:
    """Store what came of an attempt."""
    db.execute(
        sa.update(audits)
        .where(
            audits.c.project == project,
            audits.c.pool == audit.pool,
            audits.c.question == audit.question,
            audits.c.attempt == audit.attempt,
        )
        .values(certificate=audit.certificate, results=_results(audit))
    )


def pool_audits(db: sa.Connection, project: str, pool: int) -> dict[str, Audit]:
    """The newest attempt of each question of a pool."""
    rows = db.execute(
        sa.select(audits)
        .where(audits.c.project == project, audits.c.pool == pool)
        .order_by(audits.c.question, audits.c.attempt)
    )
    return {row.question: _audit(row) for row in rows}


def _audit(row: sa.Row[tuple[object, ...]]) -> Audit:
    return Audit(
        pool=row.pool,
        question=row.question,
        attempt=row.attempt,
        committed=row.committed,
        seed=row.seed,
        seed_chosen_by=row.seed_chosen_by,
        certificate=row.certificate,
        results=None if row.results is None else tuple(TestResult(**each) for each in row.results),
        tokens=row.tokens,
    )
