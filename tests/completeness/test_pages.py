"""The completeness pages: what they say, what leads where, and what can be pressed."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.completeness.verifying import deviations, last, lose, press_verify, verify
from tests.orders.factories import Books
from tests.sandbox.running import an_order
from tests.support.factories import signed_in
from tests.support.fixtures import new_client
from tests.sync.merchant import Merchant

HTMX = {"HX-Request": "true"}


@pytest.fixture
def books(merchant: Merchant) -> Merchant:
    """Twelve paid orders of 42.00 and one of 10 sen less, booked but the last."""
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 13)], an_order(order_id=13, total="41.90"))
    merchant.connect()
    merchant.check()
    merchant.sync()
    merchant.execute("update channels set checked_at = now() + interval '1 minute'")
    return merchant


@pytest.fixture
def owner(books: Merchant) -> FlaskClient:
    return signed_in(new_client(books.app), books.store.owner)


@pytest.fixture
def reader(books: Merchant) -> FlaskClient:
    return signed_in(new_client(books.app), books.store.reader)


def page(client: FlaskClient, books: Merchant, path: str = "/verify", **given: Any) -> str:
    answer = client.get(books.store.url(path), **given)
    assert answer.status_code == 200, answer.text
    return answer.text.replace("\u00a0", " ")


def of_last(books: Merchant, more: str = "") -> str:
    return f"/verify/{last(books).id}{more}"


def test_before_anything_was_verified_the_page_offers_it(books: Merchant, owner: FlaskClient) -> None:
    html = page(owner, books)
    assert "It was not verified yet." in html
    assert "Verify now" in html
    assert "What was verified" not in html


def test_a_store_without_channels_is_told_what_to_do(other_store: Any, app: Any) -> None:
    client = signed_in(new_client(app), other_store.owner)
    assert "Nothing is connected yet" in client.get(other_store.url("/verify")).text


def test_what_agrees_is_said_in_one_sentence(books: Merchant, owner: FlaskClient) -> None:
    verify(books, until=date(2026, 11, 20))
    assert "All 13 orders from 1 Oct 2026 to 20 Nov 2026 are in, to the cent." in page(owner, books)
    html = page(owner, books, of_last(books))
    assert "RM 545.90" in html
    assert "total differs" in html.lower()
    assert "reason=TOTAL_MISMATCH" in html
    assert "Mend" not in html


def test_what_differs_is_said_with_its_amount(books: Merchant, owner: FlaskClient) -> None:
    lose(books, "7", "8")
    books.execute("update orders set total = total - 400 where remote_id = '9'")
    verify(books, until=date(2026, 11, 20))
    html = page(owner, books, of_last(books))
    assert "2 orders are missing (+RM 84.00), 1 order differs (+RM 4.00), of 13" in html
    assert "Mend all 3" in html
    assert "Bring in" in html
    assert "not in" in html
    only_missing = page(owner, books, of_last(books, "?group=missing&day=2026-11-20"))
    assert only_missing.count("Bring in") == 2
    assert "Look again" not in only_missing
    assert f"/orders/{deviations(books)[-1].order_id}" in html or "/orders/" in html


def test_pressing_verify_starts_a_job_and_the_form_chooses_the_days(books: Merchant, owner: FlaskClient) -> None:
    answer = owner.post(books.store.url(f"/channels/{books.channel_id}/verify"))
    assert answer.status_code == 303
    job = books.job()
    assert answer.location.endswith(f"/jobs/{job.id}")
    assert (job.kind, job.requested_by) == ("verify", books.store.owner.id)
    books.work()
    assert last(books).since == date(2026, 10, 1)
    prefix = f"channel-{books.channel_id}-"
    days = {f"{prefix}since": "2026-11-19", f"{prefix}until": "2026-11-20"}
    owner.post(books.store.url(f"/channels/{books.channel_id}/verify"), data=days)
    books.work()
    assert (last(books).since, last(books).until) == (date(2026, 11, 19), date(2026, 11, 20))


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [
        ("2026-11-20", "2026-11-19", "comes before"),
        ("2025-01-01", "2026-11-19", "from 2026-01-01 on"),
        ("soon", "2026-11-19", "Write the day"),
        ("", "2026-11-19", "Choose the first day"),
        ("2099-01-01", "2099-01-02", "still to come"),
    ],
)
def test_senseless_days_are_refused_and_kept(
    books: Merchant, owner: FlaskClient, since: str, until: str, says: str
) -> None:
    prefix = f"channel-{books.channel_id}-"
    form = {f"{prefix}since": since, f"{prefix}until": until}
    for headers in ({}, HTMX):
        answer = owner.post(books.store.url(f"/channels/{books.channel_id}/verify"), data=form, headers=headers)
        assert answer.status_code == 422
        assert says in answer.text
        assert f'value="{until}"' in answer.text
    assert books.scalar("select count(*) from sync_jobs where kind = 'verify'") == 0


def test_a_running_verification_shows_its_progress(books: Merchant, owner: FlaskClient) -> None:
    job_id = press_verify(books)
    books.run_steps(job_id, 3)
    html = page(owner, books)
    assert "reading orders to compare them" in html or "asking what there is" in html
    running = page(owner, books, of_last(books))
    assert "It is being compared now." in running
    assert "every 3s" in running
    job = page(owner, books, f"/jobs/{job_id}")
    assert "Verify" in job
    assert owner.get(books.store.url(f"/verify/of-job/{job_id}")).location.endswith(of_last(books))


def test_a_finished_job_leads_to_what_it_found(books: Merchant, owner: FlaskClient) -> None:
    lose(books, "7")
    verify(books)
    html = page(owner, books, f"/jobs/{books.job().id}")
    assert "Missing here" in html
    assert f"/verify/of-job/{books.job().id}" in html
    assert "Everything was compared; not all is the same." in html


def test_a_press_mends_without_javascript(books: Merchant, owner: FlaskClient) -> None:
    lose(books, "7")
    verify(books)
    answer = owner.post(books.store.url(of_last(books, "/mend")), data={"id": str(deviations(books)[0].id)})
    assert answer.status_code == 303
    assert answer.location.endswith(of_last(books))
    said = page(owner, books, of_last(books))
    assert "is asked again" in said
    assert "Being read again" in said
    books.work()
    mended = page(owner, books, of_last(books))
    assert "All of it was mended since" in mended
    assert "Bring in" not in mended
    again = owner.post(books.store.url(of_last(books, "/mend")), data={"all": "1"}, follow_redirects=True)
    assert "They are mended already" in again.text


def test_a_read_only_colleague_sees_it_all_and_presses_nothing(books: Merchant, reader: FlaskClient) -> None:
    lose(books, "7")
    verify(books)
    assert "Verify now" not in page(reader, books)
    html = page(reader, books, of_last(books))
    assert "Missing here" in html
    assert "Bring in" not in html
    assert reader.post(books.store.url(of_last(books, "/mend")), data={"all": "1"}).status_code == 403
    assert reader.post(books.store.url(f"/channels/{books.channel_id}/verify")).status_code == 403


def test_a_stranger_gets_404(books: Merchant, other_store: Any) -> None:
    verify(books)
    stranger = signed_in(new_client(books.app), other_store.owner)
    assert stranger.get(books.store.url(of_last(books))).status_code == 404
    assert stranger.get(other_store.url(of_last(books))).status_code == 404
    assert stranger.post(other_store.url(of_last(books, "/mend"))).status_code == 404


def test_a_paused_channel_says_so(books: Merchant, owner: FlaskClient) -> None:
    books.execute("update channels set status = 'paused'")
    answer = owner.post(books.store.url(f"/channels/{books.channel_id}/verify"), follow_redirects=True)
    assert "is paused. Let it go on first." in answer.text
    assert "Verify now" not in answer.text


@pytest.mark.parametrize(("status", "says"), [("paused", "is paused. Let it go on first."), ("removed", "was removed")])
def test_a_channel_that_cannot_be_asked_mends_nothing_and_says_why(
    books: Merchant, owner: FlaskClient, status: str, says: str
) -> None:
    lose(books, "7")
    verify(books)
    books.execute(f"update channels set status = '{status}'")
    answer = owner.post(books.store.url(of_last(books, "/mend")), data={"all": "1"}, follow_redirects=True)
    assert answer.status_code == 200
    assert says in answer.text


def test_both_tables_come_as_csv(books: Merchant, owner: FlaskClient) -> None:
    lose(books, "7")
    verify(books)
    days = list(csv.DictReader(io.StringIO(_csv(owner, books, "days"))))
    assert [(row["Day"], row["Orders on the channel"], row["Orders here"], row["Missing"]) for row in days] == [
        ("2026-11-20", "13", "12", "1")
    ]
    assert (days[0]["Difference"], days[0]["Invoiced"], days[0]["Paid, not invoiced"]) == ("42.00", "462.00", "1")
    found = list(csv.DictReader(io.StringIO(_csv(owner, books, "deviations"))))
    assert [(row["Order id on the channel"], row["What differs"], row["Difference"]) for row in found] == [
        ("7", "Missing here", "42.00")
    ]
    assert owner.get(books.store.url(of_last(books, "/nonsense.csv"))).status_code == 404


def _csv(client: FlaskClient, books: Merchant, what: str) -> str:
    answer = client.get(books.store.url(of_last(books, f"/{what}.csv")))
    assert answer.mimetype == "text/csv"
    return answer.text.removeprefix("\ufeff")


def test_the_print_view_holds_days_and_deviations(books: Merchant, owner: FlaskClient) -> None:
    lose(books, "7")
    verify(books)
    html = page(owner, books, of_last(books, "/print"))
    assert "1 order is missing" in html
    assert "Together" in html
    assert "Missing here" in html


def test_the_live_parts_redirect_when_opened_directly(books: Merchant, owner: FlaskClient) -> None:
    path = books.store.url(f"/verify/channel/{books.channel_id}")
    assert owner.get(path).status_code == 303
    assert "standing-" in owner.get(path, headers=HTMX).text
    verify(books)
    fragment = owner.get(books.store.url(of_last(books)), headers=HTMX).text
    assert fragment.startswith("<div") or "<html" not in fragment
    assert "<form" not in fragment, "a part that is swapped holds no form"


def test_absurd_ids_are_unknown(books: Merchant, owner: FlaskClient) -> None:
    for path in ("/verify/9223372036854775808", "/verify/0", "/verify/99999999", "/verify/channel/0"):
        assert owner.get(books.store.url(path)).status_code == 404
    verify(books)
    nonsense = {"id": ["x", "-1", "9" * 30, ""]}
    assert owner.post(books.store.url(of_last(books, "/mend")), data=nonsense).status_code == 303
    assert owner.get(books.store.url(of_last(books, "?day=x&group=all&after=zzz"))).status_code == 200


def test_the_channels_card_says_how_it_stands(books: Merchant, owner: FlaskClient) -> None:
    verify(books)
    html = page(owner, books, "/channels/")
    assert "Verified" in html
    assert of_last(books) in html


def test_home_calls_nothing_the_same_while_another_channel_was_not_looked_at(
    app: Flask, books: Merchant, owner: FlaskClient
) -> None:
    verify(books)
    Books(app, books.store).channel("Direct")
    assert "Held against the channel on" not in page(owner, books, "/")


def test_home_says_what_the_last_look_found(books: Merchant, owner: FlaskClient) -> None:
    verify(books)
    assert "Held against the channel on" in page(owner, books, "/")
    lose(books, "7")
    verify(books)
    html = page(owner, books, "/")
    assert "1 order differs from My shop." in html
    assert of_last(books) in html
