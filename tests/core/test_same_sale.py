"""When two orders are one sale, and when an order is still the sale that was invoiced."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.plan import Known, StoreRules, decide
from app.core.same_sale import CLOSE_IN_TIME, Twin, content_key, sale_key, twin_of
from app.core.states import OrderState, Reason
from app.core.types import OrderStatus
from tests.core.samples import remote_order

RULES = StoreRules(
    currencies=frozenset({"MYR"}),
    unmapped_gateway="cash",
    mapped_gateways=frozenset(),
    start_at=None,
    time_zone="Asia/Kuala_Lumpur",
    invoice_date_rule="created",
)
AT = datetime(2026, 11, 20, 4, tzinfo=UTC)
BUYER = {"name": "Nur Aisyah", "phone": "+60 12-345 6789", "email": "buyer1@example.com"}


def _twin(**changes: Any) -> Twin:
    return replace(Twin(order_id=1, channel_id=2, number="A1", placed_at=AT), **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": OrderStatus.COMPLETED},
        {"gateway": "another"},
        {"invoice_no": "INV1"},
        {"digest": "another"},
        {"refunded": 100},
    ],
)
def test_the_state_of_an_order_is_no_part_of_what_was_invoiced(changes: dict[str, Any]) -> None:
    assert content_key(remote_order(**changes)) == content_key(remote_order())


def test_a_line_swapped_at_the_same_total_is_another_sale() -> None:
    order = remote_order()
    swapped = replace(order, lines=(order.lines[0]._replace(sku="OTHER", isku="OTHER"), *order.lines[1:]))
    assert content_key(swapped) != content_key(order)
    assert sale_key(swapped) != sale_key(replace(order, buyer=BUYER))


def test_two_roads_spell_the_same_buyer_differently() -> None:
    here = remote_order(buyer=BUYER, remote_id="1001")
    there = remote_order(buyer=BUYER | {"phone": "0123456789", "name": "NUR  AISYAH", "email": ""}, remote_id="ORD-9")
    assert sale_key(here) == sale_key(there) is not None


def test_strangers_who_say_nothing_of_themselves_are_never_one_buyer() -> None:
    assert sale_key(remote_order(buyer={})) is None


@given(st.integers(-3600, 3600))
def test_only_orders_of_the_same_time_are_twins(seconds: int) -> None:
    twin = _twin(placed_at=AT + timedelta(seconds=seconds))
    assert (twin_of(AT, [twin]) == twin) == (abs(seconds) <= CLOSE_IN_TIME.total_seconds())


def test_the_closest_twin_is_shown() -> None:
    near, far = _twin(order_id=5, placed_at=AT + timedelta(seconds=1)), _twin(placed_at=AT + timedelta(seconds=9))
    assert twin_of(AT, [far, near]) == near


def test_an_order_with_a_twin_is_held_beside_it() -> None:
    decision = decide(remote_order(), RULES, Known(twin=_twin()))
    assert (decision.state, decision.reason) == (OrderState.HELD, Reason.DUPLICATE_SUSPECTED)
    assert decision.detail == {"order_id": 1, "number": "A1"}


def test_a_day_in_closed_books_is_refused_until_another_day_is_chosen() -> None:
    closed = replace(RULES, closed_through=datetime(2026, 12, 31, tzinfo=UTC).date())
    decision = decide(remote_order(), closed)
    assert (decision.state, decision.reason) == (OrderState.HELD, Reason.PERIOD_LOCKED)
    open_day = datetime(2027, 1, 1, tzinfo=UTC).date()
    assert decide(remote_order(), closed, Known(book_on=open_day)).state is OrderState.READY
    assert decide(remote_order(), closed, Known(book_on=closed.closed_through)).reason is Reason.PERIOD_LOCKED


def test_skus_without_an_item_are_held_only_when_the_store_wants_it() -> None:
    known = Known(unlinked=("A-1",))
    assert decide(remote_order(), RULES, known).state is OrderState.READY
    held = decide(remote_order(), replace(RULES, unlinked_items="hold"), known)
    assert (held.reason, held.detail) == (Reason.SKU_NOT_FOUND, {"skus": "A-1"})
    ambiguous = Known(ambiguous=("A-1",))
    assert decide(remote_order(), RULES, ambiguous).state == OrderState.READY
    held = decide(remote_order(), replace(RULES, unlinked_items="hold"), ambiguous)
    assert (held.state, held.reason) == (OrderState.HELD, Reason.SKU_AMBIGUOUS)
