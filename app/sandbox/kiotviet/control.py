"""The control API: how a test or a person steers the shop while it runs. JSON in, JSON out, no token."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Response, abort, request

from app.sandbox.jsonl import BadRecords
from app.sandbox.kiotviet import desk, dialect
from app.sandbox.kiotviet.kinds import KINDS, Kind
from app.sandbox.kiotviet.shop import BadRecord, Shop, UnknownRecord
from app.sandbox.kiotviet.state import RATE_LIMIT, sandbox
from app.sandbox.kiotviet.stock import set_on_hand
from app.sandbox.kiotviet.writes import writes
from app.sandbox.state import chosen
from app.sandbox.steering import (
    MOST_AT_ONCE,
    MOST_SHOWN,
    BadControl,
    a_list,
    a_number,
    an_object,
    as_json,
    bad,
    control_blueprint,
    query_number,
    sent,
    sent_object,
    unknown,
)

control = control_blueprint()
control.register_error_handler(UnknownRecord, unknown)
control.register_error_handler(BadRecord, bad)
control.register_error_handler(BadRecords, bad)
control.register_error_handler(dialect.BadDialect, bad)


def chosen_shop() -> Shop:
    """The shop whose name stands in the query as `key`, or else the first."""
    return chosen(sandbox().shops())


# -- records


@control.get("/records/<kind>")
def list_records(kind: str) -> Response:
    """Records of a kind as they are kept, by number: `limit`, `offset`."""
    shop, name = chosen_shop(), kind_of(kind).name
    found = shop.every(name, limit=query_number("limit", 50, MOST_SHOWN), offset=query_number("offset", 0))
    return as_json({"total": shop.count(name), "records": found})


@control.post("/records/<kind>")
def add_records(kind: str) -> Response:
    """Add records in the wire's shape, one or a list; they are called out, and kept as they stand."""
    body = sent()
    ids = desk.load(chosen_shop(), kind_of(kind).name, body if isinstance(body, list) else [body], quiet=False)
    return as_json({"ids": ids}, 201)


@control.get("/records/<kind>/<int:record_id>")
def show_record(kind: str, record_id: int) -> Response:
    """One record as it is kept."""
    return as_json(chosen_shop().find(kind_of(kind).name, record_id))


@control.patch("/records/<kind>/<int:record_id>")
def edit_record(kind: str, record_id: int) -> Response:
    """Set any members, to anything; null takes one away. The edit is stamped unless it sets `modifiedDate`."""
    return as_json(desk.edit(chosen_shop(), kind_of(kind).name, record_id, sent_object()))


@control.delete("/records/<kind>/<int:record_id>")
def remove_record(kind: str, record_id: int) -> Response:
    """Delete a record, as the shop's people do."""
    chosen_shop().remove(kind_of(kind).name, record_id)
    return as_json({"removed": record_id})


@control.post("/touch/<kind>")
def touch_records(kind: str) -> Response:
    """Edit every `every`-th record of a kind without changing anything in it."""
    every = a_number(sent_object(), "every", 100)
    return as_json({"touched": desk.touch(chosen_shop(), kind_of(kind).name, max(every, 1))})


@control.post("/stock")
def count_stock() -> Response:
    """Count a product anew in one branch: {"productId", "branchId", "onHand"}."""
    body = sent_object()
    on_hand = body.get("onHand")
    if isinstance(on_hand, bool) or not isinstance(on_hand, (int, float)):
        raise BadControl("onHand is a number.")
    set_on_hand(chosen_shop(), a_number(body, "productId", 0), a_number(body, "branchId", 0), Decimal(str(on_hand)))
    return as_json(chosen_shop().find("product", body["productId"])["inventories"])


# -- the dialect


@control.get("/dialect")
def show_dialect() -> Response:
    """Every switch with what it is about, what can be chosen and what is."""
    spoken = dialect.spoken(sandbox().db, chosen_shop().shop_id)
    return as_json(
        {
            name: {"about": choice.about, "options": list(choice.options), "chosen": spoken[name]}
            for name, choice in dialect.CHOICES.items()
        }
    )


@control.put("/dialect")
def choose_dialect() -> Response:
    """Choose: {switch: option}; the others stay as they are."""
    dialect.choose(sandbox().db, chosen_shop().shop_id, sent_object())
    return as_json(dialect.spoken(sandbox().db, chosen_shop().shop_id))


# -- what reached us


@control.get("/writes")
def list_writes() -> Response:
    """Every record that the API made, changed or deleted, oldest first: `after` an id, of one `kind`, one `action`."""
    found = writes(
        chosen_shop(),
        after=query_number("after", 0),
        kind=request.args.get("kind", ""),
        action=request.args.get("action", ""),
    )
    return as_json({"writes": found})


@control.get("/stats")
def show_stats() -> Response:
    """How many records of each kind there are, were deleted, and what the API wrote."""
    shop = chosen_shop()
    return as_json({"key": shop.key, "name": shop.name, "rate_limit": shop.rate_limit, **desk.stats(shop)})


# -- shops


@control.get("/shops")
def list_shops() -> Response:
    """Every shop with what is needed to connect it."""
    return as_json({"shops": [_shown(shop) for shop in sandbox().shops()]})


@control.post("/shops")
def keep_shop() -> Response:
    """Add a shop {"key", "name", "client_id", "client_secret", "rate_limit"}, filled as by reset, or change one."""
    body = sent_object()
    key = body.get("key")
    if not isinstance(key, str) or not key.strip():
        raise BadControl("key is a text that is not empty.")
    known = sandbox().shop(key)
    with sandbox().db.transaction():
        shop = sandbox().keep_shop(
            key,
            name=str(body.get("name", known.name if known else key)),
            client_id=str(body.get("client_id", known.client_id if known else f"client-of-{key}")),
            client_secret=str(body.get("client_secret", known.client_secret if known else f"secret-of-{key}")),
            rate_limit=a_number(body, "rate_limit", known.rate_limit if known else RATE_LIMIT),
        )
        if known is None:
            _fill(shop, body)
    return as_json({**_shown(shop), **desk.stats(shop)}, 200 if known else 201)


@control.post("/reset")
def reset() -> Response:
    """Empty the shop, heal its faults, and fill it.

    {"products", "orders", "seed", "kilograms"} makes one up, {"records": {kind: […]}} takes these, {} leaves it with
    branches, people and channels alone.
    """
    shop, body = chosen_shop(), sent_object()
    with shop.db.transaction():
        desk.empty(shop)
        _fill(shop, body)
    sandbox().faults(shop).switch_off()
    sandbox().quota.start_anew(shop.shop_id)
    return as_json(desk.stats(shop))


def _fill(shop: Shop, body: Mapping[str, Any]) -> None:
    size = desk.Size(
        products=a_number(body, "products", 0, MOST_AT_ONCE),
        orders=a_number(body, "orders", 0, MOST_AT_ONCE),
        seed=a_number(body, "seed", 1),
        kilograms=body.get("kilograms") is True,
    )
    desk.fill(shop, size)
    for kind, raws in an_object(body.get("records", {}), "records").items():
        desk.load(shop, kind_of(kind).name, a_list(raws, kind))


def _shown(shop: Shop) -> dict[str, Any]:
    names = ("key", "name", "client_id", "client_secret", "rate_limit")
    return {name: getattr(shop, name) for name in names}


def kind_of(name: str) -> Kind:
    """The kind of this name."""
    if name not in KINDS:
        abort(404, f"There is no kind {name}; there are {', '.join(KINDS)}.")
    return KINDS[name]
