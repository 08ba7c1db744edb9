"""Entries of what changes no row: something was taken out or looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Text, cast, func, insert, literal, select

from app.audit.models import AuditEntry
from app.extensions import db
from app.tenancy.scope import current_store_id

LOOKED_EVERY: Final = timedelta(hours=12)
"""Who looks at the same secret several times a day is told of once."""


def record(
    verb: str, thing: str, *, thing_id: int | str = "", label: str = "", facts: Mapping[str, str] | None = None
) -> None:
    """Add an entry to the caller's transaction. `facts` are what it was about, by the names of fields.

    Who does it, when and from where the database knows by itself.
    """
    values = _values(verb, thing, thing_id, label, facts)
    db.session.execute(insert(AuditEntry).values(values))


def record_look(thing: str) -> None:
    """Add an entry that whoever acts was shown a secret, unless that was told lately. One statement; commits."""
    values = _values("shown", thing, "", "", None)
    told = select(AuditEntry.id).where(
        AuditEntry.store_id == current_store_id(),
        AuditEntry.at > func.now() - LOOKED_EVERY,
        AuditEntry.thing == thing,
        AuditEntry.verb.in_(("shown", "rotated", "added")),
        cast(AuditEntry.user_id, Text) == func.current_setting("app.user_id", True),
    )
    row = select(*(literal(value, AuditEntry.__table__.c[name].type) for name, value in values.items()))
    db.session.execute(insert(AuditEntry).from_select(list(values), row.where(~told.exists())))
    keep()


def keep() -> None:
    """Commit what was recorded while a page was read, without forgetting what the page has read already."""
    session = db.session()
    session.expire_on_commit = False
    session.commit()
    session.expire_on_commit = True


def _values(verb: str, thing: str, thing_id: int | str, label: str, facts: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "store_id": current_store_id(),
        "verb": verb,
        "thing": thing,
        "thing_id": str(thing_id),
        "label": label,
        "changes": {name: [None, fact] for name, fact in (facts or {}).items()},
    }
