"""From one paid order to one invoice that adds up to what the channel charged, or a reason why not.

One convention holds for every order and invoice:

- a line's `amount` is what it adds to the total before added tax: gross less the line's own discount;
- the order's `tax` is the whole of its tax. It is added once when prices exclude tax, and is only told when they
  include it. A line's `tax` is its part; what no line carries stands on a line of kind TAX with amount 0;
- hence for each draft: sum(line.amount) + (0 if tax_included else tax) == total, and sum(line.tax) == tax;
- the channel's own amounts are booked, never recalculated from prices and quantities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from app.core.states import Reason
from app.core.types import OrderStatus, PaymentStatus

InvoiceDateRule = Literal["created", "paid", "shipped"]
Detail = Mapping[str, str | int]
Obstacle = tuple[Reason, Detail]
"""Why an order cannot be booked: the reason, and the facts its sentence needs."""

_ONE = Decimal(1)
_STATUS_REASONS = {
    OrderStatus.UNKNOWN: Reason.STATUS_UNKNOWN,
    OrderStatus.ON_HOLD: Reason.ON_HOLD,
}
_PAYMENT_REASONS = {
    PaymentStatus.UNPAID: Reason.UNPAID,
    PaymentStatus.REFUNDED: Reason.REFUNDED,
    PaymentStatus.UNKNOWN: Reason.PAYMENT_STATUS_UNKNOWN,
}
_ENDED_REASONS = {
    OrderStatus.CANCELLED: Reason.CANCELLED,
    OrderStatus.RETURNED: Reason.RETURNED,
}


class SaleLine(Protocol):
    """What footing needs to know of a line."""

    @property
    def gross(self) -> int: ...
    @property
    def discount(self) -> int: ...


class Sale(Protocol):
    """What is common to an order as a channel sent it and an order as we stored it."""

    @property
    def currency(self) -> str: ...
    @property
    def status(self) -> OrderStatus: ...
    @property
    def payment_status(self) -> PaymentStatus: ...
    @property
    def lines(self) -> Sequence[SaleLine]: ...
    @property
    def shipping(self) -> int: ...
    @property
    def discount(self) -> int: ...
    @property
    def adjustment(self) -> int: ...
    @property
    def tax(self) -> int: ...
    @property
    def tax_included(self) -> bool: ...
    @property
    def total(self) -> int: ...
    @property
    def refunded(self) -> int: ...


class Dated(Protocol):
    """The moments of an order, one of which gives its invoice the date."""

    @property
    def created_at(self) -> datetime: ...
    @property
    def paid_at(self) -> datetime | None: ...
    @property
    def shipped_at(self) -> datetime | None: ...


class LineKind(StrEnum):
    """What a line of an invoice stands for; only items have words of their own, pages name the rest."""

    ITEM = "item"
    SHIPPING = "shipping"
    DISCOUNT = "discount"
    ADJUSTMENT = "adjustment"
    TAX = "tax"
    ROUNDING = "rounding"


@dataclass(frozen=True, slots=True)
class BookableLine:
    """A stored order line; `gross` is before `discount`, which is not negative."""

    line_no: int
    sku: str
    description: str
    quantity: Decimal
    unit_price: int
    gross: int
    discount: int
    tax: int


@dataclass(frozen=True, slots=True)
class BookableOrder:
    """A stored order as booking needs it: the signs of `RemoteOrder`, amounts in minor units."""

    order_id: int
    currency: str
    status: OrderStatus
    payment_status: PaymentStatus
    created_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    lines: tuple[BookableLine, ...]
    shipping: int
    discount: int
    adjustment: int
    tax: int
    tax_included: bool
    total: int
    refunded: int
    book_on: date | None = None
    """The day that a person chose for the invoice, because its own lies in closed books."""


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line to be printed; `amount` is signed and before added tax."""

    kind: LineKind
    sku: str
    description: str
    quantity: Decimal
    unit_price: int
    discount: int
    tax: int
    amount: int


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An invoice without its number.

    subtotal - discount + shipping + adjustment + rounding (+ tax unless `tax_included`) == total. `subtotal` is
    the items after their own discounts; `discount` is the order's own and is not negative when it lowers the total.
    """

    order_id: int
    invoice_date: date
    currency: str
    lines: tuple[DraftLine, ...]
    subtotal: int
    discount: int
    shipping: int
    adjustment: int
    tax: int
    tax_included: bool
    rounding: int
    total: int


class CannotBook(Exception):
    """The order must not become an invoice now; `reason` and `detail` say why."""

    def __init__(self, reason: Reason, detail: Detail) -> None:
        super().__init__(f"{reason} {dict(detail)}")
        self.reason = reason
        self.detail = detail


def foot(sale: Sale) -> int:
    """What the order's parts add up to: the one sum that `total` is held against, when planning and when booking."""
    items = 0
    for line in sale.lines:
        items += line.gross - line.discount
    added_tax = 0 if sale.tax_included else sale.tax
    return items + sale.shipping - sale.discount + sale.adjustment + added_tax


