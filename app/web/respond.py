"""One answer for two askers: htmx gets the part it asked for, a plain browser gets a page or a redirect.

Routes end in one of these functions, so that each action works with and without JavaScript.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, stream_with_context
from werkzeug.wrappers import Response as BaseResponse

from app.extensions import htmx
from app.web.links import safe_next

__all__ = [
    "csv_answer",
    "done",
    "fragment",
    "invalid",
    "page_or_fragment",
    "redirect_to",
    "safe_next",
    "wants_fragment",
]


def wants_fragment() -> bool:
    """Whether htmx asked for a part; restoring its history needs the whole page again."""
    return bool(htmx) and not htmx.history_restore_request


def page_or_fragment(page: str, fragment: str, /, *, status: int = 200, **context: Any) -> Response:
    """Render the template `fragment` for htmx, else `page`, with the same context."""
    return _rendered(fragment if wants_fragment() else page, status, context)


def fragment(template: str, /, *, status: int = 200, **context: Any) -> Response:
    """Render a part alone, for URLs that have no page of their own."""
    return _rendered(template, status, context)


def invalid(page: str, fragment: str, /, **context: Any) -> Response:
    """The same form again with its messages and the values kept: 422, which htmx swaps in place."""
    return page_or_fragment(page, fragment, status=422, **context)


def done(
    url: str, message: str, /, *, category: str = "success", fragment: str | None = None, **context: Any
) -> BaseResponse:
    """Say that an action worked, and show what it changed.

    A plain browser goes to `url` (303) and reads `message` there. htmx gets `fragment` with the message out of
    band; without a fragment it goes to `url` as well. `category` is success, info, warning or danger.
    """
    if fragment is None or not wants_fragment():
        flash(message, category)
        return redirect_to(url)
    response = _rendered(fragment, 200, context)
    words = render_template("_shared/_flash_oob.html", messages=[(category, message)])
    response.set_data(response.get_data(as_text=True) + words)
    return response


def redirect_to(url: str) -> BaseResponse:
    """Send the browser to `url`: 303, or `HX-Redirect` because htmx would follow a 303 into its target."""
    response = make_response("") if htmx else redirect(url, 303)
    if htmx:
        response.headers["HX-Redirect"] = url
    response.vary.add("HX-Request")
    return response


def csv_answer(lines: Iterable[str], name: str) -> Response:
    """A file for a spreadsheet, sent while it is made: its end may be read long after the request."""
    response = Response(stream_with_context(iter(lines)), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _rendered(template: str, status: int, context: dict[str, Any]) -> Response:
    response = make_response(render_template(template, **context), status)
    response.vary.add("HX-Request")
    return response
