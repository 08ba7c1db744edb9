"""What the control API of every sandbox can do: faults, the log, what was called out. JSON in, JSON out, no token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import HTTPException

from app.sandbox.calling import wire_text
from app.sandbox.state import chosen, current_box
from app.sandbox.switches import BadSwitch

MOST_AT_ONCE = 200_000
MOST_SHOWN = 1_000


class BadControl(ValueError):
    """A control call that makes no sense; the text says why."""


def control_blueprint() -> Blueprint:
    """The control API as every kind begins it."""
    control = Blueprint("control", "app.sandbox", url_prefix="/control")
    control.before_request(refuse_other_sites)
    for refused in (BadSwitch, BadControl):
        control.register_error_handler(refused, bad)
    control.register_error_handler(HTTPException, _http_problem)
    for path in ("/faults", "/faults/<name>"):
        control.add_url_rule(path, view_func=list_faults, methods=["GET"])
        control.add_url_rule(path, view_func=switch_on, methods=["POST"])
        control.add_url_rule(path, view_func=switch_off, methods=["DELETE"])
    control.add_url_rule("/log", view_func=list_calls, methods=["GET"])
    control.add_url_rule("/log", view_func=clear_calls, methods=["DELETE"])
    control.add_url_rule("/webhooks", view_func=list_webhooks, methods=["GET"])
    return control


def refuse_other_sites() -> None:
    """Refuse a change that another web site makes a visitor's browser send: only our own page may."""
    if request.method in ("GET", "HEAD"):
        return
    site, origin = request.headers.get("Sec-Fetch-Site", "none"), request.headers.get("Origin")
    if site not in ("same-origin", "none") or (origin and urlsplit(origin).netloc != request.host):
        abort(403, "This came from another web site.")


def unknown(problem: Exception) -> Response:
    """HTTP 404 that says what there is not."""
    return as_json({"error": str(problem)}, 404)


def bad(problem: Exception) -> Response:
    """HTTP 400 that says what makes no sense."""
    return as_json({"error": str(problem)}, 400)


def _http_problem(problem: HTTPException) -> Response:
    return as_json({"error": problem.description}, problem.code or 500)


# -- faults


def list_faults(name: str | None = None) -> Response:
    """Every fault there is, or one, and how it is switched on."""
    listed = _board().as_json()
    if name is None:
        return as_json(listed)
    return as_json(listed[name]) if name in listed else as_json({"error": f"There is no fault {name}."}, 404)


def switch_on(name: str | None = None) -> Response:
    """Switch a fault on: `route`, `times`, `skip`, `probability` and its own settings, all optional.

    Its `name` stands in the path or in the body.
    """
    settings = sent_object()
    if name is None:
        name = str(settings.pop("name", ""))
    return as_json(_board().switch_on(name, settings).as_json(), 201)


def switch_off(name: str | None = None) -> Response:
    """Switch one fault off, or all."""
    board = _board()
    board.switch_off(name)
    return as_json(board.as_json())


def _board() -> Any:
    return current_box().faults(_shop())


def _shop() -> Any:
    return chosen(current_box().shops())


# -- what reached us, and what we called out


def list_calls() -> Response:
    """The newest calls, oldest of them first: `after` an id, of one `route`, at most `limit`."""
    calls = current_box().calls.calls(
        _shop().shop_id,
        after=query_number("after", 0),
        route=request.args.get("route", ""),
        limit=query_number("limit", 200, MOST_SHOWN),
    )
    return as_json({"calls": calls})


def clear_calls() -> Response:
    """Forget the calls, not what they wrote."""
    current_box().calls.clear(_shop().shop_id)
    return as_json({"calls": []})


def list_webhooks() -> Response:
    """What is registered, how many deliveries wait or were given up, and what was posted and answered."""
    return as_json(current_box().standing(_shop()))


# -- reading what was sent


def as_json(value: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(wire_text(value), status, content_type="application/json")


def sent() -> Any:
    """The JSON value that was sent."""
    try:
        return json.loads(request.get_data())
    except ValueError:
        raise BadControl("The body is not JSON.") from None


def sent_object() -> dict[str, Any]:
    """The JSON object that was sent; nothing is an empty one."""
    return an_object(sent() if request.get_data() else {}, "The body")


def an_object(value: Any, name: str) -> dict[str, Any]:
    """The value, which must be a JSON object."""
    if not isinstance(value, dict):
        raise BadControl(f"{name} is not a JSON object.")
    return value


def a_list(value: Any, name: str) -> list[Any]:
    """The value, which must be a list."""
    if not isinstance(value, list):
        raise BadControl(f"{name} is not a list.")
    return value


def a_number(given: Mapping[str, Any], name: str, default: int, most: int | None = None) -> int:
    """A whole number of a JSON object, from 0 to `most`."""
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0 or (most is not None and value > most):
        raise BadControl(f"{name} is a whole number from 0{f' to {most}' if most is not None else ''}.")
    return value


def query_number(name: str, default: int, most: int | None = None) -> int:
    """A whole number of the query."""
    text = request.args.get(name, str(default))
    readable = text.isascii() and text.isdigit() and len(text) <= 16
    return a_number({name: int(text) if readable else text}, name, default, most)
