"""Where people are signed in: one row for each browser, found by the token in its cookie.

The cookie carries a random token and the row its SHA-256, so that a read of the table opens no browser. Ending the
row signs the browser out wherever its cookie went. A session lives for LASTS, a day's work, and is over when the
browser is closed. Where the person asked to stay signed in it lives for IDLE after it was last used, and at most for
ABSOLUTE: a stolen cookie does not last for ever, and a shop's own tablet is not asked every morning. It may be that
long because what could hurt asks again after a quarter of an hour (`app.accounts.proving`), every sign-in with a new
device is told, and each person sees and ends their sessions.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask_login import UserMixin
from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Text,
    Update,
    bindparam,
    case,
    column,
    delete,
    func,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.orm import make_transient_to_detached

from app.accounts.models import Device, HalfSignIn, PasswordReset, User, UserSession
from app.extensions import db
from app.planning import read
from app.tenancy.doors import Place
from app.tenancy.models import Store

LASTS = timedelta(hours=12)
IDLE = timedelta(days=30)
ABSOLUTE = timedelta(days=90)
DEVICE_LIVES = timedelta(days=400)
"""How long a browser is known again after it signed in; browsers keep no cookie for longer."""
TOUCH_EVERY = timedelta(minutes=5)
"""`last_seen_at` is written at most this often: reading a page should cost no write."""

MAX_AGENT = 200
_PERSON = (
    select(
        User.id.label("person_id"),
        User.name.label("person"),
        User.email,
        User.language.label("speaks"),
        UserSession.id.label("session_id"),
        UserSession.last_seen_at,
        UserSession.proved_at,
        UserSession.is_kept,
        User.two_step_at.is_not(None).label("two_step"),
    )
    .join(UserSession, UserSession.user_id == User.id)
    .where(
        UserSession.token_hash == bindparam("token_hash"),
        UserSession.ended_at.is_(None),
        UserSession.expires_at > func.now(),
    )
)
"""Built once, because every request runs it."""
_WHOSE: Final = (
    column("person_id", BigInteger),
    column("person", Text),
    column("email", Text),
    column("speaks", Text),
    column("session_id", BigInteger),
    column("last_seen_at", DateTime(timezone=True)),
    column("proved_at", DateTime(timezone=True)),
    column("is_kept", Boolean),
    column("two_step", Boolean),
    column("place_id", BigInteger),
    column("place_slug", Text),
    column("place_name", Text),
    column("role", Text),
)
_OF_STORE: Final = tuple(inspect(Store).columns)
_NAMES: Final = tuple(inspect(Store).get_property_by_column(column).key for column in _OF_STORE)
_ARRIVAL: Final = text(
    f"""
with arrival as materialized (
    select u.id as person_id, u.name as person, u.email, u.language as speaks, s.id as session_id, s.last_seen_at,
           s.proved_at, s.is_kept, u.two_step_at is not null as two_step,
           p.store_id as place_id, p.slug as place_slug, p.name as place_name, p.role, p.place,
           case p.slug when :slug then set_config('app.store_id', p.store_id::text, true) end as entered,
           case p.slug when :slug then concat(set_config('app.user_id', u.id::text, true),
               set_config('app.address', :address, true), set_config('app.browser', :user_agent, true)) end as acting
    from user_sessions s join users u on u.id = s.user_id
    left join lateral door_stores_of_person(u.id) with ordinality as p (store_id, slug, name, role, place) on true
    where s.token_hash = :token_hash and s.ended_at is null and s.expires_at > now()
)
select {", ".join(column.name for column in _WHOSE)}, {", ".join(f"own.{column.name}" for column in _OF_STORE)}
from arrival left join lateral (select * from stores where id = entered::bigint offset 0) own on true
order by place
"""  # noqa: S608  # names of columns
).columns(*_WHOSE, *_OF_STORE)
"""Every page of a store begins with it: whose browser it is, and the store and its scope if they belong to it.

A store's row shows only within its scope, so that it is looked up for each row of what was found before it."""


@dataclass(frozen=True, slots=True)
class Browser:
    """What is remembered about the browser of a session, so that its owner can recognise it."""

    user_agent: str
    address: str


