"""Registering to be called."""

from __future__ import annotations

from app.sandbox.calling import Answer
from app.sandbox.kiotviet import outbox
from app.sandbox.kiotviet.calling import Call, Refused, success
from app.sandbox.kiotviet.listing import few
from app.sandbox.kiotviet.reading import flag, part, text
from app.sandbox.kiotviet.shop import UnknownRecord

SHORTEST_SECRET = 8


def register(call: Call) -> Answer:
    """POST /webhooks: the body is wrapped in `Webhook`; two of one type may stand beside each other."""
    asked = part(call.fields(), "webhook")
    if asked is None:
        raise Refused("Webhook không được để trống")
    type_, url, secret = text(asked, "type") or "", text(asked, "url") or "", text(asked, "secret") or ""
    if type_ not in outbox.TYPES:
        raise Refused(f"Type {type_} không hợp lệ")
    if not url.startswith(("https://", "http://")):
        raise Refused(f"Url {url} không hợp lệ")
    if secret and len(secret) < SHORTEST_SECRET:
        raise Refused("Secret không hợp lệ")
    made = outbox.register(
        call.shop.db,
        call.shop.shop_id,
        type_=type_,
        url=url,
        secret=secret,
        active=flag(asked, "isactive") is not False,
        description=text(asked, "description") or "",
    )
    answer = {**made, "retailerId": call.shop.retailer_id}
    answer.pop("modifiedDate")
    return success({"data": answer} if call.dialect["webhook_answer"] == "wrapped" else answer)


def listing(call: Call) -> Answer:
    """GET /webhooks."""
    hooks = outbox.registered(call.shop.db, call.shop.shop_id)
    return few(call, [{**hook, "retailerId": call.shop.retailer_id} for hook in hooks])


def show(call: Call) -> Answer:
    """GET /webhooks/ID."""
    for hook in outbox.registered(call.shop.db, call.shop.shop_id):
        if hook["id"] == int(call.tail):
            return success({**hook, "retailerId": call.shop.retailer_id})
    raise UnknownRecord("webhook")


def remove(call: Call) -> Answer:
    """DELETE /webhooks/ID."""
    if not outbox.remove(call.shop.db, call.shop.shop_id, int(call.tail)):
        raise UnknownRecord("webhook")
    return success({"message": "Xóa dữ liệu thành công"})
