"""SiteGiant's JSON → `app.core.types`. No I/O; the quirks of the wire end here.

One order that cannot be read becomes an UnreadableOrder with the reason in words; it never spoils its page.

Digests. A stub's digest says whether the list shows anything new: id, both statuses and `updated_at`. An order's
digest identifies its contents: the whole payload except `invoice_no` and `updated_at`. Writing our number changes
just these two, so our own write-back makes the list's digest new (the details are read once more) but never the
order's: it does not look like an order that somebody changed. Whoever cares for the number itself reads
`RemoteOrder.invoice_no`.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import orjson
from flask_babel import gettext as _

from app.connectors.fields import (
    ID_LENGTH,
    NAME_LENGTH,
    PROSE_LENGTH,
    Row,
    first,
    flag,
    has,
    kept,
    missing,
    money,
    name,
    prose,
    quantity,
    remote_id,
    required_money,
    text,
    unreadable,
)
from app.connectors.sitegiant.fields import is_cut, moment, order_id_of
from app.core.errors import BadPayload
from app.core.money import LIMIT, minor_digits, multiply
from app.core.types import (
    OrderStatus,
    OrderStub,
    OrderType,
    PaymentStatus,
    RemoteLine,
    RemoteMarketplace,
    RemoteOrder,
    UnreadableOrder,
)

log = logging.getLogger(__name__)

ORDER_ID = ("order_id", "id")
INVOICE_NO = ("invoice_no", "invoice_number")
CREATED = ("order_creation_date", "created_at", "order_time", "order_date", "create_time")
UPDATED = ("updated_at", "update_time")
MOST_LINES = 1_000
_OURS = frozenset({*INVOICE_NO, *UPDATED})
_BUYER = tuple(
    (part, f"billing_{part}")
    for part in ("company", "phone", "email", "address", "city", "state", "postcode", "country")
)
_ITEMS = ("order_items", "items", "order_lines")
_SKU = ("product_sku", "sku", "item_sku", "variant_sku")
_QUANTITY = ("product_quantity", "quantity", "qty", "quantity_purchased")
_PRICE = ("product_price", "price", "unit_price")

ORDER_STATUSES: Mapping[str, OrderStatus] = MappingProxyType(
    {
        "open": OrderStatus.OPEN,
        "pendingprocess": OrderStatus.PROCESSING,
        "processing": OrderStatus.PROCESSING,
        "processed": OrderStatus.PROCESSING,
        "readytoship": OrderStatus.READY_TO_SHIP,
        "shipped": OrderStatus.SHIPPED,
        "completed": OrderStatus.COMPLETED,
        "onhold": OrderStatus.ON_HOLD,
        "cancelled": OrderStatus.CANCELLED,
        "canceled": OrderStatus.CANCELLED,
        "cancelledbybuyer": OrderStatus.CANCELLED,
        "returned": OrderStatus.RETURNED,
    }
)
PAYMENT_STATUSES: Mapping[str, PaymentStatus] = MappingProxyType(
    {
        "paid": PaymentStatus.PAID,
        "unpaid": PaymentStatus.UNPAID,
        "refunded": PaymentStatus.REFUNDED,
        "partiallyrefunded": PaymentStatus.PARTLY_REFUNDED,
        "partlyrefunded": PaymentStatus.PARTLY_REFUNDED,
    }
)
ORDER_TYPES: Mapping[str, OrderType] = MappingProxyType(
    {
        "": OrderType.WEBSTORE,
        "webstore": OrderType.WEBSTORE,
        "pos": OrderType.POS,
        "landingpage": OrderType.LANDING_PAGE,
        "socialcommerce": OrderType.SOCIAL_COMMERCE,
        "shoppingapp": OrderType.SHOPPING_APP,
        "sitegianterp": OrderType.ERP_LINK,
    }
)


def parse_marketplace(row: Any) -> RemoteMarketplace:
    """One row of the channel list; BadPayload without an id. A currency it does not say, or no real one, is ''."""
    found = remote_id(row, "id", "channel_id") if isinstance(row, Mapping) else ""
    if not found:
        raise missing("id")
    currency = text(row, "currency").upper()
    return RemoteMarketplace(
        remote_id=found,
        name=text(row, "name", "channel_name")[:NAME_LENGTH] or found,
        kind=text(row, "type", "channel_type")[:NAME_LENGTH],
        currency=currency if _is_currency(currency) else "",
    )


def parse_stub(row: Any, marketplace_id: str) -> OrderStub:
    """One row of the order list; BadPayload without an id, for then it cannot even be remembered."""
    found = order_id_of(row, *ORDER_ID) if isinstance(row, Mapping) else ""
    if not found:
        raise missing(ORDER_ID[0])
    status, payment, updated = text(row, "order_status"), text(row, "payment_status"), text(row, *UPDATED)
    try:
        created_at = moment(row, *CREATED)
    except BadPayload:
        created_at = None
    return OrderStub(
        remote_id=found,
        marketplace_id=marketplace_id,
        status=status,
        payment_status=payment,
        created_at=created_at,
        digest=_sha256((found, status, payment, updated)) if updated else None,
    )


def updated_between(row: Any, since: datetime, until: datetime) -> bool:
    """Whether a row of the list says that it was changed between the two, or does not say when."""
    try:
        at = moment(row, *UPDATED) if isinstance(row, Mapping) else None
    except BadPayload:
        at = None
    return at is None or since <= at <= until


def parse_order(row: Row, currencies: Mapping[str, str]) -> RemoteOrder | UnreadableOrder:
    """One order in full, or why it cannot be read."""
    try:
        return _order(row, currencies)
    except BadPayload as error:
        problem = error.user_message
    except (RecursionError, orjson.JSONEncodeError):
        problem = _("Its fields stand deeper in each other than we can read.")
    except Exception:
        # A payload that nobody foresaw is our mistake, but it must not stop the orders beside it.
        log.exception("an order's payload was not foreseen")
        problem = _("We do not understand this order. That is our mistake: please report it.")
    return UnreadableOrder(order_id_of(row, *ORDER_ID), problem, kept(row))


def id_too_long() -> str:
    """What is wrong with an order whose id is cut."""
    return _("Its id is longer than %(limit)s characters, so we cannot ask for it.", limit=ID_LENGTH)


def order_digest(row: Row) -> str:
    """Identifies an order's contents, leaving out what our own write-back changes."""
    return _sha256({key: _plain(value) for key, value in row.items() if key not in _OURS})


