"""Every page renders for every role in every state of a store, and is HTML that the Nu checker has nothing against."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from flask import Flask

from tests.pages.nu import mistakes
from tests.pages.states import State, prepare
from tests.pages.walking import Page, walk, walk_links, walk_outside
from tests.support.factories import Make

_AT_LEAST: Final = 80
"""So many pages there are; when fewer are found, the walk has lost its way."""
_CHECKED: Final = (" as owner", f" of {State.ONE} as read_only", " outside")
"""Whose pages the checker reads: it takes a hundredth of a second for each, and roles differ by buttons alone."""


@pytest.fixture(scope="module")
def walked(app: Flask) -> list[Page]:
    """All pages, walked once."""
    pages = [*walk_outside(app, None), *walk_outside(app, Make(app).person()), *walk_links(app)]
    for state in State:
        pages += walk(app, prepare(app, state))
    return pages


def test_every_page_renders_for_every_role_in_every_state(walked: list[Page]) -> None:
    assert [str(page) for page in walked if page.status not in page.expected] == []
    assert len({page.name.partition(" ")[0] for page in walked if page.html and page.status == 200}) >= _AT_LEAST


def test_every_page_is_valid_html(walked: list[Page], tmp_path: Path) -> None:
    pages = [(str(page), page.html) for page in walked if page.html and page.name.endswith(_CHECKED)]
    assert mistakes(pages, tmp_path) == []
