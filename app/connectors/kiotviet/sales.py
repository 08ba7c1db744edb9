"""KiotViet's orders and invoices → `app.core.types`. No I/O; the quirks of the wire end here.

An order that cannot be read becomes an UnreadableOrder with the reason in words; it never spoils its page. A digest
is made of what we keep, not of the payload: a list and a detail say the same thing with different members around it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import orjson
from flask_babel import gettext as _

from app.connectors.fields import PROSE_LENGTH, Row, has, kept, missing, name, prose, remote_id, text, unreadable
from app.connectors.kiotviet.fields import (
    CURRENCY,
    amount,
    dong,
    mappings,
    moment,
    part_of_row,
    pieces,
    required_amount,
    rows_of,
    sha256,
)
from app.core.errors import BadPayload
from app.core.money import LIMIT
from app.core.types import (
    OrderStatus,
    OrderStub,
    OrderType,
    PaymentStatus,
    RemoteLine,
    RemoteOrder,
    UnreadableOrder,
)

log = logging.getLogger(__name__)

MOST_LINES: Final = 1_000
MARK = re.compile(r"\[cb:([0-9a-f]{32})\]\s*\Z", re.ASCII)
"""Ends the description of an order that we made there; what it names is `OrderWrite.key`."""
_SOLD = ("purchaseDate", "createdDate")
_CHANGED = ("modifiedDate", "createdDate")

ORDER_STATUSES: Mapping[str, OrderStatus] = MappingProxyType(
    {
        "1": OrderStatus.OPEN,
        "2": OrderStatus.SHIPPED,
        "3": OrderStatus.COMPLETED,
        "4": OrderStatus.CANCELLED,
        "5": OrderStatus.PROCESSING,
    }
)
INVOICE_STATUSES: Mapping[str, OrderStatus] = MappingProxyType(
    {
        "1": OrderStatus.COMPLETED,
        "2": OrderStatus.CANCELLED,
        "3": OrderStatus.PROCESSING,
        "5": OrderStatus.RETURNED,
    }
)
_SALE_CHANNELS: Mapping[str, OrderType] = MappingProxyType(
    {
        "website": OrderType.WEBSTORE,
        "facebook": OrderType.SOCIAL_COMMERCE,
        "instagram": OrderType.SOCIAL_COMMERCE,
        "zalo": OrderType.SOCIAL_COMMERCE,
        "shopee": OrderType.MARKETPLACE,
        "lazada": OrderType.MARKETPLACE,
        "tiki": OrderType.MARKETPLACE,
        "sendo": OrderType.MARKETPLACE,
        "tiktokshop": OrderType.MARKETPLACE,
    }
)


@dataclass(frozen=True, slots=True)
class Paper:
    """One of the two kinds of papers that a sale may be: where it is asked for, and how it names its parts."""

    path: str
    lines: str
    delivery: str
    statuses: Mapping[str, OrderStatus]
    options: Mapping[str, str]
    """What a list must be asked for, so that it says as much as a detail does."""


PAPERS: Mapping[str, Paper] = MappingProxyType(
    {
        paper.path: paper
        for paper in (
            Paper(
                "orders",
                "orderDetails",
                "orderDelivery",
                ORDER_STATUSES,
                {"includePayment": "true", "includeOrderDelivery": "true"},
            ),
            Paper(
                "invoices",
                "invoiceDetails",
                "invoiceDelivery",
                INVOICE_STATUSES,
                {"includePayment": "true", "includeInvoiceDelivery": "true"},
            ),
        )
    }
)


def sale_id(paper: Paper, row: Any) -> str:
    """The id of a sale among ours, '' where the row has none."""
    found = remote_id(row, "id") if isinstance(row, Mapping) else ""
    return f"{paper.path}/{found}" if found else ""


def part_of(row: Row) -> str:
    """The number of the order that an invoice is of, '' of a sale by itself."""
    return text(row, "orderCode") or text(row, "orderId")


def is_part(row: Any) -> bool:
    """Whether a row is only another paper of an order."""
    return isinstance(row, Mapping) and part_of(row) != ""


def made_by(paper: Paper, row: Row) -> str:
    """The key under which we made an order there; an invoice is never of our making."""
    found = MARK.search(text(row, "description")) if paper.path == "orders" else None
    return found[1] if found else ""


def parse_stub(paper: Paper, row: Any, order: RemoteOrder | UnreadableOrder | None) -> OrderStub:
    """One row of a list, whose order was read from it; None of a row that is part of another order, which nobody reads.

    BadPayload without an id.
    """
    found = sale_id(paper, row)
    if not found:
        raise missing("id")
    readable = order if isinstance(order, RemoteOrder) else None
    return OrderStub(
        remote_id=found,
        marketplace_id=remote_id(row, "branchId"),
        status=_status_text(row),
        payment_status=readable.payment_status_text if readable else "",
        created_at=readable.created_at if readable else _told_time(row),
        digest=sha256([readable.digest if readable else row, text(row, *_CHANGED)]),
        part_of=part_of(row),
        made_by=made_by(paper, row),
        number=text(row, "code"),
    )


def _told_time(row: Row) -> datetime | None:
    """When it was sold, as far as that can be read."""
    try:
        return moment(row, *_SOLD)
    except BadPayload:
        return None


def parse_sale(paper: Paper, row: Any) -> RemoteOrder | UnreadableOrder:
    """One order or invoice in full, or why it cannot be read."""
    try:
        found = _sale(paper, row)
        orjson.dumps(row)  # what is kept of it must be fit to be stored
        return found
    except BadPayload as error:
        problem = error.user_message
    except (RecursionError, orjson.JSONEncodeError):
        problem = _("Its fields stand deeper in each other than we can read.")
    except Exception:
        # A payload that nobody foresaw is our mistake, but it must not stop the orders beside it.
        log.exception("an order's payload was not foreseen")
        problem = _("We do not understand this order. That is our mistake: please report it.")
    return UnreadableOrder(sale_id(paper, row), problem, kept(row) if isinstance(row, Mapping) else {})


def _sale(paper: Paper, row: Row) -> RemoteOrder:
    sold_at = moment(row, *_SOLD)
    if sold_at is None:
        raise BadPayload(_("The order has no creation date."))
    branch = remote_id(row, "branchId")
    if not branch:
        raise missing("branchId")
    lines, worth = _lines(paper, row)
    sums = _sums(row, lines, worth)
    status = paper.statuses.get(text(row, "status"), OrderStatus.UNKNOWN)
    is_paid = (amount(row, "totalPayment") or Decimal(0)) >= sums.exact_total
    parts: dict[str, Any] = {
        "remote_id": sale_id(paper, row),
        "number": name(row, "code") or sale_id(paper, row),
        "marketplace_id": branch,
        "order_type": _order_type(row),
        "status": status,
        "status_text": _status_text(row),
        "payment_status": PaymentStatus.PAID if is_paid else PaymentStatus.UNPAID,
        "payment_status_text": "Paid" if is_paid else "Unpaid",
        "gateway": _gateway(row),
        "invoice_no": "",
        "currency": CURRENCY,
        "created_at": sold_at,
        "paid_at": (_paid_at(row) or sold_at) if is_paid else None,
        "shipped_at": None,
        "buyer": _buyer(paper, row),
        "note": MARK.sub("", prose(row, "description")).strip(),
        "lines": lines,
        "shipping": 0,
        "discount": sums.discount,
        "adjustment": sums.adjustment,
        "tax": sums.tax,
        "tax_included": sums.tax_included,
        "total": sums.total,
        "refunded": 0,
    }
    return RemoteOrder(
        **parts,
        updated_at=moment(row, *_CHANGED),
        digest=_digest(parts),
        raw=row,
        part_of=part_of(row),
        made_by=made_by(paper, row),
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    discount: int
    adjustment: int
    tax: int
    tax_included: bool
    total: int
    exact_total: Decimal


def _sums(row: Row, lines: tuple[RemoteLine, ...], worth: Decimal) -> _Sums:
    """What is added to the lines and taken off them.

    Prices there may have fractions that dong have not: what rounding them line by line makes too much or too little
    is put right in the adjustment, so that a sale that foots there foots here. Whether a tax that is told is part
    of the prices is not said anywhere: the total shows it.
    """
    total, discount = required_amount(row, "total"), amount(row, "discount")
    if discount is None:
        discount = worth * (amount(row, "discountRatio") or Decimal(0)) / 100
    charges = _surcharges(row)
    tax = amount(row, "totalTax") or Decimal(0)
    before_tax = worth - discount + charges
    tax_included = not tax or dong(before_tax) == dong(total) or dong(before_tax + tax) != dong(total)
    kept = sum(line.gross - line.discount for line in lines) - dong(abs(discount))
    return _Sums(
        discount=dong(abs(discount)),
        adjustment=dong(before_tax) - kept,
        tax=dong(tax),
        tax_included=tax_included,
        total=dong(total),
        exact_total=total,
    )


def _surcharges(row: Row) -> Decimal:
    charges = (amount(one, "price", "surValue") for one in mappings(row, "invoiceOrderSurcharges"))
    return sum((charge for charge in charges if charge is not None), Decimal(0))


def _lines(paper: Paper, row: Row) -> tuple[tuple[RemoteLine, ...], Decimal]:
    """The lines, and what they come to exactly."""
    if not has(row, paper.lines):
        raise missing(paper.lines)
    items = rows_of(row[paper.lines])
    if len(items) > MOST_LINES:
        raise BadPayload(_("The order has more than %(count)s lines.", count=MOST_LINES))
    lines: list[RemoteLine] = []
    taken: set[str] = set()
    worth = Decimal(0)
    for position, item in enumerate(items, start=1):
        if not isinstance(item, Mapping):
            raise unreadable(paper.lines)
        found = remote_id(item, "productId") or str(position)
        line_id = found if found not in taken else f"{found}-{position}"
        taken.add(line_id)
        line, net = _line(item, line_id)
        lines.append(line)
        worth += net
    return tuple(lines), worth


def _line(item: Row, line_id: str) -> tuple[RemoteLine, Decimal]:
    """One line, and what it comes to exactly: a discount there is one of each piece."""
    if not has(item, "productCode"):
        raise missing("productCode")
    quantity, price = required_amount(item, "quantity"), required_amount(item, "price")
    if quantity < 0 or quantity >= 10**9:
        raise unreadable("quantity")
    each = amount(item, "discount")
    if each is None:
        each = price * (amount(item, "discountRatio") or Decimal(0)) / 100
    gross, net = dong(quantity * price), quantity * (price - abs(each))
    if abs(gross) >= LIMIT:
        raise unreadable("price")
    line = RemoteLine(
        remote_id=line_id,
        sku=name(item, "productCode"),
        isku="",
        name=name(item, "productName", limit=PROSE_LENGTH),
        variant="",
        quantity=pieces(quantity),
        unit_price=dong(price),
        gross=gross,
        discount=dong(quantity * abs(each)),
        tax=0,
    )
    return line, net


def _status_text(row: Row) -> str:
    return text(row, "statusValue")[:200] or text(row, "status")[:200]


def _order_type(row: Row) -> OrderType:
    """By the name of the sale channel; a sale without one was made at the counter."""
    told = name(row, "SaleChannelName", "saleChannelName") or name(part_of_row(row, "SaleChannel"), "Name", "name")
    return _SALE_CHANNELS.get(re.sub(r"[\W_]+", "", told.casefold()), OrderType.POS)


def _gateway(row: Row) -> str:
    """How it was paid: the methods in the order they came, each once."""
    methods = dict.fromkeys(found for one in mappings(row, "payments") if (found := text(one, "method")))
    return " + ".join(methods)[:200]


def _paid_at(row: Row) -> datetime | None:
    """When the last payment came."""
    return max((at for one in mappings(row, "payments") if (at := moment(one, "transDate"))), default=None)


def _buyer(paper: Paper, row: Row) -> Mapping[str, str]:
    """Who bought, under our names; '' where nothing is known. Where it goes stands in the delivery."""
    delivery = part_of_row(row, paper.delivery)
    street = [found for one in ("address", "wardName") if (found := name(delivery, one, limit=PROSE_LENGTH))]
    return {
        "name": name(row, "customerName", limit=PROSE_LENGTH) or name(delivery, "receiver", limit=PROSE_LENGTH),
        "company": "",
        "phone": name(delivery, "contactNumber", limit=PROSE_LENGTH),
        "email": "",
        "address": ", ".join(street),
        "city": name(delivery, "locationName", limit=PROSE_LENGTH),
        "state": "",
        "postcode": "",
        "country": "VN" if delivery else "",
    }


def _digest(parts: Mapping[str, Any]) -> str:
    lines = [tuple(line) for line in parts["lines"]]
    return sha256(dict(parts) | {"buyer": dict(parts["buyer"]), "lines": lines})
