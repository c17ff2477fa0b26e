"""Makes a store for ``server.py``, and reviewers with tokens.

    python benchmarks/_server_store.py STORE ITEMS REVIEWERS [stream]

A project of so many items that wait for people, or a stream whose model has learned from so many.
Prints ``{"project": id, "admin": token, "reviewers": [token, …]}``; without reviewers nobody has an
account, and the server lets in who opens its link.
"""

from __future__ import annotations

import json
import sys

import polars as pl

import signoff
from signoff.accounts.directory import Directory
from signoff.bootstrap import open_store
from signoff.core.questions import Chosen
from signoff.testing.fakes import two_topics

LABELS = ("Positive", "Negative")
ARRIVE_TOGETHER = 50


def main(where: str, items: int, reviewers: int, kind: str = "rows") -> None:
    """Make it."""
    if kind == "stream":
        teach_stream(where, items)
    else:
        texts = [f"a short review of thing number {n}" for n in range(items)]
        frame = pl.DataFrame({"text": texts})
        signoff.run(
            frame, labels=LABELS, text="text", policy=signoff.People(), reviewer="none", store=where
        )
    store = open_store(where, create=False)
    (project,) = store.projects()
    tokens: dict[str, object] = {"project": project.id, "admin": "", "reviewers": []}
    if reviewers:
        directory = Directory(store=store)
        admin = directory.add("admin", "only for a benchmark", everywhere="admin")
        tokens["admin"] = _token(directory, admin, frozenset({"read", "answer", "manage"}))
        tokens["reviewers"] = [
            _reviewer(directory, number, project.id, by=admin.id) for number in range(reviewers)
        ]
    store.close()
    print(json.dumps(tokens))


def teach_stream(where: str, items: int) -> None:
    """A stream of the built-in model that people have taught with so many items."""
    with signoff.Stream.create(where, labels=LABELS, undo_seconds=0) as stream:
        desk = stream.desk("teacher")
        rows = two_topics(items, sarcasm=0.0)
        truth = {row["id"]: row["label"] for row in rows}
        for at in range(0, items, ARRIVE_TOGETHER):
            stream.decide([(row["id"], row["text"]) for row in rows[at : at + ARRIVE_TOGETHER]])
            while asked := desk.next_many(ARRIVE_TOGETHER):
                desk.answer_many([(each, Chosen(truth[each.item.key])) for each in asked])
            stream.tend()


def _reviewer(directory: Directory, number: int, project: str, *, by: str) -> str:
    account = directory.add(f"reviewer {number}", "only for a benchmark")
    directory.change_role(account, project, "reviewer", by=by)
    return _token(directory, account, frozenset({"read", "answer"}))


def _token(directory: Directory, account: object, scopes: frozenset[str]) -> str:
    minted = directory.mint(account, name="benchmark", scopes=scopes, by=account.id)  # type: ignore[arg-type, attr-defined]
    return minted.secret.text


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
