"""Tries are limited by account and by address, and the answer says when to come back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.accounts import limits
from app.config import Settings
from app.extensions import db, limiter
from tests.support.factories import PASSWORD, Make, SomeStore, signed_in
from tests.support.fixtures import new_client

serial = iter(range(1, 100_000))


def times(limit: str) -> int:
    return int(limit.split(maxsplit=1)[0])


def guess(client: FlaskClient, email: str) -> TestResponse:
    return client.post("/signin", data={"email": email, "password": "wrong-guess-1"})


def some_email() -> str:
    return f"guessed{next(serial)}@shop.example"


def test_one_account_cannot_be_guessed_from_many_addresses(app: Flask, store: SomeStore) -> None:
    for _ in range(times(limits.SIGN_IN_BY_ACCOUNT)):
        assert guess(new_client(app), store.owner.email).status_code == 422
    refused = guess(new_client(app), f" {store.owner.email.upper()}")
    assert refused.status_code == 429
    right = new_client(app).post("/signin", data={"email": store.owner.email, "password": PASSWORD})
    assert right.status_code == 429
    assert guess(new_client(app), store.reader.email).status_code == 422, "others are not locked out"


def test_one_address_cannot_go_through_many_accounts(app: Flask, client: FlaskClient) -> None:
    for _ in range(times(limits.SIGN_IN_BY_ADDRESS)):
        assert guess(client, some_email()).status_code == 422
    assert guess(client, some_email()).status_code == 429
    assert guess(new_client(app), some_email()).status_code == 422


def test_refusal_says_when_to_try_again_and_keeps_what_was_typed(client: FlaskClient) -> None:
    email = some_email()
    while (answer := guess(client, email)).status_code == 422:
        pass
    assert answer.status_code == 429
    assert re.search(r"try again <time datetime=[^>]+>in \d+ minutes</time>", answer.text)
    assert f'value="{email}"' in answer.text
    assert "wrong-guess-1" not in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60


def test_known_and_unknown_accounts_are_limited_alike(app: Flask, store: SomeStore) -> None:
    unknown = some_email()
    answers = {email: [guess(new_client(app), email).status_code for _ in range(12)] for email in
               (store.reader.email, unknown)}  # fmt: skip
    assert answers[store.reader.email] == answers[unknown]
    assert answers[unknown][-1] == 429


def sign_up(client: FlaskClient, email: str) -> TestResponse:
    form = {"name": "Mei", "store_name": "Limited", "email": email, "password": "x"}
    return client.post("/signup", data=form)


def forgot(client: FlaskClient, email: str) -> TestResponse:
    return client.post("/forgot", data={"email": email})


@pytest.mark.parametrize(
    ("ask", "by_account", "by_address"),
    [
        (sign_up, limits.SIGN_UP_BY_ACCOUNT, limits.SIGN_UP_BY_ADDRESS),
        (forgot, limits.RESET_BY_ACCOUNT, limits.RESET_BY_ADDRESS),
    ],
)
def test_sign_up_and_reset_are_limited_both_ways(
    app: Flask, client: FlaskClient, ask: Callable[[FlaskClient, str], TestResponse], by_account: str, by_address: str
) -> None:
    email = some_email()
    for _ in range(times(by_account)):
        assert ask(new_client(app), email).status_code != 429
    refused = ask(new_client(app), email)
    assert refused.status_code == 429
    assert "try again" in refused.text
    for _ in range(times(by_address)):
        assert ask(client, some_email()).status_code != 429
    assert ask(client, some_email()).status_code == 429


def test_reset_links_cannot_be_guessed_without_end(client: FlaskClient) -> None:
    codes = [client.post(f"/reset/guess-{n}", data={"password": "x"}).status_code for n in range(25)]
    assert codes[0] == 410
    assert codes[-1] == 429


def test_old_password_cannot_be_guessed_in_a_borrowed_browser(client: FlaskClient, make: Make) -> None:
    signed_in(client, make.person())
    form = {"current": "wrong-guess-1", "password": "harbour-mango-17"}
    codes = [client.post("/me/password", data=form).status_code for _ in range(times(limits.CHANGE_BY_ACCOUNT) + 1)]
    assert codes == [422] * times(limits.CHANGE_BY_ACCOUNT) + [429]


def test_looking_at_a_form_costs_no_try(client: FlaskClient) -> None:
    assert {client.get("/signin").status_code for _ in range(80)} == {200}


@pytest.fixture
def app_without_redis(settings: Settings) -> Iterator[Flask]:
    """An application whose queue server does not answer; the limiter is bound back afterwards."""
    bound = {name: getattr(limiter, name) for name in vars(limiter)}
    app = create_app(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    yield app
    with app.app_context():
        db.engine.dispose()
    vars(limiter).update(bound)


def test_limits_hold_while_redis_is_down(app_without_redis: Flask) -> None:
    client = new_client(app_without_redis)
    email = some_email()
    codes = [guess(client, email).status_code for _ in range(times(limits.SIGN_IN_BY_ACCOUNT) + 1)]
    assert codes == [422] * times(limits.SIGN_IN_BY_ACCOUNT) + [429]
