"""A stored project, seen from outside the loop: status, results, log, proofs, erasure."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import polars as pl

from signoff.audit.keys import parse_public_key
from signoff.audit.verify import Problem, Verdict, verify_log
from signoff.automations import explainer
from signoff.bootstrap import make_decider, open_store, recorder_for, sign_with_its_key
from signoff.core.items import key_digest
from signoff.core.questions import Question
from signoff.core.records import Json, Pool, Project
from signoff.core.replies import content_digest
from signoff.core.streams import StreamItem
from signoff.errors import InputError, SignoffError, StoreError, UsageError, VerificationFailed
from signoff.formats.results import Decisions
from signoff.formats.write import count_formulas, replace_file, write_table, write_text
from signoff.loop.progress import decided_by_model, pool_certificate
from signoff.ports import PoolView
from signoff.project.carrying import carried_otherwise
from signoff.project.evidence import decision_proof, log_lines, log_parts
from signoff.project.explaining import Why
from signoff.project.ownership import owning
from signoff.project.pool_results import kept_back, pool_decisions, pool_results
from signoff.project.reporting import Reporter
from signoff.project.stream_evidence import stream_proof
from signoff.project.stream_results import stream_certificate, stream_results, stream_status
from signoff.project.views import ITEM, KEY, PoolViews
from signoff.store.compare import disagreements
from signoff.store.store import SqlStore

TRIES = 5
"""How often a live store is looked at before a disagreement counts."""


def one_line(error: Exception) -> str:
    """What an error says, short enough for one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:120]


