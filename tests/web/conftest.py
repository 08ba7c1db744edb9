"""A site of three pages, so that the frame is tested without a database and without any domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, abort, g, render_template, request
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_htmx import HTMX
from jinja2 import ChoiceLoader, DictLoader
from markupsafe import Markup
from werkzeug.exceptions import TooManyRequests
from wtforms import StringField
from wtforms.validators import DataRequired

from app import web
from app.web import respond
from app.web.forms import Form
from app.wiring import ROOT

Speak = Callable[[str], None]

HTMX_REQUEST = {"HX-Request": "true"}

TEMPLATES = {
    "alone.html": """{% extends "_layout/public.html" %}{% block content %}{% include "_shop.html" %}{% endblock %}""",
    "shop.html": """{% extends "_layout/store.html" %}{% block title %}Shop{% endblock %}
        {% block content %}<h1>Shop</h1>{% include "_shop.html" %}
        <button id="ask" hx-get="/boom" hx-target="#shop" hx-swap="outerHTML">Ask</button>{% endblock %}""",
    "_shop.html": """{% import "_shared/ui.html" as ui %}{% import "_shared/forms.html" as forms %}
        <div id="shop">{% call forms.form("/save", target="#shop") %}{{ forms.field(form.name, "As on the sign") }}
        {{ forms.actions("Save") }}{% endcall %}
        <form method="post" action="/save"><input type="checkbox" data-tick-all aria-label="All">
        <input type="checkbox" data-tick aria-label="1"><input type="checkbox" data-tick aria-label="2">
        {% call ui.action_bar("of 9") %}{{ forms.submit("Sync") }}{% endcall %}</form></div>""",
}


class ShopForm(Form):
    """One required field."""

    name = StringField("Name", [DataRequired("Say how the shop is called.")])


def make_site() -> Flask:
    """An application with the web room and a few views that end in each of its ways."""
    site = Flask("site", root_path=str(ROOT), template_folder="templates", static_folder="static")
    site.config.update(SECRET_KEY="for tests", PROPAGATE_EXCEPTIONS=False)
    loader = site.jinja_loader
    assert loader is not None
    site.jinja_loader = ChoiceLoader([loader, DictLoader(TEMPLATES)])
    HTMX(site)
    Babel(site, locale_selector=lambda: request.args.get("lang", "en"))
    web.init_app(site)
    _add_views(site)
    return site


_STRIP = "<p>Checking for updates, 1 of 2</p>"


def _add_views(site: Flask) -> None:
    site.url_value_preprocessor(_take_store)
    for rule, endpoint in (
        ("/<store>/", "reports.home"),
        ("/<store>/orders", "orders.index"),
        ("/<store>/failed", "orders.failed"),
        ("/<store>/jobs", "sync.jobs"),
    ):
        site.add_url_rule(rule, endpoint, lambda: render_template("shop.html", form=ShopForm()))
    site.add_url_rule("/<store>/strip", "sync.strip", lambda: _STRIP)
    site.jinja_env.globals["strip_lines"] = lambda: Markup(_STRIP)
    site.add_url_rule("/<store>/code/<int:code>", "code", abort)
    site.add_url_rule("/shop", "shop", lambda: respond.page_or_fragment("alone.html", "_shop.html", form=ShopForm()))
    site.add_url_rule("/save", "save", _save, methods=["POST"])
    site.add_url_rule("/leave", "leave", lambda: respond.done("/penang/", "Saved."), methods=["POST"])
    site.add_url_rule("/boom", "boom", _boom)
    site.add_url_rule("/taken", "taken", lambda: abort(409, "INV0022 was issued meanwhile."))
    site.add_url_rule("/slow", "slow", _slow)


def _take_store(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values and "store" in values:
        slug = values.pop("store")
        g.store = SimpleNamespace(slug=slug, name="Kopi <b>Penang</b>", currency="MYR", time_zone="Asia/Kuala_Lumpur")


def _save() -> ResponseReturnValue:
    form = ShopForm(request.form)
    if not form.validate():
        return respond.invalid("alone.html", "_shop.html", form=form)
    return respond.done("/penang/", "Saved.", fragment="_shop.html", form=form)


def _boom() -> ResponseReturnValue:
    raise RuntimeError("the secret of the inside")


def _slow() -> ResponseReturnValue:
    raise TooManyRequests(retry_after=180)


@pytest.fixture
def site() -> Flask:
    """The small site."""
    return make_site()


@pytest.fixture
def browser(site: Flask) -> FlaskClient:
    """A browser without JavaScript on the small site."""
    return site.test_client()


@pytest.fixture
def speak(site: Flask) -> Iterator[Speak]:
    """`speak("vi")` begins a page in that language, in a store in Kuala Lumpur's zone."""
    with ExitStack() as pages:

        def begin(language: str) -> None:
            pages.enter_context(site.test_request_context(f"/penang/?lang={language}"))
            g.store = SimpleNamespace(slug="penang", time_zone="Asia/Kuala_Lumpur")

        yield begin
