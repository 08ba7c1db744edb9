"""The articles of the help: each is a template of its own, in which every sentence goes through gettext.

So an article is complete in every language in which the pages are, and names each button as the page does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, render_template
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.accounts.roles import ABILITY_WORDS
from app.core.roles import Role
from app.web.links import url_to


@dataclass(frozen=True, slots=True)
class Article:
    """One article. `page` is the endpoint of the page that it is about, where a store has one such page."""

    slug: str
    title: Any  # a lazy string, as in Section
    page: str | None = None

    @property
    def template(self) -> str:
        """Its words."""
        return f"help/articles/{self.slug.replace('-', '_')}.html"


@dataclass(frozen=True, slots=True)
class Section:
    """Articles that belong together, in the order in which somebody needs them."""

    title: Any
    icon: str
    articles: tuple[Article, ...]


SECTIONS: Final = (
    Section(
        _l("Begin"),
        "play",
        (
            Article("first-day", _l("Your first day"), "reports.home"),
            Article("auto-sync", _l("Auto Sync and jobs"), "sync.jobs"),
            Article("failed-sync", _l("Failed Sync, cause by cause"), "orders.failed"),
            Article("not-booked", _l("Orders that are not booked"), "orders.index"),
        ),
    ),
    Section(
        _l("The books"),
        "invoice",
        (
            Article("number-register", _l("Invoice numbers and their register"), "invoices.register_index"),
            Article("credit-notes", _l("Credit notes and Re-issue"), "invoices.credit_notes"),
            Article("closing-a-month", _l("Close a month"), "settings.closing"),
            Article("completeness", _l("Is everything in?"), "completeness.index"),
            Article("reports", _l("Marketplace Channel Report"), "reports.marketplace_channels"),
        ),
    ),
    Section(
        _l("Items, stock and parcels"),
        "box",
        (
            Article("product-sync", _l("Items and Product Sync"), "channels.index"),
            Article("inventory", _l("Inventory and warehouses"), "inventory.index"),
            Article("own-orders", _l("Orders that you make here"), "orders.new"),
            Article("packing", _l("Pack and send"), "orders.index"),
        ),
    ),
    Section(
        _l("Stores that sell together"),
        "store",
        (
            Article("link-stores", _l("Link a main store and a sub-store"), "links.authorized"),
            Article("linked-stock", _l("Stock between linked stores"), "inventory.index"),
            Article("linked-orders", _l("Orders between linked stores"), "orders.index"),
        ),
    ),
    Section(
        _l("KiotViet"),
        "channels",
        (
            Article("kiotviet", _l("Connect KiotViet"), "channels.index"),
            Article("kiotviet-orders", _l("Your orders in KiotViet"), "channels.index"),
        ),
    ),
    Section(
        _l("People and programs"),
        "person",
        (
            Article("staff", _l("Staff and roles"), "settings.staff_page"),
            Article("two-step", _l("Two-step sign-in and devices"), "accounts.me"),
            Article("notifications", _l("Notifications"), "settings.notifications"),
            Article("api-keys", _l("API keys"), "settings.api_keys"),
            Article("webhooks", _l("Webhooks"), "settings.webhooks"),
            Article("audit-log", _l("Audit log"), "settings.audit"),
            Article("languages", _l("Languages"), "accounts.me"),
            Article("refused", _l("When a page refuses")),
        ),
    ),
)

_HEADING: Final = re.compile(r'<h2 id="([\w-]+)">(.*?)</h2>')
ARTICLES: Final = {article.slug: article for section in SECTIONS for article in section.articles}


def init_app(app: Flask) -> None:
    """Give templates `article_url` and `article_title`."""
    app.jinja_env.globals.update(article_url=article_url, article_title=article_title)


def draw(article: Article) -> Markup:
    """Its words in the language of this answer."""
    drawn = render_template(article.template, roles=list(Role), abilities=ABILITY_WORDS)
    return Markup(drawn)  # noqa: S704  # a template of ours escapes


def places_of(words: Markup) -> list[tuple[str, Markup]]:
    """The places in an article that can be led to, each with its heading."""
    return [(place, Markup(title)) for place, title in _HEADING.findall(words)]  # noqa: S704  # out of a template of ours


def article_url(place: str) -> str:
    """The address of an article, or of a place in it such as `failed-sync#total`."""
    slug, hash_sign, anchor = place.partition("#")
    return f"{url_to('help.show', slug=ARTICLES[slug].slug)}{hash_sign}{anchor}"


def article_title(slug: str) -> str:
    """Its title, as a link in a sentence says it."""
    return str(ARTICLES[slug].title)
