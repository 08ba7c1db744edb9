"""The made-up shop's customers, orders, invoices, returns and purchases, the same for the same seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

from app.sandbox.kiotviet.clock import DAY, SECOND, stamp
from app.sandbox.kiotviet.house import BANKS, BRANCHES, CHANNELS, FIRST, GROUPS, SURCHARGES, USERS
from app.sandbox.kiotviet.invoices import STATUSES as INVOICE_STATUSES
from app.sandbox.kiotviet.orders import OPEN
from app.sandbox.kiotviet.orders import STATUSES as ORDER_STATUSES
from app.sandbox.kiotviet.shop import Body, Shop

SPAN = 90 * DAY
MINUTE = 60 * SECOND
_FIRST_NAMES = ("Nguyễn Thị", "Trần Văn", "Lê Hoàng", "Phạm Thu", "Vũ Đức", "Đặng Minh", "Bùi Ngọc")
_LAST_NAMES = ("An", "Bình", "Chi", "Dũng", "Giang", "Hạnh", "Khôi", "Linh", "Mai", "Phúc", "Thuỷ", "Yến")
_STREETS = ("Hàng Bông", "Lý Thường Kiệt", "Nguyễn Huệ", "Bạch Đằng")
# Of twenty orders in a row: what has become of each.
_FATES = (3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 1, 1, 5, 5, 5, 2, 2, 4, 4, 4)


def made_customers(shop: Shop, seed: int, count: int, until: int) -> Iterator[Body]:
    """So many customers; some without a phone, some sharing one."""
    for number in range(1, count + 1):
        rnd = Random(f"{seed}:customer:{number}")  # noqa: S311  # repeatable on purpose
        created = until - rnd.randrange(SPAN, 600 * DAY)
        group = number % (len(GROUPS) + 2)
        yield {
            "id": FIRST + number - 1,
            "code": f"KH{number:06d}",
            "name": f"{rnd.choice(_FIRST_NAMES)} {rnd.choice(_LAST_NAMES)}",
            "type": int(number % 9 == 0),
            "gender": number % 2 == 0,
            "contactNumber": f"09{number // 2 % 100_000_000:08d}" if number % 10 else None,
            "address": f"{rnd.randrange(1, 300)} {rnd.choice(_STREETS)}",
            "locationName": "Hà Nội",
            "wardName": "Hàng Trống",
            "email": f"buyer{number}@example.com" if number % 3 else None,
            "organization": "Công ty Sông Hồng" if number % 9 == 0 else None,
            "taxCode": f"01{number:08d}" if number % 9 == 0 else None,
            "debt": 0,
            "totalInvoiced": 0,
            "totalRevenue": 0,
            "totalPoint": 0,
            "groups": GROUPS[group] if group < len(GROUPS) else None,
            "groupId": FIRST + group if group < len(GROUPS) else None,
            "branchId": _branch_id(number),
            "retailerId": shop.retailer_id,
            "createdDate": stamp(created, 3),
            "modifiedDate": stamp(created + 3 * DAY, 7) if number % 4 else None,
        }


class Till:
    """Makes orders and invoices of what there is to sell, and remembers what the open orders reserve."""

    def __init__(self, shop: Shop, seed: int, goods: list[Body], customers: list[Body], until: int) -> None:
        self._retailer_id, self._seed, self._until = shop.retailer_id, seed, until
        self._goods = [one for one in goods if one["isActive"] and one["allowsSale"]]
        self._customers = customers
        self._serials = {
            one["id"]: one["productSerials"][0]["serialNumber"] for one in goods if "productSerials" in one
        }
        self.invoices: list[Body] = []
        self.reserved: dict[tuple[int, int], float] = defaultdict(float)

    def orders(self, count: int) -> Iterator[Body]:
        """So many orders over the span that ends at `until`, oldest first; the completed ones leave invoices."""
        for number in range(1, count + 1):
            rnd = Random(self._seed * 1_000_003 + number)  # noqa: S311  # repeatable on purpose
            created = self._until - SPAN * (count - number) // max(count, 1) - rnd.randrange(MINUTE, 5 * MINUTE)
            status = _FATES[number % 20]
            body = self._document(rnd, number, created, FIRST + number - 1, f"DH{number:06d}")
            lines = self._lines(rnd)
            order = {
                **body,
                **_sums(rnd, lines, created),
                "status": status,
                "statusValue": ORDER_STATUSES[status],
                "orderDetails": lines,
                "orderDelivery": self._delivery(rnd, body) if number % 3 == 0 else None,
            }
            order |= _payment(rnd, order, paid=status == 3, code=f"TTDH{number:06d}", at=created)
            if status in OPEN:
                for line in lines:
                    self.reserved[line["productId"], order["branchId"]] += line["quantity"]
            if status in (2, 3):
                self._invoice(rnd, order, lines)
            yield order

    def counter_sales(self, count: int) -> None:
        """Leave so many invoices that no order came before."""
        for number in range(1, count + 1):
            rnd = Random(self._seed * 1_000_033 + number)  # noqa: S311  # repeatable on purpose
            created = self._until - SPAN * (count - number) // max(count, 1) - rnd.randrange(MINUTE, 5 * MINUTE)
            lines = self._lines(rnd)
            body = self._document(rnd, number, created, 0, "")
            sale: Body = {**body, **_sums(rnd, lines, created), "code": None, "id": 0}
            sale |= _payment(rnd, sale, paid=True, code=f"TTHD{number:06d}", at=created)
            self._invoice(rnd, sale, lines, cancelled=number % 25 == 0)

    def _invoice(self, rnd: Random, sale: Body, lines: list[Body], *, cancelled: bool = False) -> None:
        number = len(self.invoices) + 1
        status = 2 if cancelled else 3 if sale.get("status") == 2 else 1
        delivery = sale.get("orderDelivery")
        left = ("status", "statusValue", "orderDetails", "orderDelivery")
        invoice = {name: value for name, value in sale.items() if name not in left}
        invoice |= {
            "id": FIRST + number - 1,
            "code": f"HD{number:06d}",
            "orderId": sale["id"] or None,
            "orderCode": sale["code"],
            "status": status,
            "statusValue": INVOICE_STATUSES[status],
            "invoiceDetails": [{**line, "serialNumbers": self._serials.get(line["productId"])} for line in lines],
            "invoiceDelivery": {**delivery, "status": 2, "statusValue": "Đang giao hàng"} if delivery else None,
        }
        self.invoices.append(invoice)

    def _document(self, rnd: Random, number: int, created: int, record_id: int, code: str) -> Body:
        customer = rnd.choice(self._customers) if self._customers and number % 4 else {}
        user = rnd.randrange(len(USERS))
        channel = rnd.randrange(len(CHANNELS))
        edited = min(created + rnd.randrange(MINUTE, 2 * DAY), self._until)
        return {
            "id": record_id,
            "code": code,
            "purchaseDate": stamp(created, 3),
            "branchId": _branch_id(number),
            "branchName": BRANCHES[number % len(BRANCHES)][0],
            "soldById": FIRST + user,
            "soldByName": USERS[user][1],
            "customerId": customer.get("id"),
            "customerCode": customer.get("code"),
            "customerName": customer.get("name"),
            "description": "Giao giờ hành chính" if number % 11 == 0 else None,
            "usingCod": number % 6 == 0,
            "retailerId": self._retailer_id,
            "createdDate": stamp(created, (3, 7, 0)[number % 3]),
            "modifiedDate": stamp(edited, (7, 0, 3)[number % 3]) if number % 8 else None,
            "saleChannelId": 1 + channel if number % 5 else None,
            "SaleChannelName": CHANNELS[channel] if number % 5 else None,
        }

    def _lines(self, rnd: Random) -> list[Body]:
        lines = []
        for product in rnd.sample(self._goods, min(rnd.choice((1, 1, 2, 3)), len(self._goods))):
            price = product["basePrice"]
            ratio = rnd.choice((0, 0, 0, 5, 10))
            lines.append(
                {
                    "productId": product["id"],
                    "productCode": product["code"],
                    "productName": product["fullName"],
                    "isMaster": True,
                    "quantity": rnd.choice((1, 1, 1, 2, 3, 1.5)),
                    "price": price,
                    "discount": price * ratio // 100 if ratio else None,
                    "discountRatio": ratio or None,
                    "note": "Gói kỹ" if rnd.random() < 0.05 else None,
                }
            )
        return lines

    @staticmethod
    def _delivery(rnd: Random, body: Body) -> Body:
        return {
            "deliveryCode": f"VD{body['id'] - FIRST + 1:06d}",
            "type": 1,
            "price": 25_000,
            "receiver": body["customerName"] or "Khách lẻ",
            "contactNumber": f"09{rnd.randrange(10**8):08d}",
            "address": f"{rnd.randrange(1, 300)} {rnd.choice(_STREETS)}",
            "locationName": "Hà Nội - Hoàn Kiếm",
            "wardName": "Hàng Trống",
            "weight": 500,
        }


def made_returns(invoices: list[Body], until: int) -> Iterator[Body]:
    """One return of every fiftieth invoice."""
    for number, invoice in enumerate(invoices[::50], start=1):
        line = invoice["invoiceDetails"][0]
        amount = line["quantity"] * (line["price"] - (line["discount"] or 0))
        kept = ("branchId", "branchName", "soldByName", "customerId", "customerCode", "customerName", "retailerId")
        yield {
            "id": FIRST + number - 1,
            "code": f"TH{number:06d}",
            "invoiceId": invoice["id"],
            **{name: invoice[name] for name in kept},
            "returnDate": stamp(until, 3),
            "returnTotal": amount,
            "totalPayment": amount,
            "status": 1,
            "statusValue": "Đã trả",
            "createdDate": stamp(until - number * MINUTE, 3),
            "returnDetails": [{**line, "subTotal": amount, "usePoint": False}],
        }


def made_purchases(shop: Shop, goods: list[Body], until: int) -> Iterator[Body]:
    """One purchase of every fortieth product, in the three statuses that there are."""
    for number, product in enumerate(goods[::40], start=1):
        status = 1 + number % 3
        at = until - number * MINUTE
        yield {
            "id": FIRST + number - 1,
            "code": f"PN{number:06d}",
            "retailerId": shop.retailer_id,
            "branchId": _branch_id(0),
            "branchName": BRANCHES[0][0],
            "purchaseDate": stamp(at, 3),
            "createdDate": stamp(at, 3),
            "supplierId": FIRST,
            "supplierCode": "NCC000001",
            "supplierName": "Xưởng gốm Sông Hồng",
            "status": status,
            "statusValue": ("Phiếu tạm", "Đã hủy", "Đã nhập hàng")[status - 1],
            "total": product["basePrice"] * 6,
            "purchaseOrderDetails": [
                {
                    "productId": product["id"],
                    "productCode": product["code"],
                    "productName": product["fullName"],
                    "quantity": 10,
                    "price": product["basePrice"] * 6 // 10,
                }
            ],
        }


def _branch_id(number: int) -> int:
    return 10_001 + number % len(BRANCHES)


def _sums(rnd: Random, lines: list[Body], created: int) -> Body:
    worth = sum(line["quantity"] * (line["price"] - (line["discount"] or 0)) for line in lines)
    worth = int(worth) if worth == int(worth) else worth
    discount = rnd.choice((0, 0, 0, 5_000, 10_000)) if worth > 20_000 else 0
    charge = SURCHARGES[0] if rnd.random() < 0.1 else None
    charges = [
        {
            "id": 1,
            "surchargeId": FIRST,
            "surchargeName": charge[1],
            "surValue": charge[2],
            "price": charge[2],
            "createdDate": stamp(created, 3),
        }
    ] if charge else None  # fmt: skip
    return {
        "total": worth - discount + (charge[2] if charge else 0),
        "discount": discount or None,
        "invoiceOrderSurcharges": charges,
    }


def _payment(rnd: Random, sale: Body, *, paid: bool, code: str, at: int) -> dict[str, Any]:
    amount = sale["total"] if paid else sale["total"] // 2 if rnd.random() < 0.2 else 0
    if not amount:
        return {"totalPayment": 0}
    method = rnd.choice(("Cash", "Cash", "Card", "Transfer"))
    account = None if method == "Cash" else rnd.randrange(len(BANKS))
    payment = {
        "id": FIRST + rnd.randrange(10**8),
        "code": code,
        "amount": amount,
        "method": method,
        "status": 0,
        "statusValue": "Đã thanh toán",
        "transDate": stamp(at, 3),
        "bankAccount": BANKS[account][0] if account is not None else "",
        "accountId": FIRST + account if account is not None else None,
    }
    return {"totalPayment": amount, "payments": [payment]}
