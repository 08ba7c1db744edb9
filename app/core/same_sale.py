"""When are two orders the same: is it still the sale that was invoiced, and did one sale come by two roads?"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from app.core.types import RemoteLine, RemoteOrder

CLOSE_IN_TIME: Final = timedelta(minutes=10)
"""Two roads tell the moment of one sale differently, by the clocks of two systems."""

_NOT_A_DIGIT = re.compile(r"\D")


@dataclass(frozen=True, slots=True)
class Twin:
    """An order of another channel that looks like the same sale."""

    order_id: int
    channel_id: int
    number: str
    placed_at: datetime


def content_key(order: RemoteOrder) -> str:
    """Identifies what an invoice of the order would say: its lines and amounts, and nothing of its state."""
    lines = [_line(line) for line in order.lines]
    amounts = (order.shipping, order.discount, order.adjustment, order.tax, order.tax_included, order.total)
    return _digest((order.currency, lines, amounts))


def sale_key(order: RemoteOrder) -> str | None:
    """The same for two orders of the same buyer, lines and amount, whichever channels they came by.

    None when the channel says nothing of the buyer: two strangers may well buy the same thing for the same price.
    """
    buyer = _buyer(order.buyer)
    if not buyer or not order.lines:
        return None
    lines = sorted([(_sku(line), _pieces(line.quantity), line.gross - line.discount) for line in order.lines])
    return _digest((order.currency, order.total, buyer, lines))


def twin_of(placed_at: datetime, others: Iterable[Twin]) -> Twin | None:
    """The one among orders with the same sale key that was placed at the same time, the closest first."""
    close = [twin for twin in others if abs(twin.placed_at - placed_at) <= CLOSE_IN_TIME]
    return min(close, key=lambda twin: (abs(twin.placed_at - placed_at), twin.order_id), default=None)


def _buyer(buyer: Mapping[str, str]) -> str:
    """The buyer as compared: by phone, or by mail, or by name; each channel knows the others in its own spelling."""
    phone = _NOT_A_DIGIT.sub("", buyer.get("phone", ""))[-8:]
    return phone or _fold(buyer.get("email", "")) or _fold(buyer.get("name", ""))


def _sku(line: RemoteLine) -> str:
    return _fold(line.isku or line.sku or f"{line.name} {line.variant}")


def _line(line: RemoteLine) -> tuple[object, ...]:
    words = (line.isku or line.sku, line.name, line.variant)
    return *words, _pieces(line.quantity), line.unit_price, line.gross, line.discount, line.tax


@lru_cache(maxsize=1024)
def _pieces(quantity: Decimal) -> str:
    """Remembered, as what follows: most lines are of one, two or three pieces, and of what sells most."""
    return str(quantity.normalize())


@lru_cache(maxsize=1024)
def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _digest(content: object) -> str:
    return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()[:32]
