"""An order of ours → what KiotViet is sent. No I/O.

The total there is not told but worked out: sum(quantity x (price - discount)) - discount + surcharges, where a line's
discount is one of each piece. So whatever does not divide by the pieces is taken off the whole order, and what is added
to the goods, shipping above all, is a surcharge: then the total there is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from app.connectors.fields import Row, remote_id, text
from app.connectors.kiotviet.fields import amount, dong, mappings
from app.core.money import multiply
from app.core.types import OrderStatus, OrderWrite, OrderWriteLine

_MOST_NOTE: Final = 500
CANCELLED: Final = frozenset({OrderStatus.CANCELLED, OrderStatus.RETURNED})
STATUS_CODES: Mapping[OrderStatus, int] = MappingProxyType(
    {
        OrderStatus.OPEN: 1,
        OrderStatus.PROCESSING: 5,
        OrderStatus.READY_TO_SHIP: 5,
        OrderStatus.ON_HOLD: 1,
        OrderStatus.UNKNOWN: 1,
        OrderStatus.SHIPPED: 2,
        OrderStatus.COMPLETED: 3,
    }
)
_RANKS: Mapping[str, int] = MappingProxyType({"1": 1, "5": 2, "2": 3, "3": 4})
"""How far an order has come, by its status there: their numbers are in no order."""


@dataclass(frozen=True, slots=True)
class Goods:
    """What one product of an order comes to: `residual` is what its price and discount a piece make too much."""

    product_id: int
    code: str
    quantity: Decimal
    price: int
    discount: int
    residual: Decimal


@dataclass(frozen=True, slots=True)
class Sums:
    """What is taken off the whole order, and what is added to it."""

    discount: Decimal
    surcharge: Decimal


def goods_of(lines: Sequence[OrderWriteLine]) -> tuple[Goods, ...]:
    """The lines, those of one product together: KiotViet refuses or joins lines that repeat one."""
    together: dict[str, list[OrderWriteLine]] = {}
    for line in lines:
        together.setdefault(line.product_id, []).append(line)
    return tuple(_goods(some) for some in together.values())


def _goods(lines: Sequence[OrderWriteLine]) -> Goods:
    quantity = sum((line.quantity for line in lines), Decimal(0))
    price = max(line.unit_price for line in lines)
    net = sum(multiply(line.unit_price, line.quantity) - line.discount for line in lines)
    too_much = quantity * price - net
    each = max(0, int(too_much // quantity)) if quantity else 0
    return Goods(int(lines[0].product_id), lines[0].sku, quantity, price, each, too_much - quantity * each)


def sums_of(write: OrderWrite, goods: Sequence[Goods]) -> Sums:
    """What makes the total there ours; neither is negative."""
    worth = sum((one.quantity * (one.price - one.discount) for one in goods), Decimal(0))
    discount = write.discount + sum((one.residual for one in goods), Decimal(0))
    surcharge = write.total - worth + discount
    too_little = max(Decimal(0), -discount, -surcharge)
    return Sums(discount + too_little, surcharge + too_little)


def body_of(write: OrderWrite, goods: Sequence[Goods], sums: Sums, surcharge_id: int | None) -> dict[str, Any]:
    """What is sent whether the order is new or not."""
    charges = [{"id": surcharge_id, "price": _plain(sums.surcharge)}] if surcharge_id is not None else []
    return {
        "branchId": int(write.branch_id),
        "discount": _plain(sums.discount),
        "surchages": charges,  # spelt so
        "orderDetails": [
            {
                "productId": one.product_id,
                "productCode": one.code,
                "quantity": _plain(one.quantity),
                "price": one.price,
                "discount": one.discount,
                "isMaster": True,
            }
            for one in goods
        ],
    }


def introduction(write: OrderWrite) -> dict[str, Any]:
    """What a new order says besides: whose it is, what was paid, and the mark by which it is known again."""
    note = " ".join(write.note.split())[:_MOST_NOTE]
    told: dict[str, Any] = {"description": " ".join(part for part in (write.number, note, mark(write.key)) if part)}
    if write.buyer.get("name"):
        told["customer"] = {
            "name": write.buyer["name"],
            "contactNumber": write.buyer.get("phone", ""),
            "email": write.buyer.get("email", ""),
            "address": _address(write.buyer),
        }
    return told | payment(write, Decimal(0))


def delivery(write: OrderWrite) -> dict[str, Any]:
    """Where it goes, if it goes anywhere."""
    if not write.buyer.get("address"):
        return {}
    where = {
        "receiver": write.buyer.get("name", ""),
        "contactNumber": write.buyer.get("phone", ""),
        "address": _address(write.buyer),
    }
    return {"orderDelivery": where}


def payment(write: OrderWrite, known: Decimal) -> dict[str, Any]:
    """What was paid, where they know of less."""
    if write.paid <= known:
        return {}
    return {"totalPayment": write.paid, "method": _method(write.payment_method)}


def mark(key: str) -> str:
    """What ends the description of an order that we made; `sales.MARK` reads it."""
    return f"[cb:{key}]"


def status_code(write: OrderWrite, row: Row) -> int | None:
    """The status to be asked for, None where the order there has come as far already: nothing is ever set back."""
    wanted = STATUS_CODES[write.status]
    known = _RANKS.get(text(row, "status"))
    return None if known is None or known >= _RANKS[str(wanted)] else wanted


def says_the_same(row: Row, write: OrderWrite, goods: Sequence[Goods]) -> bool:
    """Whether the order there has our branch, lines and total."""
    theirs = sorted(
        (remote_id(one, "productId"), amount(one, "quantity"), amount(one, "price"), amount(one, "discount") or 0)
        for one in mappings(row, "orderDetails")
    )
    ours = sorted((str(one.product_id), one.quantity, Decimal(one.price), Decimal(one.discount)) for one in goods)
    total = amount(row, "total")
    return (
        theirs == ours
        and remote_id(row, "branchId") == write.branch_id
        and total is not None
        and dong(total) == write.total
    )


def _method(told: str) -> str:
    """Their three words for a method; what is none of the first two came over a bank."""
    word = told.casefold()
    if any(part in word for part in ("cash", "cod", "tiền mặt")):
        return "Cash"
    return "Card" if any(part in word for part in ("card", "visa", "thẻ")) else "Transfer"


def _address(buyer: Mapping[str, str]) -> str:
    parts = (buyer.get(name, "").strip() for name in ("address", "postcode", "city", "state", "country"))
    return ", ".join(part for part in parts if part)


def _plain(value: Decimal) -> int | float:
    """A number as JSON has it: a whole one where it is one."""
    return int(value) if value == value.to_integral_value() else float(value)
