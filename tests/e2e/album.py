"""The proof that each page on the way fits a phone; and pictures of them, when somebody wants to look."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from playwright.sync_api import FloatRect, Page

from tests.e2e import pictures

DESK, PHONE = 1280, 390
_HEIGHTS = {DESK: 900, PHONE: 844}
_TALLEST = 2400  # a list goes on in the same way below
_SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


class Album:
    """A folder of pictures, numbered as they were taken; without a folder none are, since each takes its time.

    `for_help` is where the pictures of the help go, when they are taken anew.
    """

    def __init__(self, folder: Path | None, for_help: Path | None = None) -> None:
        self.folder, self.for_help = folder, for_help
        self._taken = 0

    def take(self, page: Page, name: str, schemes: tuple[Scheme, ...] = SCHEMES) -> None:
        """Take the page wide and narrow, light and dark, and leave it wide; it must not scroll sideways."""
        self._taken += 1
        sideways = {}
        page.evaluate("scrollTo(0, 0)")  # what sticks to the window would stand in the middle of the picture
        for width in (PHONE, DESK):
            page.set_viewport_size({"width": width, "height": _HEIGHTS[width]})
            sideways[width] = page.evaluate(_SIDEWAYS)
            if self.folder is not None:
                self._picture(page, self.folder / f"{self._taken:02}-{name}-{width}", width, schemes)
        if self.for_help is not None:
            for shot in pictures.SHOTS.get(name, ()):
                pictures.take(page, shot, self.for_help)
            page.set_viewport_size({"width": DESK, "height": _HEIGHTS[DESK]})
        page.emulate_media(color_scheme="light")
        assert not any(sideways.values()), f"{name} scrolls sideways by {sideways}"

    @staticmethod
    def _picture(page: Page, stem: Path, width: int, schemes: tuple[Scheme, ...]) -> None:
        height = min(page.evaluate("document.documentElement.scrollHeight"), _TALLEST)
        whole: FloatRect = {"x": 0, "y": 0, "width": width, "height": height}
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{stem}-{scheme}.png", full_page=True, clip=whole, animations="disabled")
