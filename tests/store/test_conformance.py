"""The store keeps its own contract."""

from __future__ import annotations

from storeroom import Room

from signoff.testing import check_store


def test_the_store_passes_the_suite_that_third_parties_are_held_to(room: Room) -> None:
    check_store(room.store, room.project)
