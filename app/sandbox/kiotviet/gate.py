"""The way of every call to KiotViet: token, shop, faults, quota, route, log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request

from app.sandbox.calling import Answer
from app.sandbox.gate import logged, response_of, through_faults
from app.sandbox.kiotviet import tokens
from app.sandbox.kiotviet.calling import Call, error, success
from app.sandbox.kiotviet.dialect import spoken
from app.sandbox.kiotviet.faults import TOKEN
from app.sandbox.kiotviet.shop import Shop
from app.sandbox.kiotviet.state import Sandbox, sandbox
from app.sandbox.kiotviet.wire import Route, handle, route_of

PATH = "/sandbox/kiotviet"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_SECRET = re.compile(rb"(client_secret=)[^&]*", re.IGNORECASE)

wire = Blueprint("wire", __name__)


@wire.route(f"{PATH}/<path:path>", methods=_METHODS)
@wire.route("/<path:path>", methods=_METHODS)
def take_call(path: str) -> Response:
    """Take any call, known route or not; one address serves for both of KiotViet's, tokens and records."""
    box, body = sandbox(), request.get_data()
    if path.strip("/").lower() == "connect/token":
        return _take_token_call(box, path, body)
    shop, problem = _caller(box)
    route = route_of(request.method, path)

    def answer(call_id: int) -> tuple[Answer | None, list[str]]:
        if shop is None or problem is not None:
            return problem, []
        acting = box.faults(shop).acting(*route.names)
        call = _call(box, shop, call_id, body, route)
        given = through_faults(call, acting, lambda: _within_quota(box, call, route))
        return given, [switch.name for switch in acting]

    shop_id = shop.shop_id if shop else None
    return response_of(logged(box.calls, shop_id, path=f"/{path}", route=route.label, body=body, answer=answer), {})


def _within_quota(box: Sandbox, call: Call, route: Route) -> Answer:
    """The route's answer, unless it is a read and the hour's reads are spent: writes are not counted."""
    if request.method == "GET":
        allowance = box.quota.take(call.shop.shop_id, call.shop.rate_limit)
        if not allowance.granted:
            headers = {"Retry-After": str(allowance.wait)} if call.dialect["retry_after"] == "sent" else {}
            return error(429, "TooManyRequests", "Vượt quá số lượng request cho phép", call.dialect, **headers)
    return handle(call, route)


def _caller(box: Sandbox) -> tuple[Shop | None, Answer | None]:
    """The shop whose token this is, good or not, and what is answered unless the token and the shop's name are good."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    shop = box.shop_of_client(str(tokens.claims_of(token.strip()).get("client_id", "")))
    good = scheme.lower() == "bearer" and shop and tokens.is_good(token.strip(), shop.client_secret)
    dialect = spoken(box.db, shop.shop_id) if shop else {}
    if shop is None or not good or token.strip() in box.expired:
        return shop, error(401, "TokenException", "Token is invalid", dialect)
    if request.headers.get("Retailer", "").strip().casefold() != shop.key.casefold():
        return shop, error(int(dialect["wrong_shop"]), "TokenException", "Shop's name is invalid", dialect)
    return shop, None


def _call(box: Sandbox, shop: Shop, call_id: int, body: bytes, route: Route) -> Call:
    token = request.headers.get("Authorization", "").partition(" ")[2].strip()
    lists: dict[str, list[str]] = {}
    for name, values in request.args.lists():
        lists.setdefault(name.partition("[")[0].strip().lower(), []).extend(values)
    return Call(
        shop=shop,
        call_id=call_id,
        query={name: values[0] for name, values in lists.items()},
        lists=lists,
        body=body,
        content_type=request.headers.get("Content-Type", ""),
        environ=request.environ,
        tail=route.tail,
        dialect=spoken(box.db, shop.shop_id),
        expire=lambda: box.expired.add(token),
        spend_quota=lambda seconds: box.quota.spend(shop.shop_id, shop.rate_limit, seconds),
    )


# -- tokens


def _take_token_call(box: Sandbox, path: str, body: bytes) -> Response:
    """POST connect/token: a form with the client's id and secret; `scope` and `scopes` are both passed over."""
    form = {name.lower(): value for name, value in parse_qsl(body.decode("utf-8", "replace"))}
    shop = box.shop_of_client(form.get("client_id", ""))

    def answer(call_id: int) -> tuple[Answer | None, list[str]]:
        if shop is None:
            return _oauth_error("invalid_client"), []
        acting = box.faults(shop).acting(TOKEN)
        call = Call(
            shop=shop,
            call_id=call_id,
            query={},
            body=body,
            environ=request.environ,
            dialect=spoken(box.db, shop.shop_id),
        )
        given = through_faults(call, acting, lambda: _token(call, form, request.headers.get("Content-Type", "")))
        return given, [switch.name for switch in acting]

    shop_id = shop.shop_id if shop else None
    kept = _SECRET.sub(rb"\1***", body)
    return response_of(logged(box.calls, shop_id, path=f"/{path}", route=TOKEN, body=kept, answer=answer), {})


def _token(call: Call, form: dict[str, str], content_type: str) -> Answer:
    if request.method != "POST" or not content_type.lower().startswith("application/x-www-form-urlencoded"):
        return _oauth_error("invalid_request")
    if form.get("client_secret", "") != call.shop.client_secret:
        return _oauth_error("invalid_client")
    if form.get("grant_type") != "client_credentials":
        return _oauth_error("unsupported_grant_type")
    if _scopes(form) - {tokens.SCOPE}:
        return _oauth_error("invalid_scope")
    shop = call.shop
    token = tokens.issue(
        client_id=shop.client_id,
        secret=shop.client_secret,
        retailer=shop.key,
        retailer_id=shop.retailer_id,
        lifetime=call.token_lifetime,
    )
    return success({"access_token": token, "expires_in": int(call.token_lifetime), "token_type": "Bearer"})


def _scopes(form: dict[str, str]) -> set[str]:
    asked: Sequence[str] = [form.get("scope", ""), form.get("scopes", "")]
    return {one for text in asked for one in text.split()}


def _oauth_error(code: str) -> Answer:
    return Answer(400, f'{{"error":"{code}"}}'.encode())
