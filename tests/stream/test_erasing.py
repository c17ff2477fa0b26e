"""Items of a stream that are erased, and proofs of those that are not."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from brook import Brook

from signoff.audit.proof import DecisionProof, Proved, verify_proof
from signoff.core.streams import StreamItem
from signoff.errors import InputError, ItemErased, VerificationFailed
from signoff.project.evidence import public_key_of
from signoff.store.schema import metadata
from signoff.storeview import StoreView
from signoff.stream.decider import NewItem


def view(brook: Brook) -> StoreView:
    return StoreView(brook.store, brook.project, lambda _: None)  # type: ignore[arg-type]


def verified(brook: Brook) -> bool:
    brook.store.checkpoint(brook.project.id)
    verdict = view(brook).verify()
    assert verdict.problem is None, verdict.problem
    return verdict.ok


def everything(brook: Brook) -> str:
    """All that the database holds, as text."""
    with brook.store.reading() as db:
        tables = [db.execute(sa.select(table)).all() for table in metadata.sorted_tables]
    return repr(tables)


def one(items: list[StreamItem], **wanted: object) -> StreamItem:
    return next(
        item for item in items if all(getattr(item, name) == it for name, it in wanted.items())
    )


def items_of(brook: Brook) -> list[StreamItem]:
    return brook.store.window_items(brook.project.id, brook.window.number)


# -------------------------------------------------------------------------------- erasing


def test_an_erased_item_is_gone_and_the_log_still_verifies(brook: Brook) -> None:
    brook.send([NewItem(key="Ann Miller", text="yes secret", data={"mail": "ann@example.org"})])
    brook.answer()
    brook.learn()
    (kept,) = brook.send([NewItem(key="kept", text="yes secretly")])
    assert "ann@example.org" in everything(brook)
    assert view(brook).erase("Ann Miller") == 1
    held = everything(brook)
    for trace in ("Ann Miller", "yes secret'", "ann@example.org"):
        assert trace not in held, trace
    assert "yes secretly" in held
    assert verified(brook)
    with pytest.raises(InputError, match="has the key 'Ann Miller'"):
        view(brook).erase("Ann Miller")
    frame = view(brook).results()
    assert frame.row(0, named=True)["signoff_answer"] is None
    assert kept.key in frame["key"].to_list()


def test_an_erased_item_does_not_come_in_again(brook: Brook) -> None:
    (item,) = brook.send([NewItem(key="a", text="yes 1")])
    brook.answer()
    view(brook).erase("a")
    with pytest.raises(ItemErased, match="key 'a' was erased"):
        brook.send([NewItem(key="b", text="no 2"), NewItem(key="a", text="yes 1")])
    with pytest.raises(ItemErased):
        brook.decider.look(item.id)
    assert brook.window.arrived == 1


def test_a_window_with_erased_items_ends_and_says_so(brook: Brook) -> None:
    """Erased: one nobody answered, an open audit, a label that had left, an answer just given."""
    brook.learn()
    (unsure,) = brook.send([NewItem(key="unsure", text="yes hm")])
    brook.send(brook.texts(60))
    items = items_of(brook)
    audit = one(items, heads=True, state="waiting")
    gone = [unsure.key, audit.key, one(items, heads=False, left=True).key]
    for key in gone:
        assert view(brook).erase(key) == 1
    (late,) = brook.send([NewItem(key="late", text="no hm")])
    brook.answer(settle=False)
    assert view(brook).erase(late.key) == 1
    brook.decider.settle()
    brook.decider.end_window(1, by="ann")
    certificate = brook.window.certificate
    assert certificate is not None
    assert (certificate["withdrawn"], certificate["open"]) == (3, 1)
    counts = [certificate[name] for name in ("human", "automatic", "withdrawn", "items")]
    assert counts[0] + counts[1] + counts[2] == counts[3]  # type: ignore[operator]
    assert "3 items were erased before they were decided." in certificate["notes"]  # type: ignore[operator]
    assert verified(brook)


def test_an_answer_taken_over_stays_where_the_text_before_is_erased(brook: Brook) -> None:
    brook.send([NewItem(key="first", text="yes hm")])
    brook.answer()
    (second, third) = brook.send(
        [NewItem(key="second", text="yes hm"), NewItem(key="third", text="yes hm")]
    )
    assert (second.why, third.why) == ("repeat", "repeat")
    view(brook).erase("first")
    view(brook).erase("third")
    assert brook.store.stream_items(brook.project.id, ["second"])["second"].answer == {
        "label": "yes"
    }
    (fourth,) = brook.send([NewItem(key="fourth", text="yes hm")])
    assert (fourth.why, fourth.state) == ("learning", "waiting")
    assert verified(brook)


def test_an_erased_item_that_the_tables_still_hold_does_not_verify(sqlite_brook: Brook) -> None:
    from signoff.store.schema_streams import items

    sqlite_brook.send([NewItem(key="a", text="yes 1")])
    sqlite_brook.answer()
    view(sqlite_brook).erase("a")
    with sqlite_brook.store.transaction() as db:
        db.execute(sa.update(items).values(shown={"text": "yes 1", "data": {}}))
    sqlite_brook.store.checkpoint(sqlite_brook.project.id)
    problem = view(sqlite_brook).verify().problem
    assert problem is not None
    assert "shown" in problem.reason


# --------------------------------------------------------------------------------- proofs


def proved(brook: Brook, key: str) -> tuple[DecisionProof, Proved]:
    """The proof of an item, read from its JSON as somebody else reads it."""
    brook.store.checkpoint(brook.project.id)
    text = json.dumps(view(brook).proof(key))
    proof = DecisionProof.from_json(json.loads(text))
    return proof, verify_proof(proof, public_key_of(brook.store, brook.project).text)


def test_every_way_to_a_decision_is_proved(brook: Brook) -> None:
    brook.send([NewItem(key="asked", text="yes hm")])
    brook.answer()
    brook.send([NewItem(key="again", text="yes hm")])
    brook.learn()
    brook.send(brook.texts(60, lies=True))
    brook.answer(says=lambda text: "yes" if text.startswith("yes") else "no")
    brook.send(brook.texts(60, lies=True))
    items = items_of(brook)
    right = one(items, heads=True, state="decided")
    wrong = one(items, heads=True, state="waiting")
    brook.answer()
    assert right.answer == {"label": right.label}
    kinds = {
        "asked": ("item.decided", None),
        "again": ("items.arrived", "answer.given"),
        one(items, heads=False, left=True).key: ("items.arrived", "coins.drawn"),
        right.key: ("items.arrived", "coins.drawn"),
        wrong.key: ("item.corrected", None),
    }
    for key, (first, second) in kinds.items():
        proof, shown = proved(brook, key)
        assert (shown.event.type, shown.also and shown.also.type) == (first, second), key
        opened = " ".join(part.value for part in proof.content.values())
        assert opened.count('"key"') <= 1, "other items' contents stay closed"
        assert key in opened


def test_an_item_that_waits_has_no_proof_and_a_changed_proof_does_not_hold(
    sqlite_brook: Brook,
) -> None:
    sqlite_brook.learn()
    sqlite_brook.send([NewItem(key="waits", text="yes hm")])
    with pytest.raises(InputError, match="not decided yet"):
        view(sqlite_brook).proof("waits")
    with pytest.raises(InputError, match="has the key 'nothing'"):
        view(sqlite_brook).proof("nothing")
    sqlite_brook.send(sqlite_brook.texts(30))
    automatic = one(items_of(sqlite_brook), heads=False, left=True)
    sqlite_brook.store.checkpoint(sqlite_brook.project.id)
    value = json.loads(json.dumps(view(sqlite_brook).proof(automatic.key)))
    value["also"]["event"] = value["also"]["event"].replace('"left":[', '"left":[0,')
    key = public_key_of(sqlite_brook.store, sqlite_brook.project).text
    with pytest.raises(VerificationFailed):
        verify_proof(DecisionProof.from_json(value), key)
