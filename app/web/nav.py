"""The map in the frame: where a member can go, in the order of the work.

An entry shows as soon as its endpoint exists, so that a domain lights up by registering its blueprint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from flask import Flask, current_app, g
from flask_babel import lazy_gettext as _l

from app.web.links import has_page, is_active, url_if, url_to
from app.web.reader import Reader, reader

_BADGES: Final = "channelbook.nav_badges"


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry: `active` are the endpoint prefixes under which it is the current one; `short` its word on a phone."""

    endpoint: str
    label: Any  # a lazy string
    icon: str
    active: tuple[str, ...]
    on_phone: bool = False
    short: Any = None


@dataclass(frozen=True, slots=True)
class NavLink:
    """An entry as the page shows it; `count` is None when it counts nothing. `name` tells it from the others."""

    name: str
    url: str
    label: str
    icon: str
    is_current: bool
    on_phone: bool
    count: int | None
    short: str = ""


NAV: Final = (
    NavItem("reports.home", _l("Home"), "home", ("reports.home",), on_phone=True),
    NavItem(
        "orders.index",
        _l("Orders"),
        "orders",
        ("orders.index", "orders.show", "orders.new", "orders.edit", "orders.import"),
        on_phone=True,
    ),
    NavItem("invoices.index", _l("Invoices"), "invoice", ("invoices.",)),
    NavItem("inventory.index", _l("Inventory"), "box", ("inventory.",)),
    NavItem("channels.index", _l("Channels"), "channels", ("channels.",), on_phone=True),
    NavItem("reports.marketplace_channels", _l("Reports"), "report", ("reports.marketplace_channels",)),
    NavItem("orders.failed", _l("Failed Sync"), "warning", ("orders.failed",), on_phone=True, short=_l("Failed")),
    NavItem("completeness.index", _l("Completeness"), "check", ("completeness.",)),
    NavItem("sync.jobs", _l("Jobs"), "clock", ("sync.job",)),
    NavItem("settings.general", _l("Settings"), "settings", ("settings.",)),
)


def init_app(app: Flask) -> None:
    """Give templates `nav_links` and `switcher_places`."""
    app.extensions[_BADGES] = {}
    app.jinja_env.globals.update(nav_links=nav_links, switcher_places=switcher_places)


def count_badge(app: Flask, endpoint: str, count: Callable[[], int]) -> None:
    """Show `count()` beside the entry of `endpoint`; it runs in the store's scope on every page, so keep it cheap."""
    app.extensions[_BADGES][endpoint] = count


def nav_links() -> tuple[NavLink, ...]:
    """The entries whose pages exist, for the store of the current page; counted once for all menus of the page."""
    if "nav_links" not in g:
        g.nav_links = tuple(_link(item) for item in NAV if has_page(item.endpoint))
    links: tuple[NavLink, ...] = g.nav_links
    return links


def switcher_places() -> tuple[tuple[str, str, bool], ...]:
    """The stores that the person belongs to: name, address, and whether it is the one of the current page."""
    here = g.store.slug
    return tuple(
        (place.name, url_if("reports.home", store=place.slug) or f"/{place.slug}/", place.slug == here)
        for place in g.get("stores") or ()
    )


def _link(item: NavItem) -> NavLink:
    count = current_app.extensions[_BADGES].get(item.endpoint)
    label, short = _labels(reader())[item.endpoint]
    return NavLink(
        name=item.endpoint.replace(".", "-"),
        url=url_to(item.endpoint),
        label=label,
        icon=item.icon,
        is_current=is_active(*item.active),
        on_phone=item.on_phone,
        count=count() if count else None,
        short=short,
    )


@cache
def _labels(_reader: Reader) -> dict[str, tuple[str, str]]:
    """The entries in words, and in a short one where they have it, said once in each language."""
    return {item.endpoint: (str(item.label), str(item.short or "")) for item in NAV}
