"""Lists of orders: each filter finds what it says and nothing else, pages cover each order once, stores stay apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.states import ChangeState, OrderState
from app.core.types import OrderStatus, PaymentStatus
from app.extensions import db
from app.orders.filters import NO_GATEWAY, OrderFilter
from app.orders.models import Order
from app.orders.queries import (
    count_matching,
    filter_choices,
    matching,
    order_rows,
    orders_page,
    state_counts,
)
from app.web.pagination import Cursor, Keyset
from tests.orders.factories import NOON, Books, SomeChannel, statements
from tests.support.factories import Make, SomeStore


def picked_in_bulk(where: OrderFilter) -> list[int]:
    """The orders that a bulk action would take."""
    return list(db.session.scalars(select(Order.id).where(*matching(where))))


def found(books: Books, where: OrderFilter, limit: int = 50) -> list[int]:
    """The ids of the first page, and a check that the bulk statement and the count agree with it."""
    with books.scope():
        ids = [row.id for row in orders_page(where, Keyset(limit=limit)).rows]
        assert sorted(picked_in_bulk(where)) == sorted(ids)
        assert count_matching(where) == len(ids)
    return ids


@pytest.fixture
def two_channels(books: Books, channel: SomeChannel) -> tuple[SomeChannel, SomeChannel, int]:
    return channel, books.channel("Second"), books.marketplace(channel, "Lazada")


def test_no_filter_finds_all_newest_first(books: Books, channel: SomeChannel) -> None:
    older = books.order(channel, placed_at=NOON - timedelta(days=2))
    newest = books.order(channel, placed_at=NOON)
    older_too = books.order(channel, placed_at=NOON - timedelta(days=2))
    assert found(books, OrderFilter()) == [newest, older_too, older]


def test_filter_by_channel(books: Books, two_channels: tuple[SomeChannel, SomeChannel, int]) -> None:
    first, second, _ = two_channels
    books.order(first)
    wanted = books.order(second)
    assert found(books, OrderFilter(channel=second.id)) == [wanted]


def test_filter_by_marketplace(books: Books, two_channels: tuple[SomeChannel, SomeChannel, int]) -> None:
    channel, _, lazada = two_channels
    books.order(channel)
    wanted = books.order(channel, marketplace_id=lazada)
    assert found(books, OrderFilter(marketplace=lazada)) == [wanted]


def test_filter_by_several_states(books: Books, channel: SomeChannel) -> None:
    ready, held, _ = books.orders(channel, [{"state": state} for state in ("ready", "held", "closed")])
    assert set(found(books, OrderFilter(state=(OrderState.READY, OrderState.HELD)))) == {ready, held}


COLUMNS: list[tuple[OrderFilter, dict[str, object], dict[str, object]]] = [
    (OrderFilter(reason="UNPAID"), {"reason": "UNPAID"}, {"reason": "CANCELLED"}),
    (OrderFilter(alert="CANCELLED"), {"alert": "CANCELLED"}, {"alert": "REFUNDED"}),
    (OrderFilter(status=OrderStatus.ON_HOLD), {"status": "on_hold"}, {"status": "open"}),
    (OrderFilter(payment=PaymentStatus.UNPAID), {"payment_status": "unpaid"}, {"payment_status": "paid"}),
    (OrderFilter(gateway="grabpay"), {"gateway": "GrabPay"}, {"gateway": "ShopeePay"}),
    (OrderFilter(gateway=NO_GATEWAY), {"gateway": ""}, {"gateway": "ShopeePay"}),
    (OrderFilter(q="2611ABC"), {"number": "2611ABC9"}, {"number": "2611ABD9"}),
    (OrderFilter(q="41000777"), {"remote_id": "41000777"}, {"remote_id": "41000778"}),
    (OrderFilter(q="AISYAH nur"), {"buyer": {"name": "Nur Aisyah"}}, {"buyer": {"name": "Nur Hayati"}}),
    (OrderFilter(q="012-345 6789"), {"buyer": {"phone": "+60123456789"}}, {"buyer": {"phone": "+60123456780"}}),
    (OrderFilter(q="kopi-01"), {"search": "x kopi-01"}, {"search": "x kopi-02"}),
    (OrderFilter(q="AC-2201"), {"remote_invoice_no": "AC-2201"}, {"remote_invoice_no": "AC-2202"}),
    (OrderFilter(q="100%"), {"search": "sale 100% off"}, {"search": "sale 1000 off"}),
    (OrderFilter(q="a_b"), {"search": "sku a_b"}, {"search": "sku acb"}),
]


@pytest.mark.parametrize(("where", "wanted", "other"), COLUMNS, ids=[str(row[0].to_query()) for row in COLUMNS])
def test_filter_by_what_the_order_says(
    books: Books, channel: SomeChannel, where: OrderFilter, wanted: dict[str, object], other: dict[str, object]
) -> None:
    first, _ = books.orders(channel, [wanted, other])
    assert found(books, where) == [first]


def test_filter_by_days_of_the_store(books: Books, channel: SomeChannel) -> None:
    midnight = NOON - timedelta(hours=12)  # 20 November begins in Kuala Lumpur
    times = (midnight - timedelta(seconds=1), midnight, midnight + timedelta(hours=24) - timedelta(seconds=1))
    _, first, last, _ = books.orders(channel, [{"placed_at": at} for at in (*times, midnight + timedelta(hours=24))])
    day = date(2026, 11, 20)
    assert found(books, OrderFilter(date_from=day, date_to=day)) == [last, first]


def test_filter_by_the_day_that_an_invoice_would_carry(books: Books, channel: SomeChannel) -> None:
    """Of orders that are not booked; a day that a person chose goes before the rule's."""
    day, moved = date(2026, 11, 20), date(2026, 11, 1)
    many = [{"state": state, "placed_at": NOON} for state in ("held", "waiting", "closed", "booked")]
    of_rule, *_ = books.orders(channel, [*many, {"book_on": moved}])
    assert found(books, OrderFilter(due_from=day, due_to=day)) == [of_rule]
    assert len(found(books, OrderFilter(due_to=day))) == 2
    with books.scope():
        counts = state_counts(OrderFilter(due_from=moved))
    assert {state.value: many for state, many in counts.items() if many} == {"held": 1, "ready": 1}


