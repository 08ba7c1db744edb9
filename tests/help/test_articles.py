"""The help: each article in each language, links that lead somewhere, a search, and nothing that is not explained."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.states import Reason
from app.help.articles import ARTICLES
from app.help.pages import ABOUT
from app.help.pictures import FOLDER, size_of
from app.help.refusals import EXPLAINED_IN
from app.help.search import fold
from app.orders import reasons
from app.tenancy.choices import LANGUAGES
from app.web.errors import WORDS
from app.wiring import ROOT
from tests.e2e.pictures import LARGEST, SHOTS
from tests.orders.factories import Books
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client

PICTURES = ROOT / "static" / FOLDER
CODES = [code for code, _name in LANGUAGES]
ARTICLE_TEMPLATES = ROOT / "templates/help/articles"


class _Page(HTMLParser):
    """The addresses and the places of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.ids += [told["id"] or ""] if "id" in told else []
        self.links += [told["href"] or ""] if tag == "a" else []


def reading(app: Flask, language: str) -> FlaskClient:
    client = new_client(app)
    client.set_cookie("language", language)
    return client


@pytest.fixture(scope="module")
def pages(app: Flask) -> dict[str, _Page]:
    client = reading(app, "en")
    return {slug: _Page(client.get(f"/help/{slug}").text) for slug in ARTICLES}


@pytest.mark.parametrize("language", CODES)
def test_every_article_reads_in_every_language(app: Flask, language: str) -> None:
    client = reading(app, language)
    for slug in ARTICLES:
        answer = client.get(f"/help/{slug}")
        assert answer.status_code == 200, slug
        assert f'<html lang="{language}' in answer.text
        assert "%(" not in answer.text, f"{slug} leaves something open"


def test_links_of_articles_lead_somewhere(app: Flask, pages: dict[str, _Page]) -> None:
    client = reading(app, "en")
    for slug, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), slug
        for link in page.links:
            address, _hash, place = link.partition("#")
            other = address.removeprefix("/help/")
            if other in pages:
                assert not place or place in pages[other].ids, f"{slug}: {link}"
            elif address:
                assert client.get(address).status_code < 400, f"{slug}: {link}"


def test_what_the_tables_name_is_there(pages: dict[str, _Page]) -> None:
    for place in {*EXPLAINED_IN.values(), *(about.place for about in ABOUT.values())}:
        slug, _hash, anchor = place.partition("#")
        assert not anchor or anchor in pages[slug].ids, place


def test_every_refusal_is_explained() -> None:
    told = {str(code) for code in reasons._TABLE} | {str(code) for code in Reason}
    assert told - EXPLAINED_IN.keys() == set(), "say in EXPLAINED_IN which article explains these"
    assert {str(code) for code in WORDS} - EXPLAINED_IN.keys() == set()


def test_a_refusal_shows_the_way(app: Flask, store: SomeStore) -> None:
    client = signed_in(new_client(app), store.reader)
    refused = client.get(f"/{store.slug}/channels/add")
    assert refused.status_code == 403
    assert 'href="/help/refused#not-allowed"' in refused.text
    part = client.get(f"/{store.slug}/orders/999999999", headers={"HX-Request": "true"})
    assert part.status_code == 404
    assert 'href="/help/refused#not-found"' in part.text


def test_a_held_order_and_its_cause_show_the_way(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    order_id = books.order(books.channel(), state="held", reason="TOTAL_MISMATCH")
    client = signed_in(new_client(app), store.owner)
    for page in (f"/{store.slug}/orders/{order_id}", f"/{store.slug}/failed"):
        assert 'href="/help/failed-sync#total"' in client.get(page).text, page


def test_search_finds_by_word_wherever_it_stands(app: Flask) -> None:
    client = reading(app, "en")
    assert client.get("/help?q=recovery codes").text.count("/help/two-step") == 1
    by_title = client.get("/help?q=webhooks").text
    assert by_title.index("/help/webhooks") < by_title.index(
        "/help/api-keys" if "/help/api-keys" in by_title else "</ol>"
    )
    nothing = client.get("/help?q=xylophone").text
    assert "No article has all of these words" in nothing
    assert 'href="/help/' not in nothing


@pytest.mark.parametrize("language", CODES)
def test_search_finds_each_title_in_each_language(app: Flask, language: str) -> None:
    client = reading(app, language)
    for slug in ("first-day", "failed-sync", "languages"):
        title = re.search(r"<h1>(.*?)</h1>", client.get(f"/help/{slug}").text)
        assert title
        found = client.get("/help", query_string={"q": title[1].upper()}, headers={"HX-Request": "true"})
        assert f'href="/help/{slug}"' in found.text
        assert "<html" not in found.text


def test_search_forgives_accents_and_shows_the_place() -> None:
    assert fold("Hóa ĐƠN ①") == "hoa don 1"
    assert len(fold("ﬀ đ İ Ωß")) == len("ﬀ đ İ Ωß")


def test_what_is_searched_is_shown_as_text(client: FlaskClient) -> None:
    shown = client.get("/help", query_string={"q": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in shown


def test_help_leads_back_to_the_page_in_the_store(app: Flask, store: SomeStore) -> None:
    client = signed_in(new_client(app), store.owner)
    assert f'href="/{store.slug}/failed"' not in client.get("/help/failed-sync").text
    home = client.get(f"/{store.slug}/").text
    assert 'href="/help"' in home
    article = client.get("/help/failed-sync").text
    assert f'href="/{store.slug}/failed"' in article
    assert client.get(f"/{store.slug}/failed").status_code == 200
    assert "/signin?next=/help/failed-sync" in reading(app, "en").get("/help/failed-sync").text.replace("%2F", "/")


def test_no_store_is_named_help(make: Make) -> None:
    assert make.store(name="Help").slug != "help"


def test_an_article_that_is_not_there_is_a_404(client: FlaskClient) -> None:
    assert client.get("/help/nothing-of-the-kind").status_code == 404


def test_pictures_are_taken_and_small_and_shown() -> None:
    words = "".join(path.read_text(encoding="utf-8") for path in ARTICLE_TEMPLATES.glob("*.html"))
    taken = {path.stem for path in PICTURES.glob("*.webp")}
    assert taken == set(re.findall(r'h\.picture\("([\w-]+)"', words))
    assert taken == {shot.name for shots in SHOTS.values() for shot in shots}, "make help-pictures"
    for path in PICTURES.glob("*.webp"):
        width, height = size_of(path)
        assert path.stat().st_size <= LARGEST, path.name
        assert 200 < width <= 1280
        assert 100 < height <= 1600


def test_an_article_shows_its_pictures_with_words_for_who_does_not_see_them(client: FlaskClient) -> None:
    page = client.get("/help/first-day").text
    pictures = re.findall(r'<img src="([^"]+)" width="\d+" height="\d+" alt="([^"]+)"', page)
    assert len(pictures) == 3
    for address, alt in pictures:
        assert len(alt) > 20
        assert client.get(address, buffered=True).mimetype == "image/webp"
