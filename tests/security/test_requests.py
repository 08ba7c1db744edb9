"""Requests that no browser of ours would send: forged headers, strange methods, the same field twice, paths upwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlencode

import gunicorn
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser
from sqlalchemy import text

from app import create_app
from app.accounts import limits, passwords
from app.config import Settings
from app.extensions import db, limiter
from app.serving import gunicorn_command
from app.tenancy import doors
from app.tenancy.scope import current_store, store_scope
from app.web.statics import is_served
from app.wiring import ROOT
from tests.support.factories import PASSWORD, Make, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.tenancy.test_every_route import ROUTES, RULES

EVIL = "http://evil.example"


@pytest.fixture(scope="module")
def behind_a_proxy(settings: Settings) -> Iterator[Flask]:
    """The application as people reach it by https, with one proxy in front that is trusted."""
    bound = {name: getattr(limiter, name) for name in vars(limiter)}
    app = create_app(replace(settings, base_url="https://books.example", trusted_proxies=1))
    yield app
    with app.app_context():
        db.engine.dispose()
    vars(limiter).update(bound)


@pytest.mark.parametrize("path", ["/", "/signin", "/signup", "/forgot", "/api/v1", "/api/v1/", "/nowhere", "/{}"])
def test_forged_host_leads_nowhere(client: FlaskClient, store: SomeStore, path: str) -> None:
    answer = client.get(path.format(store.slug), base_url=EVIL)
    assert "evil.example" not in answer.text
    assert (answer.location or "/").startswith("/")


def test_added_slash_never_leads_to_another_host(client: FlaskClient) -> None:
    for path in ("//evil.example", "//evil.example/..", "/\\evil.example", "/%5Cevil.example", "/%2F/evil.example"):
        answer = client.get(path, base_url="http://localhost")
        assert not (answer.location or "/").startswith(("//", "/\\", EVIL)), path


def test_forged_origin_of_a_forged_host_signs_nobody_in_elsewhere(client: FlaskClient, store: SomeStore) -> None:
    form = {"email": store.owner.email, "password": PASSWORD, "next": f"{EVIL}/"}
    answer = client.post("/signin", data=form, base_url=EVIL)
    assert answer.location == "/"


def test_spoofed_address_is_not_counted_as_another_one(client: FlaskClient) -> None:
    """Without a proxy that is trusted, nobody chooses the address that their tries are counted by."""
    many = int(limits.RESET_BY_ADDRESS.split()[0])
    names = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP", "True-Client-IP")
    for number in range(many):
        spoofed = dict.fromkeys(names, f"203.0.113.{number}")
        assert client.post("/reset/guess", data={"password": "x"}, headers=spoofed).status_code == 410
    last = client.post("/reset/guess", data={"password": "x"}, headers=dict.fromkeys(names, "198.51.100.1"))
    assert last.status_code == 429


def test_trusted_proxy_is_believed_about_its_own_visitor_alone(behind_a_proxy: Flask) -> None:
    """The last entry is the proxy's own; what stands before it was written by the visitor."""
    client, many = behind_a_proxy.test_client(), int(limits.RESET_BY_ADDRESS.split()[0])
    for number in range(many):
        spoofed = {"X-Forwarded-For": f"203.0.113.{number}, 192.0.2.77"}
        assert client.post("/reset/guess", data={"password": "x"}, headers=spoofed).status_code == 410
    again = client.post("/reset/guess", data={"password": "x"}, headers={"X-Forwarded-For": "198.51.100.9, 192.0.2.77"})
    other = client.post("/reset/guess", data={"password": "x"}, headers={"X-Forwarded-For": "192.0.2.77, 192.0.2.78"})
    assert (again.status_code, other.status_code) == (429, 410)


def test_many_addresses_of_one_network_are_counted_as_one(app: Flask) -> None:
    """Of IPv6 everybody has 2⁶⁴ addresses at once, one for each try."""
    many = int(limits.RESET_BY_ADDRESS.split()[0])

    def tried_from(address: str) -> int:
        return app.test_client().post("/reset/guess", environ_base={"REMOTE_ADDR": address}).status_code

    assert [tried_from(f"2001:db8:7:7:{number:x}::1") for number in range(many)] == [410] * many
    assert tried_from("2001:db8:7:7:ffff:1:2:3") == 429
    assert tried_from("2001:db8:7:8::1") == 410
    assert tried_from("::ffff:203.0.113.200") == tried_from("::ffff:203.0.113.201") == 410
    assert [tried_from("203.0.113.200") for _ in range(many)][-1] == 429, "the same one, however it is written"


def test_https_is_remembered_whatever_the_proxy_says(behind_a_proxy: Flask) -> None:
    answer = behind_a_proxy.test_client().get("/signin")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_no_cookie_travels_by_plain_http(behind_a_proxy: Flask) -> None:
    client = behind_a_proxy.test_client()
    for path, form in (("/theme", {"theme": "dark"}), ("/language", {"language": "vi"})):
        (cookie,) = client.post(path, data=form).headers.getlist("Set-Cookie")
        assert "Secure" in cookie
        assert "SameSite=Lax" in cookie


