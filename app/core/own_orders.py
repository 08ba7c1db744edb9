"""Orders that are made here: from what a person, a file or a shop's program says to an order like any other.

All three say it in one form, a document of plain values (`read_order`), so that one set of rules and one set of
mistakes serves them all. What was read becomes a `RemoteOrder` (`remote_order`), as a channel would have sent it, and
from there on nothing tells it from one. Totals are worked out here; one that is told is held against it.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar

from app.core.fulfilment import SENT, may_move, next_of
from app.core.money import LIMIT, from_minor, minor_digits, multiply, to_minor
from app.core.typed import is_rather_thousands
from app.core.types import OrderStatus, OrderStub, OrderType, PaymentStatus, RemoteLine, RemoteOrder

KINDS: Final = (
    OrderType.WEBSTORE,
    OrderType.LANDING_PAGE,
    OrderType.SOCIAL_COMMERCE,
    OrderType.POS,
    OrderType.SHOPPING_APP,
)
STATUSES: Final = tuple(status for status in OrderStatus if status != OrderStatus.UNKNOWN)
PAYMENT_STATUSES: Final = (PaymentStatus.UNPAID, PaymentStatus.PAID, PaymentStatus.REFUNDED)
ENDED: Final = frozenset({OrderStatus.CANCELLED, OrderStatus.RETURNED})
MOST_LINES: Final = 200
MOST_MISTAKES: Final = 50
NUMBER_LENGTH: Final = 60
NAME_LENGTH: Final = 300
PROSE_LENGTH: Final = 2000
BUYER: Final = ("name", "company", "phone", "email", "address", "city", "state", "postcode", "country")
FIELDS: Final = (
    *("kind", "number", "status", "payment_status", "payment_method", "currency"),
    *("placed_at", "paid_at", "shipped_at", "buyer", "note", "lines"),
    *("shipping", "discount", "tax", "tax_included", "total"),
)
MOVE_FIELDS: Final = ("status", "payment_status", "payment_method", "package", "courier", "tracking_number")
LINE_FIELDS: Final = ("sku", "name", "variant", "quantity", "unit_price", "discount")
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffd")
_LARGEST_QUANTITY: Final = 10**6
_FIRST_YEAR: Final = 2000
_A_DAY: Final = timedelta(days=1)
_Choice = TypeVar("_Choice", bound=StrEnum)


class Wrong(StrEnum):
    """What is wrong with a field; pages and answers have the words."""

    MISSING = "missing"
    NOT_TEXT = "not_text"
    UNSEEN = "unseen"
    TOO_LONG = "too_long"
    NOT_ONE_OF = "not_one_of"
    NOT_AN_AMOUNT = "not_an_amount"
    NOT_A_QUANTITY = "not_a_quantity"
    NOT_A_MOMENT = "not_a_moment"
    NOT_YET = "not_yet"
    NOT_A_SWITCH = "not_a_switch"
    NOT_A_LIST = "not_a_list"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN = "unknown"
    TOO_MANY = "too_many"
    OTHER_CURRENCY = "other_currency"
    TOO_MUCH_OFF = "too_much_off"
    TOO_LARGE = "too_large"
    TOTAL_DIFFERS = "total_differs"
    ENDED = "ended"
    """What was paid back stays so; a new order is made instead."""
    NOT_NEXT = "not_next"
    """No order goes from the status that it has to this one."""
    OF_SHIPPED = "of_shipped"
    """A single package can be sent; any other status is that of the whole order."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: where it stands in the document, what it is, and the facts that its sentence needs."""

    at: tuple[str | int, ...]
    wrong: Wrong
    facts: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer (RFC 6901)."""
        return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in self.at)


class Mistakes(ValueError):
    """The document is no order; `found` says why, each mistake with its place."""

    def __init__(self, found: Sequence[Mistake]) -> None:
        super().__init__(", ".join(f"{one.pointer}: {one.wrong}" for one in found))
        self.found = tuple(found[:MOST_MISTAKES])


@dataclass(frozen=True, slots=True)
class OwnLine:
    """One line: minor units; `discount` is the line's own, between 0 and `gross`."""

    sku: str
    name: str
    variant: str
    quantity: Decimal
    unit_price: int
    discount: int

    @property
    def gross(self) -> int:
        """Unit price times quantity."""
        return multiply(self.unit_price, self.quantity)


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """An order as it was made here: minor units of `currency`; `number` is '' as long as it has none."""

    kind: OrderType
    number: str
    status: OrderStatus
    payment_status: PaymentStatus
    payment_method: str
    currency: str
    placed_at: datetime | None
    paid_at: datetime | None
    shipped_at: datetime | None
    buyer: Mapping[str, str]
    note: str
    lines: tuple[OwnLine, ...]
    shipping: int
    discount: int
    tax: int
    tax_included: bool

    @property
    def items(self) -> int:
        """What the lines come to."""
        total = 0
        for line in self.lines:
            total += line.gross - line.discount
        return total

    @property
    def total(self) -> int:
        """What the buyer pays."""
        return self.items + self.shipping - self.discount + (0 if self.tax_included else self.tax)

    @property
    def has_ended(self) -> bool:
        """Whether it can go no further."""
        return self.status in ENDED or self.payment_status == PaymentStatus.REFUNDED


