"""Orders for the tests of the core: one plain paid order, and a strategy of orders that foot."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from app.core.invoicing import BookableLine, BookableOrder, foot
from app.core.money import multiply
from app.core.plan import StoreRules
from app.core.types import OrderStatus, OrderType, PaymentStatus, RemoteLine, RemoteOrder

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)

RULES = StoreRules(
    currencies=frozenset({"MYR"}),
    unmapped_gateway="cash",
    mapped_gateways=frozenset({"cod"}),
    start_at=None,
    time_zone="Asia/Kuala_Lumpur",
    invoice_date_rule="created",
)


def remote_line(number: int = 1, *, unit_price: int = 2100, quantity: str = "1", **changes: Any) -> RemoteLine:
    """A line whose gross follows from price and quantity."""
    line = RemoteLine(
        remote_id=str(number),
        sku=f"A-{number}",
        isku=f"A{number}",
        name="Kopi O 咖啡",
        variant="",
        quantity=Decimal(quantity),
        unit_price=unit_price,
        gross=multiply(unit_price, Decimal(quantity)),
        discount=0,
        tax=0,
    )
    return line._replace(**changes)


def remote_order(**changes: Any) -> RemoteOrder:
    """A paid order of RM 21.00 that foots, with what a test wants to be different."""
    order = RemoteOrder(
        remote_id="1001",
        number="2611ABC",
        marketplace_id="7",
        order_type=OrderType.MARKETPLACE,
        status=OrderStatus.COMPLETED,
        status_text="Completed",
        payment_status=PaymentStatus.PAID,
        payment_status_text="Paid",
        gateway="COD",
        invoice_no="",
        currency="MYR",
        created_at=NOON,
        paid_at=NOON,
        shipped_at=None,
        updated_at=NOON,
        buyer={"name": "Nguyễn Thị Ánh"},
        note="",
        lines=(remote_line(),),
        shipping=0,
        discount=0,
        adjustment=0,
        tax=0,
        tax_included=False,
        total=2100,
        refunded=0,
        digest="sha256:1",
        raw={},
    )
    return replace(order, **changes)


def bookable(order: RemoteOrder, order_id: int = 1) -> BookableOrder:
    """The same order as it would stand in our tables."""
    lines = tuple(
        BookableLine(number, line.sku, line.name, line.quantity, line.unit_price, line.gross, line.discount, line.tax)
        for number, line in enumerate(order.lines, 1)
    )
    shared = {f.name for f in fields(BookableOrder)} & {f.name for f in fields(RemoteOrder)} - {"lines"}
    return BookableOrder(order_id=order_id, lines=lines, **{name: getattr(order, name) for name in shared})


AMOUNTS = st.integers(0, 5_000_00)


@st.composite
def _lines(draw: st.DrawFn) -> RemoteLine:
    line = remote_line(unit_price=draw(AMOUNTS), quantity=draw(st.sampled_from(["0", "1", "3", "0.5", "1.125"])))
    return line._replace(discount=draw(st.integers(0, line.gross)), tax=draw(st.integers(0, 500)))


@st.composite
def footing_orders(draw: st.DrawFn, *, off_by: int = 0) -> RemoteOrder:
    """Paid orders of any shape whose total is what their parts add up to, or up to `off_by` away from it."""
    order = remote_order(
        lines=tuple(draw(st.lists(_lines(), min_size=1, max_size=6))),
        shipping=draw(AMOUNTS),
        discount=draw(st.integers(0, 5_00)),
        adjustment=draw(st.integers(-5_00, 50_00)),
        tax=draw(st.integers(0, 50_00)),
        tax_included=draw(st.booleans()),
        shipped_at=draw(st.sampled_from([None, NOON])),
        status=draw(st.sampled_from([OrderStatus.OPEN, OrderStatus.SHIPPED, OrderStatus.COMPLETED])),
    )
    lifted = max(0, off_by - foot(order))  # A discount may exceed the goods: shipping pays for it.
    order = replace(order, shipping=order.shipping + lifted)
    return replace(order, total=foot(order) + draw(st.integers(-off_by, off_by)))
