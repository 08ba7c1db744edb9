"""Who may do what, decided before any view runs.

A URL with a store in it (`/<store>/…`) opens that store's scope, or answers 404 to whoever does not belong there,
exactly as for a store that does not exist. Every route has a need: inside a store a read needs a member and a write
needs an owner, unless `@needs` says otherwise; outside a store a view is public unless `@needs_sign_in` stands on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, flash, g, has_request_context, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from app.accounts import sessions
from app.accounts.sessions import Person
from app.extensions import htmx, login_manager
from app.tenancy.choices import LANGUAGES
from app.tenancy.scope import current_store, enter_store
from app.web.respond import redirect_to, wants_fragment
from app.web.security import SAFE_METHODS

View = TypeVar("View", bound=Callable[..., Any])

_LANGUAGES: Final = tuple(code for code, _name in LANGUAGES)
_NEED: Final = "_needs_role"
_SIGN_IN: Final = "_needs_sign_in"
_LAST_STORE: Final = "store"


class Role(StrEnum):
    """A person's place in a store."""

    OWNER = "owner"
    READ_ONLY = "read_only"
    """Sees everything and changes nothing."""

    def covers(self, need: Role) -> bool:
        """Whether this role is enough where `need` is asked for."""
        return self is Role.OWNER or need is Role.READ_ONLY


@dataclass(frozen=True, slots=True)
class Member:
    """The signed-in person's place in the store of this page: `g.membership`."""

    store_id: int
    user_id: int
    role: Role

    @property
    def may_write(self) -> bool:
        """Whether buttons that change something make sense for this member."""
        return self.role.covers(Role.OWNER)


def init_app(app: Flask) -> None:
    """Guard every view of `app`; call it after `web.init_app`, which refuses forged writes first."""
    app.config["PERMANENT_SESSION_LIFETIME"] = sessions.ABSOLUTE
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False  # how long it may lie idle is counted in the session's row
    app.config["SESSION_PROTECTION"] = None  # a phone changes its address; the session's row is what counts
    login_manager.user_loader(_person_of)
    login_manager.unauthorized_handler(ask_to_sign_in)
    app.url_value_preprocessor(_take_store)
    app.before_request(_guard)


def needs(role: Role) -> Callable[[View], View]:
    """Ask for at least `role` in a store's view, whatever the method: `@needs(Role.OWNER)` guards a GET as well."""

    def mark(view: View) -> View:
        setattr(view, _NEED, role)
        return view

    return mark


def needs_sign_in(view: View) -> View:
    """Ask for a signed-in person in a view outside any store."""
    setattr(view, _SIGN_IN, True)
    return view


def signed_in_person() -> Person | None:
    """Who is signed in, if anybody."""
    user = current_user._get_current_object()
    return user if isinstance(user, Person) else None


def me() -> Person:
    """Who is signed in, where a guard has made sure that somebody is."""
    person = signed_in_person()
    if person is None:
        abort(401)
    return person


def last_store() -> str | None:
    """The name in URLs of the store that this browser showed last; whether it may still is for the guard to say."""
    return session.get(_LAST_STORE)


def ask_to_sign_in() -> Response:
    """Send the browser to the sign-in page, and from there back to the page it was on."""
    flash(_("Sign in to go on."), "info")
    return redirect_to(url_for("accounts.signin", next=_page_to_return_to()))


def choose_locale() -> str:
    """The store's language inside a store, else the best that the browser asks for; workers have no browser."""
    store = g.get("store")
    asked = request.accept_languages.best_match(_LANGUAGES) if has_request_context() else None
    wanted = store.language if store is not None else asked
    return wanted if wanted in _LANGUAGES else _LANGUAGES[0]


def choose_time_zone() -> str:
    """The store's own zone decides the day; outside a store there is only UTC."""
    store = g.get("store")
    return store.time_zone if store is not None else "UTC"


def _take_store(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Views of a store need not carry its name around: `g.store` is the store, and `url_for` fills the name in."""
    if values and "store" in values:
        g.store_slug = values.pop("store")


def _person_of(token: str) -> Person | None:
    """Whose browser it is; on a page of a store, the stores they belong to come with the answer, as `g.stores`, and
    the store itself, which the database session then need not read again."""
    slug = g.get("store_slug")
    if slug is None:
        return sessions.person_of(token)
    arrival = sessions.arrival_of(token, slug)
    if arrival is None:
        return None
    g.stores, g.arrived_in = arrival.places, arrival.store
    return arrival.person


def _guard() -> Response | None:
    view = current_app.view_functions.get(request.endpoint or "")
    slug = g.get("store_slug")
    if slug is None and not getattr(view, _SIGN_IN, False):
        return None
    person = signed_in_person()
    if person is None:
        return ask_to_sign_in()
    if slug is not None:
        _open_store(person, slug)
        _refuse_beyond_role(view)
    return None


def _open_store(person: Person, slug: str) -> None:
    place = next((place for place in g.get("stores", ()) if place.slug == slug), None)
    if place is None:
        abort(404)
    enter_store(place.store_id, is_told=True)
    g.store = current_store()
    g.membership = Member(place.store_id, person.id, Role(place.role))
    if not wants_fragment() and session.get(_LAST_STORE) != slug:
        session[_LAST_STORE] = slug


def _refuse_beyond_role(view: Callable[..., Any] | None) -> None:
    default = Role.READ_ONLY if request.method in SAFE_METHODS else Role.OWNER
    need: Role = getattr(view, _NEED, default)
    if not g.membership.role.covers(need):
        abort(403, _("You may look at this store, but not change it. Ask an owner of the store to do this."))


def _page_to_return_to() -> str | None:
    """The page the person saw: of a part that htmx asked for, and of a form that was sent, the page around it."""
    if htmx or request.method not in SAFE_METHODS:
        seen = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
        return f"{seen.path}?{seen.query}".rstrip("?") or None
    return request.full_path.rstrip("?")
