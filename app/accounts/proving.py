"""Asking again who sits there, before something is done that a borrowed browser must not do.

`@proved_recently` stands on a view below its route and its need. Signing in is a proof, and it lasts a quarter of an
hour; after that the person is asked for the password, or for a code of their app, and goes on to the page they wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, Final, TypeVar

from flask import flash, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts import passwords, two_step
from app.accounts.access import me, page_to_return_to
from app.accounts.models import User
from app.accounts.sessions import Person, renew_session
from app.accounts.two_step import Answer
from app.extensions import db
from app.web.respond import redirect_to
from app.web.security import SAFE_METHODS

View = TypeVar("View", bound=Callable[..., Any])

PROOF_LASTS: Final = timedelta(minutes=15)


def proved_recently(view: View) -> View:
    """Ask a signed-in person to show who they are before the view runs, when they did so too long ago.

    A form that was sent is not kept: the person comes back to its page, and is told that nothing was done.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs) if has_proved(me()) else _ask()

    guarded.asks_for_proof = True  # type: ignore[attr-defined]  # for the test that walks all routes
    return guarded  # type: ignore[return-value]


def has_proved(person: Person) -> bool:
    """Whether the person's last proof in this browser is young enough."""
    return datetime.now(UTC) - person.proved_at < PROOF_LASTS


def prove_by_password(person: Person, password: str) -> str | None:
    """The token of the session that goes on when the password is right, else None. A proof renews the session."""
    return renew_session(person.session_id) if is_password_of(person.id, password) else None


def is_password_of(user_id: int, password: str) -> bool:
    """Whether this is the person's password."""
    stored = db.session.scalar(select(User.password_hash).where(User.id == user_id))
    return passwords.is_right(stored, password)


def prove_by_code(person: Person, typed: str, *, at: datetime) -> str | Answer:
    """The same for a code of the person's app; else what is wrong with it."""
    answer = two_step.take_app_code(person.id, typed, at=at)
    if answer.is_right:
        return renew_session(person.session_id)
    db.session.rollback()
    return answer


def _ask() -> Any:
    if request.method not in SAFE_METHODS:
        flash(_("Nothing was done yet. Show that it is you, and then press the button again."), "warning")
    return redirect_to(url_for("accounts.prove", next=page_to_return_to()))
