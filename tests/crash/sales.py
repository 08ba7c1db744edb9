"""What a family sells during a run: orders made in its sub-stores, and moved, packed and sent from either store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final
from uuid import UUID

import requests

from app.core.fulfilment import MOVES
from app.core.types import OrderStatus
from tests.crash.buttons import on_invoice
from tests.crash.deals import NOBODY, Deal, Presses
from tests.crash.family import SKUS, Family, Kin, Promise
from tests.crash.people import Push

KINDS: Final = ("webstore",) * 6 + ("landing_page", "social_commerce", "pos", "shopping_app")
BUYERS: Final = (
    {"name": "Mei Ling", "phone": "012-345 6789", "address": "1 Jalan Hujung, Ipoh"},
    {"name": "Siva Raj", "email": "siva@mail.example", "address": "22 Lebuh Pantai, George Town"},
    {"name": "Nur Izzah", "phone": "011-222 333", "address": "Lot 7, Jalan Gaya, Kota Kinabalu"},
)
WAYS: Final = (
    *("processing",) * 5,
    *("ready_to_ship",) * 3,
    *("shipped",) * 4,
    *("completed",) * 2,
    *("on_hold", "open", "cancelled", "cancelled", "returned", "returned"),
)
OWN: Final = """
    select o.id, o.order_type, o.status, o.payment_status, o.note from orders o
    join channels c on c.store_id = o.store_id and c.id = o.channel_id
    where o.store_id = %s and c.kind = 'own' """


def order_by_program(_family: Family, sub: Kin, luck: float) -> Presses:
    """The webshop sends an order."""
    return [(sub, sub.asking(key_of(luck), _document(luck)))]


def order_again(_family: Family, sub: Kin, luck: float) -> Presses:
    """It sends one that it sent before, as if it had not heard the answer."""
    keys = sorted(key for key, promise in sub.promises.items() if promise.by_program)
    if not keys:
        return NOBODY
    key = keys[int(luck * len(keys))]
    return [(sub, sub.asking(key, sub.promises[key].asked[0]))]


def order_otherwise(_family: Family, sub: Kin, luck: float) -> Presses:
    """It takes a key of before for another order, which is refused once the first one came."""
    keys = sorted(key for key, promise in sub.promises.items() if promise.by_program)
    if not keys:
        return NOBODY
    key = keys[int(luck * len(keys))]
    return [(sub, sub.asking(key, {**_document(luck), "note": key}))]


def order_by_page(_family: Family, sub: Kin, luck: float) -> Presses:
    """Somebody types one."""
    key, document = key_of(luck), _document(luck)
    promise = sub.promises.setdefault(key, Promise(by_program=False, asked=[document]))

    def heard(answer: requests.Response) -> None:
        if answer.status_code == 303:
            promise.order_ids.add(int(answer.headers["Location"].rsplit("/", 1)[1]))

    return [(sub, Push(f"/{sub.slug}/orders/new", typed(document) | {"press": key, "save": "1"}, heard=heard))]


def edit(_family: Family, sub: Kin, luck: float) -> Presses:
    """Other quantities, as long as it is not packed or invoiced."""
    order = _pick(sub, luck, "and o.status in ('open', 'processing', 'on_hold')")
    promise = sub.promises.get(order["note"]) if order else None
    if order is None or promise is None:
        return NOBODY
    first = promise.asked[0]
    lines = [{**line, "quantity": str(1 + int(luck * 1000) % 5)} for line in first["lines"]]
    said = {**first, "lines": lines, "payment_status": order["payment_status"]}
    promise.asked.append(said)
    return [(sub, Push(f"/{sub.slug}/orders/{order['id']}/edit", typed(said) | {"save": "1"}))]


def pay(_family: Family, sub: Kin, luck: float) -> Presses:
    """Somebody pays at last."""
    order = _pick(sub, luck, "and o.payment_status = 'unpaid'")
    return [(sub, Push(f"/{sub.slug}/orders/{order['id']}/mark/paid"))] if order else NOBODY


def refund(_family: Family, sub: Kin, luck: float) -> Presses:
    """All is given back."""
    order = _pick(sub, luck, "and o.payment_status = 'paid'")
    return [(sub, Push(f"/{sub.slug}/orders/{order['id']}/mark/refunded"))] if order else NOBODY


def move_there(_family: Family, sub: Kin, luck: float) -> Presses:
    """The sub-store says where an order stands."""
    order = _pick(sub, luck)
    return [_moving_there(sub, order, luck)] if order else NOBODY


def move_by_program(_family: Family, sub: Kin, luck: float) -> Presses:
    """Its webshop does."""
    order = _pick(sub, luck)
    if order is None:
        return NOBODY
    to, label = going(order["status"], luck)
    body = json.dumps({"status": to, **label})
    return [(sub, Push(f"/api/v1/orders/{order['id']}", method="PATCH", body=body, headers=sub.program))]


def move_here(family: Family, sub: Kin, luck: float) -> Presses:
    """The main store says where an order stands that it reads."""
    order = _pick_here(family, sub, luck)
    return [_moving_here(family, order, luck)] if order else NOBODY


def move_both(family: Family, sub: Kin, luck: float) -> Presses:
    """Both at once, mostly something else."""
    order = _pick_here(family, sub, luck)
    if order is None:
        return NOBODY
    there = {"id": int(order["remote_id"]), "status": order["status"]}
    return [_moving_there(sub, there, luck), _moving_here(family, order, 1 - luck)]


def split(_family: Family, sub: Kin, luck: float) -> Presses:
    """A piece of the first line goes into a package of its own."""
    order = _pick(sub, luck, "and o.status in ('open', 'processing', 'ready_to_ship', 'on_hold')")
    if order is None:
        return NOBODY
    package = _package(sub, order["id"], luck)
    form = {f"take_{order['id']}_1": "1", "package": package}
    return [(sub, Push(f"/{sub.slug}/orders/{order['id']}/split", form, may_be_gone=True))]


def on_package(act: str, **form: str) -> Deal:
    """A package is merged back, taken apart from others' or labelled anew."""

    def press(_family: Family, sub: Kin, luck: float) -> Presses:
        sql = """select l.order_id, p.number from packages p join package_lines l
                 on l.store_id = p.store_id and l.package_id = p.id
                 where p.store_id = %s group by l.order_id, p.number order by l.order_id, p.number"""
        found = sub.pick(luck, sql)
        if found is None:
            return NOBODY
        said = {**form, "package": found["number"]}
        return [(sub, Push(f"/{sub.slug}/orders/{found['order_id']}/{act}", said, may_be_gone=True))]

    return press


