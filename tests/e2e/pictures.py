"""The pictures of the help, taken where the walks pass: `make help-pictures`.

Chromium makes WebP by itself, so nothing else is needed. A picture is a part of a page, light, as it is on a desk or on
a phone, and small enough to be kept beside the words that it shows.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import FloatRect, Page

LARGEST: Final = 40 * 1024
_QUALITIES: Final = (82, 70, 58, 46)
_MARGIN: Final = 12


@dataclass(frozen=True, slots=True)
class Shot:
    """What is taken: the first element of `part`, and of it at most `height`."""

    name: str
    part: str = "main"
    width: int = 1000
    height: int = 620


SHOTS: Final[Mapping[str, tuple[Shot, ...]]] = {
    "add-channel": (Shot("add-channel", height=560),),
    "order-sync": (Shot("order-sync", width=1280), Shot("auto-sync", ".card:has(#auto-sync)", height=400)),
    "payment-methods": (Shot("payment-methods", height=560),),
    "order": (Shot("order", height=700),),
    "products": (Shot("product-sync", height=760),),
    "failed-sync": (Shot("failed-sync", height=640),),
    "verification": (Shot("completeness", height=640),),
    "closing": (Shot("closing", "#closing", 1280),),
    "register": (Shot("number-register", width=1280),),
    "authorized": (Shot("authorized", height=520),),
    "set-up": (Shot("kiotviet", height=700),),
}
"""By the name under which a walk looks at the page."""


def take(page: Page, shot: Shot, folder: Path) -> None:
    """Take one picture, less sharp if it would be too large otherwise."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": shot.width, "height": 900})
    page.evaluate("for (const note of document.querySelectorAll('#flash .notice')) note.remove()")
    place = page.locator(shot.part).first.bounding_box()
    assert place is not None, shot
    clip = _around(place, shot)
    window = page.context.new_cdp_session(page)
    for quality in _QUALITIES:
        wanted = {"format": "webp", "quality": quality, "clip": {**clip, "scale": 1}, "captureBeyondViewport": True}
        drawn = base64.b64decode(window.send("Page.captureScreenshot", wanted)["data"])
        if len(drawn) <= LARGEST:
            break
    window.detach()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{shot.name}.webp").write_bytes(drawn)


def _around(place: FloatRect, shot: Shot) -> FloatRect:
    margin = 0 if shot.part == "main" else _MARGIN
    return {
        "x": max(0, place["x"] - margin),
        "y": max(0, place["y"] - margin),
        "width": min(place["width"] + 2 * margin, shot.width),
        "height": min(place["height"] + 2 * margin, shot.height),
    }