def not_a_sale(sale: Sale) -> Obstacle | None:
    """Why the order is not a paid, living sale in full, or None.

    An ended order comes first (a cancelled order is not waiting for money), then payment, then the rest. An order
    refunded in part before it was booked cannot be invoiced as paid in full, whatever its payment status says.
    """
    status, payment = sale.status, sale.payment_status
    reason = _ENDED_REASONS.get(status) or _PAYMENT_REASONS.get(payment)
    if reason is None and (payment == PaymentStatus.PARTLY_REFUNDED or sale.refunded):
        return Reason.PARTLY_REFUNDED, {"currency": sale.currency, "total": sale.total, "refunded": sale.refunded}
    reason = reason or _STATUS_REASONS.get(status)
    if reason is not None:
        return reason, {"status": str(status), "payment_status": str(payment)}
    if not sale.lines:
        return Reason.NO_LINES, {}
    return None


def wrong_total(sale: Sale, tolerance: int) -> Obstacle | None:
    """Why the order's sums cannot be booked, or None when they foot within `tolerance` minor units.

    `difference` is charged less added up: positive when the channel charged more than its lines explain. A total
    below zero adds up but is no sale, so it is a payload we do not understand.
    """
    added_up = foot(sale)
    difference = sale.total - added_up
    if abs(difference) > tolerance:
        sums = {"charged": sale.total, "added_up": added_up, "difference": difference}
        return Reason.TOTAL_MISMATCH, {"currency": sale.currency, **sums}
    if sale.total < 0:
        return Reason.BAD_PAYLOAD, {"currency": sale.currency, "charged": sale.total}
    return None


def invoice_date(
    rule: InvoiceDateRule, created_at: datetime, paid_at: datetime | None, shipped_at: datetime | None, time_zone: str
) -> date | None:
    """The day, in the store's own zone, of the event that the store's rule names; None when it has no time yet.

    No event stands in for another: a wrong month on an invoice is worse than an order that waits. ValueError for a
    time without a zone, which would be read in the server's zone.
    """
    moment = {"created": created_at, "paid": paid_at, "shipped": shipped_at}[rule]
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"{rule} time {moment} has no zone")
    return moment.astimezone(ZoneInfo(time_zone)).date()


def open_day(
    order: Dated, rule: InvoiceDateRule, time_zone: str, *, book_on: date | None, closed_through: date | None
) -> date:
    """The day that the invoice carries: the one a person chose for it, or the rule's.

    CannotBook when the event has no time yet, or the day is closed.
    """
    day = book_on or invoice_date(rule, order.created_at, order.paid_at, order.shipped_at, time_zone)
    if day is None:
        raise CannotBook(Reason.DATE_MISSING, {"rule": rule})
    if closed_through is not None and day <= closed_through:
        closed = {"day": day.isoformat(), "closed_through": closed_through.isoformat()}
        raise CannotBook(Reason.PERIOD_LOCKED, closed)
    return day


def draft_invoice(
    order: BookableOrder,
    *,
    time_zone: str,
    date_rule: InvoiceDateRule,
    closed_through: date | None = None,
    rounding_tolerance: int = 5,
) -> InvoiceDraft:
    """The invoice of one order, or `CannotBook`.

    Everything is checked again here although `plan.decide` checked it when the order was read: the order may have
    been changed between, and this is the last moment at which nothing has happened.
    """
    obstacle = not_a_sale(order) or wrong_total(order, rounding_tolerance)
    if obstacle is not None:
        raise CannotBook(*obstacle)
    day = open_day(order, date_rule, time_zone, book_on=order.book_on, closed_through=closed_through)
    rounding = order.total - foot(order)
    items = [_item(line) for line in order.lines]
    return InvoiceDraft(
        order_id=order.order_id,
        invoice_date=day,
        currency=order.currency,
        lines=(*items, *_extras(order, rounding)),
        subtotal=sum(line.amount for line in items),
        discount=order.discount,
        shipping=order.shipping,
        adjustment=order.adjustment,
        tax=order.tax,
        tax_included=order.tax_included,
        rounding=rounding,
        total=order.total,
    )


def _item(line: BookableLine) -> DraftLine:
    return DraftLine(
        LineKind.ITEM,
        line.sku,
        line.description,
        line.quantity,
        line.unit_price,
        line.discount,
        line.tax,
        line.gross - line.discount,
    )


def _extras(order: BookableOrder, rounding: int) -> list[DraftLine]:
    """One line for each part of the total that is not an item; parts that are zero have no line."""
    amounts = (
        (LineKind.SHIPPING, order.shipping),
        (LineKind.DISCOUNT, -order.discount),
        (LineKind.ADJUSTMENT, order.adjustment),
        (LineKind.ROUNDING, rounding),
    )
    extras = [DraftLine(kind, "", "", _ONE, amount, 0, 0, amount) for kind, amount in amounts if amount]
    loose_tax = order.tax - sum(line.tax for line in order.lines)
    if loose_tax:
        extras.append(DraftLine(LineKind.TAX, "", "", _ONE, 0, 0, loose_tax, 0))
    return extras
