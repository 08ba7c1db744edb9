"""API keys: made, shown once, looked up by their hash, revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from app.accounts.models import User
from app.api.models import ApiKey
from app.channels.own import own_channel
from app.extensions import db
from app.tenancy.scope import current_store_id

_RANDOM_BYTES: Final = 24
_SHOWN: Final = 10
_MARK: Final = "cb_"
SOON: Final = timedelta(days=14)
"""So long before its end a key is marked, so that another one is made in time."""


class Scope(StrEnum):
    """What a key may do."""

    READ = "orders:read"
    WRITE = "orders:write"


class NameTaken(Exception):
    """Another key that works has this name."""


class KeyExpired(Exception):
    """The key's time is over, since `at`."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.at = at


class NoSuchKey(LookupError):
    """The store has no such key."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as pages show it."""

    id: int
    name: str
    prefix: str
    scopes: frozenset[Scope]
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)

    @property
    def ends_soon(self) -> bool:
        """Whether it will be over within SOON."""
        return self.expires_at is not None and not self.is_over and self.expires_at <= datetime.now(UTC) + SOON


@dataclass(frozen=True, slots=True)
class Caller:
    """The key that a call came with."""

    key_id: int
    scopes: frozenset[Scope]


def hash_of(token: str) -> bytes:
    """What is kept of a key. A plain digest will do: 192 random bits cannot be guessed, however fast it is tried."""
    return hashlib.sha256(token.encode()).digest()


def make_key(name: str, scopes: Sequence[Scope], user_id: int, *, lasts: timedelta | None = None) -> str:
    """Make a key and return it: this is the only moment at which it is known. Commits. NameTaken.

    `lasts` is how long it works; None: until it is revoked. One of the same name whose time is over makes way. The
    channel of the orders that will come with it is made as well, so that its gateways can be mapped before.
    """
    own_channel()
    _revoke(func.lower(ApiKey.name) == func.lower(name), ApiKey.expires_at <= func.now())
    token = _MARK + secrets.token_urlsafe(_RANDOM_BYTES)
    key = ApiKey(
        store_id=current_store_id(),
        name=name,
        prefix=token[:_SHOWN],
        token_hash=hash_of(token),
        scopes=[str(scope) for scope in scopes],
        created_by=user_id,
        expires_at=None if lasts is None else datetime.now(UTC) + lasts,
    )
    db.session.add(key)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise NameTaken from None
    return token


def revoke_key(key_id: int) -> None:
    """Let a key open nothing any more, from now on. Commits. NoSuchKey."""
    if key_row(key_id) is None:
        raise NoSuchKey(key_id)
    _revoke(ApiKey.id == key_id)
    db.session.commit()


def key_rows() -> list[KeyRow]:
    """The keys of the store, those that work first."""
    ended_at = func.coalesce(ApiKey.revoked_at, ApiKey.expires_at, text("'infinity'"))
    query = _rows().order_by(ended_at <= func.now(), ApiKey.id)
    return [_row(row) for row in db.session.execute(query)]


def key_row(key_id: int) -> KeyRow | None:
    """One key."""
    row = db.session.execute(_rows().where(ApiKey.id == key_id)).one_or_none()
    return None if row is None else _row(row)


def arrive(key_id: int) -> Caller | None:
    """The key within its store's scope, noting that it was used. Commits. None when it was revoked just now.

    KeyExpired when its time is over.
    """
    of_key = (ApiKey.store_id == current_store_id(), ApiKey.id == key_id)
    long_ago = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < func.now() - text("interval '1 minute'"))
    what = select(ApiKey.scopes, ApiKey.expires_at, (ApiKey.expires_at <= func.now()).label("is_over"))
    key = db.session.execute(what.where(*of_key, ApiKey.revoked_at.is_(None))).one_or_none()
    if key is not None and key.is_over:
        raise KeyExpired(key.expires_at)
    db.session.execute(
        update(ApiKey)
        .where(*of_key, long_ago)
        .values(last_used_at=func.now())
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return None if key is None else Caller(key_id, frozenset(map(Scope, key.scopes)))


def _revoke(*which: ColumnElement[bool]) -> None:
    db.session.execute(
        update(ApiKey)
        .where(ApiKey.store_id == current_store_id(), ApiKey.revoked_at.is_(None), *which)
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )


def _rows() -> Select[ApiKey, str | None]:
    query = select(ApiKey, User.name).outerjoin(User, User.id == ApiKey.created_by)
    return query.where(ApiKey.store_id == current_store_id())


def _row(row: Row[ApiKey, str | None]) -> KeyRow:
    key, person = row
    return KeyRow(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        scopes=frozenset(map(Scope, key.scopes)),
        created_at=key.created_at,
        created_by=person,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )
