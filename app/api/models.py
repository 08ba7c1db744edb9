"""The keys with which other programs of a store come in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Index, String, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned


class ApiKey(StoreOwned, Base):
    """One key, known by its hash alone. A revoked one stays, for whoever asks later what it was."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    """How the key begins, so that a person can tell which one it is."""
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String()))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime | None]
    """From when on it opens nothing; None: it works until it is revoked."""
    last_used_at: Mapped[datetime | None]
    """To the minute."""
    revoked_at: Mapped[datetime | None]


Index(
    "uq_api_keys_name",
    ApiKey.store_id,
    func.lower(ApiKey.name),
    unique=True,
    postgresql_where=text("revoked_at is null"),
)
