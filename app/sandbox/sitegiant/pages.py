"""The control page: plain HTML forms over what the control API does, for a person who rehearses."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.sandbox.sitegiant import desk, oddities
from app.sandbox.sitegiant.control import acts, add_given, chosen_shop, spoiling
from app.sandbox.sitegiant.edits import patch
from app.sandbox.sitegiant.faults import ROUTES
from app.sandbox.sitegiant.orders import BadOrder, amount
from app.sandbox.sitegiant.shop import BadOrders, Shop, UnknownOrder
from app.sandbox.sitegiant.state import sandbox
from app.sandbox.sitegiant.writes import writes
from app.sandbox.steering import BadControl, refuse_other_sites
from app.sandbox.switches import BadSwitch

PATH = "/sandbox/sitegiant"
SHOWN_ORDERS = 25
SHOWN_CALLS = 100
MOST_NEW = 1_000

T = TypeVar("T")

pages = Blueprint("pages", __name__, url_prefix=PATH, template_folder="templates", static_folder="static")
pages.before_request(refuse_other_sites)


@pages.after_request
def _own_content_only(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'self'; form-action 'self'"
    return response


@pages.get("/")
@pages.get("")
def home() -> str:
    """What this is, what to connect, the orders, the faults."""
    shop = chosen_shop()
    words, page = request.args.get("q", ""), max(request.args.get("page", 1, type=int), 1)
    count, orders = desk.search(shop, words=words, limit=SHOWN_ORDERS, offset=(page - 1) * SHOWN_ORDERS)
    return render_template(
        "sandbox/home.html",
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
        "sandbox/order.html",
        shop=shop,
        order=order,
        text=json.dumps(order, ensure_ascii=False, indent=1),
        spoil=shop.spoils(order_id),
        writes=writes(shop, order_id=order_id),
        said=request.args.get("said", ""),
    )


@pages.get("/log")
def show_log() -> str:
    """The newest calls, newest first, and what they were answered."""
    shop = chosen_shop()
    calls = sandbox().calls.calls(shop.shop_id, limit=SHOWN_CALLS)[::-1]
    return render_template("sandbox/log.html", shop=shop, calls=calls, said=request.args.get("said", ""))


@pages.get("/webhooks")
def show_webhooks() -> str:
    """What was called out by itself, newest first, and how it was answered."""
    shop = chosen_shop()
    standing = sandbox().standing(shop)
    return render_template("sandbox/webhooks.html", shop=shop, standing=standing, posts=standing["posts"][::-1])


@pages.post("/log/clear")
def clear_log() -> AnyResponse:
    """Forget the calls."""
    shop = chosen_shop()
    sandbox().calls.clear(shop.shop_id)
    return _back(shop, "/log", "The log is empty.")


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
    return _back(shop, "", problem or f"Added {len(added or [])} orders.")


@pages.post("/oddities")
def add_odd() -> AnyResponse:
    """Add an odd order."""
    shop, name = chosen_shop(), request.form.get("name", "")
    added, problem = _tried(lambda: oddities.add_oddity(shop, name))
    return _back(shop, f"/orders/{added}" if added else "", problem or oddities.ODDITIES[name].description)


@pages.post("/orders/<int:order_id>/spoil")
def spoil_order(order_id: int) -> AnyResponse:
    """Send other fields than the order's own, or its own again."""
    shop, fields = chosen_shop(), request.form.get("fields", "{}")
    _, problem = _tried(lambda: shop.spoil(order_id, spoiling(fields)))
    return _back(shop, f"/orders/{order_id}", problem or "Saved.")


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

    return _back(shop, f"/orders/{order_id}", _tried(edit)[1] or "Saved.")


@pages.post("/orders/<int:order_id>/<any(pay, cancel, refund):act>")
def act_on_order(order_id: int, act: str) -> AnyResponse:
    """Pay, cancel or refund an order."""
    shop, back = chosen_shop(), request.form.get("amount", "").strip()

    def change() -> None:
        sum_back: Decimal | None = amount(back, "amount") if back else None
        shop.change_order(order_id, acts(sum_back)[act])

    done = {"pay": "Paid.", "cancel": "Cancelled.", "refund": "Refunded."}[act]
    return _back(shop, f"/orders/{order_id}", _tried(change)[1] or done)


@pages.post("/faults/<name>")
def set_fault(name: str) -> AnyResponse:
    """Switch a fault on with the form's settings, or off."""
    shop = chosen_shop()
    board = sandbox().faults(shop)
    if "off" in request.form:
        board.switch_off(name)
        return _back(shop, "", f"{name} is off.")
    given = {key: value for key, value in request.form.items() if key not in ("on", "route") and value}
    _, problem = _tried(lambda: board.switch_on(name, {"route": request.form.get("route", "any"), **_numbers(given)}))
    return _back(shop, "", problem or f"{name} is on.")


def _tried(act: Callable[[], T]) -> tuple[T | None, str]:
    """What the act gave, and the sentence to show when it was refused."""
    try:
        return act(), ""
    except (BadOrder, BadOrders, BadSwitch, BadControl, LookupError) as problem:
        return None, f"Not done: {problem}"
    except json.JSONDecodeError as problem:
        return None, f"Not done: this is not JSON: {problem}"


def _pasted(text: str) -> list[Any]:
    if text.startswith("["):
        found = json.loads(text)
        return found if isinstance(found, list) else [found]
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _numbers(given: dict[str, str]) -> dict[str, int | float]:
    try:
        return {key: float(value) if "." in value else int(value) for key, value in given.items()}
    except ValueError:
        raise BadSwitch("the settings of a fault are numbers.") from None


def _form_number(name: str, default: int) -> int:
    return max(request.form.get(name, default, type=int), 0)


def _back(shop: Shop, path: str, said: str) -> AnyResponse:
    return redirect(f"{PATH}{path}?{urlencode({'key': shop.key, 'said': said})}", code=303)
