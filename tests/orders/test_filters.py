"""The filter survives the URL, and what cannot be read never turns into "all orders" behind somebody's back."""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from werkzeug.datastructures import MultiDict

from app.core.reporting import Sale
from app.core.reserving import Why
from app.core.states import ChangeState, OrderState
from app.core.types import OrderStatus, PaymentStatus
from app.orders.filters import NO_GATEWAY, OrderFilter, gateway_value

PENANG = ZoneInfo("Asia/Kuala_Lumpur")

FULL = OrderFilter(
    q="kopi & teh",
    channel=7,
    marketplace=9,
    state=(OrderState.READY, OrderState.HELD),
    reason="GATEWAY_UNMAPPED",
    alert="CANCELLED",
    status=OrderStatus.READY_TO_SHIP,
    payment=PaymentStatus.PAID,
    gateway="shopeepay",
    unmapped=True,
    stock=Why.UNLINKED,
    write_back=ChangeState.BLOCKED,
    date_from=date(2026, 11, 1),
    date_to=date(2026, 11, 30),
    sale=Sale.REFUNDED,
    currency="MYR",
    due_from=date(2026, 10, 1),
    due_to=date(2026, 10, 31),
)


def test_every_field_survives_the_url() -> None:
    assert OrderFilter.from_query(FULL.query_string()) == FULL


def test_filter_without_restrictions_is_an_empty_query() -> None:
    assert OrderFilter().to_query() == {}


def test_query_can_be_taken_apart_and_put_together_as_parameters() -> None:
    assert OrderFilter.from_query(urlencode(FULL.to_query(), doseq=True)) == FULL


@pytest.mark.parametrize("where", [OrderFilter(channel=0), OrderFilter(marketplace=0)])
def test_an_id_that_cannot_exist_stays_a_restriction(where: OrderFilter) -> None:
    assert OrderFilter.from_query(where.query_string()) == where


def test_what_cannot_be_read_does_not_restrict() -> None:
    args = MultiDict([("channel", "seven"), ("state", "lost"), ("date_from", "yesterday"), ("payment", "maybe")])
    assert OrderFilter.from_args(args) == OrderFilter()


def test_no_gateway_is_a_gateway_of_its_own() -> None:
    where = OrderFilter(gateway=gateway_value(""))
    assert where.gateway == NO_GATEWAY
    assert where.gateway_key == ""
    assert OrderFilter().gateway_key is None


def test_days_are_days_of_the_store() -> None:
    where = OrderFilter(date_from=date(2026, 11, 20), date_to=date(2026, 11, 20))
    start, end = where.placed_between(PENANG)
    assert start == datetime.fromisoformat("2026-11-20T00:00:00+08:00")
    assert end == datetime.fromisoformat("2026-11-21T00:00:00+08:00")


@pytest.mark.parametrize("day", [date.min, date.max])
def test_absurd_days_can_be_reckoned_with(day: date) -> None:
    start, end = OrderFilter(date_from=day, date_to=day).placed_between(PENANG)
    assert start is not None
    assert end is not None


def test_on_its_way_means_planned_and_sending() -> None:
    assert OrderFilter(write_back=ChangeState.PLANNED).write_back_states == (ChangeState.PLANNED, ChangeState.SENDING)
    assert OrderFilter(write_back=ChangeState.DONE).write_back_states == (ChangeState.DONE,)
    assert OrderFilter().write_back_states == ()
