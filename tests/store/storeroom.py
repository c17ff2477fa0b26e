"""A real store with one project, and the few words its tests need."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signoff.audit.checkpoint import LogSigner
from signoff.audit.keys import SigningKey
from signoff.core.questions import Choice, Form
from signoff.core.records import Project
from signoff.core.routing import AskAlways, Certified
from signoff.store.store import SqlStore
from signoff.testing.stores import Bench, new_id

KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
QUESTION = Choice.of(["Positive", "Negative"])


def make_project(name: str = "reviews", *, created: int = 1_700_000_000_000_000) -> Project:
    return Project(
        id=new_id(),
        name=name,
        form=Form((QUESTION,)),
        policy=Certified(),
        rules=(AskAlways(column="text", value="always"),),
        process={"reviewers": 1},
        model="text",
        group=True,
        text_column="text",
        key_column=None,
        hidden=("label",),
        key_id=KEY.id,
        created=created,
    )


@dataclass(slots=True, kw_only=True)
class Room(Bench):
    """A bench over a real store; ``where`` and ``folder`` open it again."""

    where: str
    folder: Path
    store: SqlStore = field()

    @classmethod
    def open(cls, where: str, folder: Path, project: Project | None = None) -> Room:
        store = open_store(where, folder, create=True)
        if project is None:
            project = make_project()
            store.create_project(project, [])
        return cls(store=store, project=project, where=where, folder=folder)

    def again(self) -> Room:
        """The same project through another connection, as another process has it."""
        return Room(
            store=open_store(self.where, self.folder),
            project=self.project,
            where=self.where,
            folder=self.folder,
        )

    def close(self) -> None:
        self.store.close()

    @property
    def database(self) -> Path:
        """The file of a SQLite store."""
        return Path(self.where.removeprefix("sqlite:///"))

    def bytes_on_disk(self) -> bytes:
        """Everything a SQLite store keeps on disk."""
        files = [*self.database.parent.glob(self.database.name + "*"), *self.folder.rglob("*")]
        return b"".join(file.read_bytes() for file in files if file.is_file())


def open_store(where: str, folder: Path, *, create: bool = False) -> SqlStore:
    return SqlStore(where, artifacts=folder, create=create, signer=LogSigner(KEY))
