from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.plan import (
    Decision,
    decide,
    differs_from_invoice,
    gateway_key,
    needs_details,
    next_decision,
    refuse_batch,
    seen_decision,
    settled_digest,
    windows,
)
from app.core.states import DECIDED_BY_PERSON, OrderState, Reason
from app.core.types import OrderStatus, OrderStub, PaymentStatus, RemoteOrder
from tests.core.samples import NOON, RULES, footing_orders, remote_order

SECOND = timedelta(seconds=1)
ENDED = {OrderStatus.CANCELLED, OrderStatus.RETURNED}


def stub(remote_id: str = "1", digest: str | None = "d", created_at: datetime | None = NOON) -> OrderStub:
    return OrderStub(remote_id, "7", "Completed", "Paid", created_at, digest)


# Which orders are ready ------------------------------------------------------------------------------------------


def test_paid_order_that_foots_is_ready() -> None:
    assert decide(remote_order(), RULES) == Decision(OrderState.READY, None, {})


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({"payment_status": PaymentStatus.UNPAID}, OrderState.WAITING, Reason.UNPAID),
        ({"status": OrderStatus.CANCELLED}, OrderState.CLOSED, Reason.CANCELLED),
        ({"status": OrderStatus.RETURNED}, OrderState.CLOSED, Reason.RETURNED),
        ({"payment_status": PaymentStatus.REFUNDED}, OrderState.CLOSED, Reason.REFUNDED),
        ({"payment_status": PaymentStatus.PARTLY_REFUNDED}, OrderState.HELD, Reason.PARTLY_REFUNDED),
        ({"refunded": 100}, OrderState.HELD, Reason.PARTLY_REFUNDED),
        ({"payment_status": PaymentStatus.UNKNOWN}, OrderState.HELD, Reason.PAYMENT_STATUS_UNKNOWN),
        ({"status": OrderStatus.UNKNOWN}, OrderState.HELD, Reason.STATUS_UNKNOWN),
        ({"status": OrderStatus.ON_HOLD}, OrderState.HELD, Reason.ON_HOLD),
        ({"lines": ()}, OrderState.HELD, Reason.NO_LINES),
        ({"currency": "SGD"}, OrderState.HELD, Reason.CURRENCY_UNSUPPORTED),
        ({"total": 2106}, OrderState.HELD, Reason.TOTAL_MISMATCH),
        ({"discount": 2200, "total": -100}, OrderState.HELD, Reason.BAD_PAYLOAD),
        # The first obstacle is told: ended before unpaid, unpaid before refunded, payment before everything else.
        (
            {"status": OrderStatus.CANCELLED, "payment_status": PaymentStatus.UNPAID},
            OrderState.CLOSED,
            Reason.CANCELLED,
        ),
        ({"status": OrderStatus.UNKNOWN, "payment_status": PaymentStatus.UNPAID}, OrderState.WAITING, Reason.UNPAID),
        ({"payment_status": PaymentStatus.UNPAID, "refunded": 100}, OrderState.WAITING, Reason.UNPAID),
        ({"payment_status": PaymentStatus.UNPAID, "lines": (), "total": 9}, OrderState.WAITING, Reason.UNPAID),
        ({"lines": (), "currency": "SGD", "total": 9}, OrderState.HELD, Reason.NO_LINES),
        ({"currency": "SGD", "total": 9}, OrderState.HELD, Reason.CURRENCY_UNSUPPORTED),
    ],
)
def test_first_obstacle_decides(changes: dict[str, Any], state: OrderState, reason: Reason) -> None:
    decision = decide(remote_order(**changes), RULES)
    assert (decision.state, decision.reason) == (state, reason)


def test_unknown_status_is_quoted_as_the_channel_wrote_it() -> None:
    order = remote_order(status=OrderStatus.UNKNOWN, status_text="Đang xử lý?")
    assert decide(order, RULES).detail == {
        "status": "unknown",
        "status_text": "Đang xử lý?",
        "payment_status": "paid",
        "payment_status_text": "Paid",
    }


def test_part_refund_tells_both_amounts() -> None:
    decision = decide(remote_order(refunded=600), RULES)
    assert decision.detail == {"currency": "MYR", "total": 2100, "refunded": 600}


