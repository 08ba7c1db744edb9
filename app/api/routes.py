"""REST for a store's own programs: its shop, its till, its landing pages. No cookies: each call brings its key."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn

from flask import Blueprint, Response, current_app, g, jsonify, render_template, request, url_for
from flask_babel import gettext as _
from flask_limiter import RateLimitExceeded
from werkzeug.exceptions import HTTPException

from app.accounts.access import this_browser
from app.accounts.limits import seconds_to_wait
from app.api.examples import ask, send
from app.api.keys import Caller, KeyExpired, Scope, arrive, hash_of
from app.api.orders import order_json
from app.api.problems import Problem, of_mistakes
from app.core.own_orders import Mistakes, read_move, read_order
from app.core.packing import CannotPack, Refusal
from app.extensions import limiter, visitor_address
from app.fulfilment.house import NotHere
from app.fulfilment.services import tell
from app.fulfilment.words import why
from app.own_orders import services
from app.own_orders.services import Invoiced, KeyReused, Made, NumberTaken, Request
from app.sync.nudge import nudge
from app.tenancy import doors
from app.tenancy.scope import Actor, act_as, current_store, enter_store
from app.web.errors import WORDS
from app.web.filters import day
from app.web.needs import public

PER_KEY: Final = "120 per minute"
PER_ADDRESS: Final = "1200 per minute"
MOST_BYTES: Final = 256 * 1024
_BEARER: Final = re.compile(r"Bearer ([\w-]{20,100})", re.ASCII | re.IGNORECASE)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_ID: Final = re.compile(r"[0-9]{1,18}")
_FIELDS: Final = {Refusal.NO_SUCH_PACKAGE: "#/package", Refusal.NOT_SENT_YET: "#/courier"}
"""The field of a call by which packages would become what they cannot be; else it is the status."""
_DOCUMENT: Final = Path(__file__).with_name("openapi.json")

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


def _key_of_call() -> str:
    """Limits count by key, known or not; a digest, because the counters lie in the queue server and keys must not."""
    return hashlib.sha256(request.headers.get("Authorization", "").encode()).hexdigest()[:32]


_by_key: Final = limiter.shared_limit(PER_KEY, scope="api", key_func=_key_of_call)
_by_address: Final = limiter.shared_limit(PER_ADDRESS, scope="api", key_func=visitor_address)


@blueprint.errorhandler(Problem)
def _refused(problem: Problem) -> Response:
    return problem.answer()


@blueprint.errorhandler(HTTPException)
def _failed(error: HTTPException) -> Response:
    """What Flask refuses before a view runs: too large, too many, the wrong method."""
    words = WORDS.get(error.code or 500, WORDS[500])
    headers = {"Retry-After": str(seconds_to_wait())} if isinstance(error, RateLimitExceeded) else {}
    return Problem(error.code or 500, str(words.title), str(words.text), headers=headers).answer()


@blueprint.after_request
def _is_no_page(response: Response) -> Response:
    """Whoever opens an answer to a program in a browser saves it, and is not shown it as if it were a page."""
    if response.mimetype != "text/html":
        response.headers.setdefault("Content-Disposition", 'attachment; filename="api.json"')
    return response


@blueprint.post("/orders")
@public
@_by_address
@_by_key
def create_order() -> Response:
    """Make an order. The same Idempotency-Key with the same body is answered as it was the first time."""
    caller = _caller(Scope.WRITE)
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        detail = _("Send a header Idempotency-Key with 1 to 255 plain characters, a new one for each order.")
        raise Problem(400, _("The Idempotency-Key is missing"), detail)
    body = _body()
    try:
        order = read_order(_parsed(body), currency=g.store.currency, now=datetime.now(UTC))
        asked = Request(f"key:{caller.key_id}", key, hashlib.sha256(body).digest())
        added = services.add_orders([order], user_id=None, request=asked, answer=_first_answer)
    except Mistakes as mistakes:
        raise of_mistakes(mistakes.found) from None
    except NumberTaken as taken:
        detail = _("Another order has the number %(number)s, and says something else.", number=taken.number)
        error = {"pointer": "#/number", "code": "taken", "detail": detail}
        raise Problem(409, _("The number is taken"), detail, errors=[error], order_id=taken.order_id) from None
    except KeyReused:
        detail = _("This Idempotency-Key came with another body before. Take a new one for each order.")
        raise Problem(422, _("The Idempotency-Key was used before"), detail) from None
    if not added.is_repeated:
        nudge(g.store.id, "orders")
    answer = jsonify(added.answer["body"])
    answer.status_code = added.answer["status"]
    answer.headers["Location"] = url_for(".show_order", order_id=added.made[0].order_id)
    if added.is_repeated:
        answer.headers["Idempotent-Replayed"] = "true"
    return answer


@blueprint.get("/orders")
@public
@_by_address
@_by_key
def find_orders() -> Response:
    """The order with a number, as a list of one or none."""
    _caller(Scope.READ)
    number = request.args.get("number", "").strip()
    if not number or "\0" in number or len(number) > MOST_BYTES:
        detail = _("Say which order is meant: /api/v1/orders?number=…")
        raise Problem(400, _("The number is missing"), detail)
    order_id = services.order_id_of(number)
    found = None if order_id is None else order_json(order_id)
    return jsonify({"orders": [] if found is None else [found]})


@blueprint.get("/orders/<order_id>")
@public
@_by_address
@_by_key
def show_order(order_id: str) -> Response:
    """One order."""
    _caller(Scope.READ)
    return _order_or_404(order_id)


@blueprint.patch("/orders/<order_id>")
@public
@_by_address
@_by_key
def change_order(order_id: str) -> Response:
    """Say what happened to an order: paid, sent by which courier, cancelled, paid back. Twice does no harm."""
    _caller(Scope.WRITE)
    body = _body()
    try:
        tell(_number_of(order_id), read_move(_parsed(body)), None)
    except Mistakes as mistakes:
        raise of_mistakes(mistakes.found) from None
    except Invoiced:
        detail = _("It was invoiced, so its payment method stays as it is.")
        raise Problem(409, _("The order is invoiced"), detail) from None
    except CannotPack as problem:
        detail, field = why(problem), _FIELDS.get(problem.refusal, "#/status")
        error = {"pointer": field, "code": str(problem.refusal), "detail": detail}
        raise Problem(409, _("The packages stay as they are"), detail, errors=[error]) from None
    except NotHere:
        _no_such_order()
    nudge(g.store.id, "orders")
    return _order_or_404(order_id)


@blueprint.get("/openapi.json")
@public
def openapi() -> Response:
    """All of this for programs."""
    return Response(_DOCUMENT.read_bytes(), content_type="application/json")


@blueprint.get("/")
@public
def explained() -> str:
    """All of this for people."""
    url = current_app.extensions["settings"].base_url + url_for(".create_order")
    examples = {"sending": send(url), "asking": ask(url)}
    return render_template("api/explained.html", per_key=PER_KEY, most_kib=MOST_BYTES // 1024, **examples)


@blueprint.route("/<path:rest>", methods=["GET", "POST", "PATCH"])
@public
def nothing(rest: str) -> NoReturn:
    """Whatever else is asked for."""
    raise Problem(404, str(WORDS[404].title), _("There is no such address here. See /api/v1/ for those that are."))


def _caller(scope: Scope) -> Caller:
    """Who calls, with the store's scope open; a Problem when the key is unknown or may not do this."""
    found = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    place = doors.api_key(hash_of(found[1])) if found else None
    caller = None
    if place is not None:
        store_id, key_id = place
        browser = this_browser()
        act_as(Actor(key_id=str(key_id), address=browser.address, browser=browser.user_agent))
        enter_store(store_id)
        try:
            caller = arrive(key_id)
        except KeyExpired as expired:
            _expired(expired.at)
    if caller is None:
        headers = {"WWW-Authenticate": 'Bearer realm="Channelbook"'}
        detail = _("Send a key that works, as “Authorization: Bearer …”. Keys are made under Settings → API keys.")
        raise Problem(401, _("The key is missing or unknown"), detail, headers=headers)
    if scope not in caller.scopes:
        detail = _("This key may not do this: it lacks the scope %(scope)s.", scope=scope)
        raise Problem(403, _("The key may not do this"), detail)
    g.store = current_store()
    return caller


