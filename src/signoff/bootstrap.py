"""The only wiring: settings and options -> store, key, strategy, engine."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uuid6

from signoff.audit.checkpoint import LogSigner
from signoff.audit.keys import default_key, load_key
from signoff.core.batches import seal
from signoff.core.certification import split_tests
from signoff.core.feasibility import explain, feasible, what_would_do
from signoff.core.items import Item
from signoff.core.questions import Choice
from signoff.core.records import OpenRequest, Pool, Project
from signoff.core.routing import AskAlways, Certified, Policy, Threshold
from signoff.desk import QueueDesk, sign_in
from signoff.engine import Engine
from signoff.errors import UsageError
from signoff.loop.recorder import Recorder
from signoff.ports import PoolStrategy
from signoff.settings import Settings
from signoff.store.store import SqlStore
from signoff.version import VERSION

if TYPE_CHECKING:
    from signoff.project.incoming import IncomingRows

DEFAULT_MODEL = "text"
STARTING_ANSWERS_PER_LABEL = 4


def clock() -> int:
    """Microseconds since 1970 in UTC."""
    return time.time_ns() // 1000


def new_id() -> str:
    """A UUIDv7."""
    return str(uuid6.uuid7())


def open_store(where: str, *, create: bool, artifacts: Path | None = None) -> SqlStore:
    """The store at a path or URL, with this artifact folder or the one the settings name."""
    return SqlStore(where, artifacts=artifacts or Settings().artifacts, create=create)


def recorder_for(store: SqlStore, project: str, *, actor: str) -> Recorder:
    """Makes the events of a project's log, after everything the log has seen."""
    return Recorder(
        project=project,
        actor=actor,
        clock=clock,
        new_id=new_id,
        entropy=os.urandom,
        last=store.last_instant(project),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSpec:
    """What the first run of a project fixes."""

    name: str
    question: Choice
    policy: Policy
    rules: tuple[AskAlways, ...]
    process: dict[str, object]
    model: str
    group: bool
    text_column: str | None
    key_column: str | None
    hidden: tuple[str, ...]


def create_project(store: SqlStore, spec: ProjectSpec, *, actor: str) -> Project:
    """Store a new project under the user's signing key, as the first event of its log."""
    key = default_key()
    store.signer = LogSigner(key)
    project = Project(
        id=new_id(),
        name=spec.name,
        question=spec.question,
        policy=spec.policy,
        rules=spec.rules,
        process=spec.process,
        model=spec.model,
        group=spec.group,
        text_column=spec.text_column,
        key_column=spec.key_column,
        hidden=spec.hidden,
        key_id=key.id,
        created=clock(),
    )
    recorder = recorder_for(store, project.id, actor=actor)
    created = recorder.event(
        "project.created",
        {
            "name": project.name,
            "kind": "pool",
            "question": project.question.to_json(),
            "policy": project.policy.to_json(),
            "rules": [rule.to_json() for rule in project.rules],
            "process": project.process,
            "model": project.model,
            "public_key": key.public.text,
            "signoff": VERSION,
        },
    )
    store.create_project(project, [created])
    return project


def sign_with_its_key(store: SqlStore, project: Project) -> None:
    """Let the store sign with the key the project began with; refuses where it is missing."""
    store.signer = LogSigner(load_key(project.key_id))


def add_rows(engine: Engine, rows: IncomingRows) -> Pool:
    """Make rows that came in together the project's next pool; what people answered of equal
    items before is answered here, too."""
    from signoff.project.carrying import carried_answers

    number = len(engine.store.pools(engine.project.id)) + 1
    batch = seal("rows", rows.ints, rows.private(), entropy=engine.recorder.entropy)
    pool = Pool(
        project=engine.project.id,
        number=number,
        rows=len(rows),
        items=rows.items,
        phase="learning",
        rows_root=batch.root,
    )
    added = engine.recorder.event(
        "rows.added",
        {
            "pool": number,
            "rows": pool.rows,
            "items": pool.items,
            "batch": batch.reference(),
        },
    )
    carried = carried_answers(engine, rows, pool=number)
    engine.store.add_pool(pool, batch, rows.stored(), [added], carried)
    return pool


def refuse_infeasible(policy: Policy, items: int, labels: int) -> None:
    """Raise :class:`Infeasible`, before anything is asked, where no audit would leave a gain."""
    if not isinstance(policy, Certified):
        return
    first = min(items, STARTING_ANSWERS_PER_LABEL * labels)
    (test,) = split_tests([], [items], policy.max_error, policy.alpha)
    if not feasible(items, first, test.errors, policy.alpha):
        remedy = what_would_do(items, first, policy.max_error, policy.alpha)
        raise explain(items, first, policy.max_error, policy.alpha, remedy)


def stored_model(project: Project) -> str:
    """The model by the name that the first run was given."""
    if project.model == DEFAULT_MODEL or ".py:" in project.model:
        return project.model
    raise UsageError(
        f"Project {project.name!r} was begun from Python with a model of its own"
        f" ({project.model}).",
        hint="Pass the same model again: signoff.run(..., model=...).",
    )


def make_strategy(policy: Policy, model: object, labels: tuple[str, ...]) -> PoolStrategy:
    """How a pool is worked on: a learner that is taught, or a model that stays as it is."""
    from signoff.learning.supervised import strategy_for

    threshold = policy.confidence if isinstance(policy, Threshold) else None
    return strategy_for(model, labels=labels, threshold=threshold)


def seat(engine: Engine, *, name: str, kind: str) -> QueueDesk:
    """A reviewer's place in the engine's own process, with items in their own types."""

    def item_of(request: OpenRequest) -> Item:
        view = engine.views(engine.store.pools(engine.project.id)[request.pool - 1])
        return view.for_people(request.item) if kind == "person" else view.item(request.item)

    return QueueDesk(
        store=engine.store,
        project=engine.project,
        recorder=engine.recorder,
        reviewer=sign_in(engine.store, engine.recorder, name=name, kind=kind),
        budget=engine.budget,
        item_of=item_of,
    )


def make_engine(
    store: SqlStore,
    project: Project,
    *,
    strategy: PoolStrategy,
    hidden: frozenset[str],
    actor: str,
    budget: int | None,
    seed: int | None,
) -> Engine:
    """The loop over a stored project."""
    from signoff.project.views import PoolViews

    return Engine(
        store=store,
        project=project,
        strategy=strategy,
        views=PoolViews(store, project, hidden, {}),
        recorder=recorder_for(store, project.id, actor=actor),
        budget=budget,
        seed=seed,
    )
