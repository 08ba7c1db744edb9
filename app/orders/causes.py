"""What a cause is that needs a person: what is stuck, why, on which channel, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from app.core.reserving import Why
from app.core.states import Reason
from app.orders.filters import OrderFilter

BY_SKU: Final = (Reason.SKU_NOT_FOUND, Reason.SKU_AMBIGUOUS, Reason.PRODUCT_UNLINKED)
"""Causes that are mended SKU by SKU."""
BY_STOCK: Final = frozenset(why.upper() for why in Why)
"""Causes of orders that lack pieces."""


class CauseKind(StrEnum):
    """What is stuck."""

    ORDERS = "orders"
    WRITE_BACKS = "write_backs"
    MOVES = "moves"
    GIVEN = "given"
    """They were made here, and another channel that is to have them has not, or not as they stand."""
    UNREADABLE = "unreadable"
    ALERTS = "alerts"
    STOCK = "stock"
    """They lack pieces of the stock; nothing of them is held for that."""
    CONFLICTS = "conflicts"
    """Two linked stores said different things of them, and one of the two does not count."""


@dataclass(frozen=True, slots=True)
class CauseKey:
    """Names a cause: what is stuck, why (a reason code), and on which channel; `part` is a share of it, as `Part.key`
    names it."""

    kind: CauseKind
    code: str
    channel_id: int
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A share of a cause that is mended by itself: one gateway of those that have no payment method, or the SKUs that
    some orders have in common. `where` finds it in the orders' list, None where no filter can; `item_id` is the item
    of which pieces lack."""

    name: str
    key: str
    mapping_id: int | None
    count: int
    money: Mapping[str, int]
    where: OrderFilter | None
    item_id: int | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause on one channel. `money` is currency → minor units of the orders behind it, `detail` the facts that
    they share; `where` finds them all in the orders' list, None for orders that could not be read.

    `first_at` and `last_at` are when it was first met and last met, `newest` is the key of its newest row.
    """

    key: CauseKey
    channel: str
    count: int
    first_at: datetime
    last_at: datetime
    newest: str = ""
    money: Mapping[str, int] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    where: OrderFilter | None = None

    @property
    def kind(self) -> CauseKind:
        """What is stuck."""
        return self.key.kind

    @property
    def code(self) -> str:
        """Why, as a reason code."""
        return self.key.code

    @property
    def channel_id(self) -> int:
        """Where."""
        return self.key.channel_id

    @property
    def mapping_id(self) -> int | None:
        """The gateway's row in Payment Methods when only one gateway is behind it."""
        return self.parts[0].mapping_id if len(self.parts) == 1 else None

    def only(self, part: Part) -> Cause:
        """The cause of one part's orders alone."""
        key = replace(self.key, part=part.key)
        detail = shared_facts(self.code, part)
        return replace(
            self, key=key, count=part.count, money=part.money, parts=(part,), detail=detail, where=part.where
        )


def shared_facts(code: str, part: Part) -> dict[str, str]:
    """What all orders of a part have in common, for its sentence."""
    if code in BY_STOCK:
        return {"skus": part.key}
    return {"skus" if code in BY_SKU else "gateway": part.name}
