"""The files beside a store's database."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from signoff.store.blobs import BlobFolder
from signoff.store.connections import Database
from signoff.store.model_files import ModelFiles
from signoff.store.transfers import Transfers

if TYPE_CHECKING:
    from signoff.store.artifacts import ArtifactFolder


class Folders(Database):
    """Files that rows of the database name; each is written whole before the row that names it."""

    _folder: Path

    @cached_property
    def artifacts(self) -> ArtifactFolder:
        """The columnar files; a process that only serves the queue never loads what reads them."""
        from signoff.store.artifacts import ArtifactFolder

        return ArtifactFolder(self._folder)

    @property
    def folder(self) -> Path:
        """Where the columnar files and what belongs to them lie."""
        return self._folder

    @cached_property
    def model_files(self) -> ModelFiles:
        """The arrays of streams' models."""
        return ModelFiles(self._folder)

    @cached_property
    def blobs(self) -> BlobFolder:
        """The pictures that rows name."""
        return BlobFolder(self._folder)

    @cached_property
    def transfers(self) -> Transfers:
        """Files on their way in and out."""
        return Transfers(self._folder)