@dataclass(frozen=True)
class Person(UserMixin):
    """Who is signed in, as a plain row: it outlives the database session that read it."""

    id: int
    name: str
    email: str
    session_id: int
    token: str
    language: str | None = None
    """What they chose to read, if they chose."""
    two_step: bool = False
    """Whether they sign in with a code as well."""
    proved_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When they last showed in this browser who they are."""
    is_kept: bool = False
    """Whether they asked to stay signed in on this device."""

    def get_id(self) -> str:
        """What Flask-Login puts into the cookie."""
        return self.token


@dataclass(frozen=True, slots=True)
class Arrival:
    """A signed-in person and the stores they belong to, by name; `store` is the one whose page it is, if among them."""

    person: Person
    places: list[Place]
    store: Store | None


def new_token() -> str:
    """A token that nobody guesses: 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What the database keeps of a token. A plain hash will do, because the token is random and long."""
    return hashlib.sha256(token.encode()).digest()


def person_of(token: str) -> Person | None:
    """Whose session the cookie's token opens; None when it was ended, ran out or never was. One statement."""
    row = db.session.execute(_PERSON, {"token_hash": token_hash(token)}).one_or_none()
    return None if row is None else _seen(row, token)


def arrival_of(token: str, slug: str, browser: Browser = Browser("", "")) -> Arrival | None:
    """Whose session the cookie's token opens, as `person_of` tells it, and what they belong to. One statement.

    When the store named `slug` is among it, the transaction has been told that it is about that store, and who acts.
    """
    rows = read(_ARRIVAL, {"token_hash": token_hash(token), "slug": slug, **asdict(browser)}).all()
    if not rows:
        return None
    places = [Place(row.place_id, row.place_slug, row.place_name, row.role) for row in rows if row.place_id is not None]
    store = next((_store(row[len(_WHOSE) :]) for row in rows if row.id is not None), None)
    return Arrival(_seen(rows[0], token), places, store)


def _store(values: Sequence[Any]) -> Store:
    """The store of a row as if the database session had read it itself, for a fraction of the time."""
    store = Store(**dict(zip(_NAMES, values, strict=True)))
    make_transient_to_detached(store)
    return db.session.merge(store, load=False)


def _seen(row: Any, token: str) -> Person:
    if datetime.now(UTC) - row.last_seen_at > TOUCH_EVERY:
        _touch(row.session_id)
    return Person(
        id=row.person_id,
        name=row.person,
        email=row.email,
        session_id=row.session_id,
        token=token,
        language=row.speaks,
        two_step=row.two_step,
        proved_at=row.proved_at,
        is_kept=row.is_kept,
    )


def add_session(user_id: int, browser: Browser, *, is_kept: bool = False) -> str:
    """Add the session's row to the caller's transaction and return the token for the cookie."""
    token = new_token()
    db.session.add(
        UserSession(
            user_id=user_id,
            token_hash=token_hash(token),
            user_agent=browser.user_agent[:MAX_AGENT],
            address=browser.address,
            is_kept=is_kept,
            expires_at=datetime.now(UTC) + (IDLE if is_kept else LASTS),
        )
    )
    return token


def renew_session(session_id: int) -> str:
    """Give a session whose owner has just shown who they are another token, which is returned, and commit.

    Whoever had the old one has nothing any more.
    """
    token = new_token()
    db.session.execute(
        update(UserSession)
        .where(UserSession.id == session_id)
        .values(token_hash=token_hash(token), proved_at=func.now())
    )
    db.session.commit()
    return token


def end_session(session_id: int) -> None:
    """Sign one browser out, and commit."""
    db.session.execute(_end().where(UserSession.id == session_id))
    db.session.commit()


def end_sessions_of(user_id: int) -> None:
    """Sign a person out everywhere, in the caller's transaction."""
    db.session.execute(_end().where(UserSession.user_id == user_id))


def _end() -> Update:
    return update(UserSession).where(UserSession.ended_at.is_(None)).values(ended_at=func.now())


def _touch(session_id: int) -> None:
    """On a connection of its own: the request's transaction is for the request's work, and may be rolled back."""
    longer = func.least(func.now() + IDLE, UserSession.created_at + ABSOLUTE)
    with db.engine.begin() as connection:
        connection.execute(
            update(UserSession)
            .where(UserSession.id == session_id, UserSession.last_seen_at < func.now() - TOUCH_EVERY)
            .values(
                last_seen_at=func.now(),
                expires_at=case((UserSession.is_kept, longer), else_=UserSession.expires_at),
            )
        )


def forget_old() -> None:
    """Take away sessions and mailed links that have been of no use for a month, and devices that stayed away.

    Commits; safe to do at any time.
    """
    month_ago = func.now() - timedelta(days=30)
    ended_at = func.coalesce(UserSession.ended_at, UserSession.expires_at)
    db.session.execute(delete(UserSession).where(ended_at < month_ago))
    db.session.execute(delete(PasswordReset).where(PasswordReset.expires_at < month_ago))
    db.session.execute(delete(HalfSignIn).where(HalfSignIn.expires_at < month_ago))
    db.session.execute(delete(Device).where(Device.last_sign_in_at < func.now() - DEVICE_LIVES))
    db.session.commit()
