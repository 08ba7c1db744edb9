"""Links that keep what the page was showing: filters live in the URL, and a store's links stay in its store."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, current_app, g, request, url_for
from werkzeug.routing import Map

from app.web.ids import LARGEST


def init_app(app: Flask) -> None:
    """Fill in the store of the current page in `url_for`, and give templates their link helpers."""
    app.url_defaults(_fill_in_store)
    app.jinja_env.filters["web_address"] = web_address
    app.jinja_env.globals.update(
        url_for=url_to, url_with=url_with, url_if=url_if, is_active=is_active, has_page=has_page, safe_next=safe_next
    )


def url_to(endpoint: str, **values: Any) -> str:
    """What `url_for` says, built once where it differs by an id alone: a list has links in each row."""
    ids = list(values.values())
    if len(ids) > 1 or (ids and type(ids[0]) is not int) or (ids and not 0 <= ids[0] < LARGEST) or endpoint[0] == ".":
        return url_for(endpoint, **values)
    built: dict[Any, tuple[str, str]] = vars(g._get_current_object()).setdefault("_urls", {})
    key = (endpoint, *values)
    parts = built.get(key)
    if parts is None:
        slug = getattr(g.get("store"), "slug", None)
        parts = built[key] = _parts(current_app.url_map, request.script_root, slug, endpoint, *values)
    return f"{parts[0]}{ids[0]}{parts[1]}" if ids else parts[1]


@lru_cache(maxsize=4096)
def _parts(_urls: Map, _root: str, _store: str | None, endpoint: str, *names: str) -> tuple[str, str]:
    """What stands before and after the id. All that a URL depends on is part of the key."""
    marked: dict[str, Any] = dict.fromkeys(names, LARGEST)
    head, _marker, tail = url_for(endpoint, **marked).rpartition(str(LARGEST))
    return head, tail


def safe_next(url: str | None) -> str | None:
    """`url` when it is a path on this site, else None: a mailed link must not send people elsewhere."""
    if not url or not url.startswith("/") or url.startswith("//"):
        return None
    if "\\" in url or any(ord(char) < 33 or ord(char) == 127 for char in url):
        return None  # browsers read a backslash as a slash, and drop tabs and line ends
    parts = urlsplit(url)
    return None if parts.scheme or parts.netloc else url


def web_address(url: str) -> str:
    """`url` when it is an address of the web, else "": what channels and people gave us may be one that runs."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def url_with(**changes: Any) -> str:
    """This page's URL with query parameters changed: None or "" removes one, a list repeats it.

    The place in the list (`after`, `before`) is forgotten unless it is what changes: another filter means
    another list.
    """
    args: dict[str, list[str]] = {name: request.args.getlist(name) for name in request.args}
    for name in ("after", "before"):
        args.pop(name, None)
    for name, value in changes.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        args[name] = [str(item) for item in values if item is not None and item != ""]
    query = urlencode(args, doseq=True)
    return f"{request.path}?{query}" if query else request.path


def has_page(endpoint: str) -> bool:
    """Whether `endpoint` exists in this installation."""
    return endpoint in current_app.view_functions


def url_if(endpoint: str, **values: Any) -> str | None:
    """The URL of `endpoint`, or None when no such page exists: a part of the frame may be missing."""
    return url_to(endpoint, **values) if has_page(endpoint) else None


def is_active(*prefixes: str) -> bool:
    """Whether the current endpoint begins with one of `prefixes`, such as `orders.` or `sync.job`."""
    return (request.endpoint or "").startswith(prefixes)


def _fill_in_store(endpoint: str, values: dict[str, Any]) -> None:
    store = g.get("store")
    if store is not None and "store" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "store"):
        values["store"] = store.slug
