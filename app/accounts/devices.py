"""Where a person is signed in, and the devices that they are known to sign in with.

A session is one sign-in. A device outlives it: a cookie that signing out leaves says that this browser was here
before, so that the first sign-in with another one can be told to the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, CursorResult, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.accounts.agents import Agent, agent_of
from app.accounts.models import Device, UserSession
from app.accounts.sessions import MAX_AGENT, Browser, add_session, new_token, token_hash
from app.extensions import db


@dataclass(frozen=True, slots=True)
class SignedInBrowser:
    """One browser in which a person is signed in."""

    session_id: int
    agent: Agent
    address: str
    since: datetime
    last_seen_at: datetime
    until: datetime
    is_this: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """A new session and the device it is on, by the tokens for their cookies; `is_told` says that it is news."""

    token: str
    device: str
    is_told: bool


def arrive(user_id: int, browser: Browser, device: str, *, is_kept: bool = False) -> Arrived:
    """Sign a person in on one browser. `device` is the token in its device cookie, '' when it has none.

    A device that somebody else signed in with keeps its token: a shop's till is used by all. A token that nobody
    knows is replaced, because anybody may have written it. The device that a person begins with is no news.
    """
    known = set(db.session.scalars(select(Device.user_id).where(Device.token_hash == token_hash(device))))
    if not known:
        device = new_token()
    is_told = user_id not in known and bool(db.session.scalar(select(exists().where(Device.user_id == user_id))))
    _note(user_id, browser, device, is_told=is_told)
    token = add_session(user_id, browser, is_kept=is_kept)
    db.session.commit()
    return Arrived(token, device, is_told)


def signed_in_browsers(user_id: int, this: int) -> list[SignedInBrowser]:
    """Where the person is signed in now, the session `this` first and then the one that was used last."""
    rows = db.session.scalars(select(UserSession).where(*_open(user_id)).order_by(UserSession.last_seen_at.desc()))
    browsers = [
        SignedInBrowser(
            row.id,
            agent_of(row.user_agent),
            row.address,
            since=row.created_at,
            last_seen_at=row.last_seen_at,
            until=row.expires_at,
            is_this=row.id == this,
        )
        for row in rows
    ]
    return sorted(browsers, key=lambda browser: not browser.is_this)


def sign_out_one(user_id: int, session_id: int) -> bool:
    """Sign one browser of the person out, if it is not already; False for a session that is not theirs."""
    theirs = exists().where(UserSession.user_id == user_id, UserSession.id == session_id)
    return _end(user_id, UserSession.id == session_id) > 0 or bool(db.session.scalar(select(theirs)))


def sign_out_others(user_id: int, this: int) -> int:
    """Sign the person out everywhere but in the session `this`; in how many browsers."""
    return _end(user_id, UserSession.id != this)


def _end(user_id: int, which: ColumnElement[bool]) -> int:
    ended = db.session.execute(update(UserSession).where(*_open(user_id), which).values(ended_at=func.now()))
    db.session.commit()
    return ended.rowcount if isinstance(ended, CursorResult) else 0


def _open(user_id: int) -> tuple[ColumnElement[bool], ...]:
    return UserSession.user_id == user_id, UserSession.ended_at.is_(None), UserSession.expires_at > func.now()


def _note(user_id: int, browser: Browser, device: str, *, is_told: bool) -> None:
    seen = {"user_agent": browser.user_agent[:MAX_AGENT], "address": browser.address}
    told_at = datetime.now(UTC) if is_told else None
    new = insert(Device).values(user_id=user_id, token_hash=token_hash(device), told_at=told_at, **seen)
    again = {**seen, "last_sign_in_at": func.now()}
    db.session.execute(new.on_conflict_do_update(index_elements=["user_id", "token_hash"], set_=again))
