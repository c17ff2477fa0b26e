"""Erasure: content and salts leave the tables and the disk; numbers and digests stay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa
from storeroom import Room

from signoff.core.batches import seal
from signoff.core.events import commit, parse_event
from signoff.core.questions import Chosen
from signoff.core.records import NewEvent, NewReview, Pool, Tell
from signoff.errors import StoreBusy, StoreError
from signoff.store import database
from signoff.store.artifacts import PREFIX, Salts, commitments_of
from signoff.store.schema import event_content, reviews
from signoff.testing.stores import new_id

SECRET = "Xq7secretY"
ITEM = 5


@pytest.fixture
def pool(room: Room) -> Pool:
    """A pool whose item 5 was answered, decided, and has a note that nobody may find later."""
    pool = room.add_pool(text=SECRET)
    ann = room.add_reviewer("Ann")
    room.ask([ITEM, 1])
    first, second = room.lease(ann, limit=2)
    room.answer(first, ann, Chosen("Positive"))
    room.answer(second, ann, Chosen("Negative"))
    answers = {r.item: r.answer for r in room.store.reviews(room.project, 1) if r.answer}
    batch = room.decisions(answers)
    body: dict[str, object] = {
        "pool": 1, "question": "answer", "by": "reviewers", "batch": batch.reference(),
    }  # fmt: skip
    made = [room.event("decisions.made", body)]
    decided = {"answer": batch}
    room.store.decide(room.project.id, 1, decided, made, by="reviewers", phase="closed", undone=0)
    room.store.checkpoint(room.project.id)
    return pool


def erased(room: Room, item: int) -> NewEvent:
    return room.event("item.erased", {"pool": 1, "item": item, "rows": [item]})


def erase(room: Room, item: int = ITEM) -> None:
    room.store.erase(room.project.id, 1, item, [f"{item:064x}"], erased(room, item))
    room.store.checkpoint(room.project.id)
    room.store.compact()


def salts_of(room: Room, item: int) -> list[bytes]:
    """Every salt that could open a commitment to this item's content."""
    with room.store.reading() as db:
        rows = db.scalars(sa.select(event_content.c.salt).where(event_content.c.item == item))
        found = list(rows)
    pool = room.store.pools(room.project.id)[0]
    decided = room.store.batch(room.project.id, "decisions", pool.people_roots["answer"])
    kept = [decided.salts[at] for at, row in enumerate(decided.ints) if row[0] == item]
    kept += Salts(room.store.rows(pool))[item : item + 1]
    return found + [salt for salt in kept if salt is not None]


def texts(room: Room, pool: Pool) -> list[str | None]:
    return room.store.rows(pool)["text"].to_list()


def test_content_salt_and_answer_of_the_item_are_gone_and_the_others_stay(
    room: Room, pool: Pool
) -> None:
    before = texts(room, pool)
    others = salts_of(room, 1)
    assert len(salts_of(room, ITEM)) == 3
    erase(room)
    assert salts_of(room, ITEM) == []
    assert salts_of(room, 1) == others
    assert texts(room, pool) == [None if at == ITEM else t for at, t in enumerate(before)]
    answers = {r.item: r.answer for r in room.store.reviews(room.project, 1)}
    assert answers == {ITEM: None, 1: Chosen("Negative")}
    with room.store.reading() as db:
        stored = db.execute(sa.select(reviews.c.item, reviews.c.answers)).all()
    assert {row.item: row.answers is None for row in stored} == {ITEM: True, 1: False}


def test_numbers_digests_and_roots_stay(room: Room, pool: Pool) -> None:
    def public() -> list[object]:
        rows = room.store.rows(pool)
        root = room.store.pools(room.project.id)[0].people_roots["answer"]
        decided = room.store.batch(room.project.id, "decisions", root)
        kept = [rows[PREFIX + name].to_list() for name in ("row", "item")]
        kept.append(commitments_of(rows))
        return [*kept, decided.ints.tolist(), decided.commitments, root]

    before = public()
    leaves = [event.canonical for event in room.store.events(room.project.id)]
    erase(room)
    assert public() == before
    after = [event.canonical for event in room.store.events(room.project.id)]
    assert after[:-1] == leaves
    assert parse_event(after[-1]).type == "item.erased"


def test_the_event_still_commits_to_what_nobody_can_open(room: Room, pool: Pool) -> None:
    given = room.store.events(room.project.id, ["answer.given"])
    (mine,) = [e for e in given if parse_event(e.canonical).body["item"] == ITEM]
    erase(room)
    (after,) = [e for e in room.store.events(room.project.id, ["answer.given"]) if e.id == mine.id]
    assert after.content == ()
    (part,) = mine.content
    digest = parse_event(after.canonical).content["answers"]
    assert digest == commit(part.salt, part.value.encode())


def noted(room: Room, note: str) -> Tell:
    """Tells of answers with a note."""

    def tell(review: NewReview, counted: bool) -> NewEvent:
        event = room.tell(review, counted)
        body = dict(parse_event(event.canonical).body)
        content = {"answer": {"label": "Positive"}, "note": note}
        return room.event(event.type, body, content, pool=1, item=review.request.item)

    return tell


