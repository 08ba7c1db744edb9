"""The control page: plain HTML forms over what the control API does, for a person who rehearses."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from flask import abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.sandbox.jsonl import BadRecords
from app.sandbox.pages import back, pages_blueprint, tried
from app.sandbox.sitegiant import desk, oddities
from app.sandbox.sitegiant.control import acts, add_given, chosen_shop, spoiling
from app.sandbox.sitegiant.edits import patch
from app.sandbox.sitegiant.faults import ROUTES
from app.sandbox.sitegiant.orders import BadOrder, amount
from app.sandbox.sitegiant.shop import UnknownOrder
from app.sandbox.sitegiant.state import sandbox
from app.sandbox.sitegiant.writes import writes

PATH = "/sandbox/sitegiant"
SHOWN_ORDERS = 25
MOST_NEW = 1_000

T = TypeVar("T")

pages = pages_blueprint(PATH, "SiteGiant", {"orders": "Orders"})


@pages.get("/")
@pages.get("")
def home() -> str:
    """What this is, what to connect, the orders, the faults."""
    shop = chosen_shop()
    words, page = request.args.get("q", ""), max(request.args.get("page", 1, type=int), 1)
    count, orders = desk.search(shop, words=words, limit=SHOWN_ORDERS, offset=(page - 1) * SHOWN_ORDERS)
    return render_template(
        "sitegiant/home.html",
        shop=shop,
        shops=sandbox().shops(),
        url=f"{request.host_url.rstrip('/')}{PATH}",
        stats=desk.stats(shop),
        orders=orders,
        count=count,
        words=words,
        page=page,
        more=page * SHOWN_ORDERS < count,
        faults=sandbox().faults(shop).as_json(),
        oddities=oddities.listed(),
        routes=ROUTES,
        said=request.args.get("said", ""),
    )


@pages.get("/orders/<int:order_id>")
def show_order(order_id: int) -> str:
    """One order with what can be done to it."""
    shop = chosen_shop()
    try:
        order = desk.order_of(shop, order_id)
    except UnknownOrder as problem:
        abort(404, str(problem))
    return render_template(
        "sitegiant/order.html",
        shop=shop,
        order=order,
        text=json.dumps(order, ensure_ascii=False, indent=1),
        spoil=shop.spoils(order_id),
        writes=writes(shop, order_id=order_id),
        said=request.args.get("said", ""),
    )


@pages.post("/orders")
def add_orders() -> AnyResponse:
    """Add new orders: made up, or pasted as JSON, one a line or a list."""
    shop, pasted = chosen_shop(), request.form.get("json", "").strip()

    def add() -> list[int]:
        if pasted:
            return add_given(shop, _pasted(pasted))
        count = min(_form_number("count", 1), MOST_NEW)
        return desk.add_generated(shop, count=count, seed=_form_number("seed", 1), fields={})

    added, problem = _tried(add)
    return back(shop, "", problem or f"Added {len(added or [])} orders.")


@pages.post("/oddities")
def add_odd() -> AnyResponse:
    """Add an odd order."""
    shop, name = chosen_shop(), request.form.get("name", "")
    added, problem = _tried(lambda: oddities.add_oddity(shop, name))
    return back(shop, f"/orders/{added}" if added else "", problem or oddities.ODDITIES[name].description)


@pages.post("/orders/<int:order_id>/spoil")
def spoil_order(order_id: int) -> AnyResponse:
    """Send other fields than the order's own, or its own again."""
    shop, fields = chosen_shop(), request.form.get("fields", "{}")
    _, problem = _tried(lambda: shop.spoil(order_id, spoiling(fields)))
    return back(shop, f"/orders/{order_id}", problem or "Saved.")


@pages.post("/orders/<int:order_id>")
def edit_order(order_id: int) -> AnyResponse:
    """Store the edited JSON of an order; fields left alone stay, and the total follows the lines."""
    shop = chosen_shop()

    def edit() -> None:
        order, fields = desk.order_of(shop, order_id), json.loads(request.form.get("json", ""))
        if not isinstance(fields, dict):
            raise BadOrder("an order is a JSON object")
        changed = {name: value for name, value in fields.items() if order.get(name) != value}
        shop.change_order(order_id, lambda before: patch(before, changed))

    return back(shop, f"/orders/{order_id}", _tried(edit)[1] or "Saved.")


@pages.post("/orders/<int:order_id>/<any(pay, cancel, refund):act>")
def act_on_order(order_id: int, act: str) -> AnyResponse:
    """Pay, cancel or refund an order."""
    shop, asked = chosen_shop(), request.form.get("amount", "").strip()

    def change() -> None:
        sum_back: Decimal | None = amount(asked, "amount") if asked else None
        shop.change_order(order_id, acts(sum_back)[act])

    done = {"pay": "Paid.", "cancel": "Cancelled.", "refund": "Refunded."}[act]
    return back(shop, f"/orders/{order_id}", _tried(change)[1] or done)


def _tried(act: Callable[[], T]) -> tuple[T | None, str]:
    """What the act gave, and the sentence to show when it was refused."""
    return tried(act, BadOrder, BadRecords, LookupError)


def _pasted(text: str) -> list[Any]:
    if text.startswith("["):
        found = json.loads(text)
        return found if isinstance(found, list) else [found]
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _form_number(name: str, default: int) -> int:
    return max(request.form.get(name, default, type=int), 0)
