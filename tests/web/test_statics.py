"""Static files may be kept for ever under the address of their content, and icons exist."""

from __future__ import annotations

import gzip
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web.icons import icon
from app.web.statics import static_url
from app.wiring import ROOT

STATIC = ROOT / "static"


def test_file_is_kept_for_ever_under_its_own_version(site: Flask, browser: FlaskClient) -> None:
    with site.test_request_context("/"):
        url = static_url("app.css")
    assert url.startswith("/static/app.css?v=")
    with browser.get(url) as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("url", ["/static/app.css", "/static/app.css?v=old"])
def test_other_version_is_asked_for_again(browser: FlaskClient, url: str) -> None:
    with browser.get(url) as answer:
        assert answer.headers["Cache-Control"] == "no-cache"


def test_missing_file_is_said_at_once(site: Flask) -> None:
    with site.test_request_context("/"):
        for name in ("nowhere.css", "../pyproject.toml"):
            with pytest.raises(FileNotFoundError):
                static_url(name)


def test_missing_file_is_not_kept(browser: FlaskClient) -> None:
    answer = browser.get("/static/nowhere.css")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_icon_is_a_reference_hidden_from_screen_readers(site: Flask) -> None:
    with site.test_request_context("/"):
        drawing = icon("home", "ms-auto")
        assert drawing.startswith('<svg class="icon ms-auto" aria-hidden="true"><use href="/static/icons.svg?v=')
        assert drawing.endswith('#home"></use></svg>')


def test_icon_that_was_never_drawn_is_named(site: Flask) -> None:
    with site.test_request_context("/"), pytest.raises(LookupError, match="unicorn"):
        icon("unicorn")


def test_a_page_is_light_and_asks_for_each_file_once(browser: FlaskClient) -> None:
    wanted = {"Accept-Encoding": "gzip"}
    page = browser.get("/penang/", headers=wanted)
    urls = dict.fromkeys(re.findall(r'(?:href|src)="(/static/[^"#]+)', gzip.decompress(page.data).decode()))
    assert len(urls) >= 7
    transferred = len(page.data)
    for url in urls:
        with browser.get(url, headers=wanted) as file:
            assert "immutable" in file.headers["Cache-Control"]
            transferred += len(file.data)
    assert transferred < 60_000


def test_the_built_sheet_draws_every_class_that_pages_name() -> None:
    """A sheet that was built before a template changed may lack what that names: `make setup-dev` builds it anew."""
    full, built = (
        set(re.findall(r"\.(-?[a-z][\w-]*)", re.sub(r"/\*.*?\*/", "", (STATIC / path).read_text(encoding="utf-8"))))
        for path in ("node_modules/@tabler/core/dist/css/tabler.min.css", "build/tabler.css")
    )
    named = {
        name
        for page in (STATIC.parent / "templates").rglob("*.html")
        for names in re.findall(r'class="([^"]*)"', page.read_text(encoding="utf-8"))
        for name in names.split()
    }
    assert "card" in named & built
    assert named & full <= built


def test_the_built_sheet_draws_radio_buttons() -> None:
    """Their kind is written by WTForms alone: no template says it."""
    assert ".form-check-input[type=radio]" in (STATIC / "build/tabler.css").read_text(encoding="utf-8")
