"""Half signed in: the password was right, and a code is asked for.

What stands between the two is a row of its own and a random token in the cookie. It opens nothing but the question,
lives for ten minutes, ends with the fifth wrong code, and with a new password.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select

from app.accounts import two_step
from app.accounts.models import HalfSignIn, User
from app.accounts.sessions import new_token, token_hash
from app.accounts.two_step import Answer
from app.extensions import db

LIVES: Final = timedelta(minutes=10)
MOST_WRONG: Final = 5


@dataclass(frozen=True, slots=True)
class Half:
    """Who is asked for a code."""

    user_id: int
    email: str


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a code, for whom; `is_over` says that the password has to be typed again."""

    user_id: int
    answer: Answer
    is_over: bool = False


def begin(user_id: int) -> str | None:
    """The token under which a person is asked for a code; None for one whose password is enough."""
    since = db.session.scalar(select(User.two_step_at).where(User.id == user_id))
    if since is None:
        return None
    token = new_token()
    half = HalfSignIn(user_id=user_id, token_hash=token_hash(token), expires_at=datetime.now(UTC) + LIVES)
    db.session.add(half)
    db.session.commit()
    return token


def half_of(token: str) -> Half | None:
    """Who is asked for a code under this token; None when it ended, ran out or never was."""
    row = db.session.execute(
        select(User.id, User.email).join(HalfSignIn, HalfSignIn.user_id == User.id).where(*_is_open(token))
    ).one_or_none()
    return None if row is None else Half(row.id, row.email)


def bring_code(token: str, typed: str, *, at: datetime) -> Brought | None:
    """Hold a code against the person who is asked for one; a right one ends the asking. Commits; None: nobody is asked.

    The row is locked, so that two codes that come at once are counted one after the other.
    """
    half = db.session.scalar(select(HalfSignIn).where(*_is_open(token)).with_for_update())
    if half is None:
        db.session.rollback()
        return None
    user_id = half.user_id
    answer = two_step.take_code(user_id, typed, at=at)
    if answer is Answer.WRONG:
        half.wrong_codes += 1
    is_over = answer.is_right or half.wrong_codes >= MOST_WRONG
    if is_over:
        db.session.execute(delete(HalfSignIn).where(HalfSignIn.id == half.id))
    db.session.commit()
    return Brought(user_id, answer, is_over)


def _is_open(token: str) -> tuple[ColumnElement[bool], ...]:
    return HalfSignIn.token_hash == token_hash(token), HalfSignIn.expires_at > func.now()
