"""Makes a store for ``server.py``: a project that people answer, and reviewers with tokens.

    python benchmarks/_server_store.py STORE ITEMS REVIEWERS

Prints ``{"project": id, "admin": token, "reviewers": [token, …]}``. Every item waits for people.
"""

from __future__ import annotations

import json
import sys

import polars as pl

import signoff
from signoff.accounts.directory import Directory
from signoff.bootstrap import open_store

LABELS = ("Positive", "Negative")


def main(where: str, items: int, reviewers: int) -> None:
    """Make it."""
    frame = pl.DataFrame({"text": [f"a short review of thing number {n}" for n in range(items)]})
    signoff.run(
        frame, labels=LABELS, text="text", policy=signoff.People(), reviewer="none", store=where
    )
    store = open_store(where, create=False)
    (project,) = store.projects()
    directory = Directory(store=store)
    admin = directory.add("admin", "only for a benchmark", everywhere="admin")
    everything = frozenset({"read", "answer", "manage"})
    tokens = {"project": project.id, "admin": _token(directory, admin, everything)}
    seats: list[str] = []
    for number in range(reviewers):
        account = directory.add(f"reviewer {number}", "only for a benchmark")
        directory.change_role(account, project.id, "reviewer", by=admin.id)
        seats.append(_token(directory, account, frozenset({"read", "answer"})))
    store.close()
    print(json.dumps({**tokens, "reviewers": seats}))


def _token(directory: Directory, account: object, scopes: frozenset[str]) -> str:
    minted = directory.mint(account, name="benchmark", scopes=scopes, by=account.id)  # type: ignore[arg-type, attr-defined]
    return minted.secret.text


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
