"""The guard in front of every view."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Blueprint, Flask, g, url_for
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from app import create_app
from app.accounts.access import UndeclaredNeedError
from app.config import Settings
from app.core.roles import Ability, Role
from app.extensions import db, login_manager
from app.tenancy.scope import current_store_id
from app.web.needs import needs, needs_sign_in, public
from tests.orders.factories import statements
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client

HTMX = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def guarded(settings: Settings) -> Iterator[Flask]:
    """An application with views of every need."""
    app = create_app(settings)
    app.testing = True
    app.register_blueprint(_views())
    yield app
    with app.app_context():
        db.engine.dispose()


def _views() -> Blueprint:
    views = Blueprint("guarded", __name__)

    @views.route("/<store>/guarded/plain", methods=["GET", "POST"])
    @needs(Ability.LOOK, write=Ability.SETTINGS)
    def plain() -> str:
        return f"{g.store.slug} {current_store_id()} {g.membership.role} {url_for('guarded.plain')}"

    @views.route("/<store>/guarded/hurts", methods=["GET", "POST"])
    @needs(Ability.BOOKS)
    def hurts() -> str:
        return "done"

    @views.post("/<store>/guarded/harmless")
    @needs(Ability.LOOK)
    def harmless() -> str:
        return "done"

    @views.route("/<store>/guarded/forgotten", methods=["GET", "POST"])
    def forgotten() -> str:
        return "done"

    @views.get("/<store>/guarded/mistaken")
    @public
    def mistaken() -> str:
        return "done"

    @views.get("/guarded-outside")
    @needs_sign_in
    def outside() -> str:
        return "done"

    @views.get("/guarded-outside/forgotten")
    def forgotten_outside() -> str:
        return "done"

    return views


def test_view_finds_its_store_open(guarded: Flask, store: SomeStore) -> None:
    client = signed_in(new_client(guarded), store.owner)
    assert client.get(store.url("/guarded/plain")).text == (
        f"{store.slug} {store.id} owner {store.url('/guarded/plain')}"
    )


def test_two_tabs_show_two_stores(guarded: Flask, store: SomeStore, other_store: SomeStore) -> None:
    mine, theirs = signed_in(new_client(guarded), store.owner), signed_in(new_client(guarded), other_store.owner)
    for _ in range(2):
        assert mine.get(store.url("/guarded/plain")).text.startswith(store.slug)
        assert theirs.get(other_store.url("/guarded/plain")).text.startswith(other_store.slug)


def test_stranger_gets_404_as_for_a_store_that_does_not_exist(
    guarded: Flask, store: SomeStore, other_store: SomeStore
) -> None:
    client = signed_in(new_client(guarded), store.owner)
    strange, missing = (client.get(f"/{slug}/guarded/plain") for slug in (other_store.slug, "no-such-store"))
    assert strange.status_code == missing.status_code == 404
    asked = ((strange.text, other_store.slug), (missing.text, "no-such-store"))
    assert len({page.replace(slug, "asked-for") for page, slug in asked}) == 1, "only what was asked for differs"
    assert client.post(other_store.url("/guarded/plain")).status_code == 404
    assert other_store.name not in strange.text


def test_signed_out_cannot_tell_stores_apart(guarded: Flask, store: SomeStore) -> None:
    client = new_client(guarded)
    for slug in (store.slug, "no-such-store"):
        answer = client.get(f"/{slug}/guarded/plain?page=2")
        assert answer.status_code == 303
        assert answer.location == f"/signin?next=/{slug}/guarded/plain?page%3D2"


def test_signed_out_part_sends_the_whole_page_to_sign_in(guarded: Flask, store: SomeStore) -> None:
    seen = f"http://localhost{store.url('/guarded/around')}?q=1"
    answer = new_client(guarded).get(store.url("/guarded/plain"), headers={**HTMX, "HX-Current-URL": seen})
    assert answer.status_code == 200
    assert answer.text == ""
    assert answer.headers["HX-Redirect"] == f"/signin?next=/{store.slug}/guarded/around?q%3D1"


def test_signed_out_form_returns_to_the_page_around_it(guarded: Flask, store: SomeStore) -> None:
    headers = {"Referer": f"http://localhost{store.url('/guarded/around')}"}
    answer = new_client(guarded).post(store.url("/guarded/plain"), headers=headers)
    assert answer.location == f"/signin?next=/{store.slug}/guarded/around"


READERS = frozenset(Role)
LEADERS = frozenset({Role.OWNER, Role.MANAGER})


@pytest.mark.parametrize(
    ("method", "path", "enough"),
    [
        ("GET", "plain", READERS),
        ("HEAD", "plain", READERS),
        ("POST", "plain", LEADERS),
        ("GET", "hurts", LEADERS | {Role.BOOKKEEPER}),
        ("POST", "hurts", LEADERS | {Role.BOOKKEEPER}),
        ("POST", "harmless", READERS),
    ],
)
def test_needs(guarded: Flask, make: Make, store: SomeStore, method: str, path: str, enough: frozenset[Role]) -> None:  # noqa: PLR0917
    url = store.url(f"/guarded/{path}")
    for role, who in make.staff(store).items():
        answer = signed_in(new_client(guarded), who).open(url, method=method)
        assert answer.status_code == (200 if role in enough else 403), role


def test_refusal_says_which_roles_would_do(guarded: Flask, store: SomeStore) -> None:
    client = signed_in(new_client(guarded), store.reader)
    page = client.post(store.url("/guarded/hurts"))
    part = client.post(store.url("/guarded/hurts"), headers=HTMX)
    for answer in (page, part):
        assert answer.status_code == 403
        assert "Your role in this store is: Read only." in answer.text
        assert "This is for: Owner, Manager, or Bookkeeper." in answer.text
    assert part.headers["HX-Retarget"] == "#flash"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/{}/guarded/forgotten"),
        ("POST", "/{}/guarded/forgotten"),
        ("GET", "/{}/guarded/mistaken"),
        ("GET", "/guarded-outside/forgotten"),
    ],
)
def test_view_that_declares_nothing_is_opened_by_nobody(
    guarded: Flask, store: SomeStore, method: str, path: str
) -> None:
    with pytest.raises(UndeclaredNeedError):
        signed_in(new_client(guarded), store.owner).open(path.format(store.slug), method=method)


def test_view_outside_a_store_can_ask_for_a_person(guarded: Flask, store: SomeStore) -> None:
    client = new_client(guarded)
    assert client.get("/guarded-outside").location == "/signin?next=/guarded-outside"
    assert signed_in(client, store.reader).get("/guarded-outside").text == "done"


def test_opening_a_store_costs_a_fixed_handful_of_statements(guarded: Flask, store: SomeStore) -> None:
    client = signed_in(new_client(guarded), store.owner)
    client.get(store.url("/guarded/plain"))
    with guarded.app_context(), statements() as page:
        client.get(store.url("/guarded/plain"))
    assert len(page) <= 5, page
    with guarded.app_context(), statements() as part:
        client.get(store.url("/guarded/plain"), headers=HTMX)
    assert len(part) <= 4, part


def test_language_follows_store_then_browser_then_english(client: FlaskClient, store: SomeStore) -> None:
    for asked in ("xx,yy;q=0.5", "en-GB", ""):
        assert '<html lang="en"' in client.get("/signin", headers={"Accept-Language": asked}).text
    signed_in(client, store.owner)
    assert '<html lang="en"' in client.get(store.url("/settings/general")).text


def test_a_database_that_is_away_is_a_page_that_says_to_try_again(
    guarded: Flask, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the crash test: who is signed in stands in the database, and the page of the error asked for that."""

    def away(_token: str) -> None:
        raise OperationalError("select", {}, Exception("the database system is in recovery mode"))

    client = signed_in(new_client(guarded), store.owner)
    monkeypatch.setattr(login_manager, "_user_callback", away)
    monkeypatch.setitem(guarded.config, "PROPAGATE_EXCEPTIONS", False)
    answer = client.get(store.url("/guarded/plain"))
    assert answer.status_code == 503
    assert "Try again in a minute" in answer.text
    monkeypatch.undo()
    assert client.get(store.url("/guarded/plain")).status_code == 200, "nobody was signed out"
