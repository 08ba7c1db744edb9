"""The audit log. Its rows are written by triggers (`app.migrations.auditing`) and by `app.audit.recording`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned


class AuditEntry(StoreOwned, Base):
    """One thing that was done: written once, never changed, never deleted.

    Who, when and from where is stamped by a trigger. `changes` holds for each field what it was and what it is, a
    secret as the word "secret" alone. Ids point at nothing: an entry outlives what it tells of.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_at", "store_id", "at", "id"),
        Index("ix_audit_entries_user", "store_id", "user_id", "id", postgresql_where=text("user_id is not null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    user_id: Mapped[int | None]
    key_id: Mapped[int | None]
    """The API key that it was done with."""
    job_id: Mapped[int | None]
    """The job that did it by itself."""
    who: Mapped[str] = mapped_column(server_default="")
    """The name of the person or key, as it was."""
    address: Mapped[str] = mapped_column(server_default="")
    browser: Mapped[str] = mapped_column(server_default="")
    verb: Mapped[str]
    thing: Mapped[str]
    thing_id: Mapped[str] = mapped_column(server_default="")
    """'' of what has no row, and where one entry stands for many."""
    label: Mapped[str] = mapped_column(server_default="")
    """What the thing was called."""
    changes: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    many: Mapped[int] = mapped_column(server_default="1")
    """How many rows it stands for."""
