"""Who may do what, decided before any view runs.

A URL with a store in it (`/<store>/…`) opens that store's scope, or answers 404 to whoever does not belong there,
exactly as for a store that does not exist. Then the view's need (`app.web.needs`) is held against the member's role;
a view that declares none is opened by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, flash, g, has_request_context, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from app.accounts import offering, roles, sessions
from app.accounts.roles import refusal
from app.accounts.sessions import MAX_AGENT, Browser, Person
from app.core.roles import Ability, Role
from app.extensions import htmx, login_manager
from app.tenancy.scope import Actor, act_as, current_store, enter_store
from app.web.needs import InStore, Outside, need_of, public
from app.web.respond import redirect_to, wants_fragment
from app.web.security import SAFE_METHODS

_LAST_STORE: Final = "store"


class UndeclaredNeedError(RuntimeError):
    """A view says nothing of who may open it, or says of a store what stands outside of all."""


@dataclass(frozen=True, slots=True)
class Member:
    """The signed-in person's place in the store of this page: `g.membership`."""

    store_id: int
    user_id: int
    role: Role


def init_app(app: Flask) -> None:
    """Guard every view of `app`; call it after `web.init_app`, which refuses forged writes first."""
    app.config["PERMANENT_SESSION_LIFETIME"] = sessions.ABSOLUTE
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False  # how long it may lie idle is counted in the session's row
    app.config["SESSION_PROTECTION"] = None  # a phone changes its address; the session's row is what counts
    login_manager.user_loader(_person_of)
    login_manager.unauthorized_handler(ask_to_sign_in)
    app.view_functions["static"] = public(app.view_functions["static"])
    offering.init_app(app)
    roles.init_app(app)
    app.url_value_preprocessor(_take_store)
    app.before_request(_guard)


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
    return redirect_to(url_for("accounts.signin", next=page_to_return_to()))


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
    slug, browser = g.get("store_slug"), this_browser()
    if slug is None:
        person = sessions.person_of(token)
    else:
        arrival = sessions.arrival_of(token, slug, browser)
        person = arrival.person if arrival else None
        if arrival:
            g.stores, g.arrived_in = arrival.places, arrival.store
    if person is not None:
        act_as(person_acting(person.id))
    return person


def this_browser() -> Browser:
    """What is remembered about whoever asks, wherever they are told of."""
    told = "".join(char for char in request.user_agent.string[:MAX_AGENT] if char.isprintable())
    return Browser(told, request.remote_addr or "")


def person_acting(user_id: int) -> Actor:
    """A person who acts, from where this request comes, if it is in one."""
    browser = this_browser() if has_request_context() else Browser("", "")
    return Actor(user_id=str(user_id), address=browser.address, browser=browser.user_agent)


def _guard() -> Response | None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None:
        return None  # nothing is there; saying so is not the guard's
    need, slug = need_of(view), g.get("store_slug")
    if need is None or isinstance(need, InStore) is (slug is None):
        raise UndeclaredNeedError(f"{request.endpoint} declares {need}")
    if isinstance(need, Outside) and not need.signed_in:
        return None
    person = signed_in_person()
    if person is None:
        return ask_to_sign_in()
    if isinstance(need, InStore):
        _open_store(person, slug)
        if g.store.requires_two_step and not person.two_step:
            return _lead_to_two_step()
        _refuse_beyond_role(need.by(request.method))
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


def _lead_to_two_step() -> Response:
    """The store asks its members for more than a password: its name goes along, so that the page can say so."""
    return redirect_to(url_for("accounts.two_step_page", store=g.store.slug, next=page_to_return_to()))


def _refuse_beyond_role(ability: Ability) -> None:
    role = g.membership.role
    if not role.may(ability):
        abort(403, refusal(role, ability))


def page_to_return_to() -> str | None:
    """The page the person saw: of a part that htmx asked for, and of a form that was sent, the page around it."""
    if htmx or request.method not in SAFE_METHODS:
        seen = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
        return f"{seen.path}?{seen.query}".rstrip("?") or None
    return request.full_path.rstrip("?")
