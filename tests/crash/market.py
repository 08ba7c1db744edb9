"""The channel going on with its own life during a run: orders come, are paid, cancelled, refunded and changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import requests

from tests.crash.books import ChannelSide, sen
from tests.crash.house import House
from tests.crash.schedule import Act
from tests.sandbox.running import Visitor

FOREIGN = "OTHER-"
LARGEST = 1000

Order = dict[str, Any]
Turn = Callable[["Market", float], bool]


class Market:
    """One shop of the sandbox, turned by hand. It remembers every state that an order was in before."""

    def __init__(self, house: House, key: str) -> None:
        self._visitor = Visitor(house.sandbox, key)
        self._earlier: defaultdict[str, list[Order]] = defaultdict(list)
        self._foreign: dict[str, str] = {}

    def close(self) -> None:
        """Give the connections back."""
        self._visitor.session.close()

    def turn(self, act: Act) -> bool:
        """Do one turn; False when there is no order for it, or the shop does not answer."""
        try:
            return TURNS[act.what](self, act.luck)
        except (requests.RequestException, AssertionError):
            return False

    def remember(self) -> None:
        """Note how every order is, before a fault that may change orders by itself."""
        for order in self._orders():
            self._note(order)

    def side(self, now: ChannelSide) -> ChannelSide:
        """What stands on the channel, with what stood there before; foreign numbers are also known by sight."""
        seen = {name: order["invoice_no"] for name, order in now.named() if order["invoice_no"].startswith(FOREIGN)}
        return ChannelSide(now.orders, now.currencies, now.writes, self._earlier, {**seen, **self._foreign})

    def add(self, luck: float) -> bool:
        """A few new orders."""
        return bool(self._add(1 + int(luck * 9), luck, {}))

    def add_foreign(self, luck: float) -> bool:
        """A paid order that comes with a number of somebody else's."""
        number = f"{FOREIGN}{int(luck * 10**6)}"
        paid = {"order_status": "Completed", "payment_status": "Paid", "refunded_amount": "0.00", "invoice_no": number}
        return bool(self._add(1, luck, paid))

    def pay(self, luck: float) -> bool:
        """Somebody pays at last."""
        return self._act("pay", self._pick(luck, payment_status="Unpaid"))

    def cancel(self, luck: float) -> bool:
        """Somebody changes their mind, paid or not."""
        return self._act("cancel", self._pick(luck))

    def refund(self, luck: float) -> bool:
        """All is given back."""
        return self._act("refund", self._pick(luck, payment_status="Paid"))

    def refund_part(self, luck: float) -> bool:
        """A ringgit is given back."""
        return self._act("refund", self._pick(luck, payment_status="Paid"), {"amount": "1.00"})

    def charge(self, luck: float) -> bool:
        """Another shipping fee, and the total with it."""
        return self._edit(self._pick(luck), lambda _order: {"shipping_fee": f"{3 + int(luck * 1000) % 10}.90"})

    def miscount(self, luck: float) -> bool:
        """A total that its lines do not add up to."""
        return self._edit(self._pick(luck), lambda order: {"total": _ringgit(sen(order["total"]) + 33)})

    def number(self, luck: float) -> bool:
        """Somebody else's number on an order that we cannot have booked: it was never paid."""
        order = self._pick(luck, payment_status="Unpaid", invoiced="0")
        if order is None:
            return False
        number = f"{FOREIGN}{order['order_id']}"
        self._edit(order, lambda _order: {"invoice_no": number})
        self._foreign[str(order["order_id"])] = number
        return True

    def _add(self, count: int, luck: float, fields: Mapping[str, str]) -> list[int]:
        wanted = {"count": count, "seed": int(luck * 10**6), "set": dict(fields)}
        return list(self._visitor.steer("POST", "orders", json=wanted)["order_ids"])

    def _pick(self, luck: float, **having: str) -> Order | None:
        """One of the orders that are so, by luck."""
        found = self._orders(**having)
        return found[int(luck * len(found))] if found else None

    def _orders(self, **having: str) -> list[Order]:
        return list(self._visitor.steer("GET", "orders", params={"limit": str(LARGEST), **having})["orders"])

    def _note(self, order: Order) -> None:
        states = self._earlier[str(order["order_id"])]
        if order not in states:
            states.append(order)

    def _act(self, act: str, order: Order | None, body: Mapping[str, str] | None = None) -> bool:
        if order is None:
            return False
        return self._change(order, lambda path: self._visitor.steer("POST", f"{path}/{act}", json=dict(body or {})))

    def _edit(self, order: Order | None, fields: Callable[[Order], Mapping[str, str]]) -> bool:
        if order is None:
            return False
        wanted = dict(fields(order))
        return self._change(order, lambda path: self._visitor.steer("PATCH", path, json=wanted))

    def _change(self, before: Order, change: Callable[[str], Order]) -> bool:
        """Change an order, and note how it was before also when nobody says whether it was changed."""
        self._note(before)
        change(f"orders/{before['order_id']}")
        return True


def _ringgit(sen: int) -> str:
    return f"{sen // 100}.{sen % 100:02d}"


TURNS: Mapping[str, Turn] = {
    "add": Market.add,
    "add foreign": Market.add_foreign,
    "pay": Market.pay,
    "cancel": Market.cancel,
    "refund": Market.refund,
    "refund part": Market.refund_part,
    "charge": Market.charge,
    "miscount": Market.miscount,
    "number": Market.number,
}
