"""What a page may offer to the member who looks at it: the questions that templates ask before they draw a button.

They follow the same table and the same declared needs as the guard, so that nobody is offered what would be refused.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, current_app, g, request
from werkzeug.exceptions import HTTPException

from app.accounts.roles import roles_in_words
from app.core.roles import Ability
from app.web.needs import InStore, need_of


def init_app(app: Flask) -> None:
    """Give templates `may`, `may_open` and `who_may_write_here`."""
    app.jinja_env.globals.update(may=may, may_open=may_open, who_may_write_here=who_may_write_here)


def may(ability: str) -> bool:
    """Whether the member whose page this is has the ability."""
    return bool(g.membership.role.may(Ability(ability)))


def may_open(url: str) -> bool:
    """Whether the member may open the page of this store at `url`: for buttons whose place is told by what went wrong.

    Each address is looked up once for a page, because the rows of a list lead to the same few.
    """
    known: dict[str, bool] = vars(g._get_current_object()).setdefault("_may_open", {})
    path = urlsplit(url).path
    if path not in known:
        known[path] = _may_open(path)
    return known[path]


def who_may_write_here() -> str:
    """The roles that may change what this page shows, in words; "" when this member may, or when nobody could."""
    need = need_of(current_app.view_functions.get(request.endpoint or ""))
    if not isinstance(need, InStore) or need.write is Ability.LOOK or g.membership.role.may(need.write):
        return ""
    return roles_in_words(need.write)


def _may_open(path: str) -> bool:
    try:
        endpoint, _values = current_app.url_map.bind("").match(path.removeprefix(request.script_root), method="GET")
    except HTTPException:
        return False
    need = need_of(current_app.view_functions[endpoint])
    return not isinstance(need, InStore) or bool(g.membership.role.may(need.read))
