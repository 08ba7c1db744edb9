"""Every page and every download of a store whose words are all hostile, read once and then looked at from each side."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote_plus

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, ConsoleMessage
from werkzeug.test import TestResponse

from app.extensions import limiter
from app.sync import live
from app.web.security import CONTENT_SECURITY_POLICY, HEADERS
from tests.security.hostile import WORD, faults_of, furnish_hostile
from tests.support.factories import signed_in
from tests.support.fixtures import new_client
from tests.tenancy.test_every_route import HTMX, ROUTES, RULES, Furnished
from tests.web.test_garbage import ACTS, POSTED, QUERIES, body_of, url_of

ENCODED: Final = "application/x-www-form-urlencoded"
SHOWN: Final = sorted(name for name in RULES.keys() & ROUTES.keys() if ROUTES[name].get is not None)
PARTLY_FILLED: Final = frozenset({"completeness.export", "inventory.export_movements", "orders.import_template"})
"""Files that have no row here whose words are from outside."""


@pytest.fixture(scope="module")
def hostile(app: Flask) -> Iterator[Furnished]:
    """The store; no limit and no open stream holds up who walks through it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limiter, "enabled", False)
        patch.setattr(live, "LIFETIME_SECONDS", 0.0)
        yield furnish_hostile(app)


@pytest.fixture(scope="module")
def owner(app: Flask, hostile: Furnished) -> FlaskClient:
    """Its owner."""
    return signed_in(new_client(app), hostile.store.owner)


@pytest.fixture(scope="module")
def answers(app: Flask, hostile: Furnished, owner: FlaskClient) -> Mapping[str, TestResponse]:
    """What each GET answers: the page, or the part that only htmx is given."""
    found = {}
    for endpoint in SHOWN:
        answer = owner.get(address(app, hostile, endpoint), buffered=True)
        if answer.status_code == 303:
            part = owner.get(address(app, hostile, endpoint), headers=HTMX, buffered=True)
            answer = part if part.status_code == 200 and part.text else answer
        found[endpoint] = answer
    return found


def address(app: Flask, furnished: Furnished, endpoint: str) -> str:
    return url_of(app, endpoint, {**furnished.values, "store": furnished.store.slug, **ROUTES[endpoint].values})


def pages(answers: Mapping[str, TestResponse]) -> dict[str, str]:
    return {name: answer.text for name, answer in answers.items() if answer.mimetype == "text/html"}


def files(answers: Mapping[str, TestResponse]) -> dict[str, TestResponse]:
    return {name: answer for name, answer in answers.items() if answer.mimetype in ("text/csv", "application/pdf")}


def test_every_page_opens(answers: Mapping[str, TestResponse]) -> None:
    broken = {name for name, answer in answers.items() if answer.status_code >= 500} - {"health.readyz"}
    assert broken == set()
    assert sum(answer.status_code == 200 for answer in answers.values()) > 100


def test_no_word_from_outside_becomes_markup(answers: Mapping[str, TestResponse]) -> None:
    faults = {name: found for name, page in pages(answers).items() if (found := faults_of(page))}
    assert faults == {}


def test_words_from_outside_are_shown_as_they_are(answers: Mapping[str, TestResponse]) -> None:
    """They are there, escaped and whole: a template would have reckoned seven times seven."""
    showing = {name for name, page in pages(answers).items() if "&lt;script&gt;alert(1)&lt;/script&gt;" in page}
    assert len(showing) > 70
    for name, page in pages(answers).items():
        assert "<script>alert" not in page, name
        assert page.count("{{7*7}}") >= page.count("alert(2)&gt;"), name


def test_no_file_runs_a_formula(answers: Mapping[str, TestResponse]) -> None:
    for name, answer in files(answers).items():
        if answer.mimetype != "text/csv":
            continue
        text = answer.get_data().decode("utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        running = [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@")) and not is_number(cell)]
        assert running == [], name
        assert name in PARTLY_FILLED or any(cell.startswith(f"'{WORD}") for cell in cells), name


def is_number(cell: str) -> bool:
    return re.fullmatch(r"[+-]?\d[\d.,]*", cell) is not None


def test_a_file_is_saved_under_a_name_of_ours(answers: Mapping[str, TestResponse]) -> None:
    for name, answer in files(answers).items():
        said = answer.headers["Content-Disposition"]
        kind = "attachment" if answer.mimetype == "text/csv" else "inline"
        assert re.fullmatch(rf'{kind}; filename="[A-Za-z0-9._-]+\.(csv|pdf)"', said), (name, said)


