"""The control API: how a test or a person steers the shop while it runs. JSON in, JSON out, no token."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import HTTPException

from app.sandbox.sitegiant import desk, edits, oddities, outbox
from app.sandbox.sitegiant.clock import now
from app.sandbox.sitegiant.orders import BadOrder, Order, amount
from app.sandbox.sitegiant.shop import BadOrders, Shop, UnknownOrder, wire_text
from app.sandbox.sitegiant.state import sandbox
from app.sandbox.sitegiant.switches import BadSwitch

MOST_AT_ONCE = 200_000
MOST_SHOWN = 1_000

control = Blueprint("control", __name__, url_prefix="/control")


class BadControl(ValueError):
    """A control call that makes no sense; the text says why."""


def refuse_other_sites() -> None:
    """Refuse a change that another web site makes a visitor's browser send: only our own page may."""
    if request.method in ("GET", "HEAD"):
        return
    site, origin = request.headers.get("Sec-Fetch-Site", "none"), request.headers.get("Origin")
    if site not in ("same-origin", "none") or (origin and urlsplit(origin).netloc != request.host):
        abort(403, "This came from another web site.")


control.before_request(refuse_other_sites)


@control.errorhandler(UnknownOrder)
@control.errorhandler(oddities.UnknownOddity)
def _unknown(problem: LookupError) -> Response:
    return _json({"error": str(problem)}, 404)


@control.errorhandler(BadOrder)
@control.errorhandler(BadOrders)
@control.errorhandler(BadSwitch)
@control.errorhandler(BadControl)
def _bad(problem: Exception) -> Response:
    return _json({"error": str(problem)}, 400)


@control.errorhandler(HTTPException)
def _http_problem(problem: HTTPException) -> Response:
    return _json({"error": problem.description}, problem.code or 500)


def chosen_shop() -> Shop:
    """The shop whose key stands in the query as `key`, or else the first."""
    key = request.args.get("key")
    shop = sandbox().shops()[0] if key is None else sandbox().shop(key)
    if shop is None:
        abort(404, "No shop has this key.")
    return shop


# -- orders


@control.get("/orders")
def list_orders() -> Response:
    """Search: `q`, `order_status`, `payment_status`, `invoiced` and `foots` (0 or 1), `limit`, `offset`."""
    wanted = {name: request.args.get(name, "") for name in ("order_status", "payment_status", "invoiced", "foots")}
    count, found = desk.search(
        chosen_shop(),
        words=request.args.get("q", ""),
        **wanted,
        limit=_query_number("limit", 50, MOST_SHOWN),
        offset=_query_number("offset", 0),
    )
    return _json({"total": count, "orders": found})


@control.post("/orders")
def add_orders() -> Response:
    """Add orders: a list of them, one, or {"count": N, "seed": S, "set": {field: value}} to make new ones up."""
    shop, body = chosen_shop(), _body()
    if isinstance(body, dict) and "count" in body:
        added = desk.add_generated(
            shop,
            count=_number(body, "count", 0, MOST_AT_ONCE),
            seed=_number(body, "seed", 1),
            fields=_object(body.get("set", {}), "set"),
        )
    else:
        added = add_given(shop, body if isinstance(body, list) else [body])
    return _json({"order_ids": added}, 201)


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
    return _json(desk.order_of(chosen_shop(), order_id))


@control.patch("/orders/<int:order_id>")
def edit_order(order_id: int) -> Response:
    """Set any fields; the total follows the lines unless it is named too."""
    fields = _object(_body(), "The body")
    return _json(chosen_shop().change_order(order_id, lambda order: edits.patch(order, fields)))


@control.delete("/orders/<int:order_id>")
def remove_order(order_id: int) -> Response:
    """Take an order away, as if it had never been."""
    chosen_shop().remove_order(order_id)
    return _json({"removed": order_id})


@control.post("/orders/<int:order_id>/<any(pay, cancel, refund):act>")
def act_on_order(order_id: int, act: str) -> Response:
    """Pay, cancel or refund an order; a refund takes an optional {"amount": "10.00"}, else it gives all back."""
    body = _object(_body() if request.get_data() else {}, "The body")
    back = amount(body["amount"], "amount") if "amount" in body else None
    return _json(chosen_shop().change_order(order_id, acts(back)[act]))


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
    rows = [_object(row, "An item") for row in _list(_body(), "The body")]
    with shop.db.transaction():
        free = shop.next_item_id()
        numbered = [{"item_id": free + place, **row} for place, row in enumerate(rows)]
        shop.keep_items(numbered)
    return _json({"item_ids": [row["item_id"] for row in numbered]}, 201)


@control.delete("/items/<int:item_id>")
def remove_item(item_id: int) -> Response:
    """Sell an item no longer."""
    chosen_shop().remove_item(item_id)
    return _json({})


# -- odd orders


@control.get("/oddities")
def list_oddities() -> Response:
    """Every odd order that can be added, with what is odd about it."""
    return _json(oddities.listed())


@control.post("/oddities/<name>")
def add_odd(name: str) -> Response:
    """Add an odd order."""
    return _json({"order_id": oddities.add_oddity(chosen_shop(), name)}, 201)


# -- faults


