"""What is erased for ever: content, salts and pictures, in the database and in files."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from signoff.core.items import IMAGE
from signoff.core.records import NewEvent
from signoff.store import erase, gold, log
from signoff.store.database import translated
from signoff.store.folders import Folders
from signoff.store.owning import Owning
from signoff.store.replying import erase_replies
from signoff.store.schema import erased_keys


class Erasing(Owning, Folders):
    """Erasure of items and known answers; the log keeps that it was done."""

    def erase(
        self,
        project: str,
        pool: int,
        item: int,
        key_digests: Sequence[str],
        event: NewEvent,
        *,
        contents: Sequence[str] = (),
    ) -> None:
        """Remove an item's content and salts everywhere, and log that.

        ``contents``: digests of its texts, as models were asked about them. The caller owns the
        project's loop. :meth:`sweep` and :meth:`compact` complete it.
        """
        with self.transaction() as db:
            self.require_ownership(db, project)
            for old in erase.artifacts_of(db, project, pool):
                sha256 = self.artifacts.blank(
                    project, old.name, old.root, sha256=old.sha256, items=[item]
                )
                erase.renew_artifact(db, project, old, sha256)
            erase.blank_item(db, project, pool, item)
            erase.remember_keys(db, project, key_digests)
            erase_replies(db, contents)
            log.append(db, project, [event])
        self.sweep(project)

    def erase_gold(self, project: str, key: str, event: Callable[[int], NewEvent]) -> bool:
        """Remove what a known answer of this key shows and what was said to it, and log that;
        whether there was one."""
        with self.transaction() as db:
            number = gold.number_of_key(db, project, key)
            if number is None:
                return False
            gold.blank(db, project, number)
            log.append(db, project, [event(number)])
        return True

    def sweep(self, project: str) -> None:
        """Remove columnar files that no transaction named, and exports: a killed process may have
        left content in them that is erased since. The caller owns the project's loop."""
        self.transfers.forget_exports(project)
        with self.transaction() as db:
            named = erase.all_artifacts(db, project)
            self.artifacts.keep_only(
                project, [(each.name, each.root, each.sha256) for each in named]
            )
            if self.blobs.has_any(project):
                self.blobs.keep_only(project, self._images_in(project, named))

    def images(self, project: str) -> set[str]:
        """The digests of the pictures that a project's rows name."""
        with self.reading() as db:
            named = erase.all_artifacts(db, project)
        return self._images_in(project, named)

    def _images_in(self, project: str, named: Sequence[erase.Named]) -> set[str]:
        with translated(self._url):
            return {
                digest
                for each in named
                if each.name == "rows"
                for digest in self.artifacts.values(
                    project, each.name, each.root, sha256=each.sha256, column=IMAGE
                )
            }

    def erased(self, project: str) -> frozenset[str]:
        """Digests of the keys whose rows were erased."""
        with self.reading() as db:
            return frozenset(
                db.scalars(sa.select(erased_keys.c.digest).where(erased_keys.c.project == project))
            )
