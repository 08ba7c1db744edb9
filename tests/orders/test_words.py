"""Reasons and journal in words: every code and every kind has its sentence, and a missing fact breaks none."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from types import SimpleNamespace

import pytest
from flask import Flask, g

from app.connectors import http
from app.core import errors
from app.core.states import OrderState, Reason
from app.orders.journal import KINDS, tell
from app.orders.reasons import (
    Place,
    alert_choices,
    alert_words,
    explain,
    explain_several,
    phrase,
    reason_choices,
)

PLACE = Place(7, "SiteGiant", 9)
CODES = sorted(
    {
        error.code
        for error in [*vars(errors).values(), *vars(http).values()]
        if isinstance(error, type) and issubclass(error, errors.ChannelError)
    }
    - {errors.ChannelError.code, errors.Rejected.code}
    - {errors.BadSignature.code}  # said to who calls us, never of an order or a job
)


@pytest.fixture(autouse=True)
def page(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        g.store = SimpleNamespace(slug="penang", time_zone="Asia/Kuala_Lumpur", language="en")
        yield


@pytest.mark.parametrize("code", [*Reason, *CODES])
def test_every_code_has_words_without_facts_too(code: str) -> None:
    why = explain(code, None, PLACE)
    several = explain_several(code, {}, PLACE)
    assert why is not None
    for text in (why.short, why.words, why.advice, several.words):
        assert "%(" not in text
    assert why.words
    assert why.short[0].isupper()
    assert not phrase(code)[0].isupper()
    assert "does not know" not in why.words or code == Reason.ORDER_MISSING, "the table lacks this code"


def test_no_code_has_no_words() -> None:
    assert explain(None, {}, PLACE) is None
    assert explain("", {}, PLACE) is None


def test_code_of_tomorrow_is_shown_by_its_name() -> None:
    why = explain("SOLAR_FLARE", {}, PLACE)
    assert why is not None
    assert "SOLAR_FLARE" in why.words


def test_facts_are_written_as_money() -> None:
    detail = {"currency": "VND", "charged": 120000, "added_up": 100000, "difference": 20000}
    why = explain(Reason.TOTAL_MISMATCH, detail, PLACE)
    assert why is not None
    assert "120,000" in why.words
    assert "+₫20,000" in why.words.replace("\u00a0", "")


def test_percent_sign_from_outside_is_harmless() -> None:
    why = explain(Reason.GATEWAY_UNMAPPED, {"gateway": "100% %(channel)s %s"}, PLACE)
    assert why is not None
    assert "100% %(channel)s %s" in why.words


@pytest.mark.parametrize("state", list[StrEnum](OrderState))
def test_states_have_words_for_counts_in_either_case(state: StrEnum) -> None:
    assert phrase(state.value) == phrase(state.value.upper()) != phrase("SOLAR_FLARE")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_a_sentence_without_facts_too(kind: str) -> None:
    told = tell(kind, None, PLACE, "MYR")
    assert told.title
    assert "%(" not in told.title


def test_change_of_a_total_is_told_in_money() -> None:
    told = tell("changed", {"total": [3990, 4100]}, PLACE, "MYR")
    assert told.lines == ("Total: RM\u00a039.90 → RM\u00a041.00",)


def test_change_that_shows_in_no_fact_is_told() -> None:
    assert "Something else" in tell("changed", {}, PLACE, "MYR").lines[0]


def test_kind_of_tomorrow_is_shown_by_its_name() -> None:
    assert tell("100%_new", {}, PLACE, "MYR").title == "100% new"


def test_choices_for_filters_are_in_words() -> None:
    assert ("GATEWAY_UNMAPPED", "Payment method missing") in reason_choices()
    assert {code for code, _words in alert_choices()} >= {"CANCELLED", "REFUNDED", "CHANGED_AFTER_BOOKING"}


def test_unknown_alert_is_still_an_alert() -> None:
    assert "SiteGiant" in alert_words("SOMETHING", "SiteGiant")
