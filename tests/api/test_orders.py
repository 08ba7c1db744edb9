"""Orders by program: once each, for the key's store alone, and every refusal as a problem that names its field."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.api.examples import ORDER
from app.api.keys import Scope, hash_of, key_rows, revoke_key
from app.api.models import ApiKey
from app.api.routes import MOST_BYTES
from app.core.states import OrderState
from app.extensions import db
from app.orders.models import Order
from app.tenancy import doors
from tests.api.conftest import Program
from tests.orders.factories import Books
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client


def count_orders(books: Books) -> int:
    with books.scope():
        return db.session.scalar(select(func.count()).select_from(Order)) or 0


def test_an_order_is_made_found_and_moved(program: Program, books: Books) -> None:
    made = program.make(ORDER)
    assert made.status_code == 201
    assert made.json is not None
    assert (made.json["number"], made.json["state"], made.json["total"]) == ("1001", "ready", "39.80")
    assert "Set-Cookie" not in made.headers
    order_id = made.json["id"]
    assert made.headers["Location"] == f"/api/v1/orders/{order_id}"
    assert program.call("GET", f"/orders/{order_id}").json == made.json
    assert program.call("GET", "/orders?number=1001").json == {"orders": [made.json]}
    assert program.call("GET", "/orders?number=1002").json == {"orders": []}
    moved = program.call("PATCH", f"/orders/{order_id}", {"status": "cancelled"})
    assert moved.json is not None
    assert (moved.json["status"], moved.json["state"], moved.json["reason"]) == ("cancelled", "closed", "CANCELLED")
    again = program.call("PATCH", f"/orders/{order_id}", {"status": "open"})
    assert (again.status_code, again.json and again.json["errors"][0]["pointer"]) == (422, "#/status")
    with books.scope():
        assert db.session.scalars(select(Order.order_type)).all() == ["webstore"]


def test_the_same_call_is_answered_as_the_first_time(program: Program, books: Books) -> None:
    first = program.make(ORDER, key="one")
    assert first.json is not None
    program.call("PATCH", f"/orders/{first.json['id']}", {"status": "shipped"})
    again = program.make(ORDER, key="one")
    assert (again.status_code, again.data, again.headers["Location"]) == (201, first.data, first.headers["Location"])
    assert again.headers["Idempotent-Replayed"] == "true"
    other = program.make(ORDER | {"note": "x"}, key="one")
    assert other.status_code == 422
    assert count_orders(books) == 1


def test_two_calls_at_the_same_moment_make_one_order(program: Program, books: Books, app: Flask) -> None:
    unnumbered = {name: value for name, value in ORDER.items() if name != "number"}

    def call(_number: int) -> Any:
        return Program(new_client(app), program.token).make(unnumbered, key="the-same")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(call, range(6)))
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.data for answer in answers}) == 1
    assert count_orders(books) == 1


def test_a_number_stands_for_one_content(program: Program, books: Books) -> None:
    first = program.make(ORDER)
    same = program.make(ORDER)
    assert (same.status_code, same.json) == (200, first.json)
    other = program.make(ORDER | {"shipping": "7.00", "total": "40.80"})
    assert other.status_code == 409
    assert other.json is not None
    assert other.json["errors"][0]["pointer"] == "#/number"
    assert other.json["order_id"] == first.json["id"] if first.json else None
    assert count_orders(books) == 1


def test_each_mistake_is_told_with_its_pointer(program: Program, books: Books) -> None:
    wrong = ORDER | {"kind": "shop", "lines": [{"name": "x", "quantity": 0, "unit_price": "1,5"}], "buyer": {"nam": ""}}
    refused = program.make(wrong)
    assert (refused.status_code, refused.content_type) == (422, "application/problem+json")
    assert refused.json is not None
    pointers = {error["pointer"] for error in refused.json["errors"]}
    assert pointers == {"#/kind", "#/lines/0/quantity", "#/lines/0/unit_price", "#/buyer/nam"}
    total = program.make(ORDER | {"total": "39.70"}).json
    assert total is not None
    assert "RM\u00a039.80" in total["errors"][0]["detail"]
    assert count_orders(books) == 0


def test_amounts_may_be_exact_numbers(program: Program) -> None:
    line = b'{"name": "Kopi", "quantity": 0.5, "unit_price": 0.30}'
    made = program.make(b'{"kind": "pos", "lines": [' + line + b'], "shipping": 6, "total": 6.15}')
    assert made.json is not None
    assert made.json["total"] == "6.15"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b'{"kind": NaN}', {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"\xff", {}, 400),
        (b'{"shipping": ' + b"9" * 5_000 + b"}", {}, 400),
        (b" " * (MOST_BYTES + 1), {}, 413),
        (b"kind=pos", {"Content_Type": "application/x-www-form-urlencoded"}, 415),
        (b"[]", {}, 422),
        (b"{}", {"Idempotency_Key": ""}, 400),
        (b"{}", {"Idempotency_Key": "x" * 256}, 400),
    ],
)
def test_what_is_no_order_is_a_problem(program: Program, body: bytes, headers: dict[str, str], status: int) -> None:
    answer = program.call("POST", "/orders", body, **{"Idempotency_Key": "k", **headers})
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json is not None
    assert {"type", "title", "status", "detail"} <= answer.json.keys()


def test_a_key_does_what_it_may(new_program: Callable[..., Program]) -> None:
    reader, writer = new_program([Scope.READ]), new_program([Scope.WRITE])
    made = writer.make(ORDER)
    assert made.json is not None
    order_id = made.json["id"]
    assert reader.make(ORDER).status_code == 403
    assert reader.call("PATCH", f"/orders/{order_id}", {"status": "shipped"}).status_code == 403
    assert writer.call("GET", f"/orders/{order_id}").status_code == 403
    assert reader.call("GET", f"/orders/{order_id}").status_code == 200


def test_without_a_key_that_works_there_is_nothing(app: Flask, program: Program, books: Books) -> None:
    for token in ("", "cb_" + "x" * 32, "x"):
        answer = Program(new_client(app), token).make(ORDER)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    with books.scope():
        revoke_key(key_rows()[0].id)
    assert program.make(ORDER).status_code == 401


def test_a_signed_in_browser_is_nobody_here(app: Flask, store: SomeStore) -> None:
    assert signed_in(new_client(app), store.owner).get("/api/v1/orders?number=1001").status_code == 401


def test_a_key_opens_its_own_store_alone(new_program: Callable[..., Program], make: Make) -> None:
    here, there = new_program(), new_program(of=make.store())
    made = here.make(ORDER)
    assert made.json is not None
    assert there.call("GET", f"/orders/{made.json['id']}").status_code == 404
    assert there.call("GET", "/orders?number=1001").json == {"orders": []}
    assert there.call("PATCH", f"/orders/{made.json['id']}", {"status": "shipped"}).status_code == 404
    assert there.make(ORDER).status_code == 201


def test_orders_of_channels_are_not_told(program: Program, books: Books) -> None:
    order_id = books.order(books.channel(), number="S-1", state=OrderState.READY)
    assert program.call("GET", f"/orders/{order_id}").status_code == 404
    assert program.call("GET", "/orders?number=S-1").json == {"orders": []}


def test_too_many_calls_are_told_to_wait(program: Program) -> None:
    answers = [program.call("GET", "/orders?number=1") for _call in range(130)]
    refused = answers[-1]
    assert answers[0].status_code == 200
    assert (refused.status_code, refused.content_type) == (429, "application/problem+json")
    assert 0 < int(refused.headers["Retry-After"]) <= 60


def test_the_door_tells_ids_alone_and_of_living_keys(app: Flask, program: Program, books: Books) -> None:
    with books.scope():
        (key,) = key_rows()
    with app.app_context():
        assert doors.api_key(hash_of(program.token)) == (books.store.id, key.id)
        assert doors.api_key(hash_of("cb_another")) is None
    with books.scope():
        revoke_key(key.id)
    with app.app_context():
        assert doors.api_key(hash_of(program.token)) is None


def test_the_key_itself_is_kept_nowhere(program: Program, books: Books) -> None:
    program.call("GET", "/orders?number=1")
    with books.scope():
        key = db.session.scalars(select(ApiKey)).one()
        assert key.token_hash == hash_of(program.token)
        assert program.token not in repr(vars(key))
        assert program.token.startswith(key.prefix)
        assert key.last_used_at is not None


def test_an_address_that_is_none_is_a_problem(program: Program) -> None:
    answer = program.call("GET", "/invoices")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_packages_courier_and_tracking_number_are_told(program: Program, books: Books) -> None:
    made = program.make(ORDER)
    assert made.json is not None
    assert made.json["packages"] == []
    url = f"/orders/{made.json['id']}"
    early = program.call("PATCH", url, {"courier": "DHL"})
    assert early.json is not None
    (error,) = early.json["errors"]
    assert (early.status_code, error["pointer"], error["code"]) == (409, "#/courier", "not_sent_yet")
    sent = program.call("PATCH", url, {"status": "shipped", "courier": "DHL", "tracking_number": "1Z"}).json
    assert sent is not None
    (package,) = sent["packages"]
    assert (sent["status"], package["shipped_at"]) == ("shipped", sent["shipped_at"])
    assert (package["courier"], package["tracking_number"], package["shared_with"]) == ("DHL", "1Z", [])
    assert package["lines"] == [{"line": 1, "sku": "KOPI-1", "quantity": "2"}]
    again = program.call(
        "PATCH", url, {"status": "shipped", "package": package["number"], "tracking_number": "2Z"}
    ).json
    assert again is not None
    assert again["packages"] == [package | {"tracking_number": "2Z"}]


def test_a_status_that_cannot_follow_is_refused_with_those_that_can(program: Program, books: Books) -> None:
    made = program.make(ORDER | {"status": "shipped"})
    assert made.json is not None
    url = f"/orders/{made.json['id']}"
    refused = program.call("PATCH", url, {"status": "on_hold", "payment_method": "Cash"})
    assert refused.json is not None
    (error,) = refused.json["errors"]
    assert (refused.status_code, error["pointer"], error["code"]) == (422, "#/status", "not_next")
    assert error["detail"].endswith("From there it can go on to: Completed, Returned.")
    assert program.call("GET", url).json == made.json
    part = program.call("PATCH", url, {"status": "completed", "package": "PK00001"})
    assert part.json is not None
    assert part.json["errors"][0]["pointer"] == "#/package"
    unknown = program.call("PATCH", url, {"status": "shipped", "package": "PK00009"})
    assert (unknown.status_code, unknown.json and unknown.json["errors"][0]["pointer"]) == (409, "#/package")
