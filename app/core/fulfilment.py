"""How an order goes on its way: which status may follow which.

One table serves the order's page, the API, files and a store that reads the order over a link, so that all of them
offer the same and refuse the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.core.types import OrderStatus

FORWARD: Final = (
    OrderStatus.OPEN,
    OrderStatus.PROCESSING,
    OrderStatus.READY_TO_SHIP,
    OrderStatus.SHIPPED,
    OrderStatus.COMPLETED,
)
"""The way of an order that goes well; steps may be skipped, and none is taken back."""
NOT_SENT: Final = frozenset(FORWARD[:3])
"""It is still in the house, and nothing keeps it there."""
SENT: Final = frozenset({OrderStatus.SHIPPED, OrderStatus.COMPLETED})
FINISHED: Final = frozenset({OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.RETURNED})
"""Never opened again; what was completed may still come back."""


def _after(status: OrderStatus) -> frozenset[OrderStatus]:
    ahead = frozenset(FORWARD[FORWARD.index(status) + 1 :])
    if status in NOT_SENT:
        return ahead | {OrderStatus.ON_HOLD, OrderStatus.CANCELLED}
    return ahead | {OrderStatus.RETURNED}


MOVES: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = MappingProxyType(
    {
        **{status: _after(status) for status in FORWARD},
        OrderStatus.ON_HOLD: NOT_SENT | {OrderStatus.CANCELLED},
        OrderStatus.CANCELLED: frozenset(),
        OrderStatus.RETURNED: frozenset(),
        OrderStatus.UNKNOWN: frozenset(),
    }
)
"""Which statuses may follow each. To stay is no move, and so stands nowhere in it."""


def may_move(before: OrderStatus, after: OrderStatus) -> bool:
    """Whether an order that stands at one status may go on to another."""
    return after in MOVES[before]


def next_of(status: OrderStatus) -> tuple[OrderStatus, ...]:
    """What may follow a status, in the order in which it is offered."""
    return tuple(one for one in OrderStatus if one in MOVES[status])
