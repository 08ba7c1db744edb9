"""Leaving out with a reason, by row and by cause, and taking back: what it does to the books and to the counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from app.core.states import Reason
from app.extensions import db
from app.orders.failed import CauseKey, CauseKind, failed_causes, failed_count
from app.orders.ignored import IgnoredKey, ignored, ignored_keys
from app.sync.mending import leave_out, take_back
from app.sync.services import drop_change
from tests.orders.factories import Books, SomeChannel, statements

WORDS = "test orders of the shop"


def key(channel: SomeChannel, kind: str = "orders", code: str = "NO_LINES") -> CauseKey:
    return CauseKey(CauseKind(kind), code, channel.id)


def act(books: Books, what: Callable[[], Any]) -> Any:
    """Call a service as a request does."""
    with books.scope():
        return what()


def standing(books: Books, order_id: int) -> Any:
    with books.scope():
        found = db.session.execute(
            text("select state, reason, reason_detail, alert, ignored_alert from orders where id = :id"),
            {"id": order_id},
        )
        return found.one()


def kinds(books: Books, order_id: int) -> list[str]:
    with books.scope():
        query = text("select kind from journal where order_id = :id order by id")
        return list(db.session.scalars(query, {"id": order_id}))


@pytest.fixture
def person(books: Books) -> int:
    return books.store.owner.id


def test_ignored_orders_are_closed_with_words_and_name_and_counted_no_more(
    books: Books, channel: SomeChannel, person: int
) -> None:
    ids = books.orders(channel, [{"state": "held", "reason": "NO_LINES"}] * 3)
    other = books.order(channel, state="held", reason="TOTAL_MISMATCH")
    assert act(books, lambda: leave_out(key(channel), None, WORDS, person)) == 3
    for order in ids:
        row = standing(books, order)
        assert (row.state, row.reason) == ("closed", "IGNORED")
        assert row.reason_detail == {"words": WORDS, "was": "NO_LINES", "by": books.store.owner.name}
    assert kinds(books, ids[0]) == ["ignored"]
    assert standing(books, other).state == "held"
    with books.scope():
        assert failed_count() == 1
        assert [cause.code for cause in failed_causes()] == ["TOTAL_MISMATCH"]
        (group,) = ignored()
    assert (group.key, group.count, dict(group.money), group.by) == (
        IgnoredKey(CauseKind.ORDERS, channel.id, "NO_LINES", WORDS),
        3,
        {"MYR": 3 * 3990},
        books.store.owner.name,
    )
    assert {row.order_id for row in group.rows} == set(ids)


def test_one_row_alone_is_ignored(books: Books, channel: SomeChannel, person: int) -> None:
    first, second = books.orders(channel, [{"state": "held", "reason": "NO_LINES"}] * 2)
    assert act(books, lambda: leave_out(key(channel), [first], WORDS, person)) == 1
    assert standing(books, second).state == "held"


def test_taken_back_orders_are_judged_again(books: Books, channel: SomeChannel, person: int) -> None:
    """One is without fault by now, one still has no lines."""
    fine, empty = books.orders(channel, [{"state": "held", "reason": "NO_LINES", "total": 3990}] * 2)
    books.line(fine)
    act(books, lambda: leave_out(key(channel), None, WORDS, person))
    assert act(books, lambda: take_back(CauseKind.ORDERS, channel.id, [fine, empty], person)) == 2
    assert standing(books, fine).state == "ready"
    row = standing(books, empty)
    assert (row.state, row.reason) == ("held", "NO_LINES")
    assert "words" not in row.reason_detail
    assert kinds(books, fine) == ["ignored", "taken_back", "freed"]
    assert act(books, lambda: take_back(CauseKind.ORDERS, channel.id, [fine], person)) == 0


def test_an_order_that_could_not_be_read_is_held_for_that_when_taken_back(
    books: Books, channel: SomeChannel, person: int
) -> None:
    order = books.order(channel, state="held", reason="BAD_PAYLOAD")
    books.line(order)
    act(books, lambda: leave_out(key(channel, code="BAD_PAYLOAD"), None, WORDS, person))
    act(books, lambda: take_back(CauseKind.ORDERS, channel.id, [order], person))
    row = standing(books, order)
    assert (row.state, row.reason) == ("held", "BAD_PAYLOAD")


def test_an_ignored_alert_is_told_again_only_when_it_is_taken_back(
    books: Books, channel: SomeChannel, person: int
) -> None:
    order = books.order(channel)
    books.invoice(order)
    books.set(order, alert="PARTLY_REFUNDED")
    assert act(books, lambda: leave_out(key(channel, "alerts", "PARTLY_REFUNDED"), None, WORDS, person)) == 1
    row = standing(books, order)
    assert (row.state, row.alert, row.ignored_alert) == ("booked", None, "PARTLY_REFUNDED")
    with books.scope():
        (group,) = ignored()
        assert (group.key.words, group.key.was, group.by) == (WORDS, "PARTLY_REFUNDED", books.store.owner.name)
        assert ignored_keys(group.key) == [str(order)]
    assert act(books, lambda: take_back(CauseKind.ALERTS, channel.id, [order], person)) == 1
    assert standing(books, order).alert == "PARTLY_REFUNDED"


def test_ignored_numbers_are_dropped_and_planned_again_when_taken_back(
    books: Books, channel: SomeChannel, person: int
) -> None:
    order = books.order(channel)
    change = books.change(order, books.invoice(order), "blocked", reason="FOREIGN_NUMBER", reason_detail={"found": "X"})
    assert act(books, lambda: leave_out(key(channel, "write_backs", "FOREIGN_NUMBER"), [change], WORDS, person)) == 1
    with books.scope():
        (group,) = ignored()
        assert failed_count() == 0
    assert (group.key.was, group.key.words, group.count) == ("FOREIGN_NUMBER", WORDS, 1)
    assert act(books, lambda: take_back(CauseKind.WRITE_BACKS, channel.id, [change], person)) == 1
    with books.scope():
        row = db.session.execute(text("select state, reason from changes where id = :id"), {"id": change}).one()
        jobs = db.session.scalars(text("select kind from sync_jobs")).all()
    assert (row.state, row.reason, jobs) == ("planned", None, ["write_back"])


def test_a_number_that_was_left_as_it_stands_there_is_listed_without_words(
    books: Books, channel: SomeChannel, person: int
) -> None:
    order = books.order(channel)
    detail = {"found": "X", "words": "the channel's own"}
    change = books.change(order, books.invoice(order), "blocked", reason="FOREIGN_NUMBER", reason_detail=detail)
    act(books, lambda: drop_change(change, person))
    with books.scope():
        (group,) = ignored()
    assert (group.key.was, group.key.words, group.by) == ("FOREIGN_NUMBER", "", books.store.owner.name)


def test_unread_orders_are_ignored_and_wanted_when_taken_back(books: Books, channel: SomeChannel, person: int) -> None:
    books.unread(channel, "5 001/Ü", "no date", {"a": 1})
    cause = key(channel, "unreadable", "BAD_PAYLOAD")
    assert act(books, lambda: leave_out(cause, ["5 001/Ü"], WORDS, person)) == 1
    with books.scope():
        assert failed_count() == 0
        (group,) = ignored()
        assert group.rows[0].number == "5 001/Ü"
    assert act(books, lambda: take_back(CauseKind.UNREADABLE, channel.id, ["5 001/Ü"], person)) == 1
    with books.scope():
        query = text("select state, reason, raw, wanted_by from seen_orders where channel_id = :id")
        row = db.session.execute(query, {"id": channel.id}).one()
    assert (row.state, row.reason, row.wanted_by) == ("unreadable", "BAD_PAYLOAD", person)
    assert row.raw == {"problem": "no date", "payload": {"a": 1}}


def test_a_stored_order_that_could_not_be_read_again_is_counted_once(books: Books, channel: SomeChannel) -> None:
    order = books.order(channel, remote_id="77", state="held", reason="BAD_PAYLOAD")
    books.unread(channel, "77", "no date", {})
    with books.scope():
        assert failed_count() == 1
        assert [cause.kind for cause in failed_causes()] == [CauseKind.ORDERS]
    act(books, lambda: leave_out(key(channel, code="BAD_PAYLOAD"), [order], WORDS, books.store.owner.id))
    with books.scope():
        assert failed_count() == 0


@pytest.mark.parametrize("many", [1, 60])
def test_ignoring_and_taking_back_cost_the_same_for_one_and_for_many(
    books: Books, channel: SomeChannel, person: int, many: int
) -> None:
    books.orders(channel, [{"state": "held", "reason": "NO_LINES"}] * many)
    with books.scope(), statements() as ignoring:
        leave_out(key(channel), None, WORDS, person)
    with books.scope(), statements() as listing:
        (group,) = ignored()
        ids = [int(one) for one in ignored_keys(group.key)]
    with books.scope(), statements() as taking:
        take_back(CauseKind.ORDERS, channel.id, ids, person)
    costs = [len([one for one in seen if "set_config" not in one]) for seen in (ignoring, listing, taking)]
    assert len(ids) == many
    assert costs[0] <= 6
    assert costs[1] == 3
    assert costs[2] <= 14


@pytest.mark.parametrize("kind", CauseKind)
def test_more_rows_than_a_statement_has_parameters_are_taken_back(
    books: Books, channel: SomeChannel, person: int, kind: CauseKind
) -> None:
    keys = [str(one) for one in range(70_000)] if kind == CauseKind.UNREADABLE else list(range(70_000))
    assert act(books, lambda: take_back(kind, channel.id, keys, person)) == 0


def test_two_who_ignore_at_once_ignore_each_order_once(books: Books, channel: SomeChannel, person: int) -> None:
    books.orders(channel, [{"state": "held", "reason": "NO_LINES"}] * 20)
    barrier, done = threading.Barrier(3), []

    def go() -> None:
        with books.scope():
            barrier.wait()
            done.append(leave_out(key(channel), None, WORDS, person))

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 0, 20]
    with books.scope():
        assert db.session.scalar(text("select count(*) from journal where kind = 'ignored'")) == 20


def test_ignored_orders_of_another_store_are_never_seen(
    app: Any, other_store: Any, books: Books, channel: SomeChannel
) -> None:
    theirs = Books(app, other_store)
    their_channel = theirs.channel()
    theirs.order(their_channel, state="held", reason="NO_LINES")
    act(theirs, lambda: leave_out(key(their_channel), None, WORDS, other_store.owner.id))
    with books.scope():
        assert ignored() == []
        stolen = IgnoredKey(CauseKind.ORDERS, their_channel.id, Reason.NO_LINES, WORDS)
        assert ignored_keys(stolen) == []
