"""What stays of a store that was erased: that it was there, and that it is gone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base


class ErasedStore(Base):
    """A tombstone, without a word of what was there or of whom. The app's own role cannot even read it."""

    __tablename__ = "erased_stores"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """The store's number, which is not given again."""
    slug: Mapped[str]
    erased_by: Mapped[str]
    """The account of the machine on which the command was run."""
    begun_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    rows: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """How many rows went, by table."""
    manifest: Mapped[str] = mapped_column(server_default="")
    """The SHA-256 of the manifest of the export that was shown before; '' where none was asked for."""