def test_filter_by_unmapped_gateway(books: Books, channel: SomeChannel) -> None:
    books.gateway(channel, "ShopeePay", "Shopee wallet")
    books.gateway(channel, "GrabPay")
    _, listed, unknown = books.orders(channel, [{"gateway": name} for name in ("ShopeePay", "GrabPay", "Boost")])
    assert set(found(books, OrderFilter(unmapped=True))) == {listed, unknown}


def test_mapping_of_another_channel_does_not_count(
    books: Books, two_channels: tuple[SomeChannel, SomeChannel, int]
) -> None:
    first, second, _ = two_channels
    books.gateway(first, "ShopeePay", "Shopee wallet")
    books.order(first)
    wanted = books.order(second)
    assert found(books, OrderFilter(unmapped=True)) == [wanted]


def test_filter_by_invoice_number(books: Books, channel: SomeChannel) -> None:
    wanted, other = books.orders(channel, [{}, {}])
    books.invoice(wanted, number_text="SI-00777")
    books.invoice(other, number_text="SI-00778")
    assert found(books, OrderFilter(q="si-00777")) == [wanted]


def test_write_back_filter_looks_at_the_newest(books: Books, channel: SomeChannel) -> None:
    blocked, mended = books.orders(channel, [{}, {}])
    for order in (blocked, mended):
        books.change(order, books.invoice(order), "blocked", reason="FOREIGN_NUMBER")
    former = books.invoice(mended, state="credited")
    books.change(mended, former, "done")
    assert found(books, OrderFilter(write_back=ChangeState.BLOCKED)) == [blocked]
    assert found(books, OrderFilter(write_back=ChangeState.DONE)) == [mended]


def test_reason_beside_write_back_is_the_write_backs(books: Books, channel: SomeChannel) -> None:
    foreign, missing = books.orders(channel, [{}, {}])
    books.change(foreign, books.invoice(foreign), "blocked", reason="FOREIGN_NUMBER")
    books.change(missing, books.invoice(missing), "blocked", reason="ORDER_MISSING")
    where = OrderFilter(write_back=ChangeState.BLOCKED, reason="ORDER_MISSING")
    assert found(books, where) == [missing]