def combine(_family: Family, sub: Kin, luck: float) -> Presses:
    """Orders of one buyer share a package."""
    sql = OWN + "and o.status in ('processing', 'ready_to_ship') and o.buyer->>'name' = %s order by o.id"
    rows = sub.rows(sql, BUYERS[int(luck * len(BUYERS))]["name"])
    if len(rows) < 2:
        return NOBODY
    first, *others = rows[int(luck * 100) % (len(rows) - 1) :]
    form = {"order_id": [str(one["id"]) for one in others[:2]]}
    return [(sub, Push(f"/{sub.slug}/orders/{first['id']}/combine", form))]


def understood(family: Family, sub: Kin, luck: float) -> Presses:
    """What lost against the other store was read."""
    who = family.main if luck < 0.5 else sub
    row = who.pick(luck, "select order_id from fulfilments where store_id = %s and conflict is not null")
    return [(who, Push(f"/{who.slug}/orders/{row['order_id']}/understood"))] if row else NOBODY


def on_move(act: str, **form: str) -> Deal:
    """A move that the sub-store did not take over is tried again, or left."""

    def press(family: Family, _sub: Kin, luck: float) -> Presses:
        sql = """select id from changes where store_id = %s and kind = 'move' and state in ('blocked', 'planned')
                 order by id"""
        change = family.main.pick(luck, sql)
        return [(family.main, Push(f"/{family.main.slug}/changes/{change['id']}/{act}", form))] if change else NOBODY

    return press


def sync(family: Family, sub: Kin, luck: float) -> Presses:
    """Everything that is ready is booked, here or there."""
    who = family.main if luck < 0.5 else sub
    return [(who, Push(f"/{who.slug}/orders/sync", {"all": "1", "filter": ""}))]


def invoiced(act: str, **form: str) -> Deal:
    """An invoice is credited or issued anew, here or there."""
    button = on_invoice(act, **form)

    def press(family: Family, sub: Kin, luck: float) -> Presses:
        who = family.main if luck < 0.5 else sub
        push = button(who, luck)
        return [(who, push)] if push else NOBODY

    return press


def _pick(sub: Kin, luck: float, more: str = "") -> dict[str, Any] | None:
    """An order that was made in the sub-store, a late one rather than an early one."""
    rows = sub.rows(f"{OWN} {more} order by o.id desc limit 12")
    return rows[int(luck * len(rows))] if rows else None


