"""Money, numbers and times, by language and in the store's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask, render_template_string

from app.web import filters
from tests.web.conftest import Speak

NBSP = "\u00a0"
BEFORE_MIDNIGHT_UTC = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)  # half past midnight in Kuala Lumpur


@pytest.mark.parametrize(
    ("language", "minor", "currency", "text"),
    [
        ("en", 3990, "MYR", "RM 39.90"),
        ("en", 0, "MYR", "RM 0.00"),
        ("en", -3990, "MYR", "−RM 39.90"),
        ("en", 123456789, "MYR", "RM 1,234,567.89"),
        ("en", 1234567, "VND", "₫1,234,567"),
        ("en", 1500, "KWD", "KWD 1.500"),
        ("en", 10**15 + 1, "MYR", "RM 10,000,000,000,000.01"),
        ("ms", 3990, "MYR", "RM 39.90"),
        ("vi", 1234567, "VND", "1.234.567 ₫"),
        ("vi", 3990, "MYR", "39,90 RM"),
        ("zh", 3990, "MYR", "RM 39.90"),
    ],
)
def test_money_follows_the_language_and_keeps_every_cent(
    speak: Speak, language: str, minor: int, currency: str, text: str
) -> None:
    speak(language)
    assert filters.money(minor, currency) == text.replace(" ", NBSP)


def test_difference_has_its_sign_and_zero_has_none(speak: Speak) -> None:
    speak("en")
    assert filters.signed_money(150, "MYR") == f"+RM{NBSP}1.50"
    assert filters.signed_money(-150, "MYR") == f"−RM{NBSP}1.50"
    assert filters.signed_money(0, "MYR") == f"RM{NBSP}0.00"


def test_numbers_are_grouped(speak: Speak) -> None:
    speak("vi")
    assert filters.number(12480) == "12.480"
    assert filters.number(0) == "0"
    assert filters.quantity(Decimal("2.50")) == "2,5"
    assert filters.quantity(Decimal("3.000")) == "3"


def test_counted_words_group_their_number_too(site: Flask) -> None:
    words = "{{ ngettext('%(num)s order of %(shop)s', '%(num)s orders of %(shop)s', count, shop='<b>') }}"
    with site.test_request_context("/"):
        assert render_template_string(words, count=8400) == "8,400 orders of &lt;b&gt;"
        assert render_template_string(words, count=1) == "1 order of &lt;b&gt;"


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(0, 0, "0%"), (1, 3, "33%"), (9999, 10000, "99%"), (10000, 10000, "100%")]
)
def test_hundred_percent_means_all(speak: Speak, part: int, whole: int, text: str) -> None:
    speak("en")
    assert filters.percent(part, whole) == text


def test_store_zone_decides_the_day(speak: Speak) -> None:
    speak("en")
    assert filters.day(BEFORE_MIDNIGHT_UTC) == "22 Nov 2026"
    assert filters.day(date(2026, 11, 21)) == "21 Nov 2026"
    assert filters.moment(BEFORE_MIDNIGHT_UTC).startswith("22 Nov 2026, 12:30")
    assert filters.zone_name(BEFORE_MIDNIGHT_UTC) == "GMT+8"


def test_day_outside_a_store_is_utc(site: Flask) -> None:
    with site.test_request_context("/"):
        assert filters.day(BEFORE_MIDNIGHT_UTC) == "21 Nov 2026"
        assert filters.zone_name(BEFORE_MIDNIGHT_UTC) == "GMT"


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=5), "5 minutes ago"),
        (timedelta(minutes=-5), "in 5 minutes"),
        (timedelta(hours=22), "22 hours ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_ago_has_the_exact_time_with_it(speak: Speak, passed: timedelta, words: str) -> None:
    speak("en")
    element = filters.ago(BEFORE_MIDNIGHT_UTC, BEFORE_MIDNIGHT_UTC + passed)
    assert element.endswith(f">{words}</time>")
    assert '<time datetime="2026-11-21T16:30:00+00:00" title="22 Nov 2026, 12:30' in element
    assert 'GMT+8"' in element


def test_ago_speaks_the_language(speak: Speak) -> None:
    speak("vi")
    assert ">5 phút trước</time>" in filters.ago(BEFORE_MIDNIGHT_UTC, BEFORE_MIDNIGHT_UTC + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "under a second"),
        (0.4, "under a second"),
        (1, "1 sec"),
        (200, "3 mins 20 secs"),
        (3600, "1 hr"),
        (3605, "1 hr"),
        (90000, "1 day 1 hr"),
        (-5, "under a second"),
    ],
)
def test_duration_has_two_units_at_most(speak: Speak, seconds: float, text: str) -> None:
    speak("en")
    assert filters.duration(seconds) == text.replace(" ", NBSP)


@pytest.mark.parametrize(("language", "name"), [("en", "en"), ("zh_Hant", "zh-Hant")])
def test_page_names_its_language(speak: Speak, language: str, name: str) -> None:
    speak(language)
    assert filters.page_language() == name


@pytest.mark.parametrize(
    ("language", "at", "place"),
    [
        ("en", "22 Nov 2026, 12:30 am", "Kuala Lumpur"),
        ("ms", "22 Nov 2026, 12:30 PG", "Kuala Lumpur"),
        ("vi", "00:30 22 thg 11, 2026", "Kuala Lumpur"),
        ("zh", "2026年11月22日 00:30", "吉隆坡"),
    ],
)
def test_each_language_has_its_own_moments_and_places(speak: Speak, language: str, at: str, place: str) -> None:
    speak(language)
    assert filters.moment(BEFORE_MIDNIGHT_UTC).replace("\u202f", " ") == at
    assert filters.zone_place("Asia/Kuala_Lumpur") == place


@pytest.mark.parametrize(("remote_id", "known"), [("4711", "4711"), ("SO-1", "SO-1"), ("orders/17", ""), ("", "")])
def test_an_address_is_no_id_that_people_know(remote_id: str, known: str) -> None:
    assert filters.known_id(remote_id) == known
