"""Products: goods, their variants and units, combos and services; and what of them is in stock."""

from __future__ import annotations

import json
from decimal import Decimal

from app.sandbox.calling import Answer, wire_text
from app.sandbox.kiotviet.calling import Call, Fields, Refused, success
from app.sandbox.kiotviet.clock import moment_of, stamp
from app.sandbox.kiotviet.documents import found, gone
from app.sandbox.kiotviet.dressing import dressed
from app.sandbox.kiotviet.kinds import KINDS
from app.sandbox.kiotviet.listing import listed, order_sql, page_of, picked
from app.sandbox.kiotviet.outbox import tell
from app.sandbox.kiotviet.reading import amount, members, number, parts, plain, text
from app.sandbox.kiotviet.shop import Body, UnknownRecord, without_nulls
from app.sandbox.kiotviet.stock import GOODS, set_on_hand, stock_of
from app.sandbox.kiotviet.writes import note

ERROR = "KvValidateProductException"
DONE = "Cập nhật dữ liệu thành công"
_KNOWN = {
    "code": "text", "barCode": "text", "name": "text", "fullName": "text", "categoryId": "number",
    "tradeMarkId": "number", "allowsSale": "flag", "description": "text", "hasVariants": "flag", "unit": "text",
    "masterProductId": "number", "masterUnitId": "number", "conversionValue": "amount", "basePrice": "amount",
    "weight": "amount", "isActive": "flag", "isRewardPoint": "flag", "isLotSerialControl": "flag",
    "isBatchExpireControl": "flag", "orderTemplate": "text", "minQuantity": "amount", "maxQuantity": "amount",
}  # fmt: skip


def create(call: Call) -> Answer:
    """POST /products."""
    with call.shop.db.transaction():
        made = _create(call, call.fields())
    return success(dressed(call, KINDS["product"], without_nulls(made)))


def update(call: Call) -> Answer:
    """PUT /products/ID."""
    with call.shop.db.transaction():
        changed = _update(call, int(call.tail), call.fields())
    return success(dressed(call, KINDS["product"], without_nulls(changed)))


def create_many(call: Call) -> Answer:
    """POST /listaddproducts: all or none."""
    with call.shop.db.transaction():
        for one in parts(call.fields(), "listproducts") or []:
            _create(call, one)
    return success({"message": DONE})


def update_many(call: Call) -> Answer:
    """PUT /listupdatedproducts: all or none."""
    with call.shop.db.transaction():
        for one in parts(call.fields(), "listproducts") or []:
            _update(call, number(one, "id") or 0, one)
    return success({"message": DONE})


def stock_list(call: Call) -> Answer:
    """GET /productOnHands: the stock alone, also of what has moved since and was not edited."""
    branches = call.numbers("branchids")
    kind = KINDS["product"]
    total, size, texts = page_of(
        call,
        picked(call, kind, by_stock=True),
        "SELECT json_object('moved', stock_us, 'product', json(body)) FROM records",
        order_sql(call, kind),
    )
    key = call.dialect["onhand_key"]

    def row(found: str) -> str:
        read = json.loads(found)
        product, moved = read["product"], read["moved"]
        edited = product.get("modifiedDate")
        if moved and (not edited or moved > moment_of(edited)):
            edited = stamp(moved)
        stocks = [
            {"branchId": one["branchId"], key: one.get("onHand", 0), "reserved": one.get("reserved", 0)}
            for one in product.get("inventories", [])
            if not branches or one["branchId"] in branches
        ]
        told = {name: product.get(name) for name in ("id", "code", "createdDate")}
        return wire_text(without_nulls(told | {"modifiedDate": edited, "inventories": stocks}))

    return listed(call, total, size, [row(one) for one in texts])


def attributes(call: Call) -> Answer:
    """GET /attributes/allwithdistinctvalue: a bare list of every attribute with the values in use."""
    found = call.shop.db.rows(
        """SELECT DISTINCT json_extract(one.value, '$.attributeName'), json_extract(one.value, '$.attributeValue')
           FROM records, json_each(body, '$.attributes') AS one WHERE shop_id = ? AND kind = 'product'
           ORDER BY 1, 2""",
        (call.shop.shop_id,),
    )
    names = list(dict.fromkeys(row[0] for row in found))
    return success(
        [
            {
                "name": name,
                "id": place,
                "attributeValues": [{"value": row[1], "attributeId": place} for row in found if row[0] == name],
            }
            for place, name in enumerate(names, start=1)
        ]
    )


def book_prices(call: Call) -> Answer:
    """GET /pricebooks/ID: what each product costs by this price book; 0 is the price that all share."""
    book_id, kind = int(call.tail), KINDS["product"]
    pick = picked(call, kind)
    price = "json_extract(body, '$.basePrice')"
    if book_id:
        if not found(call.shop, "pricebook", book_id):
            raise gone("pricebook")
        price = """(SELECT json_extract(one.value, '$.price') FROM json_each(body, '$.priceBooks') AS one
                    WHERE json_extract(one.value, '$.priceBookId') = :book_id)"""
        pick.narrow(f"{price} IS NOT NULL", book_id=book_id)
    row = f"json_object('productId', record_id, 'productCode', json_extract(body, '$.code'), 'price', {price})"
    total, size, texts = page_of(call, pick, f"SELECT {row} FROM records", order_sql(call, kind))  # noqa: S608
    return listed(call, total, size, texts)