def test_no_byte_of_it_is_left_on_disk(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Database, write-ahead log and columnar files, unpacked ones too."""
    folder = tmp_path_factory.mktemp("disk")
    room = Room.open(str(folder / "reviews.signoff.db"), folder / "artifacts")
    room.add_pool(text=SECRET)
    ann = room.add_reviewer("Ann")
    room.ask(list(range(12)))
    for request in room.lease(ann, limit=12):
        review = room.review(request, ann, Chosen("Positive"))
        note = f"note-{SECRET}-{request.item:03d}-" + "n" * 400 * (request.item % 4)
        room.store.answer(room.project, [review], noted(room, note))
    room.store.checkpoint(room.project.id)
    with room.store.reading() as db:
        query = sa.select(event_content.c.salt).where(event_content.c.item == ITEM)
        salts = list(db.scalars(query))
    marker = f"note-{SECRET}-{ITEM:03d}".encode()
    assert marker in room.bytes_on_disk()
    assert all(salt in room.bytes_on_disk() for salt in salts)
    erase(room)
    left = room.bytes_on_disk()
    assert marker not in left
    assert not any(salt in left for salt in salts)
    assert f"note-{SECRET}-{ITEM - 1:03d}".encode() in left
    frames = [pl.read_parquet(path) for path in room.folder.rglob("*.parquet")]
    assert len(frames) == 1
    assert not any(f"{SECRET} {ITEM}" in str(frame.rows()) for frame in frames)
    room.close()


def test_categories_of_the_erased_row_are_gone_from_the_file(sqlite_room: Room) -> None:
    """A dictionary of distinct values is content too."""
    room = sqlite_room
    table = pl.DataFrame({"who": pl.Series(["a", SECRET, "c"], dtype=pl.Categorical)})
    ints = np.array([[0, 0], [1, 1], [2, 2]], dtype=np.int64)
    batch = seal("rows", ints, [b"a", b"b", b"c"], entropy=lambda n: bytes(n))
    folder = room.store.artifacts
    first = folder.save("p", batch, table)
    second = folder.blank("p", "rows", batch.root, sha256=first, items=[1])
    back = folder.read("p", "rows", batch.root, sha256=second)
    assert back["who"].to_list() == ["a", None, "c"]
    plain = folder.path("p", "rows", batch.root, second).with_suffix(".plain")
    back.write_parquet(plain, compression="uncompressed")
    assert SECRET.encode() not in plain.read_bytes()


def test_erasing_twice_is_no_error(room: Room, pool: Pool) -> None:
    erase(room)
    erase(room)
    assert room.store.erased(room.project.id) == {f"{ITEM:064x}"}


def test_a_crash_before_the_transaction_loses_nothing(room: Room, pool: Pool) -> None:
    """Its event is stored already, so everything is taken back; the next erasure goes through."""
    before = texts(room, pool)
    known = room.event("run.started", {"signoff": "x"})
    room.store.record(room.project.id, [known])
    with pytest.raises(StoreError):
        room.store.erase(room.project.id, 1, ITEM, ["a" * 64], known)
    assert texts(room, pool) == before
    assert len(salts_of(room, ITEM)) == 3
    assert room.store.erased(room.project.id) == frozenset()
    erase(room)
    assert texts(room, pool)[ITEM] is None


def test_files_that_crashes_left_behind_go_with_the_next_erasure(room: Room, pool: Pool) -> None:
    """A decision file no transaction named, a rewritten one, a half-written one: all hold text."""
    folder = room.folder / room.project.id
    lost = room.decisions({ITEM: Chosen("Positive")})
    room.store.artifacts.save(room.project.id, lost)
    known = room.event("run.started", {"signoff": "x"})
    room.store.record(room.project.id, [known])
    with pytest.raises(StoreError):
        room.store.erase(room.project.id, 1, 1, [], known)
    (folder / ".writing-abc").write_bytes(SECRET.encode())
    assert len(list(folder.iterdir())) > 2
    erase(room)
    assert len(list(folder.iterdir())) == 2
    assert texts(room, pool)[ITEM] is None
    assert texts(room, pool)[1] is not None


def test_two_erasures_at_once_bring_nothing_back(room: Room, pool: Pool) -> None:
    others = [room.again() for _ in range(2)]
    events = [erased(room, item) for item in (2, 3)]

    def one(at: int) -> None:
        others[at].store.erase(room.project.id, 1, 2 + at, [], events[at])

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(one, range(2)))
    for other in others:
        other.close()
    gone = {at for at, text in enumerate(texts(room, pool)) if text is None}
    assert gone == {2, 3}
    assert len(list((room.folder / room.project.id).iterdir())) == 2


def test_while_another_process_reads_old_bytes_it_says_so(
    sqlite_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = sqlite_room
    room.add_pool()
    reader = room.again()
    with reader.store.reading() as db:
        assert db.execute(sa.select(event_content)).all() == []
        room.store.erase(room.project.id, 1, ITEM, [], erased(room, ITEM))
        monkeypatch.setattr(database, "BUSY_SECONDS", 0)
        hurried = room.again()
        with pytest.raises(StoreBusy, match="open in another process"):
            hurried.store.compact()
        hurried.close()
    reader.close()
    room.store.compact()


def test_an_item_of_a_pool_that_is_not_there_changes_nothing(room: Room, pool: Pool) -> None:
    with pytest.raises(Exception, match="No row was found"):
        room.store.erase(room.project.id, 9, ITEM, [new_id()], erased(room, ITEM))
    assert room.store.erased(room.project.id) == frozenset()
