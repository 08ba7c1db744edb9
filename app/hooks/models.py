"""Who is told (Endpoint), what of (HookMessage), and what came of each try (HookAttempt).

Messages are planned by triggers (app/migrations/calling.py), in the transaction of what they tell.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Identity, Index, String, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned, StoreOwnedByParent


class Endpoint(StoreOwned, Base):
    """An address of the merchant's own, which is called when something happens that it asked to be told of."""

    __tablename__ = "endpoints"
    __table_args__ = (
        CheckConstraint("state in ('active', 'paused')", name="state"),
        Index("ix_endpoints_active", "id", postgresql_where=text("state = 'active'")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(String))
    state: Mapped[str] = mapped_column(server_default="active")
    paused_reason: Mapped[str] = mapped_column(server_default="")
    """Why it was given up, as a code; '' when a person paused it."""
    paused_at: Mapped[datetime | None]
    secret: Mapped[bytes]
    """What is signed with, sealed."""
    old_secret: Mapped[bytes | None]
    """The one before, which signs as well until `old_until`."""
    old_until: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    """As long as a worker calls it, no other does."""
    rests_until: Mapped[datetime | None]
    """It did not answer, and is left alone until then."""
    failures: Mapped[int] = mapped_column(server_default="0")
    """How many times in a row nothing came from there."""
    rung_at: Mapped[datetime | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class HookMessage(StoreOwnedByParent, Base):
    """One thing that one endpoint is told. `data` is what it was when it happened, amounts in minor units."""

    __tablename__ = "hook_messages"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "endpoint_id"], ["endpoints.store_id", "endpoints.id"], ondelete="CASCADE"),
        CheckConstraint("state in ('planned', 'delivered', 'failed')", name="state"),
        Index("ix_hook_messages_due", "store_id", "endpoint_id", "next_at", postgresql_where=text("state = 'planned'")),
        Index("ix_hook_messages_recent", "store_id", "endpoint_id", "id"),
        Index("ix_hook_messages_old", "created_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    endpoint_id: Mapped[int]
    message_id: Mapped[str]
    """What the receiver knows it by, the same at every try and for every endpoint."""
    type: Mapped[str]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    state: Mapped[str] = mapped_column(server_default="planned")
    attempts: Mapped[int] = mapped_column(server_default="0")
    planned_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Since when it is being tried: when it happened, or when a person asked for it again."""
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())


class HookAttempt(StoreOwnedByParent, Base):
    """One try: what was answered, or what went wrong before anything was."""

    __tablename__ = "hook_attempts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["store_id", "hook_message_id"], ["hook_messages.store_id", "hook_messages.id"], ondelete="CASCADE"
        ),
        Index("ix_hook_attempts_message", "store_id", "hook_message_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    hook_message_id: Mapped[int]
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    status: Mapped[int | None]
    """The HTTP status; None when nothing was answered."""
    duration_ms: Mapped[int]
    answer: Mapped[str] = mapped_column(server_default="")
    """The beginning of what was answered."""
    trouble: Mapped[str] = mapped_column(server_default="")
    """What went wrong where nothing was answered, as a code."""
