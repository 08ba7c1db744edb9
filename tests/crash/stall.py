"""A shop of KiotViet going on with its own life during a run: it sells, is paid, counts its shelves, and touches orders
that we made there. All of it by the sandbox's control API, which calls it out as an edit of the shop's own people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import requests

from tests.crash.schedule import Act
from tests.crash.vendor import BRANCHES, Vendor
from tests.sandbox.kiotviet.visiting import a_product

MARK: Final = re.compile(r"\[cb:([0-9a-f]{32})\]")
"""By what an order is known that was made by us."""
LARGEST: Final = 1_000
VIETNAM: Final = timedelta(hours=7)
OPEN: Final = (1, 2, 5)
CONFIRMED: Final = {"status": 5, "statusValue": "Đã xác nhận"}
DONE: Final = {"status": 3, "statusValue": "Hoàn thành"}
CALLED_OFF: Final = {"status": 4, "statusValue": "Đã hủy"}
INVOICED: Final = {"status": 1, "statusValue": "Hoàn thành"}
INVOICE_CALLED_OFF: Final = {"status": 2, "statusValue": "Đã hủy"}

Record = dict[str, Any]
Turn = Callable[["Salespeople", float], bool]


class Salespeople:
    """The people of the shop. They remember which orders of ours they touched, for those need not say what ours say."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor, self._shop = vendor, vendor.shop
        self.touched: set[int] = set()

    def turn(self, act: Act) -> bool:
        """Do one turn; False when there is nothing for it, or the shop does not answer."""
        try:
            return THERE[act.what][1](self, act.luck)
        except (requests.RequestException, AssertionError):
            return False

    def records(self, kind: str) -> list[Record]:
        """All records of a kind."""
        found: list[Record] = []
        while True:
            asked = {"limit": str(LARGEST), "offset": str(len(found))}
            answer = self._shop.steer("GET", f"records/{kind}", params=asked)
            found += answer["records"]
            if len(found) >= answer["total"]:
                return found

    def order(self, luck: float) -> bool:
        """Somebody orders."""
        draw = Random(luck)
        status = CONFIRMED if draw.random() < 0.5 else {"status": 1, "statusValue": "Phiếu tạm"}
        return self._add("order", {**self._sale(draw, "orderDetails"), **status})

    def sell(self, luck: float) -> bool:
        """Somebody buys at the counter: there is an invoice, and no order."""
        sale = self._sale(Random(luck), "invoiceDetails")
        return self._add("invoice", {**sale, **INVOICED, **_paid(sale, luck)})

    def bill(self, luck: float) -> bool:
        """An order is sold, and has an invoice from then on."""
        return self._bill(self._pick("order", luck, OPEN))

    def add_piece(self, luck: float) -> bool:
        """One more of the first line."""
        order = self._pick("order", luck, OPEN)
        if order is None or not order["orderDetails"]:
            return False
        first, *others = order["orderDetails"]
        more = {**first, "quantity": first["quantity"] + 1}
        total = order["total"] + first["price"] - (first.get("discount") or 0)
        return self._edit("order", order, {"orderDetails": [more, *others], "total": total})

    def pay(self, luck: float) -> bool:
        """Somebody pays an order."""
        order = self._pick("order", luck, OPEN)
        return order is not None and self._edit("order", order, _paid(order, luck))

    def cancel(self, luck: float) -> bool:
        """An order is called off."""
        order = self._pick("order", luck, OPEN)
        return order is not None and self._edit("order", order, CALLED_OFF)

    def cancel_sale(self, luck: float) -> bool:
        """A sale is called off."""
        sale = self._pick("invoice", luck, (1, 3))
        return sale is not None and self._edit("invoice", sale, INVOICE_CALLED_OFF)

    def bill_ours(self, luck: float) -> bool:
        """They sell what we ordered there, and it ends there before it does here."""
        return self._bill(self._touch(luck))

    def cancel_ours(self, luck: float) -> bool:
        """They call off what we ordered there."""
        order = self._touch(luck)
        return order is not None and self._edit("order", order, CALLED_OFF)

    def count(self, luck: float) -> bool:
        """Somebody counts a shelf, mostly one of what is sold here too."""
        draw = Random(luck)
        product_id = draw.choice(list(self._vendor.products.values()))
        if draw.random() < 0.2:
            others = [one["id"] for one in self.records("product") if one.get("inventories")]
            product_id = draw.choice(others)
        told = {"productId": product_id, "branchId": draw.choice(BRANCHES), "onHand": draw.randrange(60)}
        self._shop.steer("POST", "stock", json=told)
        return True

    def price(self, luck: float) -> bool:
        """Something costs something else."""
        draw = Random(luck)
        product_id = draw.choice(list(self._vendor.products.values()))
        self._shop.steer("PATCH", f"records/product/{product_id}", json={"basePrice": draw.randrange(5, 90) * 1000})
        return True

    def bring(self, luck: float) -> bool:
        """A new product."""
        name = f"MOI-{int(luck * 10**6)}"
        return self._add("product", a_product(code=name, name=name, fullName=name, createdDate=_now()))

    def drop(self, luck: float) -> bool:
        """One of the new products is sold no more."""
        new = [one["id"] for one in self.records("product") if str(one["code"]).startswith("MOI-")]
        if not new:
            return False
        self._shop.steer("DELETE", f"records/product/{new[int(luck * len(new))]}")
        return True

    def touch(self, luck: float) -> bool:
        """Some orders are opened and saved, and say what they said."""
        self._shop.steer("POST", "touch/order", json={"every": 5 + int(luck * 20)})
        return True

    def _sale(self, draw: Random, name: str) -> Record:
        """What a sale says but for where it stands."""
        names = {one["id"]: one for one in self.records("product")}
        known = sorted({*self._vendor.products.values()} & names.keys())
        lines = [
            {
                "productId": product_id,
                "productCode": names[product_id]["code"],
                "productName": names[product_id]["fullName"],
                "isMaster": True,
                "quantity": draw.randrange(1, 4),
                "price": draw.randrange(5, 90) * 1000,
                "discount": draw.choice((None, None, 1_000)),
            }
            for product_id in draw.sample(known, draw.randrange(1, len(known)))
        ]
        total = sum(line["quantity"] * (line["price"] - (line["discount"] or 0)) for line in lines)
        return {
            "purchaseDate": _now(),
            "branchId": draw.choice(BRANCHES),
            "branchName": "Chi nhánh",
            "customerName": "Chị Lan",
            name: lines,
            "total": total,
            "totalPayment": 0,
        }

    def _bill(self, order: Record | None) -> bool:
        if order is None:
            return False
        left = ("id", "code", "createdDate", "modifiedDate", "orderDetails", "orderDelivery", "description")
        sale = {name: value for name, value in order.items() if name not in left}
        of = {"orderId": order["id"], "orderCode": order["code"], "invoiceDetails": order["orderDetails"]}
        return self._add("invoice", {**sale, **of, **INVOICED}) and self._edit("order", order, DONE)

    def _touch(self, luck: float) -> Record | None:
        """An order of ours; it is noted before anything is done to it."""
        order = self._pick("order", luck, OPEN, ours=True)
        if order is not None:
            self.touched.add(order["id"])
        return order

    def _pick(self, kind: str, luck: float, statuses: Sequence[int], *, ours: bool = False) -> Record | None:
        """A record of theirs, or of ours, a late one rather than an early one."""
        found = [one for one in self.records(kind) if one["status"] in statuses and _is_ours(one) == ours][-12:]
        return found[int(luck * len(found))] if found else None

    def _add(self, kind: str, body: Record) -> bool:
        self._shop.add(kind, body)
        return True

    def _edit(self, kind: str, record: Record, fields: Mapping[str, Any]) -> bool:
        self._shop.steer("PATCH", f"records/{kind}/{record['id']}", json=dict(fields))
        return True


