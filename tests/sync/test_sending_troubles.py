"""Writes that cannot be sent: the job says so, a refused key pauses the channel, and nothing is tried in a frenzy."""

from __future__ import annotations

from typing import Any

import pytest

from app.connectors.sitegiant import SiteGiant
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant


@pytest.fixture
def pressed(merchant: Merchant) -> Merchant:
    """Three orders for which *Sync* was pressed; no job has run yet."""
    merchant.shop.add(*[an_order(order_id=number) for number in (1, 2, 3)])
    merchant.connect()
    merchant.check()
    merchant.press_sync()
    return merchant


def test_a_key_that_is_refused_while_sending_pauses_the_channel(pressed: Merchant) -> None:
    pressed.shop.fault("bad_token")
    for _try in range(3):
        pressed.work()
        pressed.hurry()
    assert pressed.rows("select status, paused_reason from channels") == [("paused", "AUTH_EXPIRED")]
    assert pressed.job().state in ("failed", "partly")
    assert pressed.job().problem == "AUTH_EXPIRED"


def test_a_job_that_could_not_send_comes_back_and_never_counts_as_succeeded_before(pressed: Merchant) -> None:
    pressed.shop.fault("server_error", route="write", times=3)
    for _try in range(3):
        pressed.work()
        assert pressed.job().state == "queued"
        assert pressed.scalar("select max(c.not_before) <= max(j.not_before) from changes c, sync_jobs j")
        pressed.hurry()
    pressed.work()
    assert pressed.job().state == "succeeded"
    assert len(pressed.written()) == 3


def test_a_channel_that_takes_no_writes_ends_the_job_in_words(pressed: Merchant) -> None:
    pressed.shop.fault("server_error", route="write")
    for _try in range(10):
        pressed.work()
        pressed.hurry()
    assert (pressed.job().state, pressed.job().problem) == ("partly", "SOURCE_DOWN")
    assert pressed.rows("select distinct state from changes") == [("planned",)]


def test_our_own_mistake_while_sending_is_not_repeated_every_second(
    pressed: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_arguments: Any) -> Any:
        raise KeyError("ours")

    monkeypatch.setattr(SiteGiant, "write_invoice_numbers", mistaken)
    for _round in range(3):
        pressed.work()
        pressed.tick()
    assert pressed.rows("select kind, state, problem from sync_jobs where kind <> 'check'") == [
        ("sync", "failed", "INTERNAL")
    ]
    monkeypatch.undo()
    pressed.hurry()
    pressed.execute("update changes set claimed_at = now() - interval '1 hour'")
    pressed.tick()
    pressed.work()
    assert len(pressed.written()) == 3
