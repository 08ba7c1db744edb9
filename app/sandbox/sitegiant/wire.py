"""SiteGiant's routes, as the contract gives them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from app.sandbox.calling import Answer, wire_text
from app.sandbox.sitegiant import outbox
from app.sandbox.sitegiant.calling import Call, refusal, success
from app.sandbox.sitegiant.orders import BadOrder, moment, whole_number
from app.sandbox.sitegiant.shop import Window

PAGE = 100  # the most orders in one page, one detail call or one write
WINDOW = timedelta(days=31)


class Refused(Exception):
    """The call makes no sense; the channel says so with code "400" inside HTTP 200."""


def channels(call: Call) -> Answer:
    """GET /channels."""
    return success(call, wire_text({"channel_list": [channel.as_json() for channel in call.shop.channels()]}))


def list_orders(call: Call) -> Answer:
    """GET /orders: one page of a channel's orders; the first page counts them all.

    By creation, or with `date_type=updated` by their last change: an assumption, so two faults take it away.
    """
    channel_id = whole_number(call.query.get("channel_id"), "channel_id")
    since, until = (moment(call.query.get(name), name) for name in ("date_from", "date_to"))
    page, limit = _page(call.query)
    if not timedelta(0) <= until - since <= WINDOW:
        raise Refused(f"date_from to date_to must be 0 to {WINDOW.days} days")
    if all(channel.channel_id != channel_id for channel in call.shop.channels()):
        raise Refused("Channel not found")
    axis = call.query.get("date_type", "created")
    if axis not in ("created", "updated"):
        raise Refused("date_type is created or updated")
    window = Window(channel_id, since, until, by_update=axis == "updated")
    offset = call.slid((page - 1) * limit)
    rows = _joined(call.shop.list_rows(window, offset=offset, limit=limit))
    if call.bare_list:
        return Answer(200, rows.encode())
    total = f'"total":{call.shop.count_orders(window)},' if page == 1 else ""
    return success(call, f'{{{total}"order_list":{rows}}}')


def order_details(call: Call) -> Answer:
    """POST /order/multipleOrder: details of up to 100 orders; unknown ones are simply absent."""
    body = _body(call)
    order_ids = body.get("order_id") if isinstance(body, dict) else None
    if not isinstance(order_ids, list) or len(order_ids) > PAGE:
        raise Refused(f"order_id must be a list of at most {PAGE} ids")
    wanted = [whole_number(order_id, "order_id") for order_id in order_ids]
    return success(call, f'{{"order_list":{_joined(call.shop.details(wanted))}}}')


def write_numbers(call: Call) -> Answer:
    """PUT /order/list: set invoice numbers, one result a row."""
    rows = _body(call)
    if not isinstance(rows, list) or len(rows) > PAGE:
        raise Refused(f"The body must be a list of at most {PAGE} rows")
    results = call.shop.write_numbers(rows, call.call_id, call.row_fails)
    return success(call, wire_text({"order_list": results}))


def items(call: Call) -> Answer:
    """GET /items: one page of the inventory."""
    page, limit = _page(call.query)
    offset = call.slid((page - 1) * limit)
    count, rows = call.shop.items(offset=offset, limit=limit)
    return success(call, f'{{"total":{count},"item_list":{_joined(rows)}}}')


def register_webhook(call: Call) -> Answer:
    """POST /webhooks: call this address on each change of an order; there is one topic."""
    body = _body(call)
    asked = body if isinstance(body, dict) else {}
    url, secret = asked.get("url"), asked.get("secret")
    if asked.get("topic") != outbox.TOPIC:
        raise Refused(f"topic must be {outbox.TOPIC}")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise Refused("url must be an address")
    if not isinstance(secret, str) or not secret:
        raise Refused("secret must be a text that is not empty")
    webhook_id = outbox.register(call.shop.db, call.shop.shop_id, url, secret)
    return success(call, wire_text({"id": webhook_id, "topic": outbox.TOPIC, "url": url}))


def remove_webhook(call: Call) -> Answer:
    """DELETE /webhooks/ID."""
    webhook_id = call.tail
    if not (webhook_id.isascii() and webhook_id.isdigit() and len(webhook_id) < 19) or not outbox.remove(
        call.shop.db, call.shop.shop_id, int(webhook_id)
    ):
        return refusal(404, "Webhook not found", status=404)
    return success(call, "{}")


# (method, path) -> (the route's name in faults and log, its handler)
HANDLERS: Mapping[tuple[str, str], tuple[str, Callable[[Call], Answer]]] = {
    ("GET", "channels"): ("channels", channels),
    ("GET", "orders"): ("list", list_orders),
    ("POST", "order/multipleOrder"): ("detail", order_details),
    ("PUT", "order/list"): ("write", write_numbers),
    ("GET", "items"): ("items", items),
    ("POST", "webhooks"): ("webhooks", register_webhook),
    ("DELETE", "webhooks/"): ("webhooks", remove_webhook),
}


def route_of(method: str, path: str) -> tuple[str, Callable[[Call], Answer] | None, str]:
    """The route's name, its handler, and what stands in the path behind it; "unknown" and None where there is none."""
    head, slash, tail = path.partition("/")
    found = HANDLERS.get((method, path)) or HANDLERS.get((method, head + slash))
    return (*found, tail) if found else ("unknown", None, tail)


def handle(call: Call, handler: Callable[[Call], Answer] | None) -> Answer:
    """Let the route answer; a call that makes no sense is refused, one that no route takes is not found."""
    if handler is None:
        return refusal(404, "Not found", status=404)
    try:
        return handler(call)
    except (Refused, BadOrder) as problem:
        return refusal("400", str(problem))


def _joined(texts: list[str]) -> str:
    return f"[{','.join(texts)}]"


def _body(call: Call) -> Any:
    try:
        return json.loads(call.body)
    except ValueError:
        raise Refused("The body is not JSON") from None


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    limit = whole_number(query.get("limit", PAGE), "limit")
    if limit > PAGE:
        raise Refused(f"limit must be 1 to {PAGE}")
    return whole_number(query.get("page", 1), "page"), limit
