"""Choosing a language, by a plain form that stands on every page."""

from __future__ import annotations

from typing import Final

from flask import abort, request
from werkzeug.wrappers import Response

from app.accounts import services
from app.accounts.access import signed_in_person
from app.accounts.languages import CODES, COOKIE
from app.accounts.routes import blueprint
from app.web.needs import public
from app.web.respond import redirect_to, safe_next
from app.web.security import is_https

_YEAR_S: Final = 365 * 86400
AS_THE_STORE: Final = "auto"
"""Chooses nothing: the store's language, and outside a store the browser's."""


@blueprint.post("/language")
@public
def choose_language() -> Response:
    """Remember `language` for the person who is signed in and in this browser, and go back to `next`."""
    code = request.form.get("language", "")
    if code not in (*CODES, AS_THE_STORE):
        abort(400)
    person = signed_in_person()
    if person is not None:
        services.speak_to(person.id, None if code == AS_THE_STORE else code)
    response = redirect_to(safe_next(request.form.get("next")) or "/")
    if code == AS_THE_STORE:
        response.delete_cookie(COOKIE, samesite="Lax")
    else:
        response.set_cookie(COOKIE, code, max_age=_YEAR_S, samesite="Lax", secure=is_https())
    return response