def _expired(at: datetime) -> NoReturn:
    g.store = current_store()  # whose day it is
    headers = {"WWW-Authenticate": 'Bearer realm="Channelbook", error="invalid_token"'}
    detail = _("This key worked until %(day)s. Make a new one under Settings → API keys.", day=day(at))
    raise Problem(401, _("The key has expired"), detail, headers=headers)


def _body() -> bytes:
    """The body as it came, read no further than shows that it is too much."""
    if request.mimetype != "application/json":
        raise Problem(415, _("The body is no JSON"), _("Send the body as JSON, with Content-Type: application/json."))
    body = request.stream.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise Problem(413, str(WORDS[413].title), _("A body has at most %(kib)s KiB.", kib=MOST_BYTES // 1024))
    return body


def _parsed(body: bytes) -> Any:
    """The body as plain values, with exact numbers."""
    try:
        return json.loads(body.decode(), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        detail = _("The body cannot be read as JSON in UTF-8.")
        raise Problem(400, _("The body is no JSON"), detail) from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _first_answer(made: Sequence[Made]) -> dict[str, Any]:
    (one,) = made
    return {"status": 201 if one.is_new else 200, "body": order_json(one.order_id)}


def _order_or_404(order_id: str) -> Response:
    found = order_json(_number_of(order_id))
    if found is None:
        _no_such_order()
    return jsonify(found)


def _number_of(order_id: str) -> int:
    return int(order_id) if _ID.fullmatch(order_id) else 0


def _no_such_order() -> NoReturn:
    raise Problem(404, _("There is no such order"), _("No order that was made here has this id."))