def read_order(document: object, *, currency: str, now: datetime) -> OwnOrder:
    """The order that a document of plain values says; Mistakes when it says none.

    Amounts are texts (or exact numbers) in whole units of `currency`; times are ISO 8601 with an offset.
    """
    reader = _Reader(currency, now)
    order = reader.order(document)
    if order is None or reader.found:
        raise Mistakes(reader.found)
    return order


@dataclass(frozen=True, slots=True)
class Move:
    """What happened to an order; what is None stays."""

    status: OrderStatus | None = None
    payment_status: PaymentStatus | None = None
    payment_method: str | None = None
    package: str | None = None
    """The package that it happened to; None for all of them."""
    courier: str | None = None
    tracking_number: str | None = None

    @property
    def is_of_packages(self) -> bool:
        """Whether it says something that packages have and orders have not."""
        return (self.package, self.courier, self.tracking_number) != (None, None, None)


def read_move(document: object) -> Move:
    """What a document says of an order that exists; Mistakes when it says nothing that can be said."""
    reader = _Reader("", datetime.max.replace(tzinfo=UTC))
    told = reader.fields(document, MOVE_FIELDS)
    move = Move(
        status=reader.choice(told, "status", STATUSES),
        payment_status=reader.choice(told, "payment_status", PAYMENT_STATUSES),
        **{
            name: reader.text(told, name, NUMBER_LENGTH)
            for name in ("payment_method", "package", "courier", "tracking_number")
            if name in told
        },
    )
    if not reader.found and not told:
        reader.found.append(Mistake((), Wrong.MISSING))
    if reader.found:
        raise Mistakes(reader.found)
    return move


def as_far_as_read(document: object, *, currency: str, now: datetime) -> OwnOrder | None:
    """The order with nothing in place of what is wrong or missing, for a sum beside a form that is being filled in."""
    return _Reader(currency, now).order(document)


def document_of(order: OwnOrder) -> dict[str, Any]:
    """The document that `read_order` reads as this order."""

    def amount(minor: int) -> str:
        return str(from_minor(minor, order.currency))

    times = {name: getattr(order, name) for name in ("placed_at", "paid_at", "shipped_at")}
    return {
        "kind": str(order.kind),
        "number": order.number,
        "status": str(order.status),
        "payment_status": str(order.payment_status),
        "payment_method": order.payment_method,
        "currency": order.currency,
        **{name: at.isoformat() for name, at in times.items() if at is not None},
        "buyer": {name: text for name, text in order.buyer.items() if text},
        "note": order.note,
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "variant": line.variant,
                "quantity": f"{line.quantity.normalize():f}",
                "unit_price": amount(line.unit_price),
                "discount": amount(line.discount),
            }
            for line in order.lines
        ],
        "shipping": amount(order.shipping),
        "discount": amount(order.discount),
        "tax": amount(order.tax),
        "tax_included": order.tax_included,
        "total": amount(order.total),
    }


