"""Recovery codes: ten ways in for the day the phone is lost. Each works once, and they are shown once.

A code has 80 random bits, so a salted hash keeps it: whoever reads the table cannot try them all.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select, update

from app.accounts.models import RecoveryCode
from app.core.linking import ALPHABET
from app.extensions import db

HOW_MANY: Final = 10
LENGTH: Final = 16
_GROUP: Final = 4
_SALT_BYTES: Final = 16


def give_codes(user_id: int) -> list[str]:
    """New codes in place of all older ones, in the caller's transaction: the only moment at which they can be read."""
    forget_codes(user_id)
    codes = [_new_code() for _ in range(HOW_MANY)]
    for code in codes:
        salt = secrets.token_bytes(_SALT_BYTES)
        db.session.add(RecoveryCode(user_id=user_id, salt=salt, code_hash=_hash(salt, letters_of(code))))
    return codes


def forget_codes(user_id: int) -> None:
    """Take a person's codes away, in the caller's transaction."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def use_code(user_id: int, typed: str) -> bool:
    """Whether this is a code of the person's that was not used; it is now, in the caller's transaction.

    Of two that bring the same code at once, one wins: the update takes the row.
    """
    letters = letters_of(typed)
    rows = db.session.execute(
        select(RecoveryCode.id, RecoveryCode.salt, RecoveryCode.code_hash).where(*_unused(user_id))
    ).all()
    found = next((row.id for row in rows if hmac.compare_digest(row.code_hash, _hash(row.salt, letters))), None)
    if found is None:
        return False
    taken = update(RecoveryCode).where(RecoveryCode.id == found, RecoveryCode.used_at.is_(None))
    return db.session.scalar(taken.values(used_at=func.now()).returning(RecoveryCode.id)) is not None


def codes_left(user_id: int) -> int:
    """How many codes the person still has."""
    return db.session.scalar(select(func.count()).where(*_unused(user_id))) or 0


def letters_of(typed: str) -> str:
    """The letters of a code, however it was typed: small or large, in groups or not."""
    return "".join(letter for letter in typed.upper() if letter in ALPHABET)


def _unused(user_id: int) -> tuple[ColumnElement[bool], ...]:
    return RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)


def _new_code() -> str:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(letters[start : start + _GROUP] for start in range(0, LENGTH, _GROUP))


def _hash(salt: bytes, letters: str) -> bytes:
    return hashlib.sha256(salt + letters.encode()).digest()
