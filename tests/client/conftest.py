"""``signoff serve`` as a process, with an administrator's token."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "accounts"), str(TESTS / "server")]

from directories import PASSWORD  # noqa: E402
from sites import Site, serving  # noqa: E402

from signoff.accounts.directory import Directory  # noqa: E402
from signoff.bootstrap import open_store  # noqa: E402
from signoff.core.people import Right  # noqa: E402

STORE = "projects.signoff.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server and a token that may do everything."""

    site: Site
    token: str
    folder: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNOFF_HOME", str(folder / "home"))
        store = open_store(str(folder / STORE), create=True)
        directory = Directory(store=store)
        account = directory.add("ada", PASSWORD, everywhere="admin")
        everything: frozenset[Right] = frozenset({"read", "answer", "manage"})
        minted = directory.mint(account, name="test", scopes=everything, by=account.id)
        store.close()
        with serving(folder, "--store", STORE) as site:
            yield Served(site=site, token=minted.secret.text, folder=folder)
