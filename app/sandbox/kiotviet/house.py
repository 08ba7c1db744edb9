"""The made-up shop's own things, the same in every one: branches, people, channels, categories, and the like."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.sandbox.kiotviet.clock import DAY, stamp
from app.sandbox.kiotviet.shop import Shop

FIRST = 1_000_001

BRANCHES = (
    ("Chi nhánh trung tâm", "12 Hàng Gai", "Hà Nội"),
    ("Kho Long Biên", "Ngõ 5 Ngọc Lâm", "Hà Nội"),
    ("Cửa hàng Đà Nẵng", "77 Lê Duẩn", "Đà Nẵng"),
)
USERS = (("thuha", "Nguyễn Thu Hà"), ("quangvinh", "Trần Quang Vinh"), ("mydung", "Lê Mỹ Dung"))
CHANNELS = ("Bán trực tiếp", "Facebook", "Website", "Shopee", "Lazada", "Khác")
BANKS = (("VCB 0011", "0011002233445"), ("Techcombank", "19033445566"))
SURCHARGES = (("THK000001", "Phí giao hàng", 25_000), ("THK000002", "Gói quà", 10_000))
BOOKS = ("Giá sỉ", "Giá thành viên")
MARKS = ("Sao La", "Hoa Ban", "Gốm Bát Tràng")
GROUPS = ("Khách sỉ", "Khách thân thiết")
CATEGORIES = (
    ("Thực phẩm", ("Đồ uống", "Bánh kẹo", "Gia vị")),
    ("Thời trang", ("Áo", "Quần", "Khăn")),
    ("Nhà cửa", ("Gốm sứ", "Đồ tre")),
    ("Điện tử", ("Phụ kiện",)),
    ("Dịch vụ", ()),
)


def furnish(shop: Shop, until: int, without: Collection[str]) -> None:
    """Give an empty shop all that its goods and sales refer to, but for some kinds; it is two years old."""
    made = {"retailerId": shop.retailer_id, "createdDate": stamp(until - 730 * DAY, 3)}
    rows: dict[str, list[dict[str, Any]]] = {
        "branch": [
            {"branchName": name, "branchCode": f"CN{place}", "address": street, "locationName": city,
             "contactNumber": f"02400000{place}", "email": f"branch{place}@example.com"}
            for place, (name, street, city) in enumerate(BRANCHES, start=1)
        ],
        "user": [{"userName": login, "givenName": name, "email": f"{login}@example.com"} for login, name in USERS],
        "salechannel": [
            {"name": name, "isActive": name != "Lazada", "img": "", "isNotDelete": place == len(CHANNELS)}
            for place, name in enumerate(CHANNELS, start=1)
        ],
        "bankaccount": [{"bankName": name, "accountNumber": number, "description": ""} for name, number in BANKS],
        "surcharge": [
            {"surchargeCode": code, "surchargeName": name, "value": value, "isActive": True,
             "createDate": made["createdDate"]}
            for code, name, value in SURCHARGES
        ],
        "pricebook": [
            {"name": name, "isActive": True, "isGlobal": False, "forAllCusGroup": True, "forAllUser": True,
             "startDate": made["createdDate"], "endDate": stamp(until + 365 * DAY, 3)}
            for name in BOOKS
        ],
        "trademark": [{"tradeMarkName": name} for name in MARKS],
        "customergroup": [{"name": name, "description": "", "discount": 5} for name in GROUPS],
        "supplier": [{"code": "NCC000001", "name": "Xưởng gốm Sông Hồng", "contactNumber": "0240000009"}],
        "location": [{"name": city} for city in ("Hà Nội", "Đà Nẵng", "Hồ Chí Minh")],
        "category": _categories(),
    }  # fmt: skip
    for kind, bodies in rows.items():
        for place, body in enumerate(bodies if kind not in without else ()):
            shop.add(kind, {_id(kind): _first(kind) + place, **body, **made}, quiet=True)


def _id(kind: str) -> str:
    return {"category": "categoryId", "trademark": "tradeMarkId"}.get(kind, "id")


def _first(kind: str) -> int:
    """Some numbers are small on a real shop, such as those of branches and channels."""
    return {"branch": 10_001, "salechannel": 1}.get(kind, FIRST)


def _categories() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, children in CATEGORIES:
        parent_id = FIRST + len(rows)
        rows.append({"categoryName": name, "hasChild": bool(children)})
        rows += [{"categoryName": child, "parentId": parent_id, "hasChild": False} for child in children]
    return rows
