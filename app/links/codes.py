"""A store's verification code: made when it is first looked at, shown to its owners, changed when they want."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import segno
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.accounts.models import User
from app.core.linking import CODE_BYTES, code_hash, code_of, letters_of
from app.extensions import db
from app.links.models import VerificationCode
from app.sealing import BrokenSeal, open_sealed, seal
from app.tenancy import doors
from app.tenancy.doors import CodeOwner
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class OwnCode:
    """The store's code as its owners see it; `text` is '' when no key of ours opens it any more."""

    text: str
    version: int
    made_at: datetime
    made_by: str

    @property
    def picture(self) -> Markup:
        """The code as a QR drawing, for a phone that stands beside the screen."""
        drawing = segno.make(self.text, error="m").svg_inline(scale=4, border=2, light="#fff", dark="#000")
        return Markup(drawing)  # noqa: S704  # drawn by us from letters of our own alphabet


def own_code() -> OwnCode | None:
    """The code of the scope's store; None when it has none yet."""
    row = db.session.execute(
        select(VerificationCode, User.name)
        .outerjoin(User, User.id == VerificationCode.made_by)
        .where(VerificationCode.store_id == current_store_id())
    ).one_or_none()
    if row is None:
        return None
    code, person = row
    try:
        text = open_sealed(code.sealed)["code"]
    except BrokenSeal:
        text = ""
    return OwnCode(text, code.version, code.made_at, person or "")


def ensure_code(user_id: int) -> None:
    """Make the store's first code unless it has one. Commits."""
    if db.session.get(VerificationCode, current_store_id()) is None:
        values = _new(user_id)
        db.session.execute(
            insert(VerificationCode).values(store_id=current_store_id(), **values).on_conflict_do_nothing()
        )
        db.session.commit()


def replace_code(user_id: int) -> bytes:
    """Give the store another code in place of its old one, which opens nothing any more. The new one's hash."""
    values = _new(user_id)
    statement = insert(VerificationCode).values(store_id=current_store_id(), **values)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id"],
            set_={**values, "version": VerificationCode.version + 1, "made_at": datetime.now(UTC)},
        )
    )
    db.session.expire_all()
    return bytes(values["code_hash"])


def current_hash() -> bytes | None:
    """What the store's code is found by."""
    query = select(VerificationCode.code_hash).where(VerificationCode.store_id == current_store_id())
    found = db.session.scalar(query)
    return None if found is None else bytes(found)


def owner_of(wanted: bytes) -> CodeOwner | None:
    """The store that a code belongs to. The index finds it, and a comparison in constant time has the last word."""
    found = doors.verification_code(wanted)
    if found is None or not hmac.compare_digest(found.code_hash, wanted):
        return None
    return found


def _new(user_id: int) -> dict[str, Any]:
    text = code_of(secrets.token_bytes(CODE_BYTES))
    return {"code_hash": code_hash(letters_of(text)), "sealed": seal({"code": text}), "made_by": user_id}
