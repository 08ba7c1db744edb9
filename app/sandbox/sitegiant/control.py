"""The control API: how a test or a person steers the shop while it runs. JSON in, JSON out, no token."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from flask import Response, request

from app.sandbox.jsonl import BadRecords
from app.sandbox.sitegiant import desk, edits, oddities
from app.sandbox.sitegiant.clock import now
from app.sandbox.sitegiant.orders import BadOrder, Order, amount
from app.sandbox.sitegiant.shop import Shop, UnknownOrder
from app.sandbox.sitegiant.state import sandbox
from app.sandbox.sitegiant.writes import writes
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
control.register_error_handler(UnknownOrder, unknown)
control.register_error_handler(oddities.UnknownOddity, unknown)
control.register_error_handler(BadOrder, bad)
control.register_error_handler(BadRecords, bad)


def chosen_shop() -> Shop:
    """The shop whose key stands in the query as `key`, or else the first."""
    return chosen(sandbox().shops())


# -- orders


@control.get("/orders")
def list_orders() -> Response:
    """Search: `q`, `order_status`, `payment_status`, `invoiced` and `foots` (0 or 1), `limit`, `offset`."""
    wanted = {name: request.args.get(name, "") for name in ("order_status", "payment_status", "invoiced", "foots")}
    count, found = desk.search(
        chosen_shop(),
        words=request.args.get("q", ""),
        **wanted,
        limit=query_number("limit", 50, MOST_SHOWN),
        offset=query_number("offset", 0),
    )
    return as_json({"total": count, "orders": found})


@control.post("/orders")
def add_orders() -> Response:
    """Add orders: a list of them, one, or {"count": N, "seed": S, "set": {field: value}} to make new ones up."""
    shop, body = chosen_shop(), sent()
    if isinstance(body, dict) and "count" in body:
        added = desk.add_generated(
            shop,
            count=a_number(body, "count", 0, MOST_AT_ONCE),
            seed=a_number(body, "seed", 1),
            fields=an_object(body.get("set", {}), "set"),
        )
    else:
        added = add_given(shop, body if isinstance(body, list) else [body])
    return as_json({"order_ids": added}, 201)


def add_given(shop: Shop, raws: list[Any]) -> list[int]:
    """Add orders in the wire's shape; one without an id gets the next."""
    with shop.db.transaction():
        free = shop.next_order_id()
        numbered = [
            {"order_id": free + place, **raw} if isinstance(raw, dict) else raw for place, raw in enumerate(raws)
        ]
        return shop.add_orders(numbered)


@control.get("/orders/<int:order_id>")
def show_order(order_id: int) -> Response:
    """One order as the wire's detail route sends it."""
    return as_json(desk.order_of(chosen_shop(), order_id))


@control.patch("/orders/<int:order_id>")
def edit_order(order_id: int) -> Response:
    """Set any fields; the total follows the lines unless it is named too."""
    fields = an_object(sent(), "The body")
    return as_json(chosen_shop().change_order(order_id, lambda order: edits.patch(order, fields)))


@control.delete("/orders/<int:order_id>")
def remove_order(order_id: int) -> Response:
    """Take an order away, as if it had never been."""
    chosen_shop().remove_order(order_id)
    return as_json({"removed": order_id})


@control.post("/orders/<int:order_id>/<any(pay, cancel, refund):act>")
def act_on_order(order_id: int, act: str) -> Response:
    """Pay, cancel or refund an order; a refund takes an optional {"amount": "10.00"}, else it gives all back."""
    body = sent_object()
    back = amount(body["amount"], "amount") if "amount" in body else None
    return as_json(chosen_shop().change_order(order_id, acts(back)[act]))


def acts(back: Decimal | None = None) -> Mapping[str, Callable[[Order], Order]]:
    """The three acts by name."""
    return {
        "pay": lambda order: edits.pay(order, now()),
        "cancel": edits.cancel,
        "refund": lambda order: edits.refund(order, back),
    }


@control.get("/orders/<int:order_id>/spoil")
def show_spoil(order_id: int) -> Response:
    """The fields that are sent instead of the order's own."""
    return Response(chosen_shop().spoils(order_id), content_type="application/json")