@control.get("/faults")
@control.get("/faults/<name>")
def list_faults(name: str | None = None) -> Response:
    """Every fault there is, or one, and how it is switched on."""
    listed = sandbox().faults(chosen_shop()).as_json()
    if name is None:
        return _json(listed)
    return _json(listed[name]) if name in listed else _json({"error": f"There is no fault {name}."}, 404)


@control.post("/faults/<name>")
def switch_on(name: str) -> Response:
    """Switch a fault on: `route`, `times`, `skip`, `probability` and its own settings, all optional."""
    settings = _object(_body() if request.get_data() else {}, "The body")
    return _json(sandbox().faults(chosen_shop()).switch_on(name, settings).as_json(), 201)


@control.post("/faults")
def switch_on_named() -> Response:
    """The same, with the fault's `name` in the body."""
    settings = _object(_body(), "The body")
    name = str(settings.pop("name", ""))
    return _json(sandbox().faults(chosen_shop()).switch_on(name, settings).as_json(), 201)


@control.delete("/faults")
@control.delete("/faults/<name>")
def switch_off(name: str | None = None) -> Response:
    """Switch one fault off, or all."""
    board = sandbox().faults(chosen_shop())
    board.switch_off(name)
    return _json(board.as_json())


# -- what reached us


@control.get("/log")
def list_calls() -> Response:
    """The newest calls, oldest of them first: `after` an id, of one `route`, at most `limit`."""
    calls = sandbox().calls.calls(
        chosen_shop().shop_id,
        after=_query_number("after", 0),
        route=request.args.get("route", ""),
        limit=_query_number("limit", 200, MOST_SHOWN),
    )
    return _json({"calls": calls})


@control.delete("/log")
def clear_calls() -> Response:
    """Forget the calls, not the writes."""
    sandbox().calls.clear(chosen_shop().shop_id)
    return _json({"calls": []})


@control.get("/writes")
def list_writes() -> Response:
    """Every invoice number that took effect, oldest first: `after` an id, of one `order_id`."""
    writes = sandbox().calls.writes(
        chosen_shop().shop_id, after=_query_number("after", 0), order_id=_query_number("order_id", 0)
    )
    return _json({"writes": writes})


@control.get("/webhooks")
def list_webhooks() -> Response:
    """What is registered, how many deliveries wait or were given up, and what was posted and answered."""
    return _json(outbox.standing(chosen_shop().db, chosen_shop().shop_id))


@control.get("/stats")
def show_stats() -> Response:
    """Counts of orders by status, channels, items, writes, and of orders whose total is off on purpose."""
    shop = chosen_shop()
    return _json({"key": shop.key, "name": shop.name, "rate_limit": shop.rate_limit, **desk.stats(shop)})


# -- shops


@control.get("/shops")
def list_shops() -> Response:
    """Every shop with its key and rate limit."""
    shops = [{"key": s.key, "name": s.name, "rate_limit": s.rate_limit} for s in sandbox().shops()]
    return _json({"shops": shops})


@control.post("/shops")
def keep_shop() -> Response:
    """Add a shop {"key", "name", "rate_limit"}, filled as by reset, or set a known one's name and rate limit."""
    body = _object(_body(), "The body")
    key = body.get("key")
    if not isinstance(key, str) or not key:
        raise BadControl("key is a text that is not empty.")
    known, first = sandbox().shop(key), sandbox().shops()[0]
    name = str(body.get("name", known.name if known else key))
    rate_limit = _number(body, "rate_limit", (known or first).rate_limit)
    with first.db.transaction():
        shop = sandbox().keep_shop(key, name, rate_limit)
        if known is None:
            _fill(shop, body)
    return _json({"key": key, "name": name, "rate_limit": rate_limit, **desk.stats(shop)}, 200 if known else 201)


@control.post("/reset")
def reset() -> Response:
    """Empty the shop, heal its faults, and fill it: {"count", "seed"} makes one up, {"orders": […]} takes these."""
    shop, body = chosen_shop(), _object(_body() if request.get_data() else {}, "The body")
    with shop.db.transaction():
        desk.empty(shop)
        _fill(shop, body)
    sandbox().faults(shop).switch_off()
    sandbox().quota.start_anew(shop.shop_id)
    return _json(desk.stats(shop))


def _fill(shop: Shop, body: Mapping[str, Any]) -> None:
    """Fill an empty shop as the body says; without `count` and `orders` it stays blank, without channels too."""
    if "orders" in body:
        add_given(shop, _list(body["orders"], "orders"))
    elif "count" in body:
        desk.fill(shop, count=_number(body, "count", 0, MOST_AT_ONCE), seed=_number(body, "seed", 1))


# -- reading what was sent


def _json(value: Any, status: int = 200) -> Response:
    return Response(wire_text(value), status, content_type="application/json")


def _body() -> Any:
    try:
        return json.loads(request.get_data())
    except ValueError:
        raise BadControl("The body is not JSON.") from None


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadControl(f"{name} is not a JSON object.")
    return value


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadControl(f"{name} is not a list.")
    return value


def _number(body: Mapping[str, Any], name: str, default: int, most: int | None = None) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0 or (most is not None and value > most):
        raise BadControl(f"{name} is a whole number from 0{f' to {most}' if most is not None else ''}.")
    return value


def _query_number(name: str, default: int, most: int | None = None) -> int:
    text = request.args.get(name, str(default))
    readable = text.isascii() and text.isdigit() and len(text) <= 16
    return _number({name: int(text) if readable else text}, name, default, most)
