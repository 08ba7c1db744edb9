"""Two-step sign-in: the password, and then a code from an app on one's phone or one of the recovery codes.

The secret lies sealed as channels' credentials do. A code is accepted once: the span of time of the last one is
remembered in the same statement that accepts it, so that of two who bring the same code at once one is refused.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.accounts import recovery, totp
from app.accounts.emails import fold_email
from app.accounts.models import HalfSignIn, TwoStepSecret, User
from app.accounts.sessions import Browser, add_session, end_sessions_of
from app.extensions import db
from app.sealing import BrokenSeal, open_sealed, seal

log = logging.getLogger(__name__)

SET_UP_LIVES: Final = timedelta(hours=1)
"""For how long a secret that was shown can be confirmed, and is shown again instead of another one."""
_COUNTS: Final = TwoStepSecret.confirmed_at.is_not(None)
_SET_UP: Final = TwoStepSecret.confirmed_at.is_(None)


class Answer(Enum):
    """What became of a code that somebody brought."""

    BY_APP = "by app"
    BY_RECOVERY = "by recovery"
    WRONG = "wrong"
    USED = "used"
    """It is right, but was brought before."""

    @property
    def is_right(self) -> bool:
        """Whether the code proves anything."""
        return self in (Answer.BY_APP, Answer.BY_RECOVERY)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person signs in: with a code since `since` or, when that is None, by password alone."""

    since: datetime | None
    codes_left: int


@dataclass(frozen=True, slots=True)
class SwitchedOn:
    """Codes to keep, shown this once, and the token of the session that goes on."""

    codes: list[str]
    token: str


def standing(user_id: int) -> Standing:
    """How the person signs in."""
    since = db.session.scalar(select(User.two_step_at).where(User.id == user_id))
    return Standing(since, recovery.codes_left(user_id) if since else 0)


def start_set_up(user_id: int) -> None:
    """Draw a secret to be put into an app, unless one was drawn a short while ago: it may be in the app already."""
    too_old = TwoStepSecret.created_at < func.now() - SET_UP_LIVES
    db.session.execute(delete(TwoStepSecret).where(TwoStepSecret.user_id == user_id, _SET_UP, too_old))
    sealed = seal({"secret": totp.new_secret()})
    new = insert(TwoStepSecret).values(user_id=user_id, sealed=sealed)
    db.session.execute(new.on_conflict_do_nothing(index_elements=["user_id"], index_where=_SET_UP))
    db.session.commit()


def secret_to_set_up(user_id: int) -> str | None:
    """The secret that waits for the first code of the person's app; None when none does."""
    row = _waiting(user_id)
    return None if row is None else _opened(row.sealed)


def confirm(user_id: int, typed: str, *, at: datetime, browser: Browser, is_kept: bool = False) -> SwitchedOn | None:
    """Switch two-step sign-in on, or over to another phone, by the first code of the app; None for a wrong code.

    Everywhere else the person is signed out: those sessions were opened by less than is asked for from now on.
    """
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update())  # a second press waits here
    row, digits = _waiting(user_id), totp.digits_of(typed)
    secret = _opened(row.sealed) if row else None
    counter = totp.counter_of(secret, digits, at) if secret and digits else None
    if row is None or counter is None:
        db.session.rollback()
        return None
    db.session.execute(delete(TwoStepSecret).where(TwoStepSecret.user_id == user_id, _COUNTS))
    counts = update(TwoStepSecret).where(TwoStepSecret.id == row.id)
    db.session.execute(counts.values(confirmed_at=func.now(), last_counter=counter))
    db.session.execute(update(User).where(User.id == user_id).values(two_step_at=func.now()))
    codes = recovery.give_codes(user_id)
    token = _only_here(user_id, browser, is_kept=is_kept)
    db.session.commit()
    return SwitchedOn(codes, token)


