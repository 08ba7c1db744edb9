"""The way of every call to SiteGiant: token, quota, faults, route, log."""

from __future__ import annotations

from flask import Blueprint, Response, request

from app.sandbox.calling import Answer
from app.sandbox.gate import logged, response_of, through_faults
from app.sandbox.quota import Allowance
from app.sandbox.sitegiant.calling import Call, refusal, too_many
from app.sandbox.sitegiant.shop import Shop
from app.sandbox.sitegiant.state import sandbox
from app.sandbox.sitegiant.wire import handle, route_of

DEFAULT_RATE_LIMIT = 3000

wire = Blueprint("wire", __name__)


@wire.route("/sandbox/sitegiant/api/v1/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@wire.route("/api/v1/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def take_call(path: str) -> Response:
    """Take any call to the API, known route or not: a wrong token is refused before anything else is looked at."""
    box, body = sandbox(), request.get_data()
    shop = box.shop(request.headers.get("Access-Token", ""))
    route, handler, tail = route_of(request.method, path)
    allowance = Allowance(granted=True, limit=DEFAULT_RATE_LIMIT, remaining=DEFAULT_RATE_LIMIT, wait=0)
    if shop is not None:
        allowance = box.quota.take(shop.shop_id, shop.rate_limit)

    def answer(call_id: int) -> tuple[Answer | None, list[str]]:
        if shop is None:
            return refusal(403, "Access denied due to invalid token", status=403), []
        acting = box.faults(shop).acting(route)
        call = _call(shop, call_id, body, tail)
        given = through_faults(
            call, acting, lambda: handle(call, handler) if allowance.granted else too_many(allowance.wait)
        )
        return given, [switch.name for switch in acting]

    given = logged(box.calls, shop.shop_id if shop else None, path=f"/{path}", route=route, body=body, answer=answer)
    spent = given is not None and given.status == 429
    return response_of(
        given,
        {
            "X-RateLimit-Limit": str(allowance.limit),
            "X-RateLimit-Remaining": "0" if spent else str(allowance.remaining),
        },
    )


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