def digest_of(order: OwnOrder) -> str:
    """Identifies everything that the order says."""
    text = json.dumps(document_of(order), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def goods_of(order: OwnOrder) -> list[tuple[str, str, str, Decimal]]:
    """What is in the order, line by line, whatever it costs."""
    return [(line.sku, line.name, line.variant, line.quantity) for line in order.lines]


def with_moments(order: OwnOrder, now: datetime) -> OwnOrder:
    """The order with the times that were left out: made now, paid when it was made, sent when it was said."""
    placed_at = order.placed_at or now
    was_paid = order.payment_status != PaymentStatus.UNPAID
    return replace(
        order,
        placed_at=placed_at,
        paid_at=(order.paid_at or placed_at) if was_paid else None,
        shipped_at=order.shipped_at or (now if order.status in SENT else None),
    )


def moved(
    order: OwnOrder,
    *,
    now: datetime,
    status: OrderStatus | None = None,
    payment_status: PaymentStatus | None = None,
    payment_method: str | None = None,
) -> OwnOrder:
    """The order after something happened to it; what is None stays. Mistakes when that cannot happen to it."""
    after = replace(
        order,
        status=status or order.status,
        payment_status=payment_status or order.payment_status,
        payment_method=order.payment_method if payment_method is None else payment_method,
    )
    found = []
    if after.status != order.status and not may_move(order.status, after.status):
        facts = {"status": str(order.status), "possible": " ".join(next_of(order.status))}
        found.append(Mistake(("status",), Wrong.NOT_NEXT, facts))
    if order.payment_status == PaymentStatus.REFUNDED and after.payment_status != PaymentStatus.REFUNDED:
        found.append(Mistake(("payment_status",), Wrong.ENDED))
    if found:
        raise Mistakes(found)
    if after.payment_status == PaymentStatus.PAID and order.payment_status == PaymentStatus.UNPAID:
        after = replace(after, paid_at=now)
    return with_moments(after, now)


def remote_order(order: OwnOrder, *, updated_at: datetime, made_as: str) -> RemoteOrder:
    """The order as its channel sends it, once it has its number and its times; `made_as` is the digest it came with."""
    if order.placed_at is None or not order.number:
        raise ValueError("an order without number or time is not made yet")
    return RemoteOrder(
        remote_id=order.number,
        number=order.number,
        marketplace_id=order.kind,
        order_type=order.kind,
        status=order.status,
        status_text=order.status.replace("_", " ").capitalize(),
        payment_status=order.payment_status,
        payment_status_text=order.payment_status.capitalize(),
        gateway=order.payment_method,
        invoice_no="",
        currency=order.currency,
        created_at=order.placed_at,
        paid_at=order.paid_at,
        shipped_at=order.shipped_at,
        updated_at=updated_at,
        buyer=dict.fromkeys(BUYER, "") | dict(order.buyer),
        note=order.note,
        lines=tuple(_remote_line(number, line) for number, line in enumerate(order.lines, start=1)),
        shipping=order.shipping,
        discount=order.discount,
        adjustment=0,
        tax=order.tax,
        tax_included=order.tax_included,
        total=order.total,
        refunded=order.total if order.payment_status == PaymentStatus.REFUNDED else 0,
        digest=digest_of(order),
        raw=MappingProxyType({"order": document_of(order), "made_as": made_as}),
    )


def stub_of(order: RemoteOrder) -> OrderStub:
    """The order as a row of its channel's list."""
    return OrderStub(
        remote_id=order.remote_id,
        marketplace_id=order.marketplace_id,
        status=order.status_text,
        payment_status=order.payment_status_text,
        created_at=order.created_at,
        digest=order.digest,
    )


def _remote_line(number: int, line: OwnLine) -> RemoteLine:
    return RemoteLine(
        remote_id=str(number),
        sku=line.sku,
        isku=line.sku,
        name=line.name,
        variant=line.variant,
        quantity=line.quantity,
        unit_price=line.unit_price,
        gross=line.gross,
        discount=line.discount,
        tax=0,
    )


class _Reader:
    """Reads a document and collects what is wrong with it; a field that is wrong counts as empty until the end."""

    def __init__(self, currency: str, now: datetime) -> None:
        self.currency, self.now = currency, now
        self.found: list[Mistake] = []

    def order(self, document: object) -> OwnOrder | None:
        """The whole document."""
        told = self._object(document, (), FIELDS)
        if told is None:
            return None
        if self.text(told, "currency", 3) not in ("", self.currency):
            self._add(("currency",), Wrong.OTHER_CURRENCY, currency=self.currency)
        kind = self.choice(told, "kind", KINDS)
        if not told.get("kind"):
            self._add(("kind",), Wrong.MISSING)
        order = OwnOrder(
            kind=kind or OrderType.WEBSTORE,
            number=self.text(told, "number", NUMBER_LENGTH),
            status=self.choice(told, "status", STATUSES) or OrderStatus.OPEN,
            payment_status=self.choice(told, "payment_status", PAYMENT_STATUSES) or PaymentStatus.UNPAID,
            payment_method=self.text(told, "payment_method", NUMBER_LENGTH),
            currency=self.currency,
            placed_at=self.moment(told, "placed_at"),
            paid_at=self.moment(told, "paid_at"),
            shipped_at=self.moment(told, "shipped_at"),
            buyer=self._buyer(told.get("buyer")),
            note=self.text(told, "note", PROSE_LENGTH, prose=True),
            lines=self._lines(told.get("lines")),
            shipping=self.amount(told, "shipping"),
            discount=self.amount(told, "discount"),
            tax=self.amount(told, "tax"),
            tax_included=self._switch(told, "tax_included"),
        )
        if not self.found:
            self._sums(order, told)
        return order

    def text(
        self, told: Mapping[str, Any], name: str, limit: int, *, at: tuple[str | int, ...] = (), prose: bool = False
    ) -> str:
        """A text without edges, in NFC; '' when there is none."""
        value = told.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._add((*at, name), Wrong.NOT_TEXT)
            return ""
        text = unicodedata.normalize("NFC", value).replace("\r\n", "\n").strip()
        if len(text) > limit:
            self._add((*at, name), Wrong.TOO_LONG, limit=limit)
            return ""
        if any(_is_unseen(char, prose=prose) for char in text):
            self._add((*at, name), Wrong.UNSEEN)
            return ""
        return text

    def choice(self, told: Mapping[str, Any], name: str, choices: Sequence[_Choice]) -> _Choice | None:
        """One of some words; None when nothing is told."""
        value = told.get(name)
        if value is None or value == "":
            return None
        found = next((choice for choice in choices if value == choice.value), None)
        if found is None:
            self._add((name,), Wrong.NOT_ONE_OF, choices=", ".join(choices))
        return found

    def moment(self, told: Mapping[str, Any], name: str) -> datetime | None:
        """A time with its offset that is not to come."""
        text = self.text(told, name, 40)
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text)
            is_moment = at.utcoffset() is not None and at.year >= _FIRST_YEAR
            is_to_come = is_moment and at > self.now + _A_DAY
        except (ValueError, OverflowError):
            is_moment = is_to_come = False
        if not is_moment or is_to_come:
            self._add((name,), Wrong.NOT_YET if is_to_come else Wrong.NOT_A_MOMENT)
            return None
        return at

    def amount(
        self, told: Mapping[str, Any], name: str, *, at: tuple[str | int, ...] = (), needed: bool = False
    ) -> int:
        """An amount in minor units that is not below zero; 0 when nothing is told."""
        value = told.get(name)
        if value is None or value == "":
            if needed:
                self._add((*at, name), Wrong.MISSING)
            return 0
        try:
            minor = to_minor(value, self.currency)
        except ValueError:
            minor = -1
        if isinstance(value, str) and is_rather_thousands(value, minor_digits(self.currency)):
            minor = -1
        if minor < 0:
            self._add((*at, name), Wrong.NOT_AN_AMOUNT, currency=self.currency)
            return 0
        return minor

    def _quantity(self, told: Mapping[str, Any], at: tuple[str | int, ...]) -> Decimal:
        value = told.get("quantity")
        if value is None or value == "":
            self._add((*at, "quantity"), Wrong.MISSING)
            return Decimal(1)
        try:
            # An amount of a currency with four decimals: the same spelling and the same precision.
            ten_thousandths = to_minor(value, "CLF")
        except ValueError:
            ten_thousandths = 0
        if not 0 < ten_thousandths <= _LARGEST_QUANTITY * 10_000:
            self._add((*at, "quantity"), Wrong.NOT_A_QUANTITY)
            return Decimal(1)
        return Decimal(ten_thousandths).scaleb(-4)

    def _switch(self, told: Mapping[str, Any], name: str) -> bool:
        value = told.get(name)
        if not isinstance(value, bool | None):
            self._add((name,), Wrong.NOT_A_SWITCH)
        return value is True

    def _buyer(self, value: object) -> dict[str, str]:
        if value is None:
            return {}
        told = self._object(value, ("buyer",), BUYER) or {}
        return {name: self.text(told, name, NAME_LENGTH, at=("buyer",)) for name in BUYER}

    def _lines(self, value: object) -> tuple[OwnLine, ...]:
        if value is None or value == []:
            self._add(("lines",), Wrong.MISSING)
        elif not isinstance(value, list):
            self._add(("lines",), Wrong.NOT_A_LIST)
        elif len(value) > MOST_LINES:
            self._add(("lines",), Wrong.TOO_MANY, limit=MOST_LINES)
        else:
            return tuple(self._line(number, one) for number, one in enumerate(value))
        return ()

    def _line(self, number: int, value: object) -> OwnLine:
        at: tuple[str | int, ...] = ("lines", number)
        told = self._object(value, at, LINE_FIELDS)
        if told is None:
            return OwnLine("", "", "", Decimal(1), 0, 0)
        before = len(self.found)
        line = OwnLine(
            sku=self.text(told, "sku", 100, at=at),
            name=self.text(told, "name", NAME_LENGTH, at=at),
            variant=self.text(told, "variant", 100, at=at),
            quantity=self._quantity(told, at),
            unit_price=self.amount(told, "unit_price", at=at, needed=True),
            discount=self.amount(told, "discount", at=at),
        )
        if len(self.found) == before:
            self._check_line(line, at)
        return line

    def _check_line(self, line: OwnLine, at: tuple[str | int, ...]) -> None:
        if not line.sku and not line.name:
            self._add((*at, "name"), Wrong.MISSING)
        if line.gross >= LIMIT:
            self._add((*at, "unit_price"), Wrong.TOO_LARGE)
        elif line.discount > line.gross:
            self._add((*at, "discount"), Wrong.TOO_MUCH_OFF)

    def _sums(self, order: OwnOrder, told: Mapping[str, Any]) -> None:
        if order.total < 0:
            self._add(("discount",), Wrong.TOO_MUCH_OFF)
        elif max(order.total, order.items) >= LIMIT:
            self._add(("total",), Wrong.TOO_LARGE)
        elif told.get("total") not in (None, ""):
            total = self.amount(told, "total")
            if not self.found and total != order.total:
                sums = {"told": total, "added_up": order.total, "difference": total - order.total}
                self._add(("total",), Wrong.TOTAL_DIFFERS, currency=order.currency, **sums)

    def fields(self, document: object, names: Sequence[str]) -> Mapping[str, Any]:
        """The fields of a document that holds no others; none when it is no object."""
        return self._object(document, (), names) or {}

    def _object(self, value: object, at: tuple[str | int, ...], names: Sequence[str]) -> Mapping[str, Any] | None:
        """An object with no names but these; a misspelt name would be a field that is left out in silence."""
        if not isinstance(value, Mapping):
            self._add(at, Wrong.NOT_AN_OBJECT)
            return None
        for name in value:
            if name not in names:
                self._add((*at, str(name)[:NUMBER_LENGTH]), Wrong.UNKNOWN)
        return value

    def _add(self, at: tuple[str | int, ...], wrong: Wrong, **facts: str | int) -> None:
        if len(self.found) < MOST_MISTAKES:
            self.found.append(Mistake(at, wrong, facts))


def _is_unseen(char: str, *, prose: bool) -> bool:
    """A control character, half a character, or a mark that turns text round and so hides what it says."""
    return (unicodedata.category(char) in ("Cc", "Cs") and not (prose and char in "\n\t")) or char in _TURNING
