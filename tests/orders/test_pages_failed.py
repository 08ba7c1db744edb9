"""Failed Sync: each cause once, with its orders, its money, its advice and its button."""

from __future__ import annotations

import re
from html import unescape

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from app.orders.failed import CauseKind, failed_causes, failed_count
from app.orders.filters import OrderFilter
from app.orders.queries import count_matching
from tests.orders.factories import Books, SomeChannel, statements
from tests.support.factories import SomeStore

NBSP = "\u00a0"


def held(reason: str, **values: object) -> dict[str, object]:
    return {"state": "held", "reason": reason, **values}


def test_nothing_to_do_says_so(owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    books.orders(channel, [{}, {"state": "waiting", "reason": "UNPAID"}, {"state": "closed", "reason": "CANCELLED"}])
    assert "Nothing needs you" in owner.get(store.url("/failed")).text


def test_causes_come_with_counts_and_money_most_money_first(books: Books, channel: SomeChannel) -> None:
    books.orders(channel, [held("NO_LINES", total=100)] * 3)
    books.orders(channel, [held("TOTAL_MISMATCH", total=5000), held("TOTAL_MISMATCH", total=700, currency="SGD")])
    with books.scope():
        causes = failed_causes()
    assert [(cause.code, cause.count, dict(cause.money)) for cause in causes] == [
        ("TOTAL_MISMATCH", 2, {"MYR": 5000, "SGD": 700}),
        ("NO_LINES", 3, {"MYR": 300}),
    ]


def test_unmapped_gateways_of_a_channel_are_one_cause_with_a_row_for_each(books: Books, channel: SomeChannel) -> None:
    grab, boost = books.gateway(channel, "GrabPay"), books.gateway(channel, "Boost")
    for gateway in ("GrabPay", "grabpay", "Boost"):
        books.order(channel, **held("GATEWAY_UNMAPPED", gateway=gateway, reason_detail={"gateway": gateway}))
    with books.scope():
        (cause,) = failed_causes()
    assert (cause.count, dict(cause.money)) == (3, {"MYR": 3 * 3990})
    assert [(part.mapping_id, part.name, part.count, dict(part.money)) for part in cause.parts] == [
        (grab, "GrabPay", 2, {"MYR": 2 * 3990}),
        (boost, "Boost", 1, {"MYR": 3990}),
    ]


def test_channels_are_kept_apart(books: Books, channel: SomeChannel) -> None:
    second = books.channel("Second")
    books.order(channel, **held("NO_LINES"))
    books.order(second, **held("NO_LINES"))
    with books.scope():
        assert sorted(cause.channel for cause in failed_causes()) == ["Second", "SiteGiant"]


def test_links_find_exactly_the_orders_of_the_cause(books: Books, channel: SomeChannel) -> None:
    second = books.channel("Second")
    books.gateway(channel, "GrabPay")
    books.gateway(channel, "")
    rows = [held("GATEWAY_UNMAPPED", gateway="GrabPay")] * 2 + [held("GATEWAY_UNMAPPED", gateway="")]
    books.orders(channel, [*rows, held("NO_LINES"), {}])
    books.orders(second, [held("NO_LINES")] * 3)
    blocked = books.orders(channel, [{}] * 3)
    for order, reason in zip(blocked, ("FOREIGN_NUMBER", "FOREIGN_NUMBER", "ORDER_MISSING"), strict=True):
        books.change(order, books.invoice(order), "blocked", reason=reason)
    alerted = books.orders(channel, [{}] * 2)
    for order in alerted:
        books.invoice(order)
        books.set(order, alert="REFUNDED")
    with books.scope():
        causes = failed_causes()
        assert len(causes) == 6
        links = [(cause.where, cause.count) for cause in causes]
        links += [(part.where, part.count) for cause in causes for part in cause.parts]
        for where, count in links:
            assert where is not None
            assert count_matching(OrderFilter.from_query(where.query_string())) == count, where


def test_orders_that_could_not_be_read_are_shown_with_what_was_sent(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.unread(channel, "500001", "The order has no creation date.", {"note": "<b>陳</b>"})
    page = owner.get(store.url("/failed")).text
    assert re.search(r"Order 500001\s*: The order has no creation date\.", page)
    assert "amount not known" in page
    assert "&lt;b&gt;陳&lt;/b&gt;" in page


def test_page_has_words_advice_and_the_mending_button(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    mapping = books.gateway(channel, "GrabPay")
    books.orders(channel, [held("GATEWAY_UNMAPPED", gateway="GrabPay", total=3990)] * 2)
    page = owner.get(store.url("/failed")).text.replace(NBSP, " ")
    assert "“GrabPay” has no payment method yet." in page
    assert "every order that waits for it goes on by itself" in page
    assert "2 orders" in page
    assert "RM 79.80" in page
    assert store.url(f"/channels/{channel.id}/payments#gateway-{mapping}") in page
    behind = store.url(f"/failed/{channel.id}/orders/GATEWAY_UNMAPPED")
    assert re.search(rf'href="{behind}">2 orders<', page)
    assert "Retry all" in page
    rows = owner.get(behind).text
    assert rows.count(">Retry<") == 2
    assert "Show in the orders' list" in unescape(rows)


def test_read_only_member_sees_it(reader: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    books.order(channel, **held("NO_LINES"))
    assert "No items" in reader.get(store.url("/failed")).text


def test_menu_counts_orders_write_backs_and_unread_ones(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.orders(channel, [held("NO_LINES")] * 2)
    order = books.order(channel)
    books.change(order, books.invoice(order), "blocked", reason="FOREIGN_NUMBER")
    books.unread(channel, "500001", "", {})
    with books.scope():
        assert failed_count() == 4
        assert failed_count(at_most=1) == 3
    page = owner.get(store.url("/orders")).text
    menu = page[page.index('id="nav-badges"') :]
    assert re.search(r'/failed".*?<span class="count">4</span>', menu, re.DOTALL)


def test_other_stores_causes_are_never_seen(
    app: Flask, books: Books, channel: SomeChannel, other_store: SomeStore
) -> None:
    theirs = Books(app, other_store)
    their_channel = theirs.channel()
    theirs.order(their_channel, **held("NO_LINES"))
    theirs.unread(their_channel, "1", "", {})
    order = theirs.order(their_channel)
    theirs.change(order, theirs.invoice(order), "blocked", reason="FOREIGN_NUMBER")
    with books.scope():
        assert failed_causes() == []
        assert failed_count() == 0


def test_number_of_causes_does_not_change_the_number_of_statements(books: Books, channel: SomeChannel) -> None:
    for number in range(8):
        books.gateway(channel, f"Gateway {number}")
        books.order(channel, **held("GATEWAY_UNMAPPED", gateway=f"Gateway {number}"))
    order = books.order(channel)
    books.change(order, books.invoice(order), "blocked", reason="FOREIGN_NUMBER")
    with books.scope(), statements() as seen:
        causes = failed_causes()
    assert len(causes) == 2
    assert len(causes[0].parts) == 8
    assert {cause.kind for cause in causes} == {CauseKind.ORDERS, CauseKind.WRITE_BACKS}
    assert len([statement for statement in seen if "set_config" not in statement]) <= 7


def test_what_a_removed_channel_left_behind_waits_for_nobody(books: Books, channel: SomeChannel) -> None:
    books.order(channel, state="held", reason="TOTAL_MISMATCH")
    with books.scope():
        assert (len(failed_causes()), failed_count()) == (1, 1)
        db.session.execute(text("update channels set status = 'removed'"))
        assert (failed_causes(), failed_count()) == ([], 0)
        db.session.rollback()


def test_skus_without_an_item_are_one_cause_with_a_row_for_each(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    for skus in ("A-1", "A-1", "B-2, C-3"):
        books.order(channel, **held("SKU_NOT_FOUND", reason_detail={"skus": skus}))
    page = unescape(owner.get(store.url("/failed")).text).replace(NBSP, " ")
    assert page.count(">Item not linked<") == 1
    assert "A-1: 2 orders" in page
    assert "B-2, C-3: 1 order" in page
    found = re.search(r'href="([^"]*/orders/SKU_NOT_FOUND\?skus=A-1)"', page)
    assert found
    assert owner.get(found[1]).text.count(">Retry<") == 2
    assert f"/channels/{channel.id}/products" in page
