"""The browsers of this world by the names that people know them by, as far as their user agent tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext as _

_BROWSERS: Final = (
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Opera", r"\b(?:OPR|OPiOS|Opera)/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Cốc Cốc", r"\bcoc_coc_browser/"),
    ("UC Browser", r"\bUCBrowser/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Chrome|CriOS|HeadlessChrome)/"),
    ("Safari", r"\bVersion/[\d.]+.*\bSafari/"),
)
"""In this order, because most of them call themselves Chrome and Safari as well."""
_SYSTEMS: Final = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("Mac", r"\bMacintosh\b"),
    ("Linux", r"\bLinux\b"),
)


@dataclass(frozen=True, slots=True)
class Agent:
    """A browser and what it runs on; '' for what is not known."""

    browser: str
    system: str

    @property
    def name(self) -> str:
        """What to call it in a sentence or list."""
        if self.browser and self.system:
            return _("%(browser)s on %(system)s", browser=self.browser, system=self.system)
        return self.browser or self.system or _("A browser we do not know")


def agent_of(user_agent: str) -> Agent:
    """What a user agent says of itself; anybody may write anything there, so it is a hint and never a proof."""
    return Agent(_first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent))


def _first(names: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, pattern in names if re.search(pattern, text)), "")