def test_on_its_way_finds_planned_and_sending(books: Books, channel: SomeChannel) -> None:
    planned, sending, done = books.orders(channel, [{}, {}, {}])
    for order, state in ((planned, "planned"), (sending, "sending"), (done, "done")):
        books.change(order, books.invoice(order), state)
    assert set(found(books, OrderFilter(write_back=ChangeState.PLANNED))) == {planned, sending}


def test_filters_add_up(books: Books, channel: SomeChannel) -> None:
    wanted, _, _ = books.orders(
        channel,
        [{"gateway": "GrabPay", "state": "ready"}, {"gateway": "GrabPay", "state": "held"}, {"state": "ready"}],
    )
    assert found(books, OrderFilter(gateway="grabpay", state=(OrderState.READY,))) == [wanted]


def test_channel_that_does_not_exist_finds_nothing(books: Books, channel: SomeChannel) -> None:
    books.order(channel)
    assert found(books, OrderFilter(channel=0)) == []


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_pages_cover_each_order_once_both_ways(books: Books, channel: SomeChannel, limit: int) -> None:
    """Many orders share their moment, so that the place needs the id."""
    books.orders(channel, [{"placed_at": NOON - timedelta(minutes=number // 5)} for number in range(23)])
    with books.scope():
        everything = [row.id for row in orders_page(OrderFilter(), Keyset(limit=50)).rows]
        forward: list[list[int]] = []
        after: str | None = None
        while True:
            page = orders_page(OrderFilter(), Keyset(after=Cursor.decode(after), limit=limit))
            forward.append([row.id for row in page.rows])
            before, after = page.before, page.after
            if after is None:
                break
        backward = [forward[-1]]
        while before is not None:
            page = orders_page(OrderFilter(), Keyset(before=Cursor.decode(before), limit=limit))
            backward.insert(0, [row.id for row in page.rows])
            before = page.before
    assert [order for page in forward for order in page] == everything
    assert [order for page in backward for order in page] == everything
    assert len(everything) == 23


def test_cursor_of_another_list_starts_again(books: Books, channel: SomeChannel) -> None:
    order = books.order(channel)
    with books.scope():
        page = orders_page(OrderFilter(), Keyset(after=Cursor("a name", 1)))
    assert [row.id for row in page.rows] == [order]


def test_row_tells_everything_a_list_shows(books: Books, channel: SomeChannel) -> None:
    mapping = books.gateway(channel, "ShopeePay", "Shopee wallet")
    order = books.order(channel, number="2611ABC", remote_id="1001", total=3990, alert="CANCELLED")
    invoice = books.invoice(order, payment_method="Old wallet")
    change = books.change(order, invoice, "blocked", reason="FOREIGN_NUMBER", reason_detail={"found": "AC-1"})
    with books.scope():
        (row,) = order_rows([order])
    assert (row.number, row.remote_id, row.placed_at.tzinfo is not None) == ("2611ABC", "1001", True)
    assert (row.channel, row.marketplace, row.buyer) == ("SiteGiant", "Shopee", "Nur Aisyah")
    assert (row.gateway, row.gateway_mapped, row.mapping_id) == ("ShopeePay", True, mapping)
    assert row.payment_method == "Old wallet", "an invoiced order shows what its invoice says"
    assert (row.total, row.currency, row.status_text, row.payment_status_text) == (3990, "MYR", "Completed", "Paid")
    assert (row.state, row.alert, row.invoice_id) == ("booked", "CANCELLED", invoice)
    assert (row.change_id, row.write_back, row.write_back_reason) == (change, "blocked", "FOREIGN_NUMBER")
    assert row.write_back_detail == {"found": "AC-1"}


@pytest.mark.parametrize(
    ("mapped", "method", "is_mapped"), [("Shopee wallet", "Shopee wallet", True), (None, "Cash", False)]
)
def test_payment_method_is_the_mapped_one_or_the_default(
    books: Books, channel: SomeChannel, mapped: str | None, method: str, is_mapped: bool
) -> None:
    books.gateway(channel, "ShopeePay", mapped)
    order = books.order(channel)
    with books.scope():
        (row,) = order_rows([order])
    assert (row.payment_method, row.gateway_mapped) == (method, is_mapped)


def test_credited_invoice_is_not_the_orders_invoice(books: Books, channel: SomeChannel) -> None:
    order = books.order(channel)
    books.invoice(order, state="credited")
    live = books.invoice(order)
    with books.scope():
        (row,) = orders_page(OrderFilter(), Keyset()).rows
    assert row.invoice_id == live


@pytest.mark.parametrize(
    ("buyer", "shown"),
    [({"name": "Lim"}, "Lim"), ({"name": "", "company": "Lim Sdn Bhd"}, "Lim Sdn Bhd"), ({"name": ""}, ""), ({}, "")],
)
def test_buyer_is_the_name_or_the_company(
    books: Books, channel: SomeChannel, buyer: dict[str, str], shown: str
) -> None:
    order = books.order(channel, buyer=buyer)
    with books.scope():
        assert order_rows([order])[0].buyer == shown


def test_counts_stop_where_they_are_told(books: Books, channel: SomeChannel) -> None:
    books.orders(channel, [{"state": "ready"}] * 4 + [{"state": "held"}] * 2)
    with books.scope():
        assert count_matching(OrderFilter(), at_most=5) == 5
        counts = state_counts(OrderFilter(state=(OrderState.HELD,)), at_most=3)
    assert counts[OrderState.READY] == 3
    assert counts[OrderState.HELD] == 2
    assert counts[OrderState.BOOKED] == 0
    assert set(counts) == set(OrderState)


def test_choices_are_the_stores_own(books: Books, channel: SomeChannel, app: Flask, other_store: SomeStore) -> None:
    books.gateway(channel, "ShopeePay")
    theirs = Books(app, other_store)
    theirs.gateway(theirs.channel("Theirs", "Their marketplace"), "Their gateway")
    with books.scope():
        choices = filter_choices()
    assert [choice.name for choice in choices.channels] == ["SiteGiant"]
    assert [choice.name for choice in choices.marketplaces] == ["Shopee"]
    assert [(choice.key, choice.within) for choice in choices.gateways] == [("shopeepay", channel.id)]


@pytest.mark.parametrize(
    "ask",
    [
        lambda ids: [row.id for row in orders_page(OrderFilter(), Keyset()).rows],
        lambda ids: [row.id for row in order_rows(ids)],
        lambda ids: picked_in_bulk(OrderFilter()),
        lambda ids: picked_in_bulk(OrderFilter(q="INV")),
        lambda ids: [count_matching(OrderFilter())][: count_matching(OrderFilter())],
        lambda ids: [count for count in state_counts(OrderFilter()).values() if count],
    ],
)
def test_other_stores_rows_are_never_seen(
    app: Flask, books: Books, other_store: SomeStore, ask: Callable[[list[int]], list[int]]
) -> None:
    theirs = Books(app, other_store)
    their_channel = theirs.channel()
    order = theirs.order(their_channel)
    theirs.invoice(order)
    with books.scope():
        assert ask([order]) == []


def test_page_of_fifty_costs_one_statement(books: Books, channel: SomeChannel) -> None:
    orders = books.orders(channel, [{"gateway": f"Gateway {number}"} for number in range(60)])
    for order in orders[:8]:
        books.change(order, books.invoice(order))
    with books.scope():
        count_matching(OrderFilter())  # opens the transaction
        with statements() as seen:
            assert len(orders_page(OrderFilter(), Keyset(limit=50)).rows) == 50
        assert len(seen) == 1
        with statements() as seen:
            state_counts(OrderFilter())
        assert len(seen) == 1


def test_statement_names_its_store(make: Make, books: Books, channel: SomeChannel) -> None:
    """Row-level security would do it alone; the filter is there so that a plan can use the indexes."""
    books.order(channel)
    with books.scope(), statements() as seen:
        orders_page(OrderFilter(q="x", unmapped=True, write_back=ChangeState.BLOCKED), Keyset())
        state_counts(OrderFilter())
        filter_choices()
    asked = [statement for statement in seen if "from orders" in statement.lower() or "FROM channels" in statement]
    assert asked
    assert all("store_id = " in statement for statement in asked)
