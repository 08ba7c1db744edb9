"""What happened (Notice), who is told of it and how (NoticeCopy), what they chose (NoticeChoice), and when the store is
looked at next (NoticeClock)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned, StoreOwnedByParent


class Notice(StoreOwned, Base):
    """One happening, written once: `key` is the same whoever notices it. It is worded when it is read."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("store_id", "key"),
        CheckConstraint(
            "kind in ('failed_sync', 'channel_paused', 'approval_asked', 'verification_difference', "
            "'endpoint_paused', 'key_ends', 'digest')",
            name="kind",
        ),
        Index("ix_notices_at", "at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class NoticeCopy(StoreOwnedByParent, Base):
    """A notice for one person: behind the bell, by e-mail, or both, as they had chosen when it was written.

    A mail is `planned`, then `sending` for as long as it is being handed over, and ends as `sent`, `failed`, `dropped`
    (its receiver left) or `unclear`: the worker died over it, and a second one might be one too many.
    """

    __tablename__ = "notice_copies"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "notice_id"], ["notices.store_id", "notices.id"], ondelete="CASCADE"),
        CheckConstraint(
            "mail in ('none', 'planned', 'sending', 'sent', 'failed', 'dropped', 'unclear')",
            name="mail",
        ),
        Index(
            "ix_notice_copies_unread",
            "store_id",
            "user_id",
            "notice_id",
            postgresql_where=text("in_portal and read_at is null"),
        ),
        Index("ix_notice_copies_mine", "store_id", "user_id", "notice_id", postgresql_where=text("in_portal")),
        Index(
            "ix_notice_copies_mail",
            "store_id",
            "mail_at",
            postgresql_where=text("mail in ('planned', 'sending')"),
        ),
    )

    notice_id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    in_portal: Mapped[bool]
    read_at: Mapped[datetime | None]
    mail: Mapped[str] = mapped_column(server_default="none")
    mail_at: Mapped[datetime | None]
    """When it is tried next; of one that is being sent, until when that may take."""
    mail_attempts: Mapped[int] = mapped_column(server_default="0")


class NoticeChoice(StoreOwned, Base):
    """How a person wants to be told of a kind in this store. Who chose nothing is told as their role is."""

    __tablename__ = "notice_choices"
    __table_args__ = (CheckConstraint("way in ('none', 'portal', 'mail', 'both', 'daily', 'weekly')", name="way"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    way: Mapped[str]


class NoticeClock(StoreOwned, Base):
    """When there is something to do for a store's people: `next_at`. Triggers bring it forward (`ask_for_look`)."""

    __tablename__ = "notice_clocks"
    __table_args__ = (Index("ix_notice_clocks_next", "next_at"),)

    next_at: Mapped[datetime | None]
    look_at: Mapped[datetime | None]
    """When to look at what there is to tell; None while nothing happened since the last look."""
    digest_at: Mapped[datetime | None]
    rung_at: Mapped[datetime | None]
    causes: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Cause on Failed Sync → how many waited for it at the last look."""
