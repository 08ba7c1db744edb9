"""Two stores for the tests of this room."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.links.pairs import Pair, pair_of
from tests.support.factories import Make


@pytest.fixture
def pair(app: Flask, make: Make) -> Pair:
    """A store on Premium, and another one."""
    return pair_of(app, make)