def set_price(call: Call) -> Answer:
    """POST /pricebooks/detail: what one product costs by a price book."""
    fields = call.fields()
    price, book_id = amount(fields, "price"), number(fields, "pricebookid") or 0
    if price is None or price < 0:
        raise Refused("Giá không hợp lệ", code=ERROR)
    with call.shop.db.transaction():
        book = found(call.shop, "pricebook", book_id)
        product = found(call.shop, "product", number(fields, "productid"))
        if product is None:
            raise gone("product")
        told = {"productId": product["id"], "priceBookId": book_id, "price": plain(price)}
        if book is None:
            changes: Body = {"basePrice": plain(price)}
        else:
            others = [one for one in product.get("priceBooks", []) if one["priceBookId"] != book_id]
            named = {"priceBookName": book["name"], "isActive": True}
            changes = {"priceBooks": [*others, told | named]}
        note(call, "update", "product", call.shop.change("product", product["id"], lambda one: one | changes))
        tell(call.shop.db, call.shop.shop_id, call.shop.retailer_id, "pricebookdetail.update", [told])
    return success({"message": DONE, "isSuccess": True})


def _create(call: Call, fields: Fields) -> Body:
    sent = members(fields, _KNOWN)
    if not str(sent.get("name", "")).strip():
        raise Refused("Tên hàng hóa không được để trống", code=ERROR)
    _refuse_bad(call, sent, 0)
    named = call.shop.completed("product", sent)
    made: Body = {
        "allowsSale": True,
        "type": GOODS,
        "isActive": True,
        "basePrice": 0,
        **named,
        "fullName": sent.get("fullName") or _full_name(named, fields),
        **_from_category(call, sent),
        **_attributes(named["id"], fields),
        "inventories": [],
    }
    for branch in call.shop.every("branch"):
        stock_of(made, branch["id"])["branchName"] = branch["branchName"]
    _set_limits(call, made, fields)
    for branch_id, on_hand in _counted(fields):
        stock_of(made, branch_id)["onHand"] = plain(on_hand)
    call.shop.add("product", made)
    note(call, "create", "product", made)
    return made


def _update(call: Call, product_id: int, fields: Fields) -> Body:
    sent = members(fields, _KNOWN)
    _refuse_bad(call, sent, product_id)

    def edit(before: Body) -> Body:
        after = before | sent | _from_category(call, sent) | _attributes(product_id, fields)
        if "name" in sent and "fullName" not in sent:
            after["fullName"] = _full_name(after, fields)
        _set_limits(call, after, fields)
        return after

    call.shop.change("product", product_id, edit)
    for branch_id, on_hand in _counted(fields):
        set_on_hand(call.shop, product_id, branch_id, on_hand)
    changed = call.shop.find("product", product_id)
    note(call, "update", "product", changed)
    return changed


def _refuse_bad(call: Call, sent: Body, product_id: int) -> None:
    if len(sent.get("barCode", "")) > 16:
        raise Refused("Mã vạch tối đa 16 ký tự", code=ERROR)
    code = sent.get("code")
    if not code:
        return
    try:
        known = call.shop.find_code("product", code)
    except UnknownRecord:
        return
    if known["id"] != product_id:
        raise Refused(f"Mã hàng {code} đã tồn tại", code=ERROR)


def _from_category(call: Call, sent: Body) -> Body:
    category = found(call.shop, "category", sent.get("categoryId"))
    return {"categoryName": category["categoryName"]} if category else {}


def _attributes(product_id: int, fields: Fields) -> Body:
    asked = parts(fields, "attributes")
    if asked is None:
        return {}
    names = ("attributename", "attributevalue")
    return {
        "attributes": [
            {
                "productId": product_id,
                "attributeName": text(one, names[0]) or "",
                "attributeValue": text(one, names[1]) or "",
            }
            for one in asked
        ]
    }


def _full_name(product: Body, fields: Fields) -> str:
    values = [text(one, "attributevalue") or "" for one in parts(fields, "attributes") or []]
    unit = f" ({product['unit']})" if product.get("unit") else ""
    return " - ".join([str(product["name"]), *values]) + unit


def _set_limits(call: Call, product: Body, fields: Fields) -> None:
    """Set what a branch's goods cost and how many of them it wants to keep."""
    for one in parts(fields, "inventories") or []:
        branch = found(call.shop, "branch", number(one, "branchid"))
        if branch is None:
            raise gone("branch")
        row = stock_of(product, branch["id"])
        row["branchName"] = branch["branchName"]
        row |= members(one, {"cost": "amount", "minQuantity": "amount", "maxQuantity": "amount"})


def _counted(fields: Fields) -> list[tuple[int, Decimal]]:
    """What was counted, by branch."""
    counted = [(number(one, "branchid") or 0, amount(one, "onhand")) for one in parts(fields, "inventories") or []]
    return [(branch_id, on_hand) for branch_id, on_hand in counted if on_hand is not None]
