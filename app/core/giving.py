"""What a channel is to be told of an order that was made here, worked out of the order as it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from app.core.own_orders import ENDED
from app.core.types import OrderStatus, OrderWrite, OrderWriteLine, PaymentStatus, RemoteLine, RemoteOrder

LINES_NAMED: Final = 20
"""So many lines without a product are named; more are counted."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a channel sells of an item: its id there, and how many of the base listing one of it holds."""

    remote_id: str
    conversion: Decimal


@dataclass(frozen=True, slots=True)
class Copy:
    """What is known of an order's copy on the channel: as in OrderWrite, and what the channel was last told."""

    key: str
    remote_id: str
    number: str
    tried_at: datetime | None
    told_digest: str


def is_told(order: RemoteOrder, copy: Copy) -> bool:
    """Whether nothing is left to say: the channel knows it so, or was never told of an order that has ended since."""
    was_sent = copy.remote_id != "" or copy.tried_at is not None
    return copy.told_digest == order.digest or (order.status in ENDED and not was_sent)


def is_called_off(order: RemoteOrder) -> bool:
    """Whether the channel need only hear that the order is not wanted any more, whatever is in it."""
    return order.status == OrderStatus.CANCELLED


def best_offer(offers: Iterable[Offer]) -> str:
    """Which of an item's listings a line names: the base one if there is one, else the first. '' when there is none."""
    some = list(offers)
    base = next((offer for offer in some if offer.conversion == 1), None)
    return (base or some[0]).remote_id if some else ""


def unlinked(lines: Sequence[RemoteLine], product_ids: Sequence[str]) -> list[RemoteLine]:
    """The lines that mean nothing that the channel sells."""
    return [line for line, product_id in zip(lines, product_ids, strict=True) if not product_id]


def names_of(lines: Iterable[RemoteLine]) -> str:
    """The lines in words, each once: "KOPI-1 Kopi, TEH-2 Teh"."""
    words = list(dict.fromkeys(f"{line.sku} {line.name}".strip() for line in lines))
    more = len(words) - LINES_NAMED
    return ", ".join(words[:LINES_NAMED]) + (f" … (+{more})" if more > 0 else "")


def order_write(order: RemoteOrder, product_ids: Sequence[str], copy: Copy, branch_id: str) -> OrderWrite:
    """The order as the channel is to have it; `product_ids` are its own, one for each line ('' when called off).

    Tax that the prices hold already is no part of the sum there. ValueError when the parts do not add up to the total:
    the channel adds up by itself, and would ask the buyer for another sum than we do.
    """
    lines = tuple(_line(line, product_id) for line, product_id in zip(order.lines, product_ids, strict=True))
    tax = 0 if order.tax_included else order.tax
    goods = sum(line.gross - line.discount for line in order.lines)
    if goods + order.shipping - order.discount + tax != order.total:
        raise ValueError(f"order {order.number} does not add up")
    return OrderWrite(
        key=copy.key,
        remote_id=copy.remote_id,
        tried_at=copy.tried_at,
        number=order.number,
        branch_id=branch_id,
        placed_at=order.created_at,
        status=order.status,
        buyer=_said(order.buyer),
        note=order.note,
        lines=lines,
        shipping=order.shipping,
        discount=order.discount,
        tax=tax,
        total=order.total,
        paid=_paid(order),
        payment_method=order.gateway,
        currency=order.currency,
    )


def _line(line: RemoteLine, product_id: str) -> OrderWriteLine:
    return OrderWriteLine(product_id, line.sku, line.name, line.quantity, line.unit_price, line.discount)


def _paid(order: RemoteOrder) -> int:
    """What the shop keeps of the buyer's money."""
    if order.payment_status in (PaymentStatus.PAID, PaymentStatus.PARTLY_REFUNDED):
        return max(order.total - order.refunded, 0)
    return 0


def _said(buyer: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in buyer.items() if text}
