"""What orders and invoices have in common: who sells what to whom, for how much, and what the shop refuses."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.sandbox.kiotviet.calling import Call, Fields, Refused
from app.sandbox.kiotviet.clock import BadTime, now, read_time, stamp
from app.sandbox.kiotviet.customers import customer_of
from app.sandbox.kiotviet.kinds import KINDS
from app.sandbox.kiotviet.reading import amount, flag, malformed, members, number, part, parts, plain, text
from app.sandbox.kiotviet.shop import Body, Shop, UnknownRecord
from app.sandbox.kiotviet.stock import COMBO, SERVICE, stock_of

FUTURE = "Vượt quá thời gian hiện tại"
CLOCKS_DIFFER = 60_000_000  # microseconds by which a client's clock may be ahead of ours

_DELIVERY = {
    "deliveryCode": "text", "type": "number", "price": "amount", "receiver": "text", "contactNumber": "text",
    "address": "text", "locationId": "number", "locationName": "text", "wardName": "text", "weight": "amount",
    "length": "amount", "width": "amount", "height": "amount", "partnerDeliveryId": "number",
    "expectedDelivery": "text", "status": "number", "usingPriceCod": "flag", "priceCodPayment": "amount",
}  # fmt: skip
_PARTNER = {"code": "text", "name": "text", "address": "text", "contactNumber": "text", "email": "text"}


def setting_off(name: str) -> Refused:
    """The refusal of what a setting of the shop does not allow."""
    return Refused(f"Thiết lập “{name}” đang không được bật.")


def found(shop: Shop, kind: str, record_id: int | None) -> Body | None:
    """The record that a body names; a number that nobody has is refused."""
    if not record_id:
        return None
    try:
        return shop.find(kind, record_id)
    except UnknownRecord:
        raise gone(kind) from None


def gone(kind: str, status: int = 420) -> Refused:
    """The refusal of a record that is not there."""
    rule = KINDS[kind]
    return Refused(f"{rule.noun} được chọn không tồn tại hoặc đã bị xóa", code=rule.error, status=status)


def head(call: Call, fields: Fields) -> Body:
    """The members about place, time and people; those of them that a change does not send stay away."""
    shop, made = call.shop, Body()
    branch = found(shop, "branch", number(fields, "branchid"))
    if branch:
        made |= {"branchId": branch["id"], "branchName": branch["branchName"]}
    made |= _sold(call, fields)
    seller = found(shop, "user", number(fields, "soldbyid"))
    if seller:
        made |= {"soldById": seller["id"], "soldByName": seller["givenName"]}
    customer = customer_of(call, fields, branch)
    if customer:
        made |= {
            "customerId": customer["id"],
            "customerCode": customer["code"],
            "customerName": customer["name"],
        }
    channel = found(shop, "salechannel", number(fields, "salechannelid"))
    if channel:
        if not channel["isActive"]:
            raise Refused("Kênh bán hàng đã ngừng hoạt động", code="KvValidateSaleChannelException")
        made |= {"saleChannelId": channel["id"], "SaleChannelName": channel["name"]}
    made |= members(fields, {"description": "text", "usingCod": "flag"})
    if isinstance(fields.get("extra"), str):
        made["Extra"] = fields["extra"]
    return made


def _sold(call: Call, fields: Fields) -> Body:
    asked = text(fields, "purchasedate")
    if not asked:
        return {}
    if call.dialect["sale_time"] == "off":
        raise setting_off("Không cho phép thay đổi thời gian bán hàng")
    try:
        moment, has_offset = read_time(asked)
    except BadTime:
        raise malformed("purchaseDate", asked) from None
    if moment > now() + CLOCKS_DIFFER or (has_offset and call.dialect["offset_dates"] == "420"):
        raise Refused(FUTURE)
    return {"purchaseDate": stamp(moment)}


def lines_of(call: Call, lines: list[Fields] | None, *, error: str) -> list[Body]:
    """The lines of a document: known, traded and counted; what repeats a product is as the shop has it."""
    if not lines:
        raise Refused("Phải có ít nhất một hàng hóa", code=error)
    made: list[Body] = []
    for line in (_line(call, one, error) for one in lines):
        twin = next((one for one in made if one["productId"] == line["productId"]), None)
        if twin is None or call.dialect["repeated_lines"] == "kept":
            made.append(line)
        elif call.dialect["repeated_lines"] == "420":
            raise Refused(f"Hàng hóa {line['productCode']} bị trùng", code=error)
        else:
            twin["quantity"] = plain(Decimal(str(twin["quantity"])) + Decimal(str(line["quantity"])))
    return made


def _line(call: Call, line: Fields, error: str) -> Body:
    product = _product(call.shop, line)
    if product.get("isActive") is False:
        raise Refused(f"Hàng hóa {product['code']} đã ngừng kinh doanh", code=error)
    quantity = amount(line, "quantity")
    if quantity is None or quantity <= 0:
        raise Refused(f"Số lượng của {product['code']} phải lớn hơn 0", code=error)
    price = amount(line, "price")
    price = Decimal(str(product.get("basePrice") or 0)) if price is None else price
    discount, ratio = amount(line, "discount"), amount(line, "discountratio")
    if discount is None and ratio is not None:
        discount = price * ratio / 100
    return {
        "productId": product["id"],
        "productCode": product["code"],
        "productName": product.get("fullName") or product.get("name"),
        "isMaster": flag(line, "ismaster") is not False,
        "quantity": plain(quantity),
        "price": plain(price),
        "discount": plain(discount),
        "discountRatio": plain(ratio),
        "note": text(line, "note"),
        "serialNumbers": text(line, "serialnumbers"),
    }


def _product(shop: Shop, line: Fields) -> Body:
    product_id, code = number(line, "productid"), text(line, "productcode")
    try:
        return shop.find("product", product_id) if product_id else shop.find_code("product", code or "")
    except UnknownRecord:
        raise gone("product") from None


def money_of(call: Call, fields: Fields, lines: list[Body], before: Mapping[str, Any]) -> Body:
    """The sums of a document: a line's discount is for each piece, the document's is taken off the whole."""
    worth = sum(
        (
            Decimal(str(line["quantity"])) * (Decimal(str(line["price"])) - Decimal(str(line.get("discount") or 0)))
            for line in lines
        ),
        Decimal(0),
    )
    discount, ratio = amount(fields, "discount"), amount(fields, "discountratio")
    if discount is None and ratio is not None:
        discount = worth * ratio / 100
    if discount is None:
        discount = Decimal(str(before.get("discount") or 0))
    surcharges = before.get("invoiceOrderSurcharges")
    if parts(fields, "surchages") is not None:
        surcharges = _surcharges(call, parts(fields, "surchages") or [])
    extra = sum((Decimal(str(one.get("price") or 0)) for one in surcharges or []), Decimal(0))
    paid = amount(fields, "totalpayment")
    return {
        "total": plain(worth - discount + extra),
        "totalPayment": plain(paid) if paid is not None else before.get("totalPayment", 0),
        "discount": plain(discount) or None,
        "discountRatio": plain(ratio) or before.get("discountRatio"),
        "invoiceOrderSurcharges": surcharges or None,
    }


def _surcharges(call: Call, asked: list[Fields]) -> list[Body]:
    if call.dialect["surcharges"] == "off":
        raise setting_off("Thu khác")
    known = call.shop.every("surcharge")
    made = []
    for place, one in enumerate(asked, start=1):
        code = text(one, "code")
        rule = next((row for row in known if row["id"] == number(one, "id") or row["surchargeCode"] == code), None)
        if rule is None:
            raise gone("surcharge")
        price = plain(amount(one, "price"))
        made.append(
            {
                "id": place,
                "surchargeId": rule["id"],
                "surchargeName": rule["surchargeName"],
                "surValue": rule.get("value"),
                "price": rule.get("value") if price is None else price,
                "createdDate": stamp(now(), 3),
            }
        )
    return made


def payments_of(call: Call, fields: Fields, paid: int | float, code: str) -> list[Body] | None:
    """The payments of a document that says how much was paid, and how."""
    if not paid:
        return None
    method = (text(fields, "method") or "Cash").strip().title()
    account = found(call.shop, "bankaccount", number(fields, "accountid"))
    return [
        {
            "id": call.call_id,
            "code": f"TT{code}",
            "amount": paid,
            "method": method,
            "status": 0,
            "statusValue": "Đã thanh toán",
            "transDate": stamp(now(), 3),
            "bankAccount": account["bankName"] if account else "",
            "accountId": account["id"] if account else None,
        }
    ]


def delivery_of(call: Call, fields: Fields, name: str) -> Body | None:
    """Where the goods go."""
    asked = part(fields, name)
    if asked is None:
        return None
    if call.dialect["delivery"] == "off":
        raise setting_off("Sử dụng tính năng giao hàng")
    made: Body = members(asked, _DELIVERY)
    if call.dialect["cod"] == "off" and made.get("usingPriceCod"):
        raise setting_off("Quản lý thu hộ tiền")
    partner = part(asked, "partnerdelivery")
    if partner:
        made["partnerDelivery"] = members(partner, _PARTNER)
    return made


def refuse_shortage(call: Call, branch_id: int, lines: list[Body], *, setting: str, name: str, error: str) -> None:
    """Refuse lines of which the branch has not enough, where the shop is set so."""
    if call.dialect[setting] == "on":
        return
    for line in lines:
        product = call.shop.find("product", line["productId"])
        row = stock_of(product, branch_id)
        left = Decimal(str(row.get("onHand") or 0)) - Decimal(str(row.get("reserved") or 0))
        if product.get("type") not in (COMBO, SERVICE) and left < Decimal(str(line["quantity"])):
            raise Refused(f"Thiết lập “{name}” đang không được bật: {product['code']}", code=error)
