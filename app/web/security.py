"""What every answer carries and every write must prove.

Pages hold no inline script or style, so the content security policy needs no exception but images in `data:`
URLs, with which the style sheet draws the arrows and ticks of form controls. Writes are guarded by where they
come from instead of by a token in each form: browsers say it in headers that a page cannot forge.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request
from flask_babel import gettext as _

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that know no frame-ancestors
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HSTS: Final = "max-age=31536000; includeSubDomains"
"""The portal has a host name of its own, below which nothing else lives."""
_RAW: Final = "_takes_raw_body"
View = TypeVar("View", bound=Callable[..., Any])


def init_app(app: Flask) -> None:
    """Guard every request of `app` and put the headers on every answer."""
    app.before_request(refuse_other_origins)
    app.before_request(read_the_form)
    app.after_request(_add_headers)


def takes_raw_body(view: View) -> View:
    """Leave the body of a view's requests unread: what is signed as a whole is read as a whole, and bounded there."""
    setattr(view, _RAW, True)
    return view


def refuse_other_origins() -> None:
    """Answer 403 to a write that another site caused.

    A request that carries none of the three headers comes from a program, not from a browser with somebody's
    cookie: it passes.
    """
    if request.method in SAFE_METHODS or _is_same_origin():
        return
    abort(403, _("This came from another site. Open the page here and try again."))


def read_the_form() -> None:
    """Read the whole form before anything is done: one that is too large is refused by its first reading."""
    if request.method not in SAFE_METHODS and not hasattr(current_app.view_functions.get(request.endpoint or ""), _RAW):
        request.form  # noqa: B018  # reading it is the point


def is_https() -> bool:
    """Whether people reach us by https: also where a proxy ends TLS that is not trusted to say so."""
    return request.is_secure or bool(current_app.config["SESSION_COOKIE_SECURE"])


def _is_same_origin() -> bool:
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}  # none: the person did it, by reload for instance
    source = request.headers.get("Origin") or request.headers.get("Referer")
    return source is None or _host(source) == _host(request.host_url)


def _host(url: str) -> tuple[str | None, int | None]:
    """Host and port of `url`; schemes are left out because a proxy in front may have ended TLS."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None, -1
    return parts.hostname, None if port in {80, 443} else port


def _forget_host(response: Response) -> None:
    """Lead to a path alone. What the router leads on to, a slash added, repeats the Host that a visitor wrote."""
    here, location = request.host_url, response.headers.get("Location", "")
    path = location.removeprefix(here.rstrip("/"))
    if location.startswith(here) and not path.startswith(("//", "/\\")):
        response.headers["Location"] = path
        response.set_data("")  # it would name the address once more


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    _forget_host(response)
    if is_https():
        response.headers.setdefault("Strict-Transport-Security", _HSTS)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")  # pages show a store's books: keep no copy
    return response
