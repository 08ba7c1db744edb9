"""Customers: kept as they come. Two may share a phone, and the same one sent twice is two."""

from __future__ import annotations

from typing import Any

from app.sandbox.calling import Answer
from app.sandbox.kiotviet.calling import Call, Fields, Refused, success
from app.sandbox.kiotviet.reading import members, number, part, parts, text
from app.sandbox.kiotviet.shop import Body, UnknownRecord
from app.sandbox.kiotviet.writes import note

ERROR = "KvValidateCustomerException"
_KNOWN = {
    "code": "text", "name": "text", "gender": "flag", "birthDate": "text", "contactNumber": "text", "address": "text",
    "locationName": "text", "wardName": "text", "email": "text", "organization": "text", "comments": "text",
    "taxCode": "text", "type": "number", "branchId": "number",
}  # fmt: skip


def create(call: Call) -> Answer:
    """POST /customers."""
    return _answer(call, _create(call, call.fields()))


def update(call: Call) -> Answer:
    """PUT /customers/ID."""
    return _answer(call, _update(call, int(call.tail), call.fields()))


def create_many(call: Call) -> Answer:
    """POST /listaddcutomers, which is spelt so."""
    with call.shop.db.transaction():
        for one in parts(call.fields(), "listcustomers") or []:
            _create(call, one)
    return success({"message": "Cập nhật dữ liệu thành công"})


def update_many(call: Call) -> Answer:
    """PUT /listupdatecustomers."""
    with call.shop.db.transaction():
        for one in parts(call.fields(), "listcustomers") or []:
            _update(call, number(one, "id") or 0, one)
    return success({"message": "Cập nhật dữ liệu thành công"})


def customer_of(call: Call, fields: Fields, branch: Body | None) -> Body | None:
    """The customer that a document names, made where it is new; None is somebody who walked in."""
    asked = part(fields, "customer") or {}
    customer_id, code = number(fields, "customerid") or number(asked, "id"), text(asked, "code")
    try:
        if customer_id and customer_id > 0:
            known = call.shop.find("customer", customer_id)
        elif code:
            known = call.shop.find_code("customer", code)
        else:
            return _create(call, {**asked, "comments": asked.get("comment")}) if text(asked, "name") else None
    except UnknownRecord:
        if customer_id or not text(asked, "name"):
            raise Refused("Khách hàng không tồn tại hoặc đã bị xóa", code=ERROR) from None
        return _create(call, {**asked, "comments": asked.get("comment")})
    if known.get("isActive") is False:
        raise Refused("Khách hàng đã ngừng hoạt động", code=ERROR)
    elsewhere = branch and known.get("branchId") and known["branchId"] != branch["id"]
    if elsewhere and call.dialect["customers_by_branch"] == "on":
        raise Refused("Khách hàng không thuộc chi nhánh này", code=ERROR)
    return known


def _answer(call: Call, customer: Body) -> Answer:
    """A customer that was written, wrapped or flat as the shop has it."""
    if call.dialect["customer_answer"] == "flat":
        return success(customer)
    return success({"message": "Cập nhật dữ liệu thành công", "data": customer})


def _create(call: Call, fields: Fields) -> Body:
    sent: dict[str, Any] = members(fields, _KNOWN)
    if not str(sent.get("name", "")).strip():
        raise Refused("Tên khách hàng không được để trống", code=ERROR)
    _refuse_taken(call, sent.get("code"), 0)
    made = call.shop.add("customer", {"type": 0, **sent, "debt": 0})
    note(call, "create", "customer", made)
    return made


def _update(call: Call, customer_id: int, fields: Fields) -> Body:
    sent = members(fields, _KNOWN)
    _refuse_taken(call, sent.get("code"), customer_id)
    changed = call.shop.change("customer", customer_id, lambda before: before | sent)
    note(call, "update", "customer", changed)
    return changed


def _refuse_taken(call: Call, code: str | None, customer_id: int) -> None:
    if not code:
        return
    try:
        known = call.shop.find_code("customer", code)
    except UnknownRecord:
        return
    if known["id"] != customer_id:
        raise Refused(f"Mã khách hàng {code} đã tồn tại", code=ERROR)
