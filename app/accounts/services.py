"""Signing in, and changing what one signs in with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app import mail
from app.accounts import passwords, two_step
from app.accounts.emails import fold_email
from app.accounts.languages import speaking_to
from app.accounts.models import PasswordReset, User
from app.accounts.sessions import Browser, add_session, end_sessions_of, new_token, token_hash
from app.extensions import db

RESET_LIVES: Final = timedelta(hours=1)


def check_sign_in(email: str, password: str) -> int | None:
    """The id of the person whose e-mail and password these are, else None.

    An unknown address costs the same hashing as a wrong password, and both get the same answer.
    """
    row = db.session.execute(select(User.id, User.password_hash).where(User.email == fold_email(email))).one_or_none()
    if not passwords.is_right(row.password_hash if row else None, password) or row is None:
        return None
    if passwords.is_outdated(row.password_hash):
        _store_password(row.id, password)
        db.session.commit()
    return int(row.id)


def add_person(*, name: str, email: str, password: str) -> int | None:
    """The new person's id, in the caller's transaction; None when the address (folded) is taken, also by a race."""
    return db.session.execute(
        insert(User)
        .values(email=email, name=name, password_hash=passwords.hash_password(password))
        .on_conflict_do_nothing(index_elements=[User.email])
        .returning(User.id)
    ).scalar_one_or_none()


def rename_person(user_id: int, name: str) -> None:
    """Change the name that colleagues see."""
    db.session.execute(update(User).where(User.id == user_id).values(name=name))
    db.session.commit()


def speak_to(user_id: int, language: str | None) -> None:
    """Remember what a person wants to read; None follows the store that they look at."""
    db.session.execute(update(User).where(User.id == user_id).values(language=language))
    db.session.commit()


def change_password(user_id: int, *, current: str, new: str, browser: Browser, is_kept: bool = False) -> str | None:
    """Set a new password, sign the person out everywhere, and return a token that keeps this browser signed in.

    None when `current` is wrong; nothing has changed then.
    """
    stored = db.session.execute(select(User.password_hash).where(User.id == user_id)).scalar_one()
    if not passwords.is_right(stored, current):
        return None
    _replace_password(user_id, new)
    token = add_session(user_id, browser, is_kept=is_kept)
    db.session.commit()
    return token


def mail_reset_link(email: str, asked_in: str) -> None:
    """Mail a link that sets a new password, if the address has an account; say nothing about it otherwise.

    `asked_in` is the language of the page that asked: who has chosen none reads that one.
    """
    row = db.session.execute(
        select(User.id, User.email, User.language).where(User.email == fold_email(email))
    ).one_or_none()
    if row is None:
        return
    token = new_token()
    db.session.add(
        PasswordReset(user_id=row.id, token_hash=token_hash(token), expires_at=datetime.now(UTC) + RESET_LIVES)
    )
    db.session.commit()
    with speaking_to(row.language, asked_in):
        words = _(
            "Somebody asked for a new password for your Channelbook account. If it was you, choose one here within an "
            "hour:\n\n%(link)s\n\nIf it was not you, do nothing: your password stays as it is.",
            link=mail.link("accounts.reset", token=token),
        )
        subject = _("Choose a new password")
    mail.send(row.email, subject, words + "\n")


def mail_account_exists(email: str, asked_in: str) -> None:
    """Tell the owner of an address, and nobody else, that a sign-up named it and changed nothing."""
    folded = fold_email(email)
    chosen = db.session.scalar(select(User.language).where(User.email == folded))
    with speaking_to(chosen, asked_in):
        words = _(
            "Somebody tried to sign up to Channelbook with this address. It already has an account, and nothing was "
            "changed. If it was you, sign in here:\n\n%(signin)s\n\nForgot your password? Choose a new one here:\n\n"
            "%(forgot)s",
            signin=mail.link("accounts.signin"),
            forgot=mail.link("accounts.forgot"),
        )
        subject = _("You already have an account")
    mail.send(folded, subject, words + "\n")


def opens_reset(token: str) -> str | None:
    """The e-mail of the person whose password this link may set; None when it was used, ran out or never was.

    Looking does not use the link up, because mail programs open links before people do.
    """
    return db.session.execute(
        select(User.email).join(PasswordReset, PasswordReset.user_id == User.id).where(*_is_open(token))
    ).scalar_one_or_none()


def reset_password(token: str, new: str) -> int | None:
    """Set the password by a mailed link, use up the person's other links, end every session, and say whose it is.

    It signs nobody in: who is asked for a code is asked for it afterwards. None when the link opens nothing. Of two
    that press at once, one wins: the first update takes the row.
    """
    used = update(PasswordReset).where(*_is_open(token)).values(used_at=func.now())
    user_id = db.session.execute(used.returning(PasswordReset.user_id)).scalar_one_or_none()
    if user_id is None:
        db.session.rollback()
        return None
    _replace_password(user_id, new)
    db.session.commit()
    return int(user_id)


def _is_open(token: str) -> tuple[ColumnElement[bool], ...]:
    return (
        PasswordReset.token_hash == token_hash(token),
        PasswordReset.used_at.is_(None),
        PasswordReset.expires_at > func.now(),
    )


def _replace_password(user_id: int, new: str) -> None:
    """A password is changed because somebody else may know the old one: nothing it opened stays open."""
    _store_password(user_id, new)
    end_sessions_of(user_id)
    two_step.forget_halves(user_id)
    db.session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == user_id, PasswordReset.used_at.is_(None))
        .values(used_at=func.now())
    )


def _store_password(user_id: int, password: str) -> None:
    db.session.execute(update(User).where(User.id == user_id).values(password_hash=passwords.hash_password(password)))