def _order(row: Row, currencies: Mapping[str, str]) -> RemoteOrder:
    marketplace_id = remote_id(row, "channel_id")
    if not marketplace_id:
        raise missing("channel_id")
    if not has(row, "marketplace"):
        raise missing("marketplace")
    currency = _currency(row, marketplace_id, currencies)
    created_at = moment(row, *CREATED)
    if created_at is None:
        raise BadPayload(_("The order has no creation date."))
    lines = _lines(row, currency)
    tax = money(row, currency, "tax_total") if has(row, "tax_total") else sum(line.tax for line in lines)
    status_text, payment_text = name(row, "order_status"), name(row, "payment_status")
    found = order_id_of(row, *ORDER_ID)
    if is_cut(found):
        raise BadPayload(id_too_long())
    return RemoteOrder(
        remote_id=found,
        number=name(row, "marketplace_order_id") or found,
        marketplace_id=marketplace_id,
        order_type=ORDER_TYPES.get(_word(text(row, "marketplace")), OrderType.MARKETPLACE),
        status=ORDER_STATUSES.get(_word(status_text), OrderStatus.UNKNOWN),
        status_text=status_text,
        payment_status=PAYMENT_STATUSES.get(_word(payment_text), PaymentStatus.UNKNOWN),
        payment_status_text=payment_text,
        gateway=name(row, "billing_method", "payment_method"),
        invoice_no=name(row, *INVOICE_NO),
        currency=currency,
        created_at=created_at,
        paid_at=moment(row, "paid_time", "paid_at"),
        shipped_at=moment(row, "shipped_time", "shipped_at"),
        updated_at=moment(row, *UPDATED),
        buyer=_buyer(row),
        note=prose(row, "note"),
        lines=lines,
        shipping=money(row, currency, "shipping_fee"),
        discount=abs(money(row, currency, "coupon_amount", "voucher_amount")),
        adjustment=money(row, currency, "other_adjustment_total"),
        tax=tax,
        tax_included=_tax_included(row, tax),
        total=required_money(row, currency, "total"),
        refunded=abs(money(row, currency, "refunded_amount")),
        digest=order_digest(row),
        raw=row,
    )


