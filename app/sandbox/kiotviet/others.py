"""What a shop has few of: categories, surcharges, settings; and the one read of a record by its number or code."""

from __future__ import annotations

from collections.abc import Callable

from app.sandbox.calling import Answer
from app.sandbox.kiotviet.calling import Call, Refused, success
from app.sandbox.kiotviet.documents import found, gone
from app.sandbox.kiotviet.dressing import dressed
from app.sandbox.kiotviet.kinds import KINDS
from app.sandbox.kiotviet.listing import few, list_records
from app.sandbox.kiotviet.reading import amount, flag, members, number, plain
from app.sandbox.kiotviet.shop import Body
from app.sandbox.kiotviet.writes import note

DONE = "Cập nhật dữ liệu thành công"
REMOVED = "Xóa dữ liệu thành công"
LEVELS = 3
_CATEGORY = {"categoryName": "text", "parentId": "number"}
_SURCHARGE = {"surchargeCode": "text", "surchargeName": "text", "value": "amount", "valueRatio": "amount"}


def by_id(name: str) -> Callable[[Call], Answer]:
    """GET /THING/ID: one record, flat."""
    return lambda call: success(dressed(call, KINDS[name], call.shop.find(name, int(call.tail))))


def by_code(name: str) -> Callable[[Call], Answer]:
    """GET /THING/code/CODE, or with the code in the query; letters of either case will do."""
    return lambda call: success(
        dressed(call, KINDS[name], call.shop.find_code(name, call.tail or call.query.get("code", "")))
    )


def remove(name: str) -> Callable[[Call], Answer]:
    """DELETE /THING/ID: afterwards only its number is told."""

    def handler(call: Call) -> Answer:
        with call.shop.db.transaction():
            note(call, "delete", name, call.shop.remove(name, int(call.tail)))
        return success(True if call.dialect["delete_answer"] == "true" else {"message": REMOVED})

    return handler


def settings(call: Call) -> Answer:
    """GET /settings, whose names begin with capitals."""
    asked = {
        "ManagerCustomerByBranch": "customers_by_branch",
        "AllowOrderWhenOutStock": "order_out_of_stock",
        "AllowSellWhenOrderOutStock": "order_out_of_stock",
        "AllowSellWhenOutStock": "sell_out_of_stock",
    }
    return success({name: call.dialect[setting] == "on" for name, setting in asked.items()})


# -- categories


def list_categories(call: Call) -> Answer:
    """GET /categories: flat, or with `hierachicalData` (spelt so) as a tree whatever has changed since."""
    if not call.flag("hierachicaldata"):
        return list_records(call, KINDS["category"])
    everything = call.shop.every("category")
    return few(call, [_with_children(one, everything) for one in everything if not one.get("parentId")])


def show_category(call: Call) -> Answer:
    """GET /categories/ID, under `data`."""
    return success({"data": _with_children(call.shop.find("category", int(call.tail)), call.shop.every("category"))})


def create_category(call: Call) -> Answer:
    """POST /categories."""
    sent = members(call.fields(), _CATEGORY)
    if not str(sent.get("categoryName", "")).strip():
        raise Refused("Tên nhóm hàng không được để trống")
    with call.shop.db.transaction():
        _refuse_depth(call, sent.get("parentId"))
        made = call.shop.add("category", sent)
        note(call, "create", "category", made)
    return success({"message": DONE, "data": made})


def update_category(call: Call) -> Answer:
    """PUT /categories/ID."""
    sent = members(call.fields(), _CATEGORY)
    with call.shop.db.transaction():
        _refuse_depth(call, sent.get("parentId"))
        changed = call.shop.change("category", int(call.tail), lambda before: before | sent)
        note(call, "update", "category", changed)
    return success({"message": DONE, "data": changed})


def remove_category(call: Call) -> Answer:
    """DELETE /categories/ID: one that is in use stays."""
    category_id = int(call.tail)
    with call.shop.db.transaction():
        used = call.shop.db.row(
            """SELECT 1 FROM records WHERE shop_id = :shop AND
               ((kind = 'category' AND json_extract(body, '$.parentId') = :id)
                OR (kind = 'product' AND json_extract(body, '$.categoryId') = :id)) LIMIT 1""",
            {"shop": call.shop.shop_id, "id": category_id},
        )
        if used:
            raise Refused("Nhóm hàng đang được sử dụng")
        note(call, "delete", "category", call.shop.remove("category", category_id))
    return success({"message": REMOVED})


def _refuse_depth(call: Call, parent_id: int | None) -> None:
    depth, parent = 1, found(call.shop, "category", parent_id)
    while parent:
        depth += 1
        if depth > LEVELS:
            raise Refused(f"Nhóm hàng chỉ có tối đa {LEVELS} cấp")
        parent = found(call.shop, "category", parent.get("parentId"))


def _with_children(category: Body, everything: list[Body]) -> Body:
    children = [one for one in everything if one.get("parentId") == category["categoryId"]]
    return {**category, "hasChild": bool(children), "children": [_with_children(one, everything) for one in children]}


# -- surcharges


def create_surcharge(call: Call) -> Answer:
    """POST /surchages, which is spelt so."""
    fields = call.fields()
    sent = members(fields, _SURCHARGE) | {"surchargeName": fields.get("name") or fields.get("surchargename")}
    if not sent["surchargeName"]:
        raise Refused("Tên thu khác không được để trống")
    with call.shop.db.transaction():
        made = call.shop.completed("surcharge", sent)
        made |= {"surchargeCode": sent.get("surchargeCode") or f"THK{made['id'] - 1_000_000:06d}", "isActive": True}
        call.shop.add("surcharge", made | {"createDate": made["createdDate"]})
        note(call, "create", "surcharge", made)
    return success({"message": DONE, "data": made})


def update_surcharge(call: Call) -> Answer:
    """PUT /surchages/ID."""
    sent = members(call.fields(), _SURCHARGE)
    return _change_surcharge(call, sent)


def activate_surcharge(call: Call) -> Answer:
    """POST /surchages/ID/activesurchage: use it, or no longer."""
    wanted = flag(call.fields(), "isactive")
    return _change_surcharge(call, {"isActive": wanted is not False})


def _change_surcharge(call: Call, changes: Body) -> Answer:
    with call.shop.db.transaction():
        changed = call.shop.change("surcharge", int(call.tail), lambda before: before | changes)
        note(call, "update", "surcharge", changed)
    return success({"message": DONE, "data": changed})


# -- payments


def pay(call: Call) -> Answer:
    """POST /payments: money for an invoice."""
    fields = call.fields()
    paid = amount(fields, "amount")
    if not paid or paid <= 0:
        raise Refused("Số tiền không hợp lệ")
    with call.shop.db.transaction():
        invoice = found(call.shop, "invoice", number(fields, "invoiceid"))
        if invoice is None:
            raise gone("invoice")
        payment = {
            "id": call.call_id,
            "code": f"TT{invoice['code']}-{call.call_id}",
            "amount": plain(paid),
            "method": str(fields.get("method") or "Cash").title(),
            "status": 0,
            "statusValue": "Đã thanh toán",
        }
        changes = {
            "payments": [*invoice.get("payments", []), payment],
            "totalPayment": invoice.get("totalPayment", 0) + payment["amount"],
        }
        changed = call.shop.change("invoice", invoice["id"], lambda before: before | changes)
        note(call, "update", "invoice", changed)
    return success({"message": DONE, "data": payment})
