"""Invoices (hóa đơn): they lower what is on hand, and complete the order that they are of."""

from __future__ import annotations

from app.sandbox.calling import Answer
from app.sandbox.kiotviet.calling import Call, Fields, Refused, success
from app.sandbox.kiotviet.clock import now, stamp
from app.sandbox.kiotviet.documents import (
    delivery_of,
    found,
    head,
    lines_of,
    money_of,
    payments_of,
    refuse_shortage,
)
from app.sandbox.kiotviet.dressing import dressed
from app.sandbox.kiotviet.kinds import KINDS
from app.sandbox.kiotviet.reading import number, parts
from app.sandbox.kiotviet.shop import Body, without_nulls
from app.sandbox.kiotviet.stock import move_lines
from app.sandbox.kiotviet.writes import note

ERROR = "KvValidateInvoiceException"
DONE, CANCELLED, IN_PROCESS, UNDELIVERABLE = 1, 2, 3, 5
STATUSES = {
    DONE: "Hoàn thành",
    CANCELLED: "Đã hủy",
    IN_PROCESS: "Đang xử lý",
    UNDELIVERABLE: "Không giao được",
}
_DELIVERIES = {
    1: "Chờ xử lý", 2: "Đang giao hàng", 3: "Giao thành công", 4: "Đang chuyển hoàn", 5: "Đã chuyển hoàn",
    6: "Đã hủy", 7: "Đang lấy hàng", 8: "Chờ lấy lại", 9: "Đã lấy hàng", 10: "Chờ giao lại",
    11: "Chờ chuyển hàng", 12: "Chờ chuyển hoàn lại",
}  # fmt: skip
_UNDER_WAY = (None, 1, 2, 7, 8, 9, 10, 11)
_ORDER_DONE = {"status": 3, "statusValue": "Hoàn thành"}
_OPEN_ORDER = (1, 2, 5)


def create(call: Call) -> Answer:
    """POST /invoices: a new invoice every time."""
    fields = call.fields()
    with call.shop.db.transaction():
        order = found(call.shop, "order", number(fields, "orderid"))
        body = head(call, fields)
        if order and "branchId" not in body:
            body |= {name: order[name] for name in ("branchId", "branchName")}
        if "branchId" not in body:
            raise Refused("Chi nhánh không được để trống", code=ERROR)
        lines = lines_of(call, parts(fields, "invoicedetails"), error=ERROR)
        made = _kept(call, fields, body | money_of(call, fields, lines, {}), lines, order)
    return _answer(call, made)


def invoice_of_order(call: Call, order: Body) -> Body:
    """Raise the invoice of an order, with all that the order says; call it in a transaction."""
    taken = ("id", "code", "status", "statusValue", "orderDetails", "orderDelivery", "createdDate", "modifiedDate")
    body = {name: value for name, value in order.items() if name not in taken}
    delivery = order.get("orderDelivery")
    if delivery:
        body["invoiceDelivery"] = {"status": 1, "statusValue": _DELIVERIES[1], **delivery}
    lines = [dict(line) for line in order["orderDetails"]]
    return _kept(call, {}, {**body, "purchaseDate": stamp(now(), 3)}, lines, order)


def update(call: Call) -> Answer:
    """PUT /invoices/ID: status, delivery, people and notes; the lines stay."""
    invoice_id, fields = int(call.tail), call.fields()
    with call.shop.db.transaction():
        before = call.shop.find("invoice", invoice_id)
        if before["status"] == CANCELLED:
            raise Refused(f"Hóa đơn {before['code']} đã hủy", code=ERROR)
        changes = head(call, fields)
        status = number(fields, "status")
        if status:
            if status not in STATUSES or status == CANCELLED:
                raise Refused(f"Trạng thái {status} không hợp lệ", code=ERROR)
            changes |= {"status": status, "statusValue": STATUSES[status]}
        delivery = _delivery(call, fields)
        if delivery:
            changes["invoiceDelivery"] = {**before.get("invoiceDelivery", {}), **delivery}
        after = call.shop.change("invoice", invoice_id, lambda invoice: invoice | changes)
        note(call, "update", "invoice", after)
    return _answer(call, after)


def cancel(call: Call) -> Answer:
    """DELETE /invoices: its number stands in the body, in the query or in the path; the goods come back."""
    fields = call.fields()
    asked = call.tail if call.tail.isdigit() else fields.get("id") or call.query.get("id")
    invoice_id = number({"id": asked}, "id") or 0
    with call.shop.db.transaction():
        before = call.shop.find("invoice", invoice_id)
        if before["status"] == CANCELLED:
            raise Refused(f"Hóa đơn {before['code']} đã hủy", code=ERROR)
        move_lines(call.shop, before, "invoiceDetails", on_hand=1)
        gone = {"status": CANCELLED, "statusValue": STATUSES[CANCELLED]}
        note(call, "delete", "invoice", call.shop.change("invoice", invoice_id, lambda invoice: invoice | gone))
    return success(True if call.dialect["delete_answer"] == "true" else {"message": "Xóa dữ liệu thành công"})


def _kept(call: Call, fields: Fields, body: Body, lines: list[Body], order: Body | None) -> Body:
    name = "Cho phép bán hàng khi hết tồn kho"
    refuse_shortage(call, body["branchId"], lines, setting="sell_out_of_stock", name=name, error=ERROR)
    delivery = body.get("invoiceDelivery") or _delivery(call, fields)
    status = IN_PROCESS if delivery and delivery.get("status") in _UNDER_WAY else DONE
    made = call.shop.completed(
        "invoice",
        {
            "purchaseDate": stamp(now(), 3),
            "usingCod": False,
            **body,
            "orderId": order["id"] if order else None,
            "orderCode": order["code"] if order else None,
            "status": status,
            "statusValue": STATUSES[status],
            "invoiceDetails": lines,
            "invoiceDelivery": delivery,
        },
    )
    made["payments"] = made.get("payments") or payments_of(call, fields, made["totalPayment"], made["code"])
    move_lines(call.shop, made, "invoiceDetails", on_hand=-1)
    call.shop.add("invoice", made)
    note(call, "create", "invoice", made)
    if order and order["status"] in _OPEN_ORDER:
        move_lines(call.shop, order, "orderDetails", reserved=-1)
        call.shop.change("order", order["id"], lambda before: before | _ORDER_DONE)
    return made


def _delivery(call: Call, fields: Fields) -> Body | None:
    delivery = delivery_of(call, fields, "deliverydetail")
    if delivery and delivery.get("status"):
        delivery["statusValue"] = _DELIVERIES.get(delivery["status"], "")
    return delivery


def _answer(call: Call, invoice: Body) -> Answer:
    return success(dressed(call, KINDS["invoice"], without_nulls(invoice)))
