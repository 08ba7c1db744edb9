"""Every state has a word, a tone and a drawing."""

from __future__ import annotations

from enum import StrEnum

import pytest
from flask import Flask

from app.core import states
from app.core.types import OrderStatus, PaymentStatus
from app.web.badges import BADGES, badge_of
from app.web.icons import icon

KINDS: list[type[StrEnum]] = [
    states.OrderState,
    states.SeenState,
    states.JobState,
    states.ChangeState,
    states.InvoiceState,
    OrderStatus,
    PaymentStatus,
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_has_its_badge(site: Flask, kind: type[StrEnum]) -> None:
    with site.test_request_context("/"):
        for state in kind:
            badge = BADGES[kind.__name__][state.value]
            assert badge_of(state) == badge_of(state.value, kind.__name__) == badge
            assert str(badge.label)
            assert badge.tone in {"neutral", "info", "success", "warning", "danger"}
            assert icon(badge.icon)


def test_unknown_state_is_shown_as_it_came() -> None:
    badge = badge_of("Menunggu", "OrderStatus")
    assert (badge.tone, badge.label) == ("neutral", "Menunggu")