@dataclass(slots=True)
class StoreView:
    """One project of a store."""

    store: SqlStore
    project: Project
    views: Callable[[Pool], PoolView]

    @classmethod
    def open(cls, where: str, project: str | None = None) -> StoreView:
        """The project of this name, or the only one of the store."""
        store = open_store(where, create=False)
        found = store.find_project(project)
        if found is None:
            names = ", ".join(store.project_names()) or "none"
            store.close()
            raise StoreError(
                f"{where} has no project {project!r}."
                if project is not None
                else f"{where} holds several projects, or none.",
                hint=f"Pass --project with one of: {names}.",
            )
        return cls(store, found, PoolViews(store, found, frozenset(), {}))

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    # -------------------------------------------------------------------- status

    @property
    def is_stream(self) -> bool:
        """Whether items arrive one by one."""
        return self.project.kind == "stream"

    def _refuse_stream(self, what: str) -> None:
        if self.is_stream:
            raise UsageError(
                f"{self.project.name!r} is a stream: there is no {what} of it yet.",
                hint="signoff status, export, verify, log, proof and erase work on streams.",
            )

    @property
    def pools(self) -> list[Pool]:
        """The project's pools, oldest first."""
        return self.store.pools(self.project.id)

    @property
    def finished(self) -> bool:
        """Whether every item is decided."""
        return all(pool.phase == "closed" for pool in self.pools)

    def counts(self) -> dict[str, int]:
        """Rows, items, and who decided how many; over all pools."""
        counts = {"rows": 0, "items": 0, "human": 0, "automatic": 0, "undecided": 0, "pools": 0}
        for pool in self.pools:
            human = self.store.queue_counts(self.project.id, pool.number).answered
            automatic = decided_by_model(self.store, pool)
            counts["pools"] += 1
            counts["rows"] += pool.rows
            counts["items"] += pool.items
            counts["human"] += human
            counts["automatic"] += automatic
            counts["undecided"] += pool.items - human - automatic
        return counts

    def status(self) -> Json:
        """Where the project stands."""
        if self.is_stream:
            return stream_status(self.store, self.project)
        pools = self.pools
        waiting = [self.store.queue_counts(self.project.id, pool.number).open for pool in pools]
        return {
            "project": self.project.name,
            "questions": {question.name: question.text for question in self.project.form.questions},
            "policy": self.project.policy.describe(),
            "phase": pools[-1].phase if pools else "empty",
            "waiting": sum(waiting),
            **self.counts(),
        }

    def certificate(self) -> Json | None:
        """The newest pool's certificate, with its checkpoint and those of earlier pools; see
        :func:`certificates_json` for several questions."""
        if self.is_stream:
            return stream_certificate(self.store, self.project)
        issued = [
            certificate
            for pool in self.pools
            if (certificate := pool_certificate(self.store, pool)) is not None
        ]
        if not issued:
            return None
        certificate = issued[-1]
        certificate["checkpoint"] = self.store.newest_checkpoint(self.project.id)
        certificate["key_id"] = self.project.key_id
        if len(issued) > 1:
            certificate["earlier_pools"] = issued[:-1]
        return certificate

    # ------------------------------------------------------------------- results

    def results(self, *, blind: bool = False) -> pl.DataFrame:
        """The data's columns and ``signoff_*`` columns, row by row, all pools.

        ``blind``: for eyes that may still answer. Of what is open and certified it tells what
        people said, and neither why they were asked nor what the model says.
        """
        if self.is_stream:
            return stream_results(self.store, self.project, blind=blind)
        parts = [pool_results(self.store, self.project, pool, blind=blind) for pool in self.pools]
        return pl.concat(parts, how="diagonal_relaxed")

    def export(self, out: str, *, guarded: bool = False) -> int:
        """Write the results; ``-`` is standard output.

        ``guarded``: in CSV and TSV texts of the data that a spreadsheet would run as a formula get
        an apostrophe before them; the number of such texts.
        """
        results = self.results()
        changed = count_formulas(results) if guarded else 0
        write_table(results, out, guarded=guarded)
        return changed

    def html(self) -> str:
        """The report as one HTML page."""
        self._refuse_stream("report")
        from signoff.report.html import render_report

        questions = self.project.form.questions
        return render_report(*(self._reporter(question).data() for question in questions))

    def _reporter(self, question: Question) -> Reporter:
        return Reporter(
            store=self.store,
            project=self.project,
            question=question,
            views=self.views,
            certificate=self._certificate_of(question.name),
        )

    def _certificate_of(self, question: str) -> Json | None:
        """One question's certificate of the newest pool, as its report shows it."""
        certificate = self.certificate()
        if certificate is None or len(self.project.form.questions) == 1:
            return certificate
        parts = cast("dict[str, Json]", certificate["questions"])
        signed = {name: certificate[name] for name in ("checkpoint", "key_id")}
        return {**parts[question], **signed} if question in parts else None

    def report(self, path: str) -> None:
        """Write the report."""
        write_text(Path(path), self.html())

    def decisions(self, pool: Pool, question: str) -> Decisions:
        """What each item of a pool ended with so far for a question, columnar."""
        return pool_decisions(self.store, self.project, pool, question)

    # ------------------------------------------------------------------ evidence

    def export_log(self, out: str, *, content: bool = False) -> None:
        """Write the log as JSON lines; with the private values where ``content`` asks for them."""
        lines = log_lines(self.store, self.project, content=content)
        if out == "-":
            for line in lines:
                sys.stdout.buffer.write(line)
            return
        replace_file(Path(out), lambda file: file.writelines(lines))

    def verify(self, public_key: str | None = None) -> Verdict:
        """Check the log, and that the tables say what it says.

        Raises :class:`VerificationFailed` where the store cannot be read as signoff wrote it.
        """
        if public_key is not None:
            parse_public_key(public_key)
        try:
            return self._verdict(public_key)
        except SignoffError as error:
            raise VerificationFailed(error.message, hint=error.hint) from error
        except (ValueError, LookupError, TypeError) as error:
            raise VerificationFailed(
                f"{self.store.name} holds what signoff does not write ({one_line(error)}).",
                hint="Restore it from a backup.",
            ) from error

    def _verdict(self, public_key: str | None) -> Verdict:
        seen = self.store.last_event(self.project.id)
        verdict = self._verdict_now(public_key)
        for _ in range(TRIES):
            newest = self.store.last_event(self.project.id)
            if verdict.ok or newest == seen:
                break
            # A live run moved on between two looks: look again.
            seen, verdict = newest, self._verdict_now(public_key)
        return verdict

    def _verdict_now(self, public_key: str | None) -> Verdict:
        # What a run that is at work, or was stopped, has not signed yet is a normal thing to see.
        parts = log_parts(self.store, self.project, content=True, unsigned=True)
        verdict = verify_log(parts, public_key=public_key, allow_tail=True)
        if not verdict.ok:
            return verdict
        with self.store.reading(frozen=True) as db:
            problems = list(disagreements(db, self.project.id))
        tail = verdict.events - verdict.covered
        if tail and self.pools and self.finished:
            problems.append(
                f"The project is finished, but no checkpoint covers its newest {tail} events;"
                " the same run again signs them."
            )
        problems += self._shown_otherwise()
        problems += carried_otherwise(self.store, self.project, self.views)
        if self.project.item_kind == "image":
            named = self.store.images(self.project.id)
            problems += self.store.blobs.damaged(self.project.id, named)
        if not problems:
            return verdict
        problem = Problem(line=0, event=None, reason=problems[0])
        return replace(verdict, ok=False, problem=problem)

    def _shown_otherwise(self) -> list[str]:
        """Requests that show people something else than the rows the log commits to."""
        if self.is_stream:
            return []
        views = PoolViews(self.store, self.project, frozenset(), {})
        problems: list[str] = []
        for pool in self.pools:
            view = views(pool)
            for request in self.store.requests(self.project.id, pool.number):
                item = view.item(request.item)
                shown, stored = request.shown, item.shown()
                if shown is None and view.erased[request.item]:
                    continue
                if shown is None or request.key != item.key or not _part_of(shown, stored):
                    problems.append(
                        f"The request for item {request.item} of pool {pool.number} shows people"
                        " something else than its row."
                    )
        return problems

    def proof(self, key: str, question: str | None = None) -> Json:
        """Proof that the decision on a row is in the signed log; ``key`` as in :meth:`erase`.

        Raises :class:`InputError` where no row has the key or its item is not decided yet, or
        several questions are asked and none of them is named.
        """
        name = self.question_named(question)
        if self.is_stream:
            found = stream_proof(self.store, self.project, self._stream_item(key))
        else:
            pool, item, _, _ = self._locate(key)
            found = decision_proof(self.store, self.project, pool, item, question=name)
        if found is None:
            raise InputError(
                f"The row {key[:40]!r} is not decided yet, or no checkpoint covers that.",
                hint="Ask again once it is.",
            )
        return found.to_json()

    def question_named(self, name: str | None) -> str:
        """This name, where the project asks such a question; None: that of the only one."""
        names = self.project.form.names
        if name is None and len(names) == 1:
            return names[0]
        if name not in names:
            asked = (
                "No question is named" if name is None else f"There is no question {name[:40]!r}"
            )
            raise InputError(f"{asked}.", hint=f"Pass --question with one of: {', '.join(names)}.")
        return name

    def why(self, key: str, question: str | None = None) -> Why:
        """Why a row ended as it did; ``key`` as in :meth:`erase`.

        Raises :class:`InputError` where no row has the key, and while a certified pool is open: it
        would tell whoever may still answer which items are audited, and what the model says.
        """
        self._refuse_stream("why")
        asked = self.project.form.question(self.question_named(question))
        pool, item, _, _ = self._locate(key)
        if kept_back(self.project, pool):
            raise InputError(
                "Until the certificate is there nobody may know why, or people would not be blind.",
                hint="Ask again once the project is finished.",
            )
        return explainer(self.store, self.project, pool, asked, self.views).why(item)

    # ------------------------------------------------------------------- erasure

    def erase(self, key: str) -> int:
        """Remove an item's content everywhere and log that; how many rows it stood for.

        Raises :class:`InputError` where no row has the key, :class:`StoreBusy` while a run is on.
        """
        if self.is_stream:
            known = self._erase_known(key)
            return self._erase_from_stream(self._stream_item(key)) or known
        with self._erasing():
            known = self._erase_known(key)
            try:
                return self._erase(*self._locate(key))
            except InputError:
                if not known:
                    raise
                return 1

    def erase_item(self, number: int, item: int) -> int:
        """Remove the content of an item of a pool, by numbers, and log that; 0 where that was done
        before."""
        if self.is_stream:
            items = self.store.window_items(self.project.id, number)
            return self._erase_from_stream(items[item])
        with self._erasing():
            pool = next(pool for pool in self.pools if pool.number == number)
            rows, keys = self._rows_of(pool, item)
            return self._erase(pool, item, rows, keys) if keys else 0

    def _erase_from_stream(self, item: StreamItem) -> int:
        decider = make_decider(self.store, self.project, actor="erase")
        done = decider.erase(item)
        self.store.transfers.forget_exports(self.project.id)
        self.store.compact()
        return int(done)

    def _stream_item(self, key: str) -> StreamItem:
        """The item of a stream with this key."""
        found = self.store.stream_items(self.project.id, [key])
        if key not in found:
            raise InputError(
                f"No item of {self.store.name} has the key {key[:40]!r}.",
                hint="Keys are what items were sent with.",
            )
        return found[key]

    @contextmanager
    def _erasing(self) -> Generator[None]:
        sign_with_its_key(self.store, self.project)
        with owning(self.store, self.project.id):
            self.store.sweep(self.project.id)
            yield
            self.store.checkpoint(self.project.id)
        self.store.compact()

    def _erase_known(self, key: str) -> int:
        """Remove the content of known answers under a key; how many there were."""
        recorder = recorder_for(self.store, self.project.id, actor="erase")
        return self.store.erase_gold(
            self.project.id, key, lambda number: recorder.event("gold.erased", {"gold": number})
        )

    def _erase(self, pool: Pool, item: int, rows: list[int], keys: list[str]) -> int:
        recorder = recorder_for(self.store, self.project.id, actor="erase")
        event = recorder.event("item.erased", {"pool": pool.number, "item": item, "rows": rows})
        digests = [key_digest(self.project.id, each) for each in keys]
        self.store.erase(
            self.project.id, pool.number, item, digests, event, contents=self._contents(pool, rows)
        )
        return len(rows)

    def _contents(self, pool: Pool, rows: list[int]) -> list[str]:
        """Digests of the texts of some rows, as models were asked about them."""
        column = self.project.text_column
        if column is None:
            return []
        texts = self.store.rows(pool)[column].gather(rows).drop_nulls().to_list()
        return [content_digest(str(text)) for text in texts]

    def _rows_of(self, pool: Pool, item: int) -> tuple[list[int], list[str]]:
        """The rows of an item, and the keys they still have."""
        rows = self.store.rows(pool).with_row_index("__at")
        same = rows.filter(rows[ITEM] == item)
        return same["__at"].to_list(), same[KEY].drop_nulls().to_list()

    def _locate(self, key: str) -> tuple[Pool, int, list[int], list[str]]:
        """The pool and item of a row's key, and all rows of that item."""
        number = _row_number(key)
        for pool in self.pools:
            rows = self.store.rows(pool)
            match = rows.filter(rows[KEY] == key)
            if not match.height and number is not None:
                match = rows.slice(number, 1)
                number -= rows.height
            if match.height:
                item = int(match[ITEM][0])
                return pool, item, *self._rows_of(pool, item)
        raise InputError(
            f"No row of {self.store.name} has the key {key[:40]!r}.",
            hint="Keys are the --key column's values; row:12 names the 12th row of the data.",
        )


def _part_of(shown: Json, stored: Json) -> bool:
    """Whether people see what is stored, but perhaps for columns kept from them."""
    some, every = cast("Json", shown["data"]), cast("Json", stored["data"])
    return shown["text"] == stored["text"] and some.items() <= every.items()


def _row_number(key: str) -> int | None:
    """The place of a row named ``row:N``, from 0."""
    number = key.removeprefix("row:")
    return int(number) - 1 if number != key and number.isdigit() and int(number) > 0 else None
