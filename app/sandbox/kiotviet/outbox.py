"""What a shop calls out by itself: which addresses asked for it, in what shape it is told.

Whoever changes a record writes it down here in the same transaction; `postman.py` sends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from app.sandbox.database import Database
from app.sandbox.kiotviet.clock import now, stamp
from app.sandbox.kiotviet.dialect import spoken
from app.sandbox.postman import write_down

TYPES = (
    *(
        f"{thing}.{act}"
        for thing in ("customer", "product", "pricebook", "pricebookdetail", "category", "branch")
        for act in ("update", "delete")
    ),
    "stock.update",
    "order.update",
    "invoice.update",
)
_UNTOLD = {"createdDate", "productSerials", "productBatchExpires", "productWarranties", "productShelves"}
_SPELT = {"masterProductId": "masterProductId", "isActive": "isActive"}  # as the sources read them, against the rule
MOST_IN_ONE = 50
"""Rows of one call that are told together."""


def register(
    db: Database, shop_id: int, *, type_: str, url: str, secret: str, active: bool, description: str
) -> dict[str, Any]:
    """Call this address from now on; two of one type and address are two."""
    (made,) = db.rows(
        """INSERT INTO webhooks (shop_id, type, url, secret, active, description, modified_us)
           VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING webhook_id""",
        (shop_id, type_, url, secret, active, description, now()),
    )
    return next(hook for hook in registered(db, shop_id) if hook["id"] == made[0])


def registered(db: Database, shop_id: int) -> list[dict[str, Any]]:
    """The webhooks of a shop; what they are signed with is never told."""
    hooks = db.rows("SELECT * FROM webhooks WHERE shop_id = ? ORDER BY webhook_id", (shop_id,))
    return [
        {
            "id": hook["webhook_id"],
            "type": hook["type"],
            "url": hook["url"],
            "isActive": bool(hook["active"]),
            "description": hook["description"],
            "modifiedDate": stamp(hook["modified_us"], 3),
        }
        for hook in hooks
    ]


def remove(db: Database, shop_id: int, webhook_id: int) -> bool:
    """Call it no more, not even what waits to be sent; False when the shop has no such webhook."""
    with db.transaction():
        found = db.rows(
            "DELETE FROM webhooks WHERE shop_id = ? AND webhook_id = ? RETURNING webhook_id", (shop_id, webhook_id)
        )
        db.rows("DELETE FROM deliveries WHERE shop_id = ? AND webhook_id = ?", (shop_id, webhook_id))
    return bool(found)


def silence(db: Database, shop_id: int, url: str) -> None:
    """Send nothing more to this address, which refused: its webhooks are off, what waits for them is gone."""
    with db.transaction():
        off = db.rows(
            "UPDATE webhooks SET active = 0, modified_us = ? WHERE shop_id = ? AND url = ? RETURNING webhook_id",
            (now(), shop_id, url),
        )
        for (webhook_id,) in off:
            db.rows("DELETE FROM deliveries WHERE shop_id = ? AND webhook_id = ?", (shop_id, webhook_id))


def call_out(db: Database, shop_id: int, retailer_id: int, kind: str, bodies: Iterable[Mapping[str, Any]]) -> None:
    """Write down that these records are new or changed; call it in the transaction that changes them."""
    tell(db, shop_id, retailer_id, f"{kind}.update", bodies)


def tell(db: Database, shop_id: int, retailer_id: int, type_: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write down what is told of this type to whom has asked for it; a type that nobody can ask for is not."""
    hooks = _listening(db, shop_id, type_)
    if not hooks:
        return
    dialect = spoken(db, shop_id)
    told = [_row(row, dialect) for row in rows]
    action = f"{type_}.{retailer_id}" if dialect["action_suffix"] == "retailer" else type_
    write_down(
        db,
        shop_id,
        [
            (hook, _delivery({"Notifications": [{"Action": action, "Data": told[first : first + MOST_IN_ONE]}]}))
            for hook in hooks
            for first in range(0, len(told), MOST_IN_ONE)
        ],
    )


def tell_removed(db: Database, shop_id: int, retailer_id: int, kind: str, record_id: int) -> None:
    """Write down that a record was deleted."""
    hooks = _listening(db, shop_id, f"{kind}.delete")
    if not hooks:
        return
    dialect = spoken(db, shop_id)
    action = f"{kind}.delete.{retailer_id}" if dialect["action_suffix"] == "retailer" else f"{kind}.delete"
    told: dict[str, Any] = {"Notifications": [{"Action": action, "Data": [record_id]}]}
    if dialect["delete_body"] == "RemoveId":
        told = {"RemoveId": [record_id]}
    write_down(db, shop_id, [(hook, _delivery(told)) for hook in hooks])


def _listening(db: Database, shop_id: int, type_: str) -> list[int]:
    hooks = db.rows("SELECT webhook_id FROM webhooks WHERE shop_id = ? AND type = ? AND active", (shop_id, type_))
    return [hook[0] for hook in hooks]


def _delivery(told: dict[str, Any]) -> dict[str, Any]:
    """A delivery before its first attempt; what is told as a bare list of ids has no number of its own."""
    return told if "RemoveId" in told else {"Id": uuid4().hex, "Attempt": 0, **told}


def _row(body: Mapping[str, Any], dialect: Mapping[str, str]) -> dict[str, Any]:
    row = {name: value for name, value in body.items() if name not in _UNTOLD}
    if dialect["images"] == "objects" and "images" in row:
        row["images"] = [{"Image": image} for image in row["images"]]
    told: dict[str, Any] = _pascal(row)
    return told


def _pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            _SPELT.get(name, name[:1].upper() + name[1:]): _pascal(member)
            for name, member in value.items()
            if member is not None
        }
    return [_pascal(member) for member in value] if isinstance(value, list) else value
