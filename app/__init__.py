"""Channelbook: paid channel orders become exactly one sales invoice each. `create_app` wires the rooms together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The web application. Reads its settings from the environment when none are given; opens no connection."""
    from app.wiring import build  # noqa: PLC0415 (keeps `import app.sandbox` and the command line light)

    return build(settings)