def test_every_answer_carries_the_headers(answers: Mapping[str, TestResponse]) -> None:
    for name, answer in answers.items():
        assert {header: answer.headers.get(header) for header in HEADERS} == dict(HEADERS), name
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "X-Powered-By" not in answer.headers


def test_what_is_private_is_kept_nowhere(answers: Mapping[str, TestResponse]) -> None:
    for name, answer in answers.items():
        if name != "static":
            kept = "no-cache" if name == "sync.events" else "no-store"  # a stream carries names alone, and no data
            assert answer.headers["Cache-Control"] == kept, name


def test_every_answer_says_what_it_is(answers: Mapping[str, TestResponse]) -> None:
    kinds = {name: answer.content_type or "" for name, answer in answers.items() if answer.data}
    assert set(kinds.values()) == {
        "text/html; charset=utf-8",
        "text/csv; charset=utf-8",
        "text/event-stream; charset=utf-8",
        "application/pdf",
        "application/json",
        "application/problem+json",
        "image/svg+xml; charset=utf-8",
    }
    assert {name for name, kind in kinds.items() if "event-stream" in kind} == {"sync.events"}


def test_answers_to_programs_are_no_pages(answers: Mapping[str, TestResponse]) -> None:
    of_api = [
        answer for name, answer in answers.items() if name.startswith("api.") and "json" in (answer.mimetype or "")
    ]
    assert len(of_api) >= 4
    assert {answer.headers["Content-Disposition"] for answer in of_api} == {'attachment; filename="api.json"'}


def test_nothing_leads_away_by_itself(answers: Mapping[str, TestResponse]) -> None:
    for name, answer in answers.items():
        for header in ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "Refresh"):
            where = answer.headers.get(header, "/")
            assert where is not None
            assert where.startswith("/") and not where.startswith(("//", "/\\")), (name, header, where)


def test_what_is_in_the_address_becomes_no_markup(app: Flask, hostile: Furnished, owner: FlaskClient) -> None:
    query = dict.fromkeys(QUERIES, f"{WORD}javascript:alert(1)")
    for endpoint in SHOWN:
        answer = owner.get(address(app, hostile, endpoint), query_string=query, buffered=True)
        assert answer.status_code < 500 or endpoint == "health.readyz", endpoint
        if answer.mimetype == "text/html":
            assert faults_of(answer.text) == [], endpoint


def test_what_is_in_a_form_becomes_no_markup(app: Flask, hostile: Furnished, owner: FlaskClient) -> None:
    """Forms come back with what was typed; and where it was taken, the page behind shows it."""
    for endpoint in POSTED:
        if endpoint in ACTS:
            continue
        url, body = address(app, hostile, endpoint), body_of(quote_plus(WORD), ROUTES[endpoint].form)
        answer = owner.post(url, data=body, content_type=ENCODED, headers=HTMX)
        assert answer.status_code < 500, endpoint
        assert faults_of(answer.text) == [], endpoint
    assert owner.get("/me").status_code == 200, "the owner was signed out on the way"


MAIN: Final = (
    "reports.home", "orders.index", "orders.show", "orders.failed", "channels.index", "channels.products",
    "inventory.index", "invoices.index", "invoices.show", "sync.jobs", "settings.staff_page", "accounts.me",
)  # fmt: skip


@pytest.mark.browser
def test_the_policy_has_nothing_to_refuse(
    app: Flask, base: str, chromium: Browser, hostile: Furnished, owner: FlaskClient
) -> None:
    """In a real browser: no page asks for anything that the policy forbids, and none of the words runs."""
    context = chromium.new_context()
    cookie = owner.get_cookie("channelbook")
    assert cookie is not None
    context.add_cookies([{"name": "channelbook", "value": cookie.value, "url": base}])
    context.add_init_script(
        "addEventListener('securitypolicyviolation', found => console.error('refused: ' + found.violatedDirective))"
    )
    page, said = context.new_page(), list[str]()

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and message.text != "[object Event]":  # how a stream says that it has ended
            said.append(f"{page.url}: {message.text}")

    page.on("console", heard)
    page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    for endpoint in MAIN:
        page.goto(base + address(app, hostile, endpoint))
        assert "hostile" in page.content()
    context.close()
    assert said == []
