"""The OpenAPI document says what the code does, and the code does what the document says."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from flask import Flask

from app.api.examples import ORDER
from app.api.keys import Scope
from app.core.own_orders import BUYER, FIELDS, KINDS, LINE_FIELDS, MOST_LINES, MOVE_FIELDS, PAYMENT_STATUSES, STATUSES
from app.core.states import OrderState
from tests.api.conftest import Program
from tests.api.schema import problems
from tests.support.fixtures import new_client


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    answer = new_client(app).get("/api/v1/openapi.json")
    assert answer.content_type == "application/json"
    return dict(json.loads(answer.data))


def test_every_route_is_described_and_nothing_else(app: Flask, document: dict[str, Any]) -> None:
    rules = {
        (rule.rule.removeprefix("/api/v1").replace("<", "{").replace(">", "}"), method.lower(), rule.endpoint)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint not in ("api.openapi", "api.explained", "api.nothing")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method, f"api.{operation['operationId']}")
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert described == rules


def test_fields_and_words_are_those_of_the_code(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    new = schemas["NewOrder"]["properties"]
    assert set(new) == set(FIELDS)
    assert set(schemas["Line"]["properties"]) == set(LINE_FIELDS)
    assert set(schemas["Buyer"]["properties"]) == set(BUYER)
    assert set(schemas["Move"]["properties"]) == set(MOVE_FIELDS)
    assert new["kind"]["enum"] == list(KINDS)
    assert new["status"]["enum"] == list(STATUSES)
    assert new["payment_status"]["enum"] == list(PAYMENT_STATUSES)
    assert new["lines"]["maxItems"] == MOST_LINES
    assert set(schemas["Order"]["properties"]["state"]["enum"]) == set(OrderState)
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert {one["key"][0] for operation in operations for one in operation["security"]} == set(Scope)


def test_answers_fit_their_schemas(program: Program, document: dict[str, Any]) -> None:
    def check(call: str, described: str, status: int, body: Any = None, key: str = "") -> Any:
        method, path = call.split(" ")
        headers = {"Idempotency_Key": key} if key else {}
        answer = program.call(method, path, body, **headers)
        assert answer.status_code == status, answer.text
        content = document["paths"][described][method.lower()]["responses"][str(status)]["content"]
        ((kind, told),) = content.items()
        assert answer.content_type == kind
        assert list(problems(document, told["schema"], answer.json)) == []
        return answer.json

    assert list(problems(document, document["components"]["schemas"]["NewOrder"], ORDER)) == []
    order_id = check("POST /orders", "/orders", 201, ORDER, "a")["id"]
    check("POST /orders", "/orders", 200, ORDER, "b")
    check("POST /orders", "/orders", 409, ORDER | {"note": "x"}, "c")
    check("POST /orders", "/orders", 422, ORDER | {"note": "x"}, "a")
    check("POST /orders", "/orders", 422, {}, "d")
    check("POST /orders", "/orders", 400, ORDER)
    check("GET /orders?number=1001", "/orders", 200)
    check("GET /orders", "/orders", 400)
    one = "/orders/{order_id}"
    check(f"GET /orders/{order_id}", one, 200)
    check("GET /orders/0", one, 404)
    check(f"PATCH /orders/{order_id}", one, 200, {"status": "shipped", "payment_method": "Cash", "courier": "DHL"})
    check(f"PATCH /orders/{order_id}", one, 409, {"package": "PK00009", "courier": "DHL"})
    check(f"PATCH /orders/{order_id}", one, 422, {"status": "open"})
    check(f"PATCH /orders/{order_id}", one, 422, {"total": "1"})
    check("PATCH /orders/0", one, 404, {"status": "shipped"})
    program.token = "cb_" + "x" * 32
    check(f"GET /orders/{order_id}", one, 401)


def test_the_page_for_people_shows_a_call_that_works(app: Flask, program: Program) -> None:
    page = unescape(new_client(app).get("/api/v1/").text)
    body = page.partition("-d '")[2].partition("'")[0]
    assert program.make(json.loads(body)).status_code == 201
