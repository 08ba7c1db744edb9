"""Where is my order? Every id that a channel ever listed has an answer, and a channel can be asked for the rest."""

from __future__ import annotations

from datetime import date

import pytest
from flask.testing import FlaskClient

from app.orders import finding
from app.orders.finding import Found
from tests.sandbox.running import an_order
from tests.support.factories import signed_in
from tests.sync.merchant import Merchant


@pytest.fixture
def checked(merchant: Merchant) -> Merchant:
    merchant.shop.add(
        an_order(order_id=1001, marketplace_order_id="SHOPEE-1"),
        an_order(order_id=1002, payment_status="Unpaid", paid_time=None),
        an_order(order_id=900, order_creation_date="2026-01-05T10:00:00+08:00"),
    )
    merchant.connect(start_on=date(2026, 2, 1))
    merchant.check()
    merchant.sync()
    return merchant


def _find(merchant: Merchant, number: str) -> list[Found]:
    with merchant.app.app_context(), merchant.scope():
        return finding.find(number)


@pytest.mark.parametrize("number", ["1001", "SHOPEE-1", "shopee-1", "INV00001", "inv00001"])
def test_a_booked_order_is_found_by_each_of_its_numbers(checked: Merchant, number: str) -> None:
    (found,) = _find(checked, number)
    assert (found.remote_id, found.state, found.invoice_no) == ("1001", "booked", "INV00001")


def test_an_unpaid_order_says_that_it_is_unpaid(checked: Merchant) -> None:
    (found,) = _find(checked, "1002")
    assert (found.state, found.reason, found.invoice_id) == ("waiting", "UNPAID", None)


def test_an_order_from_before_the_start_date_is_told_by_the_channel(checked: Merchant, owner: FlaskClient) -> None:
    ask = {"q": "900", "channel_id": str(checked.channel_id)}
    page = owner.post(checked.store.url("/orders/find/ask"), data=ask).text
    assert "That is before 1 Feb 2026" in page
    assert "Change the start date" in page


def test_an_order_that_was_listed_and_left_out_says_why(checked: Merchant, owner: FlaskClient) -> None:
    checked.execute(
        "insert into seen_orders (store_id, channel_id, remote_id, marketplace_id, state, reason) "
        "select store_id, channel_id, '800', marketplace_id, 'skipped', 'BEFORE_START_DATE' from orders limit 1"
    )
    page = owner.get(checked.store.url("/orders/find?q=800")).text
    assert "before the day from which" in page
    assert "Change the start date" in page


@pytest.fixture
def owner(client: FlaskClient, checked: Merchant) -> FlaskClient:
    return signed_in(client, checked.store.owner)


def test_another_stores_order_is_not_found(checked: Merchant, client: FlaskClient) -> None:
    assert _find(checked, "77777") == []


def test_a_number_nobody_listed_can_be_asked_for(checked: Merchant, owner: FlaskClient) -> None:
    checked.shop.add(an_order(order_id=5005, order_status="Processed"))
    page = owner.get(checked.store.url("/orders/find?q=5005")).text
    assert "No channel ever listed 5005" in page
    ask = checked.store.url("/orders/find/ask")
    answer = owner.post(ask, data={"q": "5005", "channel_id": str(checked.channel_id)}).text
    assert "My shop knows it" in answer
    assert "Processed, Paid" in answer
    unknown = owner.post(ask, data={"q": "6006", "channel_id": str(checked.channel_id)}).text
    assert "does not know an order with this number" in unknown
    assert checked.scalar("select count(*) from seen_orders where remote_id = '5005'") == 0, "asking stores nothing"


def test_a_channel_that_does_not_answer_says_so(checked: Merchant, owner: FlaskClient) -> None:
    checked.shop.fault("server_error")
    page = owner.post(checked.store.url("/orders/find/ask"), data={"q": "5005", "channel_id": str(checked.channel_id)})
    assert page.status_code == 200
    assert "notice-danger" in page.text


@pytest.mark.parametrize("number", ["", "\x00", "é" * 500, "' or 1=1 --", "%"])
def test_odd_numbers_are_looked_for_and_not_found(checked: Merchant, owner: FlaskClient, number: str) -> None:
    answer = owner.get(checked.store.url("/orders/find"), query_string={"q": number})
    assert answer.status_code == 200
