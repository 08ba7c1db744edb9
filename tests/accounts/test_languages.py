"""Which language a page or a mail is in: its reader's, then the store's, then the browser's."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.accounts import services
from app.accounts.later import finish
from app.extensions import db
from app.tenancy.choices import LANGUAGES
from app.tenancy.models import Store
from app.tenancy.scope import store_scope
from app.web.catalogues import catalogue_of
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.mails import mails_to

VIETNAMESE = "vi-VN,vi;q=0.9,en;q=0.5"
CODES = [code for code, _name in LANGUAGES]


def language_of(page: str) -> str:
    return page.split('<html lang="', 1)[1].split('"', 1)[0]


def choose(client: FlaskClient, code: str, **fields: str) -> None:
    assert client.post("/language", data={"language": code, **fields}).status_code == 303


def speak(app: Flask, store: SomeStore, language: str) -> None:
    with app.app_context(), store_scope(store.id):
        db.session.execute(update(Store).where(Store.id == store.id).values(language=language))
        db.session.commit()


def test_stranger_reads_what_the_browser_asks_for_until_they_choose(client: FlaskClient) -> None:
    asking = {"Accept-Language": VIETNAMESE}
    assert language_of(client.get("/signin", headers=asking).text) == "vi"
    assert language_of(client.get("/signin", headers={"Accept-Language": "zh-CN"}).text) == "zh-Hans"
    assert language_of(client.get("/signin", headers={"Accept-Language": "fr"}).text) == "en"
    answer = client.post("/language", data={"language": "ms", "next": "/forgot?a=1"})
    assert answer.location == "/forgot?a=1"
    page = client.get("/forgot", headers=asking).text
    assert language_of(page) == "ms"
    assert all(name in page for _code, name in LANGUAGES), "each is named by itself"
    choose(client, "auto")
    assert language_of(client.get("/signin", headers=asking).text) == "vi"


@pytest.mark.parametrize("code", ["", "xx", "../en", "EN"])
def test_no_other_language_is_taken(client: FlaskClient, code: str) -> None:
    assert client.post("/language", data={"language": code}).status_code == 400


def test_choosing_leads_nowhere_else(client: FlaskClient) -> None:
    assert client.post("/language", data={"language": "vi", "next": "//evil.example"}).location == "/"


def test_who_chose_nothing_reads_the_stores_language(app: Flask, store: SomeStore) -> None:
    speak(app, store, "ms")
    client = signed_in(new_client(app), store.reader)
    assert language_of(client.get(store.url("/orders"), headers={"Accept-Language": VIETNAMESE}).text) == "ms"


def test_a_choice_goes_with_the_person(app: Flask, store: SomeStore) -> None:
    choose(signed_in(new_client(app), store.owner), "vi")
    elsewhere = signed_in(new_client(app), store.owner)
    assert language_of(elsewhere.get(store.url("/orders")).text) == "vi"
    page = elsewhere.get("/me").text
    assert language_of(page) == "vi"
    assert '<option value="vi" selected>' in page
    assert language_of(signed_in(new_client(app), store.reader).get(store.url("/orders")).text) == "en"
    choose(elsewhere, "auto")
    assert language_of(elsewhere.get(store.url("/orders")).text) == "en"


@pytest.mark.parametrize(
    "path", ["/", "/orders", "/invoices", "/settings/general", "/channels/add", "/settings/payment-methods"]
)
def test_nothing_is_kept_from_a_page_in_another_language(app: Flask, store: SomeStore, path: str) -> None:
    """One after the other in one process: each language is as if it were alone, and the menu speaks it."""
    client = signed_in(new_client(app), store.owner)
    first: dict[str, str] = {}
    for code in [*CODES, *reversed(CODES)]:
        choose(client, code)
        page = client.get(store.url(path), follow_redirects=True).text
        assert catalogue_of(code).gettext("Orders") in page
        assert catalogue_of(code).gettext("Sign out") in page
        assert first.setdefault(code, page) == page
    assert len(set(first.values())) == len(CODES)


def test_a_mail_is_in_its_receivers_language(app: Flask, make: Make, store: SomeStore) -> None:
    chose, did_not = make.person(), make.person()
    with app.test_request_context():
        services.speak_to(chose.id, "zh")
        services.mail_reset_link(chose.email, "vi")
        services.mail_reset_link(did_not.email, "vi")
    finish()
    assert mails_to(app, chose.email)[0]["Subject"] == catalogue_of("zh").gettext("Choose a new password")
    assert mails_to(app, did_not.email)[0]["Subject"] == catalogue_of("vi").gettext("Choose a new password")


@pytest.mark.parametrize(("language", "currency"), [("ms", "MYR"), ("vi", "VND")])
def test_a_new_store_speaks_as_its_owner_signed_up(
    app: Flask, client: FlaskClient, language: str, currency: str
) -> None:
    choose(client, language)
    email = f"pendaftar.{language}@kedai.example"
    fields = {"name": "Aina", "email": email, "password": "lemongrass-and-pandan", "store_name": "Kedai Aina"}
    assert client.post("/signup", data=fields).status_code == 303
    home = client.get("/", follow_redirects=True)
    slug = home.request.path.split("/")[1]
    page = client.get(f"/{slug}/settings/general").text
    assert f'<option selected value="{language}">' in page
    assert f'<option selected value="{currency}">' in page
    assert catalogue_of(language).gettext("Main warehouse") in client.get(f"/{slug}/settings/warehouses").text
