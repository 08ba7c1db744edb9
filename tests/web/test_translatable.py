"""Every word that a person sees goes through gettext: no template holds bare text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
PAGES = sorted(TEMPLATES.rglob("*.html"))
SPOKEN = {"alt", "aria-label", "placeholder", "title", "data-confirm"}
NAMES = {"Channelbook", "SiteGiant", "CSV", "PDF"}
_WORD = re.compile(r"[^\W\d_]{2,}")


class _Bare(HTMLParser):
    """Collects words between tags and in the attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += [word for word in _WORD.findall(data) if word not in NAMES]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in SPOKEN:
                self.handle_data(value or "")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(TEMPLATES)) for page in PAGES])
def test_a_template_holds_no_bare_words(page: Path) -> None:
    tokens = Environment(autoescape=True).lex(page.read_text(encoding="utf-8"))
    bare = _Bare()
    # What Jinja fills in counts as a digit: it keeps attributes and tags whole, and is no word.
    inside, text = 0, []
    for _line, kind, value in tokens:
        if kind in ("variable_begin", "block_begin", "comment_begin", "raw_begin"):
            inside += 1
        elif kind in ("variable_end", "block_end", "comment_end", "raw_end"):
            inside -= 1
            text.append("0" if kind == "variable_end" else "")
        elif kind == "data" and not inside:
            text.append(value)
    bare.feed("".join(text))
    assert not bare.words, f"say these through gettext: {bare.words}"
