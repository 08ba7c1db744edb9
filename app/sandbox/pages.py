"""The control page as every kind begins it: the faults, the call log, what was called out. Plain HTML forms."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.sandbox.state import chosen, current_box
from app.sandbox.steering import BadControl, refuse_other_sites
from app.sandbox.switches import BadSwitch

SHOWN_CALLS = 100

T = TypeVar("T")


def pages_blueprint(path: str, label: str, sections: Mapping[str, str]) -> Blueprint:
    """The page's routes under this path; `label` is the channel's name, `sections` of the first page are by anchor."""
    pages = Blueprint("pages", "app.sandbox", url_prefix=path, template_folder="templates", static_folder="static")
    pages.before_request(refuse_other_sites)
    pages.after_request(_own_content_only)
    pages.context_processor(lambda: {"label": label, "sections": sections})
    pages.add_url_rule("/log", view_func=show_log)
    pages.add_url_rule("/log/clear", view_func=clear_log, methods=["POST"])
    pages.add_url_rule("/webhooks", view_func=show_webhooks)
    pages.add_url_rule("/faults/<name>", view_func=set_fault, methods=["POST"])
    return pages


def _own_content_only(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'self'; form-action 'self'"
    return response


def show_log() -> str:
    """The newest calls, newest first, and what they were answered."""
    shop = _shop()
    calls = current_box().calls.calls(shop.shop_id, limit=SHOWN_CALLS)[::-1]
    return render_template("sandbox/log.html", shop=shop, calls=calls, said=request.args.get("said", ""))


def clear_log() -> AnyResponse:
    """Forget the calls."""
    shop = _shop()
    current_box().calls.clear(shop.shop_id)
    return back(shop, "/log", "The log is empty.")


def show_webhooks() -> str:
    """What was called out by itself, newest first, and how it was answered."""
    shop = _shop()
    standing = current_box().standing(shop)
    return render_template("sandbox/webhooks.html", shop=shop, standing=standing, posts=standing["posts"][::-1])


def set_fault(name: str) -> AnyResponse:
    """Switch a fault on with the form's settings, or off."""
    shop = _shop()
    board = current_box().faults(shop)
    if "off" in request.form:
        board.switch_off(name)
        return back(shop, "", f"{name} is off.")
    given = {key: value for key, value in request.form.items() if key not in ("on", "route") and value}
    _, problem = tried(lambda: board.switch_on(name, {"route": request.form.get("route", "any"), **_numbers(given)}))
    return back(shop, "", problem or f"{name} is on.")


def tried(act: Callable[[], T], *refusals: type[Exception]) -> tuple[T | None, str]:
    """What the act gave, and the sentence to show when it was refused, in one of these ways as well."""
    try:
        return act(), ""
    except json.JSONDecodeError as problem:
        return None, f"Not done: this is not JSON: {problem}"
    except Exception as problem:
        if not isinstance(problem, (BadSwitch, BadControl, *refusals)):
            raise
        return None, f"Not done: {problem}"


def back(shop: Any, path: str, said: str) -> AnyResponse:
    """Go back to a page of the shop, which shows this sentence."""
    home = url_for("pages.home").rstrip("/")
    return redirect(f"{home}{path}?{urlencode({'key': shop.key, 'said': said})}", code=303)


def _shop() -> Any:
    return chosen(current_box().shops())


def _numbers(given: dict[str, str]) -> dict[str, int | float]:
    try:
        return {key: float(value) if "." in value else int(value) for key, value in given.items()}
    except ValueError:
        raise BadSwitch("the settings of a fault are numbers.") from None