def test_unpaid_cash_on_delivery_order_is_ready_once_it_is_paid() -> None:
    waiting = decide(remote_order(payment_status=PaymentStatus.UNPAID, paid_at=None), RULES)
    state = next_decision(waiting, decide(remote_order(), RULES)).state
    assert (waiting.state, state) == (OrderState.WAITING, OrderState.READY)


@pytest.mark.parametrize(("rule", "missing"), [("paid", "paid_at"), ("shipped", "shipped_at")])
def test_order_without_the_rules_date_is_held_and_names_the_rule(
    rule: Literal["paid", "shipped"], missing: str
) -> None:
    decision = decide(remote_order(**{missing: None}), replace(RULES, invoice_date_rule=rule))
    assert (decision.state, decision.reason, decision.detail) == (
        OrderState.HELD,
        Reason.DATE_MISSING,
        {"rule": rule},
    )


def test_unmapped_gateway_goes_to_cash_unless_the_store_holds_it() -> None:
    order = remote_order(gateway=" ShopeePay ")
    assert decide(order, RULES).state is OrderState.READY
    held = decide(order, replace(RULES, unmapped_gateway="hold"))
    assert (held.state, held.reason) == (OrderState.HELD, Reason.GATEWAY_UNMAPPED)
    assert held.detail == {"gateway": " ShopeePay ", "gateway_key": "shopeepay"}


def test_mapping_the_gateway_releases_the_order() -> None:
    rules = replace(RULES, unmapped_gateway="hold", mapped_gateways=frozenset({gateway_key("SHOPEEPAY")}))
    assert decide(remote_order(gateway="ShopeePay"), rules).state is OrderState.READY


def test_order_without_a_gateway_is_mapped_like_any_other() -> None:
    rules = replace(RULES, unmapped_gateway="hold")
    assert decide(remote_order(gateway=" "), rules).detail == {"gateway": " ", "gateway_key": ""}
    rules = replace(rules, mapped_gateways=frozenset({""}))
    assert decide(remote_order(gateway=""), rules).state is OrderState.READY


@pytest.mark.parametrize("auto", ["on_save", "on_delivery"])
def test_automatic_delivery_orders_refuse_the_whole_batch(auto: Literal["on_save", "on_delivery"]) -> None:
    assert refuse_batch(auto) is Reason.AUTO_DO_ENABLED
    assert refuse_batch("none") is None


# Start date ------------------------------------------------------------------------------------------------------


def test_only_orders_before_the_start_are_left_out() -> None:
    assert seen_decision(stub(created_at=NOON - SECOND), NOON) is Reason.BEFORE_START_DATE
    assert seen_decision(stub(created_at=NOON), NOON) is None
    assert seen_decision(stub(created_at=None), NOON) is None
    assert seen_decision(stub(created_at=NOON - SECOND), None) is None


def test_a_row_that_is_another_paper_of_an_order_is_left_out_whenever_it_was_made() -> None:
    for created_at in (NOON - SECOND, NOON, None):
        assert seen_decision(replace(stub(created_at=created_at), part_of="DH000001"), NOON) is Reason.PART_OF_ORDER


def test_old_order_whose_list_row_had_no_date_is_closed_when_read() -> None:
    decision = decide(remote_order(created_at=NOON - SECOND), replace(RULES, start_at=NOON))
    assert (decision.state, decision.reason) == (OrderState.CLOSED, Reason.BEFORE_START_DATE)


# Gateways --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gateway", "key"),
    [
        ("COD", "cod"),
        ("  Cash \t On\u00a0Delivery\n", "cash on delivery"),
        ("ＳｈｏｐｅｅＰａｙ", "shopeepay"),
        ("Chuyển khoản", "chuyển khoản"),
        ("Chuyê\u0309n khoản", "chuyển khoản"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("支付宝", "支付宝"),
        ("", ""),
        (" \u3000 ", ""),
    ],
)
def test_gateways_are_compared_without_case_space_and_form(gateway: str, key: str) -> None:
    assert gateway_key(gateway) == key


@given(st.text())
@example("\u1e9b\u0323")
@example("\u0345\u0301")
def test_key_of_a_key_is_itself(gateway: str) -> None:
    key = gateway_key(gateway)
    assert gateway_key(key) == key
    assert gateway_key(f"  {gateway}\t") == key


