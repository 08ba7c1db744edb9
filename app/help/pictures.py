"""The pictures of the articles: our own pages, as the walks in the browser met them.

`make help-pictures` takes them. An article is complete without them: what they show stands in its words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from flask import Flask, current_app

from app.web.statics import static_url

FOLDER: Final = "help"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and its size in CSS pixels, so that nothing jumps when it arrives."""

    url: str
    width: int
    height: int


def init_app(app: Flask) -> None:
    """Give templates `help_picture`."""
    app.jinja_env.globals["help_picture"] = help_picture


def help_picture(name: str) -> Picture | None:
    """The picture of this name; None where none was taken."""
    path = Path(str(current_app.static_folder)) / FOLDER / f"{name}.webp"
    if not path.is_file():
        return None
    width, height = size_of(path)
    return Picture(static_url(f"{FOLDER}/{name}.webp"), width, height)


@cache
def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a WebP picture, read from its head; ValueError for anything else.

    Three kinds of head: VP8 (lossy), VP8L (lossless) and VP8X (extended), as RFC 9649 lays them out.
    """
    head = path.read_bytes()[:30]
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        raise ValueError(f"{path} is no WebP picture")
    if head[12:16] == b"VP8 ":
        return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
