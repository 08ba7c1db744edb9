"""The way of every call: token, quota, faults, route, log."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable

from flask import Blueprint, Response, request

from app.sandbox.serving import dripping, hang_up
from app.sandbox.sitegiant.calling import Answer, Call, Dropped, refusal, too_many
from app.sandbox.sitegiant.quota import Allowance
from app.sandbox.sitegiant.shop import Shop, wire_text
from app.sandbox.sitegiant.state import sandbox
from app.sandbox.sitegiant.switches import Switch, answered
from app.sandbox.sitegiant.wire import handle, route_of

DEFAULT_RATE_LIMIT = 3000

wire = Blueprint("wire", __name__)


@wire.route("/sandbox/sitegiant/api/v1/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@wire.route("/api/v1/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def take_call(path: str) -> Response:
    """Take any call to the API, known route or not: a wrong token is refused before anything else is looked at."""
    started = time.perf_counter()
    box, body = sandbox(), request.get_data()
    shop = box.shop(request.headers.get("Access-Token", ""))
    route, handler, tail = route_of(request.method, path)
    call_id = box.calls.begin(
        shop.shop_id if shop else None,
        method=request.method,
        path=f"/{path}",
        route=route,
        query=wire_text(request.args.to_dict()),
        body=body,
    )
    acting: list[Switch] = []
    answer: Answer | None = None
    allowance = Allowance(granted=True, limit=DEFAULT_RATE_LIMIT, remaining=DEFAULT_RATE_LIMIT, wait=0)
    if shop is None:
        answer = refusal(403, "Access denied due to invalid token", status=403)
    else:
        allowance = box.quota.take(shop.shop_id, shop.rate_limit)
        acting = box.faults(shop).acting(route)
        answer = _answer(_call(shop, call_id, body, tail), allowance, acting, handler)
    box.calls.end(
        call_id,
        status=answer.status if answer else None,
        answer=answer.body if answer else b"",
        faults=[switch.name for switch in acting],
        ms=(time.perf_counter() - started) * 1000,
    )
    if answer is None:
        hang_up(request.environ)
        return Response(status=503)
    return _response(answer, allowance)


def _call(shop: Shop, call_id: int, body: bytes, tail: str) -> Call:
    return Call(
        shop=shop,
        call_id=call_id,
        query=request.args,
        body=body,
        environ=request.environ,
        tail=tail,
        string_code=call_id % 2 == 0,  # the channel cannot decide, so neither do we
    )


def _answer(
    call: Call, allowance: Allowance, acting: list[Switch], handler: Callable[[Call], Answer] | None
) -> Answer | None:
    """The answer through all its faults, or None where the connection is to be closed."""
    try:
        return answered(call, acting, lambda: handle(call, handler) if allowance.granted else too_many(allowance.wait))
    except Dropped:
        return None
    except Exception:
        # A mistake of ours is an answer and a line in the log as well: a rehearsal must not hang on it.
        sys.stderr.write(traceback.format_exc())
        return refusal(500, "The sandbox made a mistake; its own log says which.", status=500)


def _response(answer: Answer, allowance: Allowance) -> Response:
    body = dripping(request.environ, answer.body, answer.drip) if answer.drip else answer.body
    response = Response(body, answer.status, content_type=answer.content_type)
    response.content_length = len(answer.body)
    response.headers.update(answer.headers)
    response.headers["X-RateLimit-Limit"] = str(allowance.limit)
    response.headers["X-RateLimit-Remaining"] = "0" if answer.status == 429 else str(allowance.remaining)
    return response
