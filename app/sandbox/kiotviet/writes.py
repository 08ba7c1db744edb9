"""The log of every record that the API made, changed or deleted: what tests count to find doubles."""

from __future__ import annotations

from typing import Any

from app.sandbox.kiotviet.calling import Call
from app.sandbox.kiotviet.clock import now, stamp
from app.sandbox.kiotviet.kinds import KINDS
from app.sandbox.kiotviet.shop import Body, Shop


def note(call: Call, action: str, kind: str, body: Body) -> None:
    """Note that a call made, changed or deleted a record; its description is where clients put their own number."""
    call.shop.db.rows(
        """INSERT INTO writes (shop_id, call_id, action, kind, record_id, code, description, at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            call.shop.shop_id,
            call.call_id,
            action,
            kind,
            body[KINDS[kind].id],
            str(body.get("code") or ""),
            str(body.get("description") or ""),
            stamp(now(), 3),
        ),
    )


def writes(shop: Shop, *, after: int = 0, kind: str = "", action: str = "") -> list[dict[str, Any]]:
    """What took effect, oldest first: after the given write id, of one kind, of one action."""
    found = shop.db.rows(
        """SELECT write_id, call_id, action, kind, record_id, code, description, at FROM writes
           WHERE shop_id = :shop_id AND write_id > :after AND (:kind = '' OR kind = :kind)
           AND (:action = '' OR action = :action) ORDER BY write_id""",
        {"shop_id": shop.shop_id, "after": after, "kind": kind, "action": action},
    )
    return [dict(row) for row in found]
