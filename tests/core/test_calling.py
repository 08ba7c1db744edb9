"""What is sent to endpoints, how it is signed, and when it is tried again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import calling
from app.core.calling import body_of, headers, is_given_up, new_secret, rest_seconds, signature, wait_seconds

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_signature_is_that_of_the_published_example() -> None:
    assert (
        signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@given(st.binary(max_size=200), st.integers(0, 2**33))
def test_another_body_id_time_or_secret_has_another_signature(body: bytes, at: int) -> None:
    right = signature(SECRET, "msg_1", at, body)
    others = (
        signature(SECRET, "msg_1", at, body + b" "),
        signature(SECRET, "msg_2", at, body),
        signature(SECRET, "msg_1", at + 1, body),
        signature(new_secret(), "msg_1", at, body),
    )
    assert right not in others


def test_while_the_secret_changes_both_sign() -> None:
    old, new = new_secret(), new_secret()
    sent = headers([new, old], "msg_1", NOW, b"{}")
    at = int(sent["webhook-timestamp"])
    assert sent["webhook-id"] == "msg_1"
    assert sent["webhook-signature"].split() == [signature(one, "msg_1", at, b"{}") for one in (new, old)]


def test_a_secret_is_long_and_never_the_same() -> None:
    assert new_secret() != new_secret()
    assert new_secret().startswith("whsec_")
    with pytest.raises(ValueError, match=r"."):
        signature("whsec_???", "msg_1", 0, b"")


def test_the_body_says_what_happened_with_amounts_as_people_write_them() -> None:
    data = {"number": "INV-7", "currency": "VND", "total": 120000, "order": {"number": "A1"}}
    body = body_of(message_id="msg_1", type_="invoice.issued", created_at=NOW, store="kedai", data=data)
    assert json.loads(body) == {
        "id": "msg_1",
        "type": "invoice.issued",
        "version": 1,
        "created_at": "2026-11-22T12:00:00+00:00",
        "store": "kedai",
        "data": {"number": "INV-7", "currency": "VND", "total": "120000", "order": {"number": "A1"}},
    }
    data = {"currency": "MYR", "total": 3990}
    body = body_of(message_id="msg_1", type_="order.held", created_at=NOW, store="kedai", data=data)
    assert json.loads(body)["data"]["total"] == "39.90"


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_grow_and_stay_within_bounds(attempts: int, roll: float) -> None:
    wait = wait_seconds(attempts, roll)
    assert 0 < wait <= calling.LONGEST_WAIT_SECONDS * 1.21
    assert wait_seconds(attempts + 1, roll) >= wait
    assert rest_seconds(attempts) <= calling.LONGEST_REST_SECONDS


@given(st.lists(st.floats(0, 1), min_size=60, max_size=60))
def test_a_message_is_tried_a_dozen_times_and_for_three_days_at_most(rolls: list[float]) -> None:
    at, tries = NOW, 0
    for roll in rolls:
        tries += 1
        next_at = at + timedelta(seconds=wait_seconds(tries, roll))
        if is_given_up(NOW, next_at):
            break
        at = next_at
    assert timedelta(days=2) < at - NOW <= calling.GIVE_UP_AFTER
    assert 12 <= tries <= 30
