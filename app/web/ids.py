"""Ids in addresses and forms: what no row can have is no address and no choice."""

from __future__ import annotations

from typing import Any, Final

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

LARGEST: Final = 2**63 - 1
"""What the database's ids go up to; a larger one would be refused there with an error."""


def row_id(text: str) -> int:
    """The id that a form or a query names; ValueError when no row can have it."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST)) and int(text) <= LARGEST):
        raise ValueError(f"{text!r:.40} is no id")
    return int(text)


class RowId(IntegerConverter):
    """`<int:order_id>`: a whole number in plain digits that a row may have; any other address leads nowhere."""

    regex = r"[0-9]{1,19}"

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:
        super().__init__(map, *args, **{"max": LARGEST, **options})


def init_app(app: Flask) -> None:
    """Let all routes that are added from now on take ids only."""
    app.url_map.converters["int"] = RowId