@control.put("/orders/<int:order_id>/spoil")
def spoil_order(order_id: int) -> Response:
    """Send the body's fields instead of the order's own, as they stand: {"total": NaN}; {} heals it."""
    fields = spoiling(request.get_data(as_text=True))
    chosen_shop().spoil(order_id, fields)
    return Response(fields, content_type="application/json")


def spoiling(text: str) -> str:
    """The text of a JSON object, unchanged; raises BadControl for any other. What is too deep to be read will do."""
    text = text.strip()
    try:
        found = json.loads(text, parse_int=str)
    except RecursionError:
        found = {}
    except ValueError:
        found = None
    if not isinstance(found, dict) or not (text.startswith("{") and text.endswith("}")):
        raise BadControl("The fields to send are not a JSON object.")
    return text


# -- items


@control.post("/items")
def keep_items() -> Response:
    """Store rows of the items route as they stand, odd ones too; one without an id gets the next, a known one changes.

    Two rows with one SKU are what a careless shop has.
    """
    shop = chosen_shop()
    rows = [an_object(row, "An item") for row in a_list(sent(), "The body")]
    with shop.db.transaction():
        free = shop.next_item_id()
        numbered = [{"item_id": free + place, **row} for place, row in enumerate(rows)]
        shop.keep_items(numbered)
    return as_json({"item_ids": [row["item_id"] for row in numbered]}, 201)


@control.delete("/items/<int:item_id>")
def remove_item(item_id: int) -> Response:
    """Sell an item no longer."""
    chosen_shop().remove_item(item_id)
    return as_json({})


# -- odd orders


@control.get("/oddities")
def list_oddities() -> Response:
    """Every odd order that can be added, with what is odd about it."""
    return as_json(oddities.listed())


@control.post("/oddities/<name>")
def add_odd(name: str) -> Response:
    """Add an odd order."""
    return as_json({"order_id": oddities.add_oddity(chosen_shop(), name)}, 201)


# -- what reached us


@control.get("/writes")
def list_writes() -> Response:
    """Every invoice number that took effect, oldest first: `after` an id, of one `order_id`."""
    found = writes(chosen_shop(), after=query_number("after", 0), order_id=query_number("order_id", 0))
    return as_json({"writes": found})


@control.get("/stats")
def show_stats() -> Response:
    """Counts of orders by status, channels, items, writes, and of orders whose total is off on purpose."""
    shop = chosen_shop()
    return as_json({"key": shop.key, "name": shop.name, "rate_limit": shop.rate_limit, **desk.stats(shop)})


# -- shops


@control.get("/shops")
def list_shops() -> Response:
    """Every shop with its key and rate limit."""
    shops = [{"key": s.key, "name": s.name, "rate_limit": s.rate_limit} for s in sandbox().shops()]
    return as_json({"shops": shops})


@control.post("/shops")
def keep_shop() -> Response:
    """Add a shop {"key", "name", "rate_limit"}, filled as by reset, or set a known one's name and rate limit."""
    body = an_object(sent(), "The body")
    key = body.get("key")
    if not isinstance(key, str) or not key:
        raise BadControl("key is a text that is not empty.")
    known, first = sandbox().shop(key), sandbox().shops()[0]
    name = str(body.get("name", known.name if known else key))
    rate_limit = a_number(body, "rate_limit", (known or first).rate_limit)
    with first.db.transaction():
        shop = sandbox().keep_shop(key, name, rate_limit)
        if known is None:
            _fill(shop, body)
    return as_json({"key": key, "name": name, "rate_limit": rate_limit, **desk.stats(shop)}, 200 if known else 201)


@control.post("/reset")
def reset() -> Response:
    """Empty the shop, heal its faults, and fill it: {"count", "seed"} makes one up, {"orders": […]} takes these."""
    shop, body = chosen_shop(), sent_object()
    with shop.db.transaction():
        desk.empty(shop)
        _fill(shop, body)
    sandbox().faults(shop).switch_off()
    sandbox().quota.start_anew(shop.shop_id)
    return as_json(desk.stats(shop))


def _fill(shop: Shop, body: Mapping[str, Any]) -> None:
    """Fill an empty shop as the body says; without `count` and `orders` it stays blank, without channels too."""
    if "orders" in body:
        add_given(shop, a_list(body["orders"], "orders"))
    elif "count" in body:
        desk.fill(shop, count=a_number(body, "count", 0, MOST_AT_ONCE), seed=a_number(body, "seed", 1))
