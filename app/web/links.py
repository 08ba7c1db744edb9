"""Links that keep what the page was showing: filters live in the URL, and a store's links stay in its store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, cast
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from flask import Flask, current_app, g, request, url_for
from werkzeug.routing import IntegerConverter, Map

from app.web.ids import LARGEST


def init_app(app: Flask) -> None:
    """Fill in the store of the current page in `url_for`, and give templates their link helpers."""
    app.url_defaults(_fill_in_store)
    app.jinja_env.filters["web_address"] = web_address
    app.jinja_env.globals.update(
        url_for=url_to, url_with=url_with, url_if=url_if, is_active=is_active, has_page=has_page, safe_next=safe_next
    )


def url_to(endpoint: str, **values: Any) -> str:
    """What `url_for` says, built once where it differs by ids and by what stands behind the "?": a list has links in
    each row."""
    if endpoint[0] == ".":
        return url_for(endpoint, **values)
    built: dict[Any, _Pattern | None] = vars(g._get_current_object()).setdefault("_urls", {})
    key = (endpoint, *values)
    if key not in built:
        slug = getattr(g.get("store"), "slug", None)
        built[key] = _pattern(current_app.url_map, request.script_root, slug, endpoint, *values)
    pattern = built[key]
    url = None if pattern is None else pattern.filled(values)
    return url_for(endpoint, **values) if url is None else url


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A URL with room for its values: ids in the path, each followed by what stands behind it, then the query's."""

    head: str
    ids: tuple[tuple[str, str], ...]
    query: tuple[str, ...]

    def filled(self, values: Mapping[str, Any]) -> str | None:
        """The URL; None when a value is of a kind that it has no room for."""
        url = self.head
        for name, text in self.ids:
            value = values[name]
            if type(value) is not int or not 0 <= value < LARGEST:
                return None
            url += f"{value}{text}"
        asked = [(name, values[name]) for name in self.query if values[name] is not None]
        if not all(isinstance(value, str | int) for _name, value in asked):
            return None
        if asked:
            url += f"?{'&'.join([f'{name}={_quoted(str(value))}' for name, value in asked])}"
        anchor = values.get("_anchor")
        return url if anchor is None else f"{url}#{_quoted_anchor(anchor)}"


_quoted: Final = lru_cache(maxsize=8192)(partial(quote_plus, safe="!$'()*,/:;?@"))
"""A value behind the "?", as Werkzeug writes it."""
_quoted_anchor: Final = lru_cache(maxsize=256)(partial(quote, safe="%!#$&'()*+,/:;=?@"))
"""What stands behind the "#", as Flask writes it."""


@lru_cache(maxsize=4096)
def _pattern(urls: Map, _root: str, _store: str | None, endpoint: str, *names: str) -> _Pattern | None:
    """How the endpoint's URL is made with values of these names; None when it takes more than that.

    All that a URL depends on is part of the key.
    """
    in_path = {name: rule._converters[name] for rule in urls.iter_rules(endpoint) for name in rule.arguments}
    ids = [name for name in names if name in in_path]
    asked = tuple(name for name in names if name not in in_path and name != "_anchor")
    if not all(isinstance(in_path[name], IntegerConverter) for name in ids) or any(name[0] == "_" for name in asked):
        return None
    marks = {name: LARGEST - place for place, name in enumerate(ids)}
    url = url_for(endpoint, **cast(dict[str, Any], marks))
    pieces = re.split("|".join(map(str, marks.values())), url) if marks else [url]
    order = sorted(ids, key=lambda name: url.index(str(marks[name])))
    return _Pattern(pieces[0], tuple(zip(order, pieces[1:], strict=True)), asked)


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