def test_signing_up_costs_the_same_hashing_whoever_has_an_account(
    app: Flask, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long it takes must not tell more than the answer does."""
    work: list[str] = []

    class Counting(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            work.append("argon2")
            return super().hash(password, salt=salt)

        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            work.append("argon2")
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(time_cost=1, memory_cost=8, parallelism=1))
    tallies = []
    form = {"name": "Mei Ling", "store_name": "Kedai", "password": "harbour-mango-17"}
    answers = []
    for email in (store.owner.email, f"newcomer.{store.id}@shop.example"):
        answer = new_client(app).post("/signup", data={**form, "email": email})
        cookies = sorted(cookie.partition("=")[0] for cookie in answer.headers.getlist("Set-Cookie"))
        answers.append((answer.status_code, answer.location, answer.data, cookies))
        tallies.append(len(work))
        work.clear()
    assert answers[0] == answers[1]
    assert tallies == [1, 1]


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_method_is_not_overridden(client: FlaskClient, make: Make, name: str) -> None:
    signed_in(client, make.person())
    for query in ("", "?_method=POST"):
        client.get(f"/signout{query}", headers={name: "POST"}, follow_redirects=True)
    assert client.get("/me").status_code == 200


def test_only_known_methods_are_answered(client: FlaskClient, store: SomeStore) -> None:
    signed_in(client, store.owner)
    for method in ("TRACE", "TRACK", "CONNECT", "PUT", "DELETE", "PATCH", "PROPFIND", "FOO"):
        assert client.open(store.url("/orders"), method=method).status_code == 405, method
    assert {method for rules in RULES.values() for rule in rules for method in rule.methods or ()} == {
        "GET",
        "HEAD",
        "OPTIONS",
        "POST",
        "PATCH",
    }


def test_no_other_site_is_let_in_by_a_preflight(client: FlaskClient, store: SomeStore) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for path in ("/signin", "/api/v1/orders", store.url("/orders")):
        answer = client.options(path, headers=asked)
        assert not [name for name, _value in answer.headers if name.lower().startswith("access-control-")]


def test_first_of_two_equal_fields_counts_everywhere(app: Flask, store: SomeStore) -> None:
    """The account whose tries are counted is the one that is signed in to."""
    twice = [("email", store.owner.email), ("email", store.reader.email), ("password", "wrong-guess-1")]
    body = urlencode(twice)
    kind = "application/x-www-form-urlencoded"
    codes = [new_client(app).post("/signin", data=body, content_type=kind).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]
    other = new_client(app).post("/signin", data={"email": store.reader.email, "password": PASSWORD})
    assert other.status_code == 303


def test_address_to_go_on_to_is_checked_wherever_it_comes_from(app: Flask, store: SomeStore) -> None:
    right = {"email": store.owner.email, "password": PASSWORD}
    for query, more in (
        ("?next=//evil.example&next=/me", {}),
        ("?next=%0d%0aSet-Cookie:a=b", {}),
        ("?next=/%09/evil.example", {"next": "/me"}),
        ("", {"next": "https:evil.example"}),
        ("", {"next": "/\\evil.example"}),
        ("", {"next": "javascript:alert(1)"}),
    ):
        answer = new_client(app).post(f"/signin{query}", data={**right, **more})
        assert answer.location == "/", query
        assert all("a=b" not in cookie for cookie in answer.headers.getlist("Set-Cookie"))


def test_form_sets_nothing_but_its_own_fields(app: Flask, client: FlaskClient, make: Make) -> None:
    person = make.person()
    signed_in(client, person)
    columns = "email", "password_hash", "two_step_at", "id", "created_at"
    look = text(f"select {', '.join(columns)} from users where id = :id")  # names of columns
    with app.app_context():
        before = db.session.execute(look, {"id": person.id}).one()
    more = {"email": "evil@shop.example", "password_hash": "x", "two_step_at": "2026-01-01", "id": "1", "is_admin": "1"}
    assert client.post("/me", data={"name": "Mei", **more}).status_code == 303
    with app.app_context():
        assert db.session.execute(look, {"id": person.id}).one() == before
    form = {"name": "Kedai", "currency": "MYR", "time_zone": "Asia/Kuala_Lumpur", "plan": "enterprise", "slug": "admin"}
    made = client.post("/stores", data={**form, "id": "1", "store_id": "1"})
    assert made.status_code == 303
    assert made.location != "/admin/"
    with app.app_context():
        (place,) = doors.stores_of_person(person.id)
    with app.app_context(), store_scope(place.store_id):
        assert current_store().plan != "enterprise"


@pytest.mark.parametrize(
    ("password", "status"),
    [("kopi-satu11", 422), ("kopi-satu-12", 303), (("kopi satu dua tiga " * 7)[:128], 303), ("kopi " * 26, 422)],
    ids=["eleven", "twelve", "128", "130"],
)
def test_password_is_neither_short_nor_endless(client: FlaskClient, make: Make, password: str, status: int) -> None:
    signed_in(client, make.person())
    assert client.post("/me/password", data={"current": PASSWORD, "password": password}).status_code == status


UPWARDS = (
    "../pyproject.toml",
    "..%2fpyproject.toml",
    "%2e%2e/pyproject.toml",
    "%2e%2e%2fapp%2fconfig.py",
    "..%5capp%5cconfig.py",
    "....//app/config.py",
    "./../app/config.py",
    "%00/../app/config.py",
    "/etc/passwd",
    "img/../../worker.py",
    "%252e%252e/x.js",
    "../static/../app/web/x.css",
)


@pytest.mark.parametrize("path", UPWARDS)
def test_no_path_leads_out_of_the_static_files(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/static/{path}", follow_redirects=False)
    assert answer.status_code in (404, 308, 405)
    assert not (answer.location or "/").startswith("//")
    assert "import" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "package.json",
        "package-lock.json",
        "purgecss.config.cjs",
        "img/",
        "build/.of",
        "node_modules/",
        "node_modules/.package-lock.json",
        "node_modules/htmx.org/package.json",
        "node_modules/htmx.org/dist/htmx.js",
        "node_modules/postcss/lib/postcss.js",
        "node_modules/htmx.org/README.md",
    ],
)
def test_nothing_is_served_that_no_page_names(client: FlaskClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_everything_that_pages_name_is_served() -> None:
    files = [path for path in (ROOT / "static").glob("*") if path.is_file()]
    ours = {path.name for path in files if path.suffix in (".css", ".js", ".svg")}
    assert len(ours) > 10
    for name in (*ours, "build/tabler.css", "node_modules/htmx.org/dist/htmx.min.js"):
        assert is_served(name), name


def test_sign_out_leaves_nothing_in_the_browser_that_opens_anything(app: Flask, make: Make) -> None:
    client = new_client(app)
    client.post("/signin", data={"email": make.person().email, "password": PASSWORD})
    assert client.get("/me").status_code == 200
    client.post("/signout")
    with client.session_transaction() as cookie:
        assert set(cookie) <= {"_flashes"}
    assert client.get("/me").status_code == 303


def parsed(raw: bytes) -> Any:
    """What the server in front of the application makes of bytes, as it is started for real."""
    command = gunicorn_command("127.0.0.1:0")
    assert not [
        word for word in command if word.startswith(("--limit", "--permit", "--strip", "--casefold", "--header"))
    ]
    return next(RequestParser(Config(), iter([raw]), ("127.0.0.1", 1)))


HEAD = b"POST /signin HTTP/1.1\r\nHost: localhost\r\n"


def test_sound_request_is_read() -> None:
    assert parsed(HEAD + b"Content-Length: 0\r\n\r\n").path == "/signin"


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        HEAD + b"Content-Length: +5\r\n\r\nabcde",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"X-Folded: one\r\n two\r\n\r\n",
        HEAD + b"X Bad: one\r\n\r\n",
        HEAD + b"X-Nul: a\x00b\r\n\r\n",
        HEAD + b"X-Long: " + b"a" * 9000 + b"\r\n\r\n",
        HEAD + b"".join(b"X-%d: a\r\n" % number for number in range(200)) + b"\r\n",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n",
        b"GET /signin HTTP/9.9\r\n\r\n",
        b"get /signin HTTP/1.1\r\n\r\n",
    ],
)
def test_request_that_two_servers_may_read_differently_is_refused(raw: bytes) -> None:
    with pytest.raises((ParseException, OSError)):
        parsed(raw)


def test_header_with_an_underscore_stands_for_no_other() -> None:
    request = parsed(HEAD + b"X_Forwarded_For: 203.0.113.1\r\nContent-Length: 0\r\n\r\n")
    assert [name for name, _value in request.headers if "FORWARDED" in name.upper()] == []


def test_server_does_not_tell_its_version() -> None:
    assert not any(letter.isdigit() for letter in gunicorn.SERVER)


def test_no_route_takes_a_file_name_from_outside() -> None:
    """A path of several parts is taken by two routes alone: static files, which stay inside, and the API's nothing."""
    taking = {name for name, rules in RULES.items() if any("<path:" in rule.rule for rule in rules)}
    assert taking == {"static", "api.nothing"}
    assert taking <= set(ROUTES)


def test_nothing_of_the_debugger_is_there(behind_a_proxy: Flask) -> None:
    assert not behind_a_proxy.debug
    assert not behind_a_proxy.testing
    client = behind_a_proxy.test_client()
    for path in ("/console", "/?__debugger__=yes&cmd=resource&f=style.css", "/signin?__debugger__=yes&cmd=printpin"):
        assert "debugger" not in client.get(path, follow_redirects=True).text.lower().replace("__debugger__", "")
