"""The made-up shop's goods: everything that a connector has to tell apart, the same for the same seed.

Goods come in families of twenty kinds, over and over: plain goods, variants, goods in several units, variants in
several units, combos, services, goods by lot and by serial number, goods no longer traded.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from app.sandbox.kiotviet.clock import DAY, SECOND, stamp
from app.sandbox.kiotviet.dressing import DELETED
from app.sandbox.kiotviet.house import BOOKS, FIRST, MARKS
from app.sandbox.kiotviet.shop import Body, Shop
from app.sandbox.kiotviet.stock import COMBO, GOODS, SERVICE

_NAMES = (
    "Trà sen Tây Hồ", "Cà phê Buôn Mê", "Nước mắm nhĩ", "Bánh cốm", "Mứt gừng", "Hạt điều rang", "Muối tôm",
    "Áo sơ mi lanh", "Áo thun cổ tròn", "Quần đũi", "Khăn lụa Vạn Phúc", "Nón lá", "Túi cói", "Bát sứ men lam",
    "Ấm tử sa", "Giỏ mây", "Đèn lồng Hội An", "Tai nghe", "Cáp sạc", "Sổ tay giấy dó",
)  # fmt: skip
_COLOURS, _SIZES = ("Đỏ", "Xanh", "Vàng", "Nâu"), ("S", "M", "L", "XL")
_UNITS = (("Lon", 1), ("Lốc", 6), ("Thùng", 24))


def made_goods(shop: Shop, seed: int, count: int, until: int, *, kilograms: bool = False) -> list[Body]:
    """About so many products, of which none is newer than `until`; weights are in grams or in kilograms."""
    maker = _Maker(shop, until, kilograms)
    family = 0
    while len(maker.made) < count:
        maker.add_family(Random(f"{seed}:family:{family}"), family)  # noqa: S311  # repeatable on purpose
        family += 1
    return maker.made


class _Maker:
    """Makes one family after the other; what is made refers to what was made before it."""

    def __init__(self, shop: Shop, until: int, kilograms: bool) -> None:
        self.made: list[Body] = []
        self._until, self._kilograms = until, kilograms
        self._retailer_id = shop.retailer_id
        self._branches = shop.every("branch")
        categories = [one for one in shop.every("category") if not one["hasChild"]]
        self._categories = [(one["categoryId"], one["categoryName"]) for one in categories]

    def add_family(self, rnd: Random, family: int) -> None:
        """Add the products of one family."""
        kind = family % 20
        name = f"{_NAMES[family % len(_NAMES)]} {family // len(_NAMES) + 1}"
        category = self._categories[family % len(self._categories)]
        price = rnd.randrange(10, 900) * 1000
        shared = {"categoryId": category[0], "categoryName": category[1]}
        if kind in (8, 9, 10):
            self._add_variants(rnd, name, price, shared)
        elif kind in (11, 12, 13):
            self._add_units(rnd, self._add(rnd, name, price, shared, unit=_UNITS[0][0]))
        elif kind == 14:
            for variant in self._add_variants(rnd, name, price, shared, unit="Gói")[:2]:
                self._add_units(rnd, variant, (("Hộp", 10),))
        elif kind == 15 and len(self.made) > 2:
            self._add_combo(rnd, name, shared)
        elif kind == 16:
            self._add(rnd, f"Công {name.lower()}", price, shared, type=SERVICE, inventories=None, weight=None)
        elif kind == 17:
            self._add_by_lot(rnd, name, price, shared)
        elif kind == 18:
            self._add_by_serial(rnd, name, price, shared)
        elif kind == 19:
            self._add(rnd, name, price, shared, isActive=False, code=f"NGỪNG BÁN {family:04d}")
        else:
            self._add(rnd, name, price, shared, code=f"Mã số {family:04d}" if kind == 7 else None)

    def _add(self, rnd: Random, name: str, price: int, shared: Body, **fields: Any) -> Body:
        product_id = FIRST + len(self.made)
        number = product_id - FIRST + 1
        created = self._until - rnd.randrange(60 * DAY, 700 * DAY)
        edited = min(created + rnd.randrange(40 * DAY), self._until) if number % 7 else None
        unit = fields.get("unit")
        values = [one["attributeValue"] for one in fields.get("attributes", [])]
        grams = rnd.choice((50, 120, 250, 500, 1000, 2500))
        made: Body = {
            "id": product_id,
            "code": fields.pop("code", None) or f"SP{number:06d}",
            "barCode": f"893{number:010d}" if number % 5 else None,
            "retailerId": self._retailer_id,
            "name": name,
            "fullName": " - ".join([name, *values]) + (f" ({unit})" if unit else ""),
            **shared,
            "tradeMarkId": FIRST + number % len(MARKS) if number % 3 else None,
            "tradeMarkName": MARKS[number % len(MARKS)] if number % 3 else None,
            "allowsSale": True,
            "type": GOODS,
            "basePrice": price,
            "weight": (grams / 1000 if self._kilograms else grams) if number % 6 else None,
            "isActive": True,
            "isRewardPoint": True,
            "isLotSerialControl": False,
            "isBatchExpireControl": False,
            "minQuantity": 0,
            "maxQuantity": 999_999,
            "createdDate": stamp(created, (3, 7, 0)[number % 3]),
            "modifiedDate": stamp(edited, (7, 3, 0)[number % 3]) if edited else None,
            "images": [f"https://pictures.example/{number}.jpg "] if number % 4 else [],
            "priceBooks": self._book_prices(product_id, price) if number % 2 else [],
        }
        made["inventories"] = list(self._stock(rnd, made))
        made |= fields
        for attribute in made.get("attributes", []):
            attribute["productId"] = product_id
        self.made.append(made)
        return made

    def _stock(self, rnd: Random, product: Body) -> Iterator[Body]:
        for branch in self._branches:
            on_hand: int | float = rnd.choice((0, 3, 12, 48, 150, 2.5, -2))
            yield {
                "productId": product["id"],
                "productCode": product["code"],
                "productName": product["name"],
                "branchId": branch["id"],
                "branchName": branch["branchName"],
                "onHand": on_hand,
                "cost": product["basePrice"] * 6 // 10,
                "reserved": 0,
                "onOrder": 0,
                "minQuantity": 0,
                "maxQuantity": 999_999,
            }

    @staticmethod
    def _book_prices(product_id: int, price: int) -> list[Body]:
        return [
            {
                "priceBookId": FIRST + place,
                "priceBookName": name,
                "productId": product_id,
                "isActive": True,
                "price": price * (8 + place) // 10,
            }
            for place, name in enumerate(BOOKS)
        ]

    def _add_variants(self, rnd: Random, name: str, price: int, shared: Body, **fields: Any) -> list[Body]:
        colours = rnd.sample(_COLOURS, 2)
        rows: list[Body] = []
        for colour in colours:
            for size in _SIZES[: rnd.randrange(1, 3)]:
                attributes = [
                    {"productId": 0, "attributeName": "Màu", "attributeValue": colour},
                    {"productId": 0, "attributeName": "Cỡ", "attributeValue": size},
                ]
                master = {"masterProductId": rows[0]["id"]} if rows else {"hasVariants": True}
                rows.append(self._add(rnd, name, price, shared, attributes=attributes, **master, **fields))
        rows[-1]["attributes"].append(
            {"productId": rows[-1]["id"], "attributeName": f"Chất liệu{DELETED}", "attributeValue": "Cũ"}
        )
        return rows

    def _add_units(self, rnd: Random, base: Body, units: tuple[tuple[str, int], ...] = _UNITS[1:]) -> None:
        """Add the same goods in larger units: products of their own that show the same stock."""
        base["conversionValue"] = 1
        rows = [base]
        shared = {name: base[name] for name in ("categoryId", "categoryName")}
        kept = {name: base[name] for name in ("masterProductId", "attributes") if name in base}
        if "attributes" in kept:
            kept["attributes"] = [dict(one) for one in kept["attributes"]]
        for unit, size in units:
            row = self._add(
                rnd, base["name"], base["basePrice"] * size * 95 // 100, shared, unit=unit, **kept,
                masterUnitId=base["id"], conversionValue=size,
            )  # fmt: skip
            if base["weight"] is not None:
                row["weight"] = base["weight"] * size
            for mine, theirs in zip(row["inventories"], base["inventories"], strict=True):
                mine["onHand"] = round(theirs["onHand"] / size, 6)
            rows.append(row)
        names = ("id", "code", "name", "fullName", "unit", "conversionValue", "basePrice")
        for row in rows:
            row["units"] = [{name: other[name] for name in names} for other in rows if other is not row]

    def _add_combo(self, rnd: Random, name: str, shared: Body) -> None:
        plain = [one for one in self.made[-60:] if one["type"] == GOODS and one["isActive"]]
        chosen = rnd.sample(plain, min(2, len(plain)))
        parts = [
            {
                "materialId": one["id"],
                "materialCode": one["code"],
                "materialFullName": one["fullName"],
                "materialName": one["name"],
                "quantity": rnd.choice((1, 2)),
                "basePrice": one["basePrice"],
            }
            for one in chosen
        ]
        price = sum(part["quantity"] * part["basePrice"] for part in parts) * 9 // 10
        combo = self._add(rnd, f"Combo {name}", price, shared, type=COMBO, productFormulas=parts)
        for part in parts:
            part["productId"] = combo["id"]

    def _add_by_lot(self, rnd: Random, name: str, price: int, shared: Body) -> None:
        made = self._add(rnd, name, price, shared, isBatchExpireControl=True)
        made["productBatchExpires"] = [
            {
                "productId": made["id"],
                "onHand": 6 * (place + 1),
                "batchName": f"L{made['id'] % 1000:03d}{place}",
                "expireDate": stamp(self._until + (90 + 200 * place) * DAY, 0),
                "fullNameVirgule": f"L{made['id'] % 1000:03d}{place} - {stamp(self._until + 90 * DAY, 0)[:10]}",
                "branchId": self._branches[0]["id"],
            }
            for place in range(2)
        ]

    def _add_by_serial(self, rnd: Random, name: str, price: int, shared: Body) -> None:
        made = self._add(rnd, name, price, shared, isLotSerialControl=True)
        made["productSerials"] = [
            {
                "productId": made["id"],
                "serialNumber": f"IMEI{made['id']}{place}",
                "status": 1 if place else 0,
                "branchId": self._branches[0]["id"],
                "quantity": 1,
                "createdDate": stamp(self._until - 30 * DAY + place * SECOND, 3),
            }
            for place in range(3)
        ]