def switch_off(user_id: int, browser: Browser, *, is_kept: bool = False) -> str:
    """Let the password be enough again, sign the person out everywhere else, and return a token for here."""
    forget(user_id)
    token = _only_here(user_id, browser, is_kept=is_kept)
    db.session.commit()
    return token


def lift(email: str) -> int | None:
    """Switch it off for somebody who lost phone and recovery codes, at the word of whoever runs the server.

    They are signed out everywhere. Their id, or None when there is no such person or they have no use for it.
    """
    asked = select(User.id).where(User.email == fold_email(email), User.two_step_at.is_not(None))
    user_id = db.session.scalar(asked)
    if user_id is not None:
        forget(user_id)
        end_sessions_of(user_id)
        db.session.commit()
    return user_id


def forget(user_id: int) -> None:
    """Take away what codes are made from and all that hangs on it, in the caller's transaction."""
    db.session.execute(update(User).where(User.id == user_id).values(two_step_at=None))
    db.session.execute(delete(TwoStepSecret).where(TwoStepSecret.user_id == user_id))
    recovery.forget_codes(user_id)
    forget_halves(user_id)


def renew_codes(user_id: int) -> list[str] | None:
    """Other recovery codes in place of the old ones; None for a person who has no use for them."""
    since = db.session.scalar(select(User.two_step_at).where(User.id == user_id).with_for_update())
    if since is None:
        db.session.rollback()
        return None
    codes = recovery.give_codes(user_id)
    db.session.commit()
    return codes


def take_code(user_id: int, typed: str, *, at: datetime) -> Answer:
    """Accept a code of the person's app, or one of the recovery codes, in the caller's transaction."""
    digits = totp.digits_of(typed)
    return _of_app(user_id, digits, at) if digits else _of_recovery(user_id, typed)


def take_app_code(user_id: int, typed: str, *, at: datetime) -> Answer:
    """Accept a code of the person's app and nothing else, in the caller's transaction."""
    digits = totp.digits_of(typed)
    return _of_app(user_id, digits, at) if digits else Answer.WRONG


def forget_halves(user_id: int) -> None:
    """End every sign-in of the person's that waits for a code, in the caller's transaction."""
    db.session.execute(delete(HalfSignIn).where(HalfSignIn.user_id == user_id))


def _of_app(user_id: int, digits: str, at: datetime) -> Answer:
    row = db.session.execute(
        select(TwoStepSecret.id, TwoStepSecret.sealed).where(TwoStepSecret.user_id == user_id, _COUNTS)
    ).one_or_none()
    secret = _opened(row.sealed) if row else None
    counter = totp.counter_of(secret, digits, at) if secret else None
    if row is None or counter is None:
        return Answer.WRONG
    newer = update(TwoStepSecret).where(TwoStepSecret.id == row.id, TwoStepSecret.last_counter < counter)
    taken = db.session.scalar(newer.values(last_counter=counter).returning(TwoStepSecret.id))
    return Answer.USED if taken is None else Answer.BY_APP


def _of_recovery(user_id: int, typed: str) -> Answer:
    return Answer.BY_RECOVERY if recovery.use_code(user_id, typed) else Answer.WRONG


def _waiting(user_id: int) -> TwoStepSecret | None:
    young = TwoStepSecret.created_at >= func.now() - SET_UP_LIVES
    return db.session.scalar(select(TwoStepSecret).where(TwoStepSecret.user_id == user_id, _SET_UP, young))


def _opened(sealed: bytes) -> str | None:
    """None when no key of ours opens it: the recovery codes still work then."""
    try:
        return open_sealed(sealed)["secret"]
    except BrokenSeal:
        log.error("A secret of two-step sign-in cannot be opened with the keys in CREDENTIAL_KEYS")
        return None


def _only_here(user_id: int, browser: Browser, *, is_kept: bool) -> str:
    end_sessions_of(user_id)
    forget_halves(user_id)
    return add_session(user_id, browser, is_kept=is_kept)
