"""The only wiring: settings and options -> store, key, strategy, engine."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import uuid6

from signoff.audit.checkpoint import LogSigner
from signoff.audit.keys import default_key, load_key
from signoff.core.batches import Batch, seal
from signoff.core.certification import error_budget, split_tests
from signoff.core.coding import labels_of
from signoff.core.coin_feasibility import bears_a_find, coin_remedy, explain_coins
from signoff.core.feasibility import explain, feasible, what_would_do
from signoff.core.items import Item
from signoff.core.questions import Choice, Form
from signoff.core.queueing import QueueRules
from signoff.core.records import NewEvent, OpenRequest, PageSettings, Pool, Project
from signoff.core.routing import AskAlways, Certified, Policy
from signoff.core.showing import ItemKind
from signoff.core.streams import StreamSpec
from signoff.core.windows import window_alpha
from signoff.desk import GOLD_SHARE, QueueDesk, shown_item, sign_in
from signoff.engine import Engine
from signoff.errors import StoreChanged, UsageError
from signoff.loop.recorder import Recorder
from signoff.ports import Automation, PoolView
from signoff.project.founding import first_manager
from signoff.settings import Settings
from signoff.store.database import database_url
from signoff.store.store import SqlStore
from signoff.store.transfers import default_folder
from signoff.version import VERSION

if TYPE_CHECKING:
    from signoff.project.incoming import IncomingRows
    from signoff.stream.decider import Decider

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


def artifact_folder(where: str, artifacts: Path | None = None) -> Path:
    """Where a store's columnar files lie, or will lie."""
    return artifacts or Settings().artifacts or default_folder(database_url(where))


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
    form: Form
    policy: Policy
    rules: tuple[AskAlways, ...]
    process: dict[str, object]
    model: str
    group: bool
    text_column: str | None
    key_column: str | None
    hidden: tuple[str, ...]
    queue: QueueRules = field(default_factory=QueueRules)
    item_kind: ItemKind = "text"
    page: PageSettings = field(default_factory=PageSettings)


def create_project(store: SqlStore, spec: ProjectSpec, *, actor: str) -> Project:
    """Store a new project under the user's signing key, as the first event of its log."""
    project, created = found_project(store, spec, actor=actor)
    store.create_project(project, [created])
    return project


def stream_project(
    name: str, *, labels: Sequence[str], question: str, policy: Certified, model: str
) -> ProjectSpec:
    """What is fixed of a stream beside its windows: one choice, which people answer."""
    return ProjectSpec(
        name=name,
        form=Form((Choice.of(list(labels), text=question),)),
        policy=policy,
        rules=(),
        process={"kind": "person"},
        model=model,
        group=False,
        text_column="text",
        key_column="key",
        hidden=(),
    )


def create_stream(
    store: SqlStore,
    spec: ProjectSpec,
    stream: StreamSpec,
    *,
    actor: str,
    founder: str | None = None,
    seed: int | None = None,
) -> Project:
    """Store a new stream; its labels, policy and windows are in the log before the first coin.

    ``seed``: a number that fixes the coins of all windows; who knows it knows what is audited.
    ``founder``: the account that manages it from then on.
    Raises :class:`Infeasible` where a window could not bear its first find, :class:`StoreChanged`
    where the name is taken.
    """
    if not isinstance(spec.policy, Certified):
        raise UsageError("A stream promises something.", hint="Give it a Certified policy.")
    refuse_infeasible_stream(spec.policy, stream)
    if store.find_project(spec.name) is not None:
        raise StoreChanged(
            f"There is a project {spec.name!r} already.", hint="Pass another --project NAME."
        )
    project, created = found_project(store, spec, actor=actor, stream=stream)
    recorder = recorder_for(store, project.id, actor=actor)
    manager = None if founder is None else first_manager(store, recorder, founder)
    store.create_stream(project, stream, [created], manager=manager, seed=seed)
    make_decider(store, project, actor=actor).start_window()
    return project


def refuse_infeasible_stream(policy: Certified, stream: StreamSpec) -> None:
    """Raise :class:`Infeasible`, before anything is made, where x* of a window would be -1."""
    errors = error_budget(policy.max_error, stream.items)
    alpha = window_alpha(policy.alpha, 1, together=stream.together)
    if not bears_a_find(errors, stream.audit_rate, alpha, stream.effects):
        numbers = {
            "max_error": policy.max_error,
            "alpha": alpha,
            "audit_rate": stream.audit_rate,
        }
        remedy = coin_remedy(stream.items, **numbers, effects=stream.effects)
        raise explain_coins(stream.items, remedy, **numbers)


