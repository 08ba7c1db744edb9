"""Orders that are odd on purpose, all of the sandbox's table: each gets a clear reason, and those beside it go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from app.sandbox.sitegiant.oddities import ODDITIES
from tests.sandbox.running import an_order
from tests.support.factories import signed_in
from tests.sync.merchant import Merchant

READY: Final = ("ready", None)
HELD: Mapping[str, tuple[str, str | None]] = {
    "plain": READY,
    "unknown_gateway": ("held", "GATEWAY_UNMAPPED"),
    "no_gateway": ("held", "GATEWAY_UNMAPPED"),
    "sgd_channel": ("held", "CURRENCY_UNSUPPORTED"),
    "total_off": ("held", "TOTAL_MISMATCH"),
    "negative_discount": READY,
    "negative_total": ("held", "BAD_PAYLOAD"),
    "free": READY,
    "no_lines": ("held", "NO_LINES"),
    "twin_lines": READY,
    "same_sku_twice": READY,
    "unknown_status": ("held", "STATUS_UNKNOWN"),
    "unknown_payment": ("held", "PAYMENT_STATUS_UNKNOWN"),
    "foreign_number": READY,
    "before_midnight": READY,
    "after_midnight": READY,
    "unicode": READY,
    "controls": READY,
}
UNREADABLE: Mapping[str, str] = {
    "unknown_currency": "We do not know the currency of the place it was sold in (Odd). Test the connection again.",
    "long_number": "The field “marketplace_order_id” is longer than 200 characters.",
    "long_gateway": "The field “billing_method” is longer than 200 characters.",
    "long_id": "Its id is longer than 64 characters, so we cannot ask for it.",
    "long_note": "The field “note” is longer than 10000 characters.",
    "missing_date": "The order has no creation date.",
    "year_9999": "We cannot read the field “order_creation_date”.",
    "year_1": "We cannot read the field “order_creation_date”.",
    "missing_total": "The field “total” is missing.",
    "not_a_number": "We cannot read the amount in the field “total”.",
    "infinity": "We cannot read the amount in the field “product_price”.",
    "huge_amount": "We cannot read the amount in the field “total”.",
    "endless_amount": "We cannot read the amount in the field “total”.",
    "huge_line": "We cannot read the field “product_price”.",
    "huge_quantity": "We cannot read the field “product_quantity”.",
    "fine_quantity": "We cannot read the field “product_quantity”.",
    "wrong_shape": "The field “order_items” is missing.",
    "deep": "Its fields stand deeper in each other than we can read.",
    "abyss": "SiteGiant sent more at once than we take in.",
}
LAST = 10_000
HEALED: Mapping[str, Any] = {"marketplace_order_id": "A", "billing_method": "ShopeePay", "note": ""}


@pytest.fixture
def shop(merchant: Merchant) -> Merchant:
    """A connected shop with an order, whose gateway is mapped; the odd one comes behind it."""
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    merchant.check()
    merchant.execute(
        "update payment_mappings set payment_method_id = "
        "(select id from payment_methods p where p.store_id = payment_mappings.store_id limit 1)"
    )
    merchant.execute("update stores set unmapped_gateway = 'hold' where id = :id", id=merchant.store.id)
    return merchant


def test_every_oddity_is_tried() -> None:
    assert {*HELD, *UNREADABLE} == set(ODDITIES)


def add(merchant: Merchant, oddities: Iterable[str]) -> dict[str, str]:
    """Odd orders, with a plain one behind them all; their ids by oddity."""
    ids = {one: str(merchant.shop.steer("POST", f"oddities/{one}")["order_id"]) for one in oddities}
    merchant.shop.add(an_order(order_id=LAST))
    return ids


def test_odd_orders_come_in_with_their_reasons(shop: Merchant) -> None:
    ids = add(shop, HELD)
    shop.check()
    assert shop.job().state == "succeeded", shop.job()
    found = {row[0]: (row[1], row[2]) for row in shop.rows("select remote_id, state, reason from orders")}
    assert {oddity: found[order_id] for oddity, order_id in ids.items()} == HELD
    assert (found["1"], found[str(LAST)]) == (READY, READY)
    shop.sync()
    booked = {row[0] for row in shop.rows("select remote_id from orders where state = 'booked'")}
    assert booked == {remote_id for remote_id, (state, _reason) in found.items() if state == "ready"}
    wrong = "select i.id from invoices i join orders o on o.id = i.order_id where i.total <> o.total"
    assert shop.rows(wrong) == []
    foreign = "select remote_id, reason from changes where state <> 'done'"
    assert shop.rows(foreign) == [(ids["foreign_number"], "FOREIGN_NUMBER")]


def test_invoices_around_midnight_are_dated_by_the_shops_day(shop: Merchant) -> None:
    ids = add(shop, ["before_midnight", "after_midnight"])
    shop.check()
    shop.sync()
    days = dict(
        shop.rows(
            "select o.remote_id, i.invoice_date - (o.placed_at at time zone 'Asia/Kuala_Lumpur')::date "
            "from invoices i join orders o on o.id = i.order_id"
        )
    )
    assert [days[ids[oddity]] for oddity in ids] == [0, 0]
    local = dict(
        shop.rows("select remote_id, to_char(placed_at at time zone 'Asia/Kuala_Lumpur', 'HH24:MI') from orders")
    )
    assert [local[ids[oddity]] for oddity in ids] == ["23:59", "00:01"]


def test_orders_that_cannot_be_read_say_why_and_come_in_once_they_can(shop: Merchant) -> None:
    ids = add(shop, UNREADABLE)
    shop.check()
    assert (shop.job().state, shop.job().problem) == ("partly", None), shop.job()
    assert shop.job().counts["unreadable"] == len(UNREADABLE)
    seen = shop.rows("select state, reason, raw->>'problem' as problem from seen_orders where state <> 'imported'")
    assert {row[:2] for row in seen} == {("unreadable", "BAD_PAYLOAD")}
    assert sorted(row.problem for row in seen) == sorted(UNREADABLE.values())
    assert shop.rows("select remote_id from orders order by id") == [("1",), (str(LAST),)]

    shop.execute("update marketplaces set currency = 'MYR' where currency = ''")
    for oddity, order_id in ids.items():
        fields = {name: value for name, value in HEALED.items() if name in ODDITIES[oddity].fields}
        shop.shop.steer("PATCH", f"orders/{order_id}", json=fields)
        shop.shop.steer("PUT", f"orders/{order_id}/spoil", data="{}")
    shop.check()
    came_in = {row[0] for row in shop.rows("select remote_id from orders")}
    assert came_in == {"1", str(LAST), *ids.values()} - {ids["unknown_currency"]}
    shop.sync()
    assert shop.scalar("select count(*) from invoices") == len(came_in)


def test_pages_show_all_of_it(shop: Merchant) -> None:
    for oddity in ODDITIES:
        shop.shop.steer("POST", f"oddities/{oddity}")
    shop.check()
    shop.sync()
    client = signed_in(shop.app.test_client(), shop.store.owner)
    orders = [row[0] for row in shop.rows("select id from orders")]
    invoices = [row[0] for row in shop.rows("select id from invoices")]
    jobs = [row[0] for row in shop.rows("select id from sync_jobs")]
    pages = [
        *(f"/orders/{order_id}" for order_id in orders),
        *(f"/invoices/{invoice_id}{kind}" for invoice_id in invoices for kind in ("", "/print", ".pdf")),
        *(f"/jobs/{job_id}" for job_id in jobs),
        *("/", "/orders", "/orders.csv", "/invoices", "/invoices.csv", "/failed", "/jobs"),
        *(f"/channels/{shop.channel_id}{tab}" for tab in ("", "/payments", "/marketplaces", "/failed", "/orders")),
    ]
    answers = {page: opened(client, shop.store.url(page)) for page in pages}
    assert {page: status for page, status in answers.items() if status != 200} == {}


def opened(client: FlaskClient, url: str) -> int:
    return client.get(url, follow_redirects=True).status_code