# Details ---------------------------------------------------------------------------------------------------------


def test_new_changed_and_undigested_orders_are_read_once_each() -> None:
    stubs = [stub("1"), stub("2", "new"), stub("3", None), stub("4"), stub("2", "new"), stub("5"), stub("4")]
    assert needs_details(stubs, {"1": "d", "2": "old", "3": "d", "5": None}) == ["2", "3", "4", "5"]


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from([None, "x", "y"]))),
    st.dictionaries(st.sampled_from("abcde"), st.sampled_from([None, "x", "y"])),
)
def test_left_out_only_when_every_row_has_the_known_digest(
    rows: list[tuple[str, str | None]], known: dict[str, str | None]
) -> None:
    wanted = needs_details([stub(remote_id, digest) for remote_id, digest in rows], known)
    assert len(wanted) == len(set(wanted))
    unchanged = {remote_id for remote_id, _ in rows} - set(wanted)
    for remote_id, digest in rows:
        assert (remote_id in unchanged) or remote_id in wanted
        assert remote_id not in unchanged or (digest is not None and digest == known[remote_id])


# States ----------------------------------------------------------------------------------------------------------

DECISIONS = st.builds(
    lambda order, status, payment: decide(replace(order, status=status, payment_status=payment), RULES),
    footing_orders(),
    st.sampled_from(OrderStatus),
    st.sampled_from(PaymentStatus),
)


@given(DECISIONS)
def test_a_check_never_takes_an_order_out_of_booked(decision: Decision) -> None:
    assert next_decision(Decision(OrderState.BOOKED, None, {}), decision).state is OrderState.BOOKED


@given(DECISIONS, st.sampled_from(sorted(DECIDED_BY_PERSON)))
def test_a_check_never_undoes_what_a_person_decided(decision: Decision, reason: Reason) -> None:
    decided = Decision(OrderState.CLOSED, reason, {"words": "a test order"})
    assert next_decision(decided, decision) == decided


@given(st.lists(DECISIONS, max_size=6), st.sampled_from([s for s in OrderState if s is not OrderState.BOOKED]))
def test_a_check_never_books_or_queues_by_itself(decisions: list[Decision], state: OrderState) -> None:
    was_queued = state is OrderState.QUEUED
    current = Decision(state, None, {})
    for decision in decisions:
        current = next_decision(current, decision)
        state = current.state
        assert state is not OrderState.BOOKED
        was_queued = was_queued and decision.state is OrderState.READY
        assert state is (OrderState.QUEUED if was_queued else decision.state)


@given(footing_orders(), st.sampled_from(OrderStatus), st.sampled_from(PaymentStatus), st.integers(0, 10))
def test_only_paid_unrefunded_living_orders_are_ever_ready(
    order: RemoteOrder, status: OrderStatus, payment: PaymentStatus, refunded: int
) -> None:
    decision = decide(replace(order, status=status, payment_status=payment, refunded=refunded), RULES)
    halted = ENDED | {OrderStatus.ON_HOLD, OrderStatus.UNKNOWN}
    is_sale = payment is PaymentStatus.PAID and refunded == 0 and status not in halted
    assert (decision.state is OrderState.READY) == is_sale
    assert (decision.reason is None) == is_sale
    if status in ENDED:
        assert decision.state is OrderState.CLOSED


@pytest.mark.parametrize(
    ("status", "payment", "reason"),
    [
        (OrderStatus.COMPLETED, PaymentStatus.PAID, None),
        (OrderStatus.ON_HOLD, PaymentStatus.PAID, None),
        (OrderStatus.UNKNOWN, PaymentStatus.UNKNOWN, None),
        (OrderStatus.CANCELLED, PaymentStatus.REFUNDED, Reason.CANCELLED),
        (OrderStatus.RETURNED, PaymentStatus.PAID, Reason.RETURNED),
        (OrderStatus.COMPLETED, PaymentStatus.REFUNDED, Reason.REFUNDED),
        (OrderStatus.COMPLETED, PaymentStatus.PARTLY_REFUNDED, Reason.PARTLY_REFUNDED),
        (OrderStatus.OPEN, PaymentStatus.UNPAID, Reason.UNPAID),
    ],
)
def test_booked_order_warns_when_the_channel_undid_the_sale(
    status: OrderStatus, payment: PaymentStatus, reason: Reason | None
) -> None:
    assert differs_from_invoice(status, payment, refunded=0, credited=0, same_content=True) is reason


