"""A sandbox process, and merchants whose stores have a shop of it connected."""

from __future__ import annotations

from tests.sync.conftest import channel_server, merchant, new_merchant

__all__ = ["channel_server", "merchant", "new_merchant"]