def _lines(row: Row, currency: str) -> tuple[RemoteLine, ...]:
    items = next((row[name] for name in _ITEMS if name in row), None)
    if not isinstance(items, list):
        raise missing(_ITEMS[0])
    if len(items) > MOST_LINES:
        raise BadPayload(_("The order has more than %(count)s lines.", count=MOST_LINES))
    lines: list[RemoteLine] = []
    taken: set[str] = set()
    for position, item in enumerate(items, start=1):
        if not isinstance(item, Mapping):
            raise unreadable(_ITEMS[0])
        found = remote_id(item, "order_item_id", "id") or str(position)
        line_id = found if found not in taken else f"{found}-{position}"
        taken.add(line_id)
        lines.append(_line(item, line_id, currency))
    return tuple(lines)


def _line(item: Row, line_id: str, currency: str) -> RemoteLine:
    """One line. Only when `product_total` is not sent is it worked out, which is its definition."""
    if not has(item, "isku", *_SKU):
        raise missing(_SKU[0])
    count = quantity(item, *_QUANTITY)
    unit_price = required_money(item, currency, *_PRICE)
    told = first(item, "product_total")
    gross = multiply(unit_price, count) if told is None else money(item, currency, "product_total")
    if abs(gross) >= LIMIT:
        raise unreadable(_PRICE[0])
    return RemoteLine(
        remote_id=line_id,
        sku=name(item, *_SKU),
        isku=name(item, "isku"),
        name=name(item, "product_name", "name", limit=PROSE_LENGTH),
        variant=name(item, "variant", limit=PROSE_LENGTH),
        quantity=count,
        unit_price=unit_price,
        gross=gross,
        discount=abs(money(item, currency, "discount_amount")),
        tax=money(item, currency, "tax_amount"),
    )


def _currency(row: Row, marketplace_id: str, currencies: Mapping[str, str]) -> str:
    """The currency of the order's marketplace; the order itself may only confirm it."""
    currency, own = currencies.get(marketplace_id, ""), text(row, "currency").upper()
    if not _is_currency(currency):
        raise BadPayload(
            _(
                "We do not know the currency of the place it was sold in (%(marketplace)s). Test the connection again.",
                marketplace=text(row, "marketplace") or marketplace_id,
            )
        )
    if own and own != currency:
        raise BadPayload(
            _("The order is in %(own)s, but the place it was sold in has %(theirs)s.", own=own, theirs=currency)
        )
    return currency


def _tax_included(row: Row, tax: int) -> bool:
    """Whether prices include the tax. Only an order with tax must say so."""
    told = flag(row, "tax_inclusive")
    if told is None and tax:
        raise BadPayload(_("The order has tax but does not say whether its prices include it."))
    return bool(told)


def _buyer(row: Row) -> Mapping[str, str]:
    """Who bought, under our names; '' where nothing is known."""
    full_name = f"{name(row, 'billing_firstname')} {name(row, 'billing_lastname')}".strip()
    return {"name": full_name, **{part: name(row, field, limit=PROSE_LENGTH) for part, field in _BUYER}}


@lru_cache(maxsize=256)
def _word(told: str) -> str:
    """A status or kind without case, spaces and punctuation: 'Ready To Ship' and 'ready_to_ship' are one."""
    return re.sub(r"[\W_]+", "", told.casefold())


def _is_currency(code: str) -> bool:
    try:
        minor_digits(code)
    except ValueError:
        return False
    return True


def _sha256(value: Any) -> str:
    """Over canonical JSON."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _plain(value: Any) -> Any:
    """The JSON value with its numbers as text: 1001 and "1001" are the same, for the wire changes its mind about that.

    Most of a payload is text, so that is looked for first.
    """
    if type(value) is str:
        return value
    if type(value) is dict:
        return {key: item if type(item) is str else _plain(item) for key, item in value.items()}
    if type(value) is list:
        return [_plain(item) for item in value]
    return str(value) if type(value) is int else value
