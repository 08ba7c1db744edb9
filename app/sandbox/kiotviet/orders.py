"""Orders (đặt hàng). The channel is naive: the same order sent twice is two orders."""

from __future__ import annotations

from typing import Any

from app.sandbox.calling import Answer
from app.sandbox.kiotviet.calling import Call, Fields, Refused, success
from app.sandbox.kiotviet.clock import now, stamp
from app.sandbox.kiotviet.documents import (
    delivery_of,
    head,
    lines_of,
    money_of,
    payments_of,
    refuse_shortage,
    setting_off,
)
from app.sandbox.kiotviet.dressing import dressed
from app.sandbox.kiotviet.invoices import invoice_of_order
from app.sandbox.kiotviet.kinds import KINDS
from app.sandbox.kiotviet.reading import flag, number, parts
from app.sandbox.kiotviet.shop import Body, without_nulls
from app.sandbox.kiotviet.stock import move_lines
from app.sandbox.kiotviet.writes import note

DRAFT, DELIVERING, DONE, CANCELLED, CONFIRMED = 1, 2, 3, 4, 5
STATUSES = {
    DRAFT: "Phiếu tạm",
    DELIVERING: "Đang giao hàng",
    DONE: "Hoàn thành",
    CANCELLED: "Đã hủy",
    CONFIRMED: "Đã xác nhận",
}
OPEN = (DRAFT, DELIVERING, CONFIRMED)
"""Statuses in which an order keeps goods reserved."""


def create(call: Call) -> Answer:
    """POST /orders: a new order every time, whatever stands in it; it reserves its goods."""
    _refuse_unless_ordering(call)
    fields = call.fields()
    with call.shop.db.transaction():
        body = head(call, fields)
        if "branchId" not in body:
            raise Refused("Chi nhánh không được để trống")
        lines = lines_of(call, parts(fields, "orderdetails"), error="KvException")
        _refuse_shortage(call, body["branchId"], lines)
        made = call.shop.completed(
            "order",
            {
                "purchaseDate": stamp(now(), 3),
                "usingCod": False,
                **body,
                "status": DRAFT,
                "statusValue": STATUSES[DRAFT],
                "orderDetails": lines,
                "orderDelivery": delivery_of(call, fields, "orderdelivery"),
                **money_of(call, fields, lines, {}),
            },
        )
        made["payments"] = payments_of(call, fields, made["totalPayment"], made["code"])
        move_lines(call.shop, made, "orderDetails", reserved=1)
        call.shop.add("order", made)
        note(call, "create", "order", made)
        made = _invoiced(call, fields, made)
    return _answer(call, made)


def update(call: Call) -> Answer:
    """PUT /orders/ID: what is sent replaces what was; a cancelled or completed order stays as it is."""
    _refuse_unless_ordering(call)
    order_id, fields = int(call.tail), call.fields()
    with call.shop.db.transaction():
        before = call.shop.find("order", order_id)
        if before["status"] not in OPEN:
            raise Refused(f"Đơn đặt hàng {before['code']} {before['statusValue'].lower()}, không thể cập nhật")
        changes: Body = head(call, fields) | _status(fields)
        lines = before["orderDetails"]
        if fields.get("orderdetails") is not None:
            lines = lines_of(call, parts(fields, "orderdetails"), error="KvException")
        changes |= {"orderDetails": lines, **money_of(call, fields, lines, before)}
        if fields.get("orderdelivery") is not None:
            changes["orderDelivery"] = delivery_of(call, fields, "orderdelivery")
        if fields.get("totalpayment") is not None:
            changes["payments"] = payments_of(call, fields, changes["totalPayment"], before["code"])
        move_lines(call.shop, before, "orderDetails", reserved=-1)
        after = call.shop.change("order", order_id, lambda order: order | changes)
        if after["status"] in OPEN:
            move_lines(call.shop, after, "orderDetails", reserved=1)
        note(call, "update", "order", after)
        after = _invoiced(call, fields, after)
    return _answer(call, after)


def cancel(call: Call) -> Answer:
    """DELETE /orders/ID: the order stays, cancelled."""
    order_id, void = int(call.tail), call.flag("isvoidpayment")

    def cancelled(order: Body) -> Body:
        changed: dict[str, Any] = {"status": CANCELLED, "statusValue": STATUSES[CANCELLED]}
        return order | changed | ({"payments": None, "totalPayment": 0} if void else {})

    with call.shop.db.transaction():
        before = call.shop.find("order", order_id)
        if before["status"] == CANCELLED:
            raise Refused(f"Đơn đặt hàng {before['code']} đã hủy")
        if before["status"] in OPEN:
            move_lines(call.shop, before, "orderDetails", reserved=-1)
        note(call, "delete", "order", call.shop.change("order", order_id, cancelled))
    return success(True if call.dialect["delete_answer"] == "true" else {"message": "Xóa dữ liệu thành công"})


def _refuse_unless_ordering(call: Call) -> None:
    if call.dialect["ordering"] == "off":
        raise setting_off("Cho phép đặt hàng")


def _refuse_shortage(call: Call, branch_id: int, lines: list[Body]) -> None:
    setting, name = "order_out_of_stock", "Cho phép đặt hàng khi hết tồn kho"
    refuse_shortage(call, branch_id, lines, setting=setting, name=name, error="KvException")


def _status(fields: Fields) -> Body:
    """The status that is asked for; 0 is none, and cancelling is a deletion."""
    status = number(fields, "status")
    if not status:
        return {}
    if status not in STATUSES or status == CANCELLED:
        raise Refused(f"Trạng thái {status} không hợp lệ")
    return {"status": status, "statusValue": STATUSES[status]}


def _invoiced(call: Call, fields: Fields, order: Body) -> Body:
    """Raise the invoice that is asked for, which completes the order."""
    if not flag(fields, "makeinvoice"):
        return order
    invoice_of_order(call, order)
    return call.shop.find("order", order["id"])


def _answer(call: Call, order: Body) -> Answer:
    return success(dressed(call, KINDS["order"], without_nulls(order)))
