"""The log: nobody can forge an entry, no secret stands in it, and every decision does."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.accounts.later import finish
from app.api.keys import Scope, make_key
from app.extensions import db
from app.logs import BELOW, Entries
from tests.orders.factories import Books
from tests.support.factories import PASSWORD, Make, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.mails import links_in, wait_for_mail

ENTRY = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ \S+ ")


def entry(message: str, *facts: object, error: BaseException | None = None) -> str:
    """What is written of a record."""
    info = (type(error), error, error.__traceback__) if error else None
    return Entries().format(logging.LogRecord("app.test", logging.WARNING, __file__, 1, message, facts, info))


@pytest.fixture
def written() -> Iterator[list[str]]:
    """Everything that any logger writes meanwhile, down to what is usually left out."""
    lines: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler, root = Keeping(logging.DEBUG), logging.getLogger()
    handler.setFormatter(Entries())
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_name_begins_another_entry(end: str) -> None:
    forged = f"Kopi{end}2026-11-22T10:00:00.000Z INFO app.accounts all is well"
    found = entry("refused %s", forged)
    assert len(found.splitlines()) == 1
    assert ENTRY.match(found)


@pytest.mark.parametrize("words", ["\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x9b31m", "a\x08b", "\u202egpj.exe", "\x00"])
def test_no_name_tells_a_terminal_what_to_do(words: str) -> None:
    assert entry("refused %s", words).isprintable()


def test_traceback_is_below_its_entry_whatever_it_says() -> None:
    try:
        raise ValueError("sent\n2026-11-22T10:00:00.000Z INFO app.test forged\x1b[2J")
    except ValueError as error:
        found = entry("it failed", error=error)
    first, *rest = found.split("\n")
    assert ENTRY.match(first)
    assert len(rest) > 3
    assert all(line.startswith(BELOW) and line.isprintable() for line in rest)


def test_everyday_words_stay_as_they_are() -> None:
    assert entry("of %s: %s", "Kedai Cà Phê 咖啡", "RM 39.90 – 👍").endswith("of Kedai Cà Phê 咖啡: RM 39.90 – 👍")


def test_moment_is_utc() -> None:
    stamp = entry("now").split(" ")[0]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()) < 60


def test_row_that_the_database_refused_is_left_out(app: Flask, make: Make) -> None:
    person = make.person()
    add = text("insert into users (email, name, password_hash) values (:email, :name, :hash)")
    values = {"email": person.email, "name": None, "hash": "$argon2id$the-secret-hash"}
    with app.app_context():
        for name in ("Mei", None):  # taken already, and no name at all: one row is told by its key, one as a whole
            with pytest.raises(IntegrityError) as caught:
                db.session.execute(add, {**values, "name": name})
            db.session.rollback()
            found = entry("it failed", error=caught.value)
            assert "violates" in found
            assert "the-secret-hash" not in found
            assert person.email not in found


def test_no_secret_is_written_on_the_way_in(app: Flask, make: Make, written: list[str]) -> None:
    client, number = new_client(app), make.person().id
    email, password = f"newcomer.{number}@shop.example", "harbour-mango-1789"
    form = {"name": "Mei Ling", "store_name": f"Kedai {number}", "email": email, "password": password}
    assert client.post("/signup", data=form).status_code == 303
    tokens = [kept.value for name in ("channelbook", "channelbook-device") if (kept := client.get_cookie(name))]
    with client.session_transaction() as cookie:
        tokens.append(cookie["_user_id"])
    assert len(tokens) == 3
    client.post("/signin", data={"email": email, "password": "wrong-guess-1789"})
    client.post("/me/password", data={"current": "wrong-guess-1790", "password": "another-mango-1791"})
    client.post("/signup/password-strength", data={"password": "another-mango-1793", "email": email})
    client.post("/signout")
    client.post("/forgot", data={"email": email})
    finish()
    (link,) = links_in(wait_for_mail(app, email, 1))
    path = urlsplit(link).path
    client.post(path, data={"password": "another-mango-1792"})
    client.post("/signin", data={"email": email, "password": "another-mango-1792"})
    finish()
    told = "\n".join(written)
    assert "accounts.signin" in told
    secrets = [password, "1789", "1790", "1791", "1792", "1793", path.rpartition("/")[2], *tokens]
    assert [secret for secret in secrets if secret in told] == []


def test_no_key_of_a_program_is_written(app: Flask, store: SomeStore, written: list[str]) -> None:
    with Books(app, store).scope():
        key = make_key("Till", [Scope.READ], store.owner.id)
    for token in (key, "cb_" + "x" * 32):
        new_client(app).get("/api/v1/orders?number=1", headers={"Authorization": f"Bearer {token}"})
    told = "\n".join(written)
    assert "api.find_orders: 401" in told
    assert key not in told
    assert "x" * 32 not in told


def decisions(written: list[str]) -> list[str]:
    return [ENTRY.sub("", line) for line in written if " app.accounts.decisions " in line]


def test_every_try_to_sign_in_is_told(app: Flask, make: Make, written: list[str]) -> None:
    client, person = new_client(app), make.person()
    address = client.environ_base["REMOTE_ADDR"]
    client.post("/signin", data={"email": person.email, "password": "wrong-guess-1"})
    client.post("/signin", data={"email": f" {person.email.upper()}", "password": PASSWORD})
    client.post("/signout")
    refused, taken, left = decisions(written)
    assert re.fullmatch(rf"POST accounts\.signin: 422, from {address}, by account [0-9a-f]{{16}}", refused)
    assert taken == refused.replace("422", "303"), "one account is told by one digest, however it was typed"
    assert left == f"POST accounts.signout: 303, from {address}, by person {person.id}"
    assert person.email not in "\n".join(decisions(written))


def test_every_refusal_is_told(
    app: Flask, client: FlaskClient, store: SomeStore, other_store: SomeStore, written: list[str]
) -> None:
    signed_in(client, store.reader)
    client.get(other_store.url("/orders"))
    client.post(store.url("/settings/general"), data={"name": "Mine"})
    client.post(store.url("/orders/sync"), headers={"Origin": "https://evil.example"})
    client.put(store.url("/orders"))
    assert [line.partition(", from")[0] for line in decisions(written)] == [
        "GET orders.index: 404",
        "POST settings.general: 403",
        "POST orders.sync: 403",
        "PUT -: 405",
    ]
    assert f"by person {store.reader.id}" in decisions(written)[0]


def test_a_try_that_is_too_large_to_be_read_is_told_as_well(client: FlaskClient, written: list[str]) -> None:
    assert client.post("/signin", data={"email": "x" * 3_000_000}).status_code == 413
    assert [line.partition(", from")[0] for line in decisions(written)] == ["POST accounts.signin: 413"]
