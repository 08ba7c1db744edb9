"""What a page offers to press and to open, held against what its reader may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from flask import Flask
from werkzeug.exceptions import HTTPException

from app.core.roles import Role
from app.web.needs import InStore, need_of

_FORM = re.compile(r"<form\b[^>]*>")
_LINK = re.compile(r'<a\b[^>]*\bhref="([^"]*)"')
_HTMX = re.compile(r'\bhx-(get|post)="([^"]*)"')


def beyond(app: Flask, page: str, role: Role) -> list[str]:
    """The links and forms of a page, as "METHOD endpoint", that a member of this role would be refused."""
    refused = []
    for method, url in set(_offered(page)):
        endpoint = _endpoint(app, method, url)
        need = need_of(app.view_functions[endpoint]) if endpoint else None
        if isinstance(need, InStore) and not role.may(need.by(method)):
            refused.append(f"{method} {endpoint}")
    return sorted(refused)


def _offered(page: str) -> Iterator[tuple[str, str]]:
    for form in _FORM.findall(page):
        action, method = re.search(r'\baction="([^"]*)"', form), re.search(r'\bmethod="(\w+)"', form)
        if action:
            yield (method[1].upper() if method else "GET"), _path(action[1])
    for url in _LINK.findall(page):
        yield "GET", _path(url)
    for method, url in _HTMX.findall(page):
        yield method.upper(), _path(url)


def _path(url: str) -> str:
    return unescape(url).partition("?")[0].partition("#")[0]


def _endpoint(app: Flask, method: str, path: str) -> str:
    try:
        endpoint, _values = app.url_map.bind("localhost").match(path, method=method)
    except HTTPException:
        return ""
    return str(endpoint)
