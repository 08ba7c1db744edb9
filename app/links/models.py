"""A link is one row that two stores share; what happened to it is written once and read by both.

Links, their events and their days belong to no single store, so they carry policies of their own
(app/migrations/linking.py): a row is seen and written as one of its two stores, and by the sub-store only once it was
asked.

They point at no store: what one of the two dealt with the other stays readable when that one is erased.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned, StoreOwnedByParent


class VerificationCode(StoreOwned, Base):
    """The one current code of a store: found by its hash, shown from its sealed text."""

    __tablename__ = "verification_codes"

    code_hash: Mapped[bytes] = mapped_column(unique=True)
    sealed: Mapped[bytes]
    version: Mapped[int] = mapped_column(server_default="1")
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    made_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class Link(Base):
    """A main store and a sub-store, from the first step to the end. Names are copied, because each sees only itself."""

    __tablename__ = "links"
    __table_args__ = (
        ForeignKeyConstraint(["main_store_id", "location_id"], ["locations.store_id", "locations.id"]),
        CheckConstraint("main_store_id <> sub_store_id", name="two_stores"),
        CheckConstraint(
            "state in ('draft', 'pending', 'connected', 'denied', 'expired', 'withdrawn', 'suspended', 'ended')",
            name="state",
        ),
        CheckConstraint("asked_at is not null or state in ('draft', 'withdrawn')", name="asked_at"),
        CheckConstraint("ended_by_side in ('', 'main', 'sub', 'system')", name="ended_by_side"),
        CheckConstraint("stock_after in ('', 'keep', 'zero')", name="stock_after"),
        Index(
            "uq_links_sub_live",
            "sub_store_id",
            unique=True,
            postgresql_where=text("state in ('pending', 'connected', 'suspended')"),
        ),
        Index("uq_links_draft", "main_store_id", "sub_store_id", unique=True, postgresql_where=text("state = 'draft'")),
        Index("ix_links_main", "main_store_id", "id"),
        Index("ix_links_sub", "sub_store_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    main_store_id: Mapped[int]
    sub_store_id: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="draft")
    main_name: Mapped[str]
    sub_name: Mapped[str]
    code_hash: Mapped[bytes]
    """The code that was shown for it: a request made with a code that is no longer the store's cannot be granted."""
    channel_name: Mapped[str] = mapped_column(server_default="")
    """What the main store calls the sub-store among its channels."""
    location_id: Mapped[int | None]
    """The warehouse of the main store that the sub-store sells from."""
    reason: Mapped[str] = mapped_column(server_default="")
    """Why it is suspended, expired or denied, as a code; '' when there is nothing to say."""
    reason_detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    stock_after: Mapped[str] = mapped_column(server_default="")
    """What becomes of the sub-store's stock after the end: kept as it is, or set to zero."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    asked_at: Mapped[datetime | None]
    asked_by: Mapped[str] = mapped_column(server_default="")
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str] = mapped_column(server_default="")
    ended_at: Mapped[datetime | None]
    ended_by_side: Mapped[str] = mapped_column(server_default="")
    version: Mapped[int] = mapped_column(server_default="1")
    """Counts the changes, so that a page can ask whether it is still up to date."""


class LinkEvent(Base):
    """What happened to a link: written once, read by both stores. `person` is a name, not an account."""

    __tablename__ = "link_events"
    __table_args__ = (
        CheckConstraint("side in ('main', 'sub', 'system')", name="side"),
        Index("ix_link_events_link", "link_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    link_id: Mapped[int] = mapped_column(ForeignKey("links.id"))
    main_store_id: Mapped[int]
    sub_store_id: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    kind: Mapped[str]
    side: Mapped[str]
    person: Mapped[str] = mapped_column(server_default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class LinkDay(Base):
    """How much flowed over a link on one day of the main store's zone: counted by its jobs, read by both stores."""

    __tablename__ = "link_days"

    link_id: Mapped[int] = mapped_column(ForeignKey("links.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    main_store_id: Mapped[int]
    sub_store_id: Mapped[int]
    orders: Mapped[int] = mapped_column(server_default="0")
    """Orders of the sub-store that were new to the main store."""
    stock_told: Mapped[int] = mapped_column(server_default="0")
    """How often the main store told how many pieces there are of an item."""
    moves: Mapped[int] = mapped_column(server_default="0")
    """How often it said where an order stands, and that counted."""


class OrderNews(StoreOwnedByParent, Base):
    """A webstore order of a sub-store that its main store has not looked at since it was made or changed.

    Written by triggers (app/migrations/telling.py), for as long as a main store is granted access.
    """

    __tablename__ = "order_news"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"], ondelete="CASCADE"),
    )

    order_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Identity())
    """Another number with each change: who has looked takes away the numbers that were read, and no others."""
