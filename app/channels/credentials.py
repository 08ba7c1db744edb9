"""What channels keep secret is sealed as everything is, by `app.sealing`; these are its verbs for this room."""

from __future__ import annotations

from app.sealing import BrokenSeal, open_sealed, reseal, seal, sealed_at

__all__ = ["BrokenSeal", "open_sealed", "reseal", "seal", "sealed_at"]
