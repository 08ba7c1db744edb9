"""Light or dark, by a plain form: the choice is a cookie, and without one the pages follow the device."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Flask, abort, make_response, redirect, request
from werkzeug.wrappers import Response

from app.web.links import safe_next
from app.web.needs import public
from app.web.security import is_https

THEMES: Final = ("light", "dark")
_YEAR_S: Final = 365 * 86400

blueprint = Blueprint("web", __name__)


def init_app(app: Flask) -> None:
    """Add `POST /theme` and give templates `theme()`, the chosen one or ""."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["theme"] = chosen_theme


def chosen_theme() -> str:
    """`light` or `dark` when the person chose one, else the empty string."""
    theme = request.cookies.get("theme", "")
    return theme if theme in THEMES else ""


@blueprint.post("/theme")
@public
def choose_theme() -> Response:
    """Remember `theme` (light, dark or auto) in this browser and go back to `next`."""
    theme = request.form.get("theme", "")
    if theme not in (*THEMES, "auto"):
        abort(400)
    response = make_response(redirect(safe_next(request.form.get("next")) or "/", 303))
    if theme == "auto":
        response.delete_cookie("theme", samesite="Lax")
    else:
        response.set_cookie("theme", theme, max_age=_YEAR_S, samesite="Lax", secure=is_https())
    return response