def _is_ours(record: Record) -> bool:
    return MARK.search(record.get("description") or "") is not None


def _paid(sale: Record, luck: float) -> Record:
    """What is edited when a sale is paid in full."""
    payment = {
        "id": 1_000_000 + int(luck * 10**6),
        "code": f"TT{int(luck * 10**6)}",
        "amount": sale["total"],
        "method": ("Cash", "Card", "Transfer")[int(luck * 3)],
        "status": 0,
        "statusValue": "Đã thanh toán",
        "transDate": _now(),
    }
    return {"totalPayment": sale["total"], "payments": [payment]}


def _now() -> str:
    """The time on their wall."""
    return f"{(datetime.now(UTC) + VIETNAM).replace(tzinfo=None).isoformat(timespec='milliseconds')}"


THERE: Final[Mapping[str, tuple[int, Turn]]] = {
    "order there": (5, Salespeople.order),
    "sell there": (4, Salespeople.sell),
    "bill there": (2, Salespeople.bill),
    "add a piece there": (3, Salespeople.add_piece),
    "pay there": (3, Salespeople.pay),
    "cancel there": (2, Salespeople.cancel),
    "cancel a sale there": (1, Salespeople.cancel_sale),
    "bill ours there": (2, Salespeople.bill_ours),
    "cancel ours there": (2, Salespeople.cancel_ours),
    "count there": (6, Salespeople.count),
    "price there": (2, Salespeople.price),
    "bring there": (2, Salespeople.bring),
    "drop there": (2, Salespeople.drop),
    "touch there": (1, Salespeople.touch),
}
"""How often something happens there in comparison, and what does it."""