@pytest.mark.parametrize(
    ("refunded", "credited", "same_content", "reason"),
    [
        (500, 0, True, Reason.PARTLY_REFUNDED),
        (500, 500, True, None),
        (900, 500, True, Reason.PARTLY_REFUNDED),
        (500, 500, False, Reason.CHANGED_AFTER_BOOKING),
        (0, 0, False, Reason.CHANGED_AFTER_BOOKING),
        (0, 300, True, None),
    ],
)
def test_what_was_refunded_is_no_news_once_as_much_was_credited(
    refunded: int, credited: int, same_content: bool, reason: Reason | None
) -> None:
    payment = PaymentStatus.PARTLY_REFUNDED if refunded else PaymentStatus.PAID
    facts = {"refunded": refunded, "credited": credited}
    assert differs_from_invoice(OrderStatus.COMPLETED, payment, **facts, same_content=same_content) is reason


# Windows ---------------------------------------------------------------------------------------------------------

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=400)), st.integers(1, 31), st.integers(0, 3))
def test_windows_cover_every_second_exactly_once(
    since: datetime, length: timedelta, days: int, marketplaces: int
) -> None:
    ids = [str(number) for number in range(marketplaces)]
    until = since + length
    found = windows(ids, since, until, days)
    assert [window.list_id for window in found] == sorted(window.list_id for window in found)
    for marketplace_id in ids:
        mine = [window for window in found if window.list_id == marketplace_id]
        assert mine[0].since == since.replace(microsecond=0)
        assert mine[-1].until == until.replace(microsecond=0)
        assert all(after.since - before.until == SECOND for before, after in pairwise(mine))
        assert all(timedelta(0) <= window.until - window.since <= timedelta(days=days) for window in mine)


def test_month_long_window_is_cut_at_the_limit() -> None:
    since = datetime(2026, 10, 1, tzinfo=UTC)
    spans = [(w.since, w.until) for w in windows(["7"], since, since + timedelta(days=31), 31)]
    assert spans == [
        (since, since + timedelta(days=31) - SECOND),
        (since + timedelta(days=31), since + timedelta(days=31)),
    ]


def test_summer_time_neither_skips_nor_repeats_an_hour() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    since, until = datetime(2026, 10, 24, 2, 30, tzinfo=berlin), datetime(2026, 10, 26, 2, 30, tzinfo=berlin)
    first, second, third = windows(["7"], since, until, 1)
    assert (second.since - first.until, third.since - second.until) == (SECOND, SECOND)
    assert third.until - first.since == timedelta(hours=49)


def test_no_time_no_window() -> None:
    assert windows(["7"], NOON, NOON - SECOND, 31) == []
    assert windows([], NOON - SECOND, NOON, 31) == []
    assert len(windows(["7"], NOON, NOON, 31)) == 1


def test_windows_in_another_zone_mean_the_same_moments() -> None:
    local = NOON.astimezone(timezone(timedelta(hours=8)))
    assert windows(["7"], local, local + SECOND, 1) == windows(["7"], NOON, NOON + SECOND, 1)


def test_window_without_days_or_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        windows(["7"], NOON, NOON, 0)
    with pytest.raises(ValueError, match="need a zone"):
        windows(["7"], NOON.replace(tzinfo=None), NOON, 1)


# Details that lag behind the list --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "payment", "digest"),
    [
        ("Completed", "Paid", "d"),
        ("completed", "PAID ", "d"),
        ("", "", "d"),
        ("Completed", "Unpaid", None),
        ("Ready To Ship", "Paid", None),
    ],
)
def test_details_that_lag_behind_the_list_are_read_again(status: str, payment: str, digest: str | None) -> None:
    listed = OrderStub("1", "7", status, payment, NOON, "d")
    assert settled_digest(listed, remote_order(status_text="Completed", payment_status_text="Paid")) == digest
    assert settled_digest(listed, None) == "d"