def _pick_here(family: Family, sub: Kin, luck: float) -> dict[str, Any] | None:
    """An order that the main store reads, one that can go on rather than one that has ended."""
    sql = """select id, remote_id, status from orders where store_id = %s and channel_id = %s
             order by status in ('cancelled', 'returned', 'completed'), id desc limit 12"""
    rows = family.main.rows(sql, family.main.channel_of(sub))
    return rows[int(luck * len(rows))] if rows else None


def _moving_there(sub: Kin, order: Mapping[str, Any], luck: float) -> tuple[Kin, Push]:
    to, form = going(order["status"], luck)
    package = _package(sub, order["id"], luck) if to == "shipped" and luck < 0.5 else ""
    # Another press can take away the package that is named.
    said = {**form, "package": package} if package else form
    return sub, Push(f"/{sub.slug}/orders/{order['id']}/move/{to}", said, may_be_gone=bool(package))


def _moving_here(family: Family, order: Mapping[str, Any], luck: float) -> tuple[Kin, Push]:
    to, form = going(order["status"], luck)
    return family.main, Push(f"/{family.main.slug}/orders/{order['id']}/say/{to}", form)


def going(status: str, luck: float) -> tuple[str, dict[str, str]]:
    """Where to, mostly somewhere that the order can go, and by whom it is carried when it is sent."""
    draw = Random(luck)
    possible = [one for one in WAYS if one in MOVES[OrderStatus(status)]]
    to = draw.choice(possible if possible and draw.random() < 0.8 else WAYS)
    return to, {"courier": "Pos Laju", "tracking_number": _tracking(draw)} if to == "shipped" else {}


def _tracking(draw: Random) -> str:
    """A tracking number of which there is no second one."""
    return f"EM{draw.getrandbits(48):015d}MY"


def _package(sub: Kin, order_id: int, luck: float) -> str:
    """One of the order's packages by its number; "" while it is not packed, or means the only one."""
    sql = """select distinct p.number from packages p join package_lines l
             on l.store_id = p.store_id and l.package_id = p.id
             where p.store_id = %s and l.order_id = %s and p.shipped_at is null order by p.number"""
    rows = sub.rows(sql, order_id)
    return str(rows[int(luck * len(rows))]["number"]) if rows else ""


def key_of(luck: float) -> str:
    """The key of which an order is asked for: its note, so that it can be told from the others."""
    return UUID(int=Random(luck).getrandbits(128)).hex


def _document(luck: float) -> Mapping[str, Any]:
    draw = Random(luck)
    lines = [
        {
            "sku": sku,
            "name": sku.title(),
            "quantity": str(draw.randrange(1, 5)),
            "unit_price": f"{draw.randrange(1, 90)}.{draw.randrange(100):02d}",
        }
        for sku in draw.sample(SKUS, draw.randrange(1, 4))
    ]
    return {
        "kind": draw.choice(KINDS),
        "payment_status": draw.choice(("paid", "paid", "paid", "unpaid")),
        "payment_method": "FPX",
        "buyer": draw.choice(BUYERS),
        "lines": lines,
        "shipping": f"{draw.randrange(9)}.90",
        "note": key_of(luck),
    }


def typed(document: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """The document as somebody types it."""
    lines: Sequence[Mapping[str, str]] = document["lines"]
    paid: dict[str, str | list[str]] = {"paid": "y"} if document["payment_status"] == "paid" else {}
    return {
        **paid,
        **{name: document[name] for name in ("kind", "payment_method", "shipping", "note")},
        **{f"buyer_{name}": text for name, text in document["buyer"].items()},
        **{f"line_{name}": [line[name] for line in lines] for name in ("sku", "name", "quantity", "unit_price")},
    }


SALES: Final[Mapping[str, tuple[int, Deal]]] = {
    "order by program": (14, order_by_program),
    "order by page": (9, order_by_page),
    "order again": (4, order_again),
    "order otherwise": (1, order_otherwise),
    "edit": (3, edit),
    "pay": (4, pay),
    "refund": (1, refund),
    "move there": (10, move_there),
    "move by program": (3, move_by_program),
    "move here": (12, move_here),
    "move both": (6, move_both),
    "split": (5, split),
    "merge": (2, on_package("merge")),
    "take apart": (1, on_package("separate")),
    "label": (1, on_package("courier", courier="J&T", tracking_number="JT-LATER")),
    "combine": (3, combine),
    "understood": (1, understood),
    "retry move": (1, on_move("retry")),
    "leave move": (1, on_move("drop", confirmed="1")),
    "sync": (3, sync),
    "credit": (1, invoiced("credit", how="full")),
    "re-issue": (1, invoiced("reissue")),
}
"""How often an order is made, moved or packed in comparison."""
