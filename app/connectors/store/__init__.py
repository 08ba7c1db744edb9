"""Another store of this installation as a channel: its webstore orders and items, over a granted link."""

from __future__ import annotations

from app.connectors.store.connector import LinkedStore

__all__ = ["LinkedStore"]
