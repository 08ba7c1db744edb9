"""Failed Sync's buttons over HTTP: for the owner, for those who may only look, and without JavaScript."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask import g
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from app.sync.problems import problems
from app.tenancy.scope import current_store, store_scope
from tests.orders.conftest import HTMX
from tests.orders.factories import Books, SomeChannel, statements
from tests.support.factories import SomeStore

NBSP = "\u00a0"
WORDS = "test orders of the shop"


def rows(books: Books, sql: str, **values: Any) -> list[Any]:
    with books.scope():
        return [tuple(row) for row in db.session.execute(text(sql), values)]


def execute(books: Books, sql: str, **values: Any) -> None:
    with books.scope():
        db.session.execute(text(sql), values)
        db.session.commit()


@pytest.fixture
def held(books: Books, channel: SomeChannel) -> list[int]:
    return books.orders(channel, [{"state": "held", "reason": "NO_LINES", "total": 1000 + n} for n in range(3)])


@pytest.fixture
def url(store: SomeStore, channel: SomeChannel) -> str:
    return store.url(f"/failed/{channel.id}/orders/NO_LINES")


def test_a_cause_lists_its_orders_with_their_buttons(owner: FlaskClient, url: str, held: list[int]) -> None:
    page = owner.get(url).text
    assert page.count(">Retry<") == 3
    assert page.count("Ignore…") == 3
    assert "Retry all" in page


def test_a_cause_is_shown_page_by_page(owner: FlaskClient, url: str, held: list[int]) -> None:
    first = unescape(owner.get(f"{url}?limit=2").text)
    assert first.count(">Retry<") == 2
    following = re.search(r'href="([^"]*after=[^"]*)"', first)
    assert following
    assert owner.get(following[1]).text.count(">Retry<") == 1


@pytest.mark.parametrize("kind", ["write_backs", "unreadable", "alerts"])
def test_every_kind_of_cause_is_shown_page_by_page(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, kind: str
) -> None:
    for number in range(3):
        if kind == "unreadable":
            books.unread(channel, f"60{number}", "no date", {})
            continue
        order = books.order(channel)
        invoice = books.invoice(order)
        if kind == "alerts":
            books.set(order, alert="BAD_PAYLOAD")
        else:
            books.change(order, invoice, "blocked", reason="BAD_PAYLOAD")
    url: str | None = store.url(f"/failed/{channel.id}/{kind}/BAD_PAYLOAD?limit=2")
    seen = set()
    while url:
        page = unescape(owner.get(url).text)
        seen |= set(re.findall(r'<tr id="(failed-[0-9a-f]{8})"', page))
        found = re.search(r'href="([^"]*after=[^"]*)"', page)
        url = found[1] if found else None
    assert len(seen) == 3


def test_retry_all_starts_one_job_and_says_so(
    owner: FlaskClient, store: SomeStore, books: Books, url: str, held: list[int]
) -> None:
    for _press in range(2):
        answer = owner.post(f"{url}/retry", data={"next": store.url("/failed")})
        assert (answer.status_code, answer.location) == (303, store.url("/failed"))
    assert "3 orders are tried again." in owner.get(store.url("/failed")).text
    assert rows(books, "select kind, count(*) from sync_jobs group by kind") == [("retry", 1)]
    page = owner.get(url).text
    assert page.count("Being tried again") == 3
    assert ">Retry<" not in page


def test_retry_of_one_row_swaps_that_row_alone(owner: FlaskClient, books: Books, url: str, held: list[int]) -> None:
    answer = owner.post(f"{url}/retry", data={"row": held[0], "next": url}, headers=HTMX).text
    assert answer.count("<tr id=") == 1
    assert "Being tried again" in answer
    assert "One order is tried again." in answer
    assert rows(books, "select count(*) from seen_orders where wanted_at is not null") == [(1,)]


def test_retry_of_a_row_that_moved_on_says_so(owner: FlaskClient, books: Books, url: str, held: list[int]) -> None:
    books.set(held[0], state="ready", reason=None)
    assert "It was settled meanwhile." in owner.post(f"{url}/retry", data={"row": held[0]}, follow_redirects=True).text
    assert rows(books, "select count(*) from sync_jobs") == [(0,)]


def test_retry_on_a_paused_channel_says_what_to_do(owner: FlaskClient, books: Books, url: str, held: list[int]) -> None:
    execute(books, "update channels set status = 'paused'")
    page = owner.post(f"{url}/retry", follow_redirects=True).text
    assert "is paused. Let it go on first." in page
    assert rows(books, "select count(*) from sync_jobs") == [(0,)]


def test_ignoring_asks_how_many_how_much_and_why(
    owner: FlaskClient, store: SomeStore, books: Books, url: str, held: list[int]
) -> None:
    page = owner.get(f"{url}/ignore?next={store.url('/failed')}").text.replace(NBSP, " ")
    assert "3 orders, together RM 30.03" in page
    refused = owner.post(f"{url}/ignore", data={"words": " "})
    assert refused.status_code == 422
    assert "Say why in a few words" in refused.text
    assert rows(books, "select distinct state from orders") == [("held",)]
    done = owner.post(f"{url}/ignore", data={"words": WORDS, "next": store.url("/failed")}, follow_redirects=True)
    assert "3 orders are ignored." in done.text
    assert rows(books, "select distinct state, reason from orders") == [("closed", "IGNORED")]
    assert "Nothing needs you" in owner.get(store.url("/failed")).text


def test_one_row_is_ignored_and_taken_back(
    owner: FlaskClient, store: SomeStore, books: Books, url: str, held: list[int]
) -> None:
    back = url.replace("/orders/NO_LINES", "/take-back")
    assert "RM 10.01" in owner.get(f"{url}/ignore?row={held[1]}").text.replace(NBSP, " ")
    owner.post(f"{url}/ignore", data={"words": WORDS, "row": held[1]})
    assert rows(books, "select id from orders where reason = 'IGNORED'") == [(held[1],)]
    page = owner.get(store.url("/failed/ignored")).text
    assert f"“{WORDS}”" in page
    assert "by " + store.owner.name in page
    form = {"kind": "orders", "was": "NO_LINES", "words": WORDS, "row": held[1]}
    answer = owner.post(back, data=form, follow_redirects=True)
    assert "One order is taken back." in answer.text
    assert rows(books, "select count(*) from orders where reason = 'IGNORED'") == [(0,)]
    again = owner.post(back, data=form, follow_redirects=True)
    assert "It was taken back meanwhile." in again.text


@pytest.mark.usefixtures("held")
def test_all_that_was_ignored_for_the_same_words_is_taken_back_at_once(owner: FlaskClient, url: str) -> None:
    owner.post(f"{url}/ignore", data={"words": WORDS})
    form = {"kind": "orders", "was": "NO_LINES", "words": WORDS}
    page = owner.post(url.replace("/orders/NO_LINES", "/take-back"), data=form, follow_redirects=True).text
    assert "3 orders are taken back." in page
    assert "Nothing is ignored" in page


@pytest.mark.parametrize("row", ["0", "-1", "abc", "99999999999999999999", "9223372036854775807", "é", "\0"])
def test_rows_that_cannot_be_are_as_rows_that_are_gone(
    owner: FlaskClient, books: Books, url: str, held: list[int], row: str
) -> None:
    for act in ("retry", "ignore"):
        answer = owner.post(f"{url}/{act}", data={"row": row, "words": WORDS})
        assert answer.status_code in (303, 422)
    assert owner.get(f"{url}/live?row={row}", headers=HTMX).status_code == 200
    assert rows(books, "select distinct state from orders") == [("held",)]


@pytest.mark.parametrize("path", ["orders/no_such", "orders/X", "nothing/NO_LINES", "orders/" + "A" * 50])
def test_causes_that_cannot_be_are_not_found(
    owner: FlaskClient, store: SomeStore, channel: SomeChannel, path: str
) -> None:
    assert owner.get(store.url(f"/failed/{channel.id}/{path}")).status_code == 404


def test_who_may_only_look_sees_no_buttons_and_cannot_press(
    reader: FlaskClient, books: Books, url: str, held: list[int]
) -> None:
    page = reader.get(url).text
    assert ">Retry<" not in page
    assert "Ignore" not in page
    for act in ("retry", "ignore"):
        assert reader.post(f"{url}/{act}", data={"words": WORDS}).status_code == 403
    assert rows(books, "select distinct state from orders") == [("held",)]


def test_strangers_find_nothing(stranger: FlaskClient, url: str, held: list[int]) -> None:
    assert stranger.get(url).status_code == 404
    assert stranger.post(f"{url}/retry").status_code == 404


def test_gateways_of_a_channel_stand_under_one_card_and_lead_to_their_rows(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    ids = {name: books.gateway(channel, name) for name in ("GrabPay", "Boost")}
    for name in ("GrabPay", "GrabPay", "Boost"):
        books.order(channel, state="held", reason="GATEWAY_UNMAPPED", gateway=name)
    page = owner.get(store.url("/failed")).text.replace(NBSP, " ")
    assert page.count(">Payment method missing<") == 1
    cause = store.url(f"/failed/{channel.id}/orders/GATEWAY_UNMAPPED")
    for name, many in (("GrabPay", "2 orders"), ("Boost", "1 order")):
        assert f'href="{cause}?gateway={name.lower()}">{name}: {many}</a>' in page
        assert store.url(f"/channels/{channel.id}/payments#gateway-{ids[name]}") in page
    only = owner.get(f"{cause}?gateway=boost").text.replace(NBSP, " ")
    assert only.count(">Retry<") == 1
    assert "“Boost” has no payment method yet." in only
    owner.post(f"{cause}/retry", data={"gateway": "boost"})
    assert rows(books, "select count(*) from seen_orders where wanted_at is not null") == [(1,)]


def test_live_part_brings_counts_alone_while_the_causes_stay_the_same(
    owner: FlaskClient, store: SomeStore, books: Books, url: str, held: list[int]
) -> None:
    page = unescape(owner.get(store.url("/failed")).text)
    live = re.search(r'id="causes-watch" hx-get="([^"]+)"', page)
    assert live
    books.set(held[0], state="ready", reason=None)
    part = owner.get(live[1], headers=HTMX).text
    assert "2 orders" in part
    assert "<form" not in part
    assert 'id="count-orders-failed" hx-swap-oob' in part
    assert part.count('-size" hx-swap-oob="true"') == 1
    books.set(held[1], reason="TOTAL_MISMATCH")
    more = owner.get(live[1], headers=HTMX).text
    assert more.count('class="card cause"') == 2
    assert '-size" hx-swap-oob' not in more, "a part within a swapped part would be torn out of it"
    for order in held[1:]:
        books.set(order, state="ready", reason=None)
    gone = owner.get(live[1], headers=HTMX).text
    assert '<div id="causes" class="causes" hx-swap-oob="true"' in gone
    assert "Nothing needs you" in gone


def test_live_rows_are_those_that_changed(owner: FlaskClient, books: Books, url: str, held: list[int]) -> None:
    live = re.search(r'id="failed-watch" hx-get="([^"]+)"', unescape(owner.get(url).text))
    assert live
    assert "<tr" not in owner.get(live[1], headers=HTMX).text
    books.set(held[2], state="queued", reason=None)
    part = owner.get(live[1], headers=HTMX).text
    assert part.count("<tr id=") == 1
    assert "Sync requested" in part
    assert f"row={held[2]}" in part, "it is on its way, and the page follows it"
    books.set(held[2], state="booked")
    rested = owner.get(live[1], headers=HTMX).text
    assert "Invoiced" in rested
    assert f"row={held[2]}" not in rested


def test_a_paused_channel_is_a_card_with_reconnect_on_top(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, held: list[int]
) -> None:
    execute(books, "update channels set status = 'paused', paused_reason = 'AUTH_EXPIRED'")
    books.orders(channel, [{"total": 5000}] * 2)
    page = owner.get(store.url("/failed")).text.replace(NBSP, " ")
    assert page.index("Key not accepted") < page.index("No items")
    assert store.url(f"/channels/{channel.id}/reconnect") in page
    assert "2 orders are ready and cannot go on" in page
    assert "RM 100.00" in page


def test_a_job_that_stopped_for_good_is_a_card_until_one_works_again(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    job = (
        "insert into sync_jobs (store_id, channel_id, kind, state, problem, problem_detail, finished_at) "
        "values (:store, :channel, 'auto', :state, :problem, cast(:detail as jsonb), now())"
    )
    values = {"store": store.id, "channel": channel.id, "state": "failed", "problem": "INTERNAL"}
    execute(books, job, **values, detail='{"message": "Our mistake.", "reference": "ab12"}')
    page = owner.get(store.url("/failed")).text
    assert "Auto Sync stopped" in page
    assert "ab12" in page
    assert "Try again" in page
    execute(books, job, **values | {"state": "succeeded", "problem": None}, detail="{}")
    assert "Nothing needs you" in owner.get(store.url("/failed")).text


def test_what_the_channel_said_is_folded_away(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    detail = {"words": "Field <b>locked</b>", "reference": "r-77"}
    books.change(order, books.invoice(order), "blocked", reason="WRITEBACK_FAILED", reason_detail=detail)
    page = owner.get(store.url("/failed")).text
    assert "Field &lt;b&gt;locked&lt;/b&gt; Reference r-77" in page
    assert "<details" in page


def test_orders_of_a_closed_month_are_dated_after_a_question(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    execute(books, "update stores set closed_through = '2026-11-30'")
    order = books.order(channel, state="held", reason="PERIOD_LOCKED")
    books.line(order)
    page = owner.get(store.url("/failed")).text
    date_url = store.url(f"/failed/{channel.id}/date")
    assert date_url in page
    assert "Date them 1 Dec 2026" in page
    question = owner.get(date_url).text.replace(NBSP, " ")
    assert "1 order, together RM 39.90" in question
    assert "dated 1 Dec 2026, the first day that is open" in question
    stale = owner.post(date_url, data={"day": "2026-11-01"}).text
    assert "Date on 1 Dec 2026?" in stale
    owner.post(date_url, data={"day": "2026-12-01"})
    assert rows(books, "select state, book_on::text from orders") == [("ready", "2026-12-01")]


def test_same_sale_shows_both_and_books_only_what_was_compared(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    booked = books.order(books.channel("Direct"), number="FIRST-1", sale_key="k")
    books.invoice(booked, number_text="INV77777")
    held = books.order(
        channel,
        number="SECOND-2",
        state="held",
        reason="DUPLICATE_SUSPECTED",
        reason_detail={"order_id": booked, "number": "FIRST-1"},
        sale_key="k",
    )
    for order in (booked, held):
        books.line(order)
    url = store.url(f"/orders/{held}/same-sale")
    assert url in owner.get(store.url(f"/orders/{held}")).text
    assert url in owner.get(store.url(f"/orders/{booked}")).text
    assert url in owner.get(store.url(f"/failed/{channel.id}/orders/DUPLICATE_SUSPECTED")).text
    page = owner.get(url).text
    assert all(word in page for word in ("FIRST-1", "SECOND-2", "INV77777", "Direct", "Kopi"))
    assert f"row={held}" in page
    refused = owner.post(url)
    assert refused.status_code == 422
    assert "Compare the two orders" in refused.text
    answer = owner.post(url, data={"compared": "y"}, follow_redirects=True)
    assert "Said to be two sales." in answer.text
    assert rows(books, "select state, not_same_sale from orders where id = :id", id=held) == [("ready", True)]
    assert "It does not wait for this any more." in owner.get(url, follow_redirects=True).text


def test_delivery_orders_are_set_to_none_and_the_sync_is_done(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    execute(books, "update stores set auto_delivery_order = 'on_save'")
    first, second = books.orders(channel, [{}] * 2)
    listed = owner.get(store.url("/orders")).text
    assert "Set Auto-generate D.O. to None" in listed
    assert "Sync all" not in listed.partition("orders-table")[0]
    refused = owner.post(store.url("/orders/sync"), data={"order_id": first}, follow_redirects=True).text
    assert f'name="ids" value="{first}"' in refused
    answer = owner.post(store.url("/delivery-orders/none"), data={"ids": str(first)}, follow_redirects=True)
    assert "Auto-generate D.O. is None now." in answer.text
    assert rows(books, "select auto_delivery_order from stores where id = :id", id=store.id) == [("none",)]
    assert rows(books, "select id from orders where state = 'queued'") == [(first,)]
    owner.post(store.url("/delivery-orders/none"), data={"all": "1", "filter": ""})
    assert rows(books, "select count(*) from orders where state = 'queued'") == [(2,)]
    assert second


def test_only_an_owner_may_set_delivery_orders_to_none(
    reader: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    execute(books, "update stores set auto_delivery_order = 'on_save'")
    books.order(channel)
    assert "Set Auto-generate D.O. to None</span>" not in reader.get(store.url("/orders")).text
    assert reader.post(store.url("/delivery-orders/none")).status_code == 403
    assert rows(books, "select auto_delivery_order from stores where id = :id", id=store.id) == [("on_save",)]


def test_a_job_that_stopped_for_delivery_orders_offers_the_button(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    execute(books, "update stores set auto_delivery_order = 'on_save'")
    execute(
        books,
        "insert into sync_jobs (store_id, channel_id, kind, state, problem, finished_at) "
        "values (:store, :channel, 'auto', 'failed', 'AUTO_DO_ENABLED', now())",
        store=store.id,
        channel=channel.id,
    )
    ((job_id,),) = rows(books, "select id from sync_jobs")
    for path in (f"/jobs/{job_id}", "/failed"):
        page = owner.get(store.url(path)).text
        assert "Set Auto-generate D.O. to None" in page
        assert f'name="job" value="{job_id}"' in page
    answer = owner.post(store.url("/delivery-orders/none"), data={"job": job_id})
    assert answer.status_code == 303
    assert rows(books, "select kind, state from sync_jobs order by id") == [("auto", "failed"), ("auto", "queued")]


def test_a_channels_own_failed_sync_leads_back_to_itself(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.order(channel, state="held", reason="NO_LINES")
    here = store.url(f"/channels/{channel.id}/failed")
    assert f'name="next" value="{here}"' in owner.get(here).text
    live = re.search(r'id="causes-watch" hx-get="([^"]+)"', unescape(owner.get(here).text))
    assert live
    other = books.order(books.channel("Second"), state="held", reason="TOTAL_MISMATCH")
    assert "TOTAL_MISMATCH" not in owner.get(live[1], headers=HTMX).text
    assert other


def test_a_retry_says_what_it_does(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, held: list[int]
) -> None:
    execute(
        books,
        "insert into sync_jobs (store_id, channel_id, kind, state, phase, counts, done, total, lease_until, "
        "started_at, phase_started_at) values (:store, :channel, 'retry', 'running', 'reread', "
        """'{"reread": 2}', 2, 3, now() + interval '1 minute', now(), now())""",
        store=store.id,
        channel=channel.id,
    )
    ((job_id,),) = rows(books, "select id from sync_jobs")
    page = owner.get(store.url(f"/jobs/{job_id}")).text
    assert "Reads these orders of SiteGiant again." in page
    assert "2 of 3" in page
    assert store.url(f"/jobs/{job_id}") in owner.get(store.url("/failed")).text
    assert len(held) == 3


def test_number_of_causes_does_not_change_what_the_page_costs(
    store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    def cost() -> int:
        with books.app.test_request_context("/"), store_scope(store.id), statements() as seen:
            g.store = current_store()
            problems()
        return len([one for one in seen if "set_config" not in one])

    books.order(channel, state="held", reason="NO_LINES")
    one = cost()
    for reason in ("TOTAL_MISMATCH", "ON_HOLD", "STATUS_UNKNOWN"):
        books.order(books.channel(reason), state="held", reason=reason)
    assert cost() == one
