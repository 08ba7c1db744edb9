"""Errors as people meet them: a page that says what to do, or a sentence at the top when htmx asked.

Nothing of the inside is shown. Our own mistake has a reference that stands in the log beside its traceback.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from flask import Flask, Response, current_app, g, make_response, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_limiter import RateLimitExceeded
from flask_login import AnonymousUserMixin
from markupsafe import escape
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException, ServiceUnavailable, TooManyRequests

from app.extensions import htmx, limiter
from app.web.filters import ago

_OURS: Final = 500


@dataclass(frozen=True, slots=True)
class Words:
    """What went wrong and what to do about it, both lazy strings."""

    title: Any
    text: Any


WORDS: Final = {
    400: Words(_l("We did not understand that"), _l("Go back, reload the page and try again.")),
    403: Words(_l("You may not do this here"), _l("Ask an owner of the store to do it, or to change your role.")),
    404: Words(_l("There is nothing here"), _l("The address may be mistyped, or what it showed is in another store.")),
    405: Words(_l("This address does not work that way"), _l("Go back and use the buttons of the page.")),
    409: Words(_l("It has changed in the meantime"), _l("Reload the page to see how it stands now.")),
    413: Words(_l("That is too large"), _l("Send a smaller file, or fewer rows at a time.")),
    422: Words(_l("Something is missing"), _l("Go back, look at the form again and complete it.")),
    429: Words(_l("Too many tries"), _l("Wait a little, then try again.")),
    500: Words(
        _l("That was our mistake"), _l("Nothing was lost. Try again; if it stays, tell whoever runs the server.")
    ),
    503: Words(_l("Not available right now"), _l("Try again in a minute. Work that was started goes on.")),
}


def init_app(app: Flask) -> None:
    """Answer every HTTP error and every unexpected exception of `app`."""
    app.register_error_handler(HTTPException, handle_http_error)
    app.register_error_handler(Exception, handle_our_mistake)


def handle_http_error(error: HTTPException) -> Response:
    """The page or sentence of an error that was raised on purpose, with its own words when the code gave some."""
    code = error.code or _OURS
    words = WORDS.get(code) or WORDS[400 if code < _OURS else _OURS]
    text = _too_many(error) if isinstance(error, TooManyRequests) else _own_words(error) or words.text
    response = _answer(code, title=words.title, text=text)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def handle_our_mistake(error: Exception) -> Response:
    """Log the traceback under a reference and show the reference; while testing or debugging, raise it again.

    A database that is away or stopped the work is nobody's mistake: what was pressed works in a minute.
    """
    app = current_app
    propagate = app.config["PROPAGATE_EXCEPTIONS"]
    if propagate or (propagate is None and (app.testing or app.debug)):
        raise error
    if isinstance(error, (OperationalError, InterfaceError)):
        app.logger.error("The database did not do it", exc_info=error)
        return handle_http_error(ServiceUnavailable())
    reference = secrets.token_hex(4)
    app.logger.error("Reference %s", reference, exc_info=error)
    words = WORDS[_OURS]
    return _answer(_OURS, title=words.title, text=words.text, reference=reference)


def _answer(code: int, **context: Any) -> Response:
    """Our own mistakes are shown outside the frame, whose counts may need what has just failed, and to nobody in
    particular: who is signed in stands in the database."""
    if code >= _OURS:
        g.setdefault("_login_user", AnonymousUserMixin())  # where Flask-Login looks first
    if htmx and not htmx.history_restore_request:
        response = make_response(render_template("errors/_flash.html", code=code, **context), code)
        response.headers["HX-Retarget"] = "#flash"
        response.headers["HX-Reswap"] = "innerHTML"
    else:
        layout = "_layout/store.html" if g.get("store") and code < _OURS else "_layout/public.html"
        response = make_response(render_template("errors/error.html", code=code, layout=layout, **context), code)
    response.vary.add("HX-Request")
    return response


def _own_words(error: HTTPException) -> str | None:
    """What the route said in `abort(code, words)`; Werkzeug's standard sentences are not for shops."""
    return error.description if error.description != type(error).description else None


def _too_many(error: TooManyRequests) -> str:
    again_at = error.retry_after
    if isinstance(error, RateLimitExceeded) and limiter.current_limit:
        again_at = datetime.fromtimestamp(limiter.current_limit.reset_at, UTC)
    if isinstance(again_at, int):
        again_at = datetime.fromtimestamp(datetime.now(UTC).timestamp() + again_at, UTC)
    if again_at is None:
        return _("Wait a little, then try again.")
    return escape(_("Try again %(when)s.")) % {"when": ago(again_at)}
