"""The frame around every page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemLoader

from app.web.kept import kept
from app.web.nav import NavLink, count_badge


def test_menu_shows_the_pages_that_exist(browser: FlaskClient) -> None:
    page = browser.get("/penang/jobs").text
    menu = page[page.index('id="nav-badges"') : page.index("</ul>")]
    urls = re.findall(r'<a href="([^"]+)"', menu)
    assert urls == ["/penang/", "/penang/orders", "/penang/failed", "/penang/jobs"]
    assert re.findall(r'<a href="([^"]+)" aria-current="page"', menu) == ["/penang/jobs"]


def test_menu_counts_what_waits(site: Flask) -> None:
    browser = site.test_client()
    assert 'class="count"' not in browser.get("/penang/").text
    count_badge(site, "orders.failed", lambda: 1234)
    assert '<span class="count">1,234</span>' in browser.get("/penang/").text


def test_names_are_escaped(browser: FlaskClient) -> None:
    page = browser.get("/penang/").text
    assert "Kopi &lt;b&gt;Penang&lt;/b&gt;" in page
    assert "<b>Penang" not in page


@pytest.mark.parametrize("path", ["/penang/", "/shop", "/nowhere"])
def test_page_has_nothing_inline(browser: FlaskClient, path: str) -> None:
    page = browser.get(path).text
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|hx-on|javascript:", page)


def test_htmx_is_told_to_evaluate_nothing_and_keep_no_pages(browser: FlaskClient) -> None:
    found = re.search(r"name=\"htmx-config\" content='([^']+)'", browser.get("/shop").text)
    assert found
    config = json.loads(found[1])
    assert (config["allowEval"], config["allowScriptTags"], config["includeIndicatorStyles"]) == (False, False, False)
    assert config["historyCacheSize"] == 0
    assert {"code": "422", "swap": True} in config["responseHandling"]


def test_page_names_its_language(browser: FlaskClient) -> None:
    assert '<html lang="vi"' in browser.get("/shop?lang=vi").text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_chosen_theme_is_on_the_next_page(browser: FlaskClient, theme: str) -> None:
    answer = browser.post("/theme", data={"theme": theme, "next": "/penang/orders"})
    assert (answer.status_code, answer.location) == (303, "/penang/orders")
    assert f'data-bs-theme="{theme}">\n<head>' in browser.get("/penang/").text


def test_theme_of_the_device_is_no_choice(browser: FlaskClient) -> None:
    browser.post("/theme", data={"theme": "dark"})
    browser.post("/theme", data={"theme": "auto"})
    assert '<html lang="en">' in browser.get("/penang/").text


def test_theme_choice_leads_nowhere_else(browser: FlaskClient) -> None:
    answer = browser.post("/theme", data={"theme": "dark", "next": "https://evil.example/"})
    assert answer.location == "/"


def test_unknown_theme_is_refused(browser: FlaskClient) -> None:
    assert browser.post("/theme", data={"theme": "neon"}).status_code == 400


def test_forged_theme_cookie_is_ignored(browser: FlaskClient) -> None:
    browser.set_cookie("theme", '"><script>')
    assert '<html lang="en">' in browser.get("/penang/").text


def test_part_that_shows_more_than_it_is_kept_by_is_refused(site: Flask, tmp_path: Path) -> None:
    for name, text in (("plain.html", "{{ _('Orders') }}: {{ count }}"), ("leaky.html", "{{ count }} {{ g.store }}")):
        (tmp_path / name).write_text(text)
    site.jinja_env.loader = FileSystemLoader(tmp_path)
    with site.test_request_context("/penang/"):
        assert kept("plain.html", count=1) == "Orders: 1"
        assert kept("plain.html", count="<b>") == "Orders: &lt;b&gt;"
        with pytest.raises(LookupError, match="g"):
            kept("leaky.html", count=1)


@pytest.mark.parametrize(("language", "count"), [("en", "1,234"), ("vi", "1.234"), ("en", "1,234")])
def test_kept_part_is_drawn_in_each_language(site: Flask, language: str, count: str) -> None:
    links = (NavLink("orders-index", "/penang/orders", "Orders", "orders", is_current=True, on_phone=True, count=1234),)
    with site.test_request_context(f"/penang/?lang={language}"):
        assert f'<span class="count">{count}</span>' in kept("_layout/_nav.html", links=links, help_url="/help")