def found_project(
    store: SqlStore,
    spec: ProjectSpec,
    *,
    actor: str,
    id: str | None = None,
    stream: StreamSpec | None = None,
) -> tuple[Project, NewEvent]:
    """A project to store under the user's signing key, and the first event of its log."""
    key = default_key()
    store.signer = LogSigner(key)
    project = Project(
        id=id or new_id(),
        name=spec.name,
        form=spec.form,
        policy=spec.policy,
        rules=spec.rules,
        process=spec.process,
        model=spec.model,
        group=spec.group,
        text_column=spec.text_column,
        key_column=spec.key_column,
        hidden=spec.hidden,
        queue=spec.queue,
        item_kind=spec.item_kind,
        page=spec.page,
        key_id=key.id,
        created=clock(),
        kind="pool" if stream is None else "stream",
    )
    body: dict[str, object] = {
        "name": project.name,
        "kind": project.kind,
        "form": project.form.to_json(),
        "item_kind": project.item_kind,
        "blur": project.page.blur,
        "text_direction": project.page.text_direction,
        "hints": project.page.hints,
        "policy": project.policy.to_json(),
        "rules": [*(rule.to_json() for rule in project.rules), *project.queue.to_json()],
        "process": project.process,
        "model": project.model,
        "public_key": key.public.text,
        "signoff": VERSION,
    }
    if stream is not None:
        body["stream"] = stream.to_json()
    recorder = recorder_for(store, project.id, actor=actor)
    guideline = {"guideline": project.page.guideline} if project.page.guideline else None
    return project, recorder.event("project.created", body, guideline)


def make_decider(store: SqlStore, project: Project, *, actor: str) -> Decider:
    """What decides the items of a stored stream; raises :class:`UsageError` for a pool."""
    from signoff.stream.decider import Decider

    if project.kind != "stream" or not isinstance(project.policy, Certified):
        raise UsageError(
            f"Project {project.name!r} is no stream.",
            hint="Label its rows with signoff run, or make one: signoff stream create.",
        )
    sign_with_its_key(store, project)
    return Decider(
        store=store,
        project=project,
        policy=project.policy,
        recorder=recorder_for(store, project.id, actor=actor),
    )


def sign_with_its_key(store: SqlStore, project: Project) -> None:
    """Let the store sign with the key the project began with; refuses where it is missing."""
    store.signer = LogSigner(load_key(project.key_id))


def add_rows(engine: Engine, rows: IncomingRows) -> Pool:
    """Make rows that came in together the project's next pool; what people answered of equal
    items before is answered here, too."""
    from signoff.project.carrying import carried_answers

    number = len(engine.store.pools(engine.project.id)) + 1
    pool, batch, added = next_pool(rows, number, engine.recorder)
    carried = carried_answers(
        engine.store, engine.project, engine.recorder, rows, pool=number, views=engine.views
    )
    engine.store.add_pool(pool, batch, rows.stored(), [added], carried, blobs=rows.blobs())
    return pool


def next_pool(rows: IncomingRows, number: int, recorder: Recorder) -> tuple[Pool, Batch, NewEvent]:
    """A pool to store, the batch its log commits to, and its event."""
    batch = seal("rows", rows.ints, rows.private(), entropy=recorder.entropy)
    pool = Pool(
        project=recorder.project,
        number=number,
        rows=len(rows),
        items=rows.items,
        phase="learning",
        rows_root=batch.root,
    )
    added = recorder.event(
        "rows.added",
        {
            "pool": number,
            "rows": pool.rows,
            "items": pool.items,
            "batch": batch.reference(),
        },
    )
    return pool, batch, added


def refuse_infeasible(policy: Policy, items: int, form: Form) -> None:
    """Raise :class:`Infeasible`, before anything is asked, where no audit would leave a gain."""
    if not isinstance(policy, Certified):
        return
    labels = max(len(labels_of(question) or ()) for question in form.questions)
    first = min(items, STARTING_ANSWERS_PER_LABEL * labels)
    (test,) = split_tests([], [items], policy.max_error, policy.alpha)
    if not feasible(items, first, test.errors, policy.alpha):
        remedy = what_would_do(items, first, policy.max_error, policy.alpha)
        raise explain(items, first, policy.max_error, policy.alpha, remedy)


def seat(engine: Engine, *, name: str, kind: str) -> QueueDesk:
    """A reviewer's place in the engine's own process, with items in their own types."""
    views: dict[int, PoolView] = {}

    def item_of(request: OpenRequest) -> Item:
        if request.gold is not None:
            return shown_item(request)
        if request.pool not in views:
            pools = engine.store.pools(engine.project.id)
            views[request.pool] = engine.views(pools[request.pool - 1])
        view = views[request.pool]
        return view.for_people(request.item) if kind == "person" else view.item(request.item)

    return QueueDesk(
        store=engine.store,
        project=engine.project,
        recorder=engine.recorder,
        reviewer=sign_in(engine.store, engine.recorder, name=name, kind=kind),
        budget=engine.budget,
        item_of=item_of,
        gold_share=GOLD_SHARE if kind == "person" else 0.0,
    )


def make_engine(
    store: SqlStore,
    project: Project,
    *,
    automations: Mapping[str, Automation],
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
        automations=automations,
        views=PoolViews(store, project, hidden, {}),
        recorder=recorder_for(store, project.id, actor=actor),
        budget=budget,
        seed=seed,
    )
