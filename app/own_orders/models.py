"""What was asked for and answered, so that asking twice makes one order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned


class OwnOrderRequest(StoreOwned, Base):
    """One press or call that made orders, by the key that whoever pressed gave it. Kept for a week."""

    __tablename__ = "own_order_requests"
    __table_args__ = (Index("ix_own_order_requests_made", "store_id", "created_at"),)

    caller: Mapped[str] = mapped_column(primary_key=True)
    """Whose keys these are: two callers may choose the same."""
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    """Of what was asked for, so that one key cannot stand for two things."""
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
