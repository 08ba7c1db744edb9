"""The jobs' pages: each state in words, live parts that end, buttons that work without JavaScript."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from app.tenancy.models import Store
from tests.orders.factories import Books, SomeChannel, statements
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.sync.board import Board

HTMX = {"HX-Request": "true"}


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    return Books(app, store)


@pytest.fixture
def board(books: Books) -> Board:
    return Board(books)


@pytest.fixture
def channel(books: Books) -> SomeChannel:
    return books.channel("Shopee Penang")


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    return signed_in(new_client(app), store.owner)


@pytest.fixture
def reader(app: Flask, store: SomeStore) -> FlaskClient:
    return signed_in(new_client(app), store.reader)


def seen(client: FlaskClient, url: str, *, htmx: bool = False) -> str:
    """The page or fragment with its spaces made one, so that sentences can be looked for."""
    answer = client.get(url, headers=HTMX if htmx else {})
    assert answer.status_code == 200, answer.status
    return re.sub(r"\s+", " ", answer.text)


STOPPED = {"message": "SiteGiant does not accept this key.", "reference": "ab12cd34"}

STATES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "starting": ({}, ["Starts in a moment.", "Cancel"]),
    "no worker": ({"requested_at": -60}, ["Waits for a worker that is free.", "tell whoever runs this server"]),
    "turn": ({"requested_at": -60, "started_at": -50}, ["Lets other work pass for a moment"]),
    "put off": (
        {"not_before": 300, "problem": "SOURCE_DOWN", "problem_detail": {"message": "Error 500. Try again later."}},
        ["Shopee Penang did not answer. Next try at", "it is tried again by itself", "Try now", "Cancel"],
    ),
    "setting out": ({"state": "running", "lease_until": 10}, ["Asks Shopee Penang what there is."]),
    "running": (
        {"state": "running", "phase": "pull", "lease_until": 10, "phase_started_at": -10, "done": 500, "total": 1000},
        ["Reads the orders of Shopee Penang.", "500 of 1,000", "a second · about", "left", 'max="1000"', "Cancel"],
    ),
    "counting": ({"state": "running", "phase": "pull", "lease_until": 10}, ["Asks Shopee Penang what there is."]),
    "total unknown": (
        {"state": "running", "phase": "pull", "lease_until": 10, "phase_started_at": -10, "done": 500},
        ["500 so far", '<progress class="bar" aria-label'],
    ),
    "stopping": (
        {"state": "running", "phase": "pull", "lease_until": 10, "cancel_requested_at": -1},
        ["Stops after the page it is on."],
    ),
    "stalled": (
        {"state": "running", "phase": "pull", "lease_until": -5},
        ["Stalled", "Another one takes over by itself", "Cancel"],
    ),
    "nothing new": ({"state": "succeeded", "counts": {"listed": 7, "unchanged": 7}}, ["Everything is in; nothing"]),
    "succeeded": ({"state": "succeeded", "counts": {"listed": 7, "new": 7}}, ["Everything is done."]),
    "held": ({"state": "succeeded", "kind": "sync", "counts": {"held": 1}}, ["What was held waits"]),
    "nothing to do": ({"state": "succeeded", "kind": "sync"}, ["There was nothing to invoice."]),
    "partly": (
        {"state": "partly", "counts": {"unreadable": 2}},
        ["what is marked below", "Not understood", "Try again"],
    ),
    "failed": (
        {"state": "failed", "problem": "SOURCE_DOWN", "problem_detail": {"message": "Error 500."}},
        ["It could not do its work.", "Error 500.", "Try again when Shopee Penang answers.", "Try again"],
    ),
    "key refused": (
        {"state": "failed", "problem": "AUTH_EXPIRED", "problem_detail": STOPPED},
        ["SiteGiant does not accept this key.", "Reference ab12cd34", "Reconnect"],
    ),
    "our mistake": (
        {"state": "failed", "problem": "INTERNAL", "problem_detail": {"message": "Our mistake.", "reference": "ff00"}},
        ["Our mistake.", "Reference ff00", "Try again"],
    ),
    "cancelled": ({"state": "cancelled"}, ["Cancelled. What was done before stays.", "Try again"]),
}


@pytest.mark.parametrize("state", STATES)
def test_page_says_where_the_job_stands(
    board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore, state: str
) -> None:
    values, words = STATES[state]
    shown = seen(owner, store.url(f"/jobs/{board.job(channel, **values)}"))
    for sentence in words:
        assert sentence in shown


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"state": "succeeded"}, ["Try again", "Cancel"]),
        ({"state": "cancelled", "kind": "sync"}, ["Try again"]),
        ({"state": "failed", "problem": "AUTH_EXPIRED", "problem_detail": STOPPED}, ["Try again"]),
        ({"state": "running", "lease_until": 10, "cancel_requested_at": -1}, ["/cancel"]),
        ({"state": "running", "phase": "recheck", "lease_until": 10, "total": 0}, ["0 of 0"]),
        ({"state": "queued", "started_at": -60, "problem": "SOURCE_DOWN"}, ["Shopee Penang did not answer"]),
    ],
    ids=[
        "done",
        "orders were given back",
        "channel is paused",
        "stops already",
        "nothing to do",
        "is about to try again",
    ],
)
def test_page_leaves_out_what_makes_no_sense(
    *,
    board: Board,
    channel: SomeChannel,
    owner: FlaskClient,
    store: SomeStore,
    values: dict[str, Any],
    missing: list[str],
) -> None:
    shown = seen(owner, store.url(f"/jobs/{board.job(channel, **values)}"))
    shown = shown[shown.index("<main") :]
    for words in missing:
        assert words not in shown


def test_job_behind_another_one_leads_to_it(
    board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    running = board.running(channel)
    shown = seen(owner, store.url(f"/jobs/{board.job(channel, kind='sync')}"))
    assert "Waits for another job of this channel" in shown
    assert store.url(f"/jobs/{running}") in shown


def test_a_verification_leads_on_to_its_days_once_it_has_ended(
    board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    """Also where nothing differs, so that no figure leads there."""
    running, ended = board.running(channel, kind="verify"), board.ended(channel, kind="verify", counts={"listed": 5})
    assert store.url(f"/verify/of-job/{ended}") in seen(owner, store.url(f"/jobs/{ended}"))
    assert "/verify/of-job/" not in seen(owner, store.url(f"/jobs/{running}"))


def test_counts_lead_to_what_they_count(
    board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    counts = {"listed": 1240, "booked": 12, "held": 3, "written": 11, "conflicts": 1, "unsent": 2, "unreadable": 4}
    job = board.ended(channel, "partly", kind="auto", counts=counts)
    shown = seen(owner, store.url(f"/jobs/{job}"))
    links = {urlsplit(url.replace("&amp;", "&")) for url in re.findall(r'<a class="stat[^"]*" href="([^"]+)"', shown)}
    found = {(link.path, tuple(sorted((k, v[0]) for k, v in parse_qs(link.query).items()))) for link in links}
    orders, of_channel = store.url("/orders"), ("channel", str(channel.id))
    assert found == {
        (store.url("/invoices"), (("job", str(job)),)),
        (store.url("/invoices"), (("job", str(job)), ("write_back", "done"))),
        (orders, (of_channel, ("state", "held"))),
        (orders, (of_channel, ("reason", "FOREIGN_NUMBER"), ("write_back", "blocked"))),
        (orders, (of_channel, ("write_back", "planned"))),
        (store.url("/failed"), ()),
    }
    assert "1,240" in shown
    for link in links:
        assert owner.get(link.geturl()).status_code == 200


def test_lines_lead_to_their_orders(
    board: Board, books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    job, order = board.ended(channel, kind="sync"), books.order(channel, number="2611XYZ")
    board.note(job, "booked", order, number="INV00042")
    shown = seen(owner, store.url(f"/jobs/{job}"))
    assert "Invoice INV00042 issued" in shown
    assert f'<a href="{store.url(f"/orders/{order}")}">Order 2611XYZ</a>' in shown


def test_words_of_the_channel_are_escaped(board: Board, books: Books, owner: FlaskClient, store: SomeStore) -> None:
    channel = books.channel("<script>alert(1)</script>")
    detail = {"message": "<img src=x onerror=alert(1)>"}
    job = board.ended(channel, "failed", problem="TARGET_REJECTED", problem_detail=detail)
    for path in (f"/jobs/{job}", "/jobs", "/"):
        shown = owner.get(store.url(path)).text
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown


def test_who_asked_is_named(board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore) -> None:
    by_person = board.job(channel, kind="auto", state="succeeded", requested_by=store.owner.id)
    by_clock = board.job(channel, kind="auto", state="succeeded")
    shown = seen(owner, store.url(f"/jobs/{by_person}"))
    assert store.owner.name in shown
    assert "<h1>Sync now</h1>" in shown
    shown = seen(owner, store.url(f"/jobs/{by_clock}"))
    assert "by itself" in shown
    assert "<h1>Auto Sync</h1>" in shown


def test_page_reloads_by_itself_without_scripts_as_long_as_the_job_lives(
    board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    refresh = '<noscript><meta http-equiv="refresh" content="5"></noscript>'
    job = board.running(channel)
    assert refresh in seen(owner, store.url(f"/jobs/{job}"))
    board.set(job, state="succeeded", finished_at=0)
    assert refresh not in seen(owner, store.url(f"/jobs/{job}"))


def test_live_part_asks_again_until_the_job_has_ended(
    board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    job = board.running(channel, done=1, total=2)
    for path in (f"/jobs/{job}/part", f"/jobs/{job}/line"):
        assert f'hx-trigger="sse:job-{job}, every 5s"' in seen(owner, store.url(path), htmx=True)
    board.set(job, state="succeeded", finished_at=0)
    for path in (f"/jobs/{job}/part", f"/jobs/{job}/line"):
        assert "hx-trigger" not in seen(owner, store.url(path), htmx=True)


def test_sentence_and_buttons_come_with_the_live_part_only_when_they_changed(
    board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    job = board.running(channel, done=1, total=100)
    page = seen(owner, store.url(f"/jobs/{job}"))
    assert 'id="job-state" aria-live="polite"' in page
    (url,) = re.findall(r'hx-get="([^"]+/part[^"]+)"', page)
    board.set(job, done=50)
    part = seen(owner, url, htmx=True)
    assert "50 of 100" in part
    assert "hx-swap-oob" not in part
    board.set(job, state="failed", finished_at=0, problem="SOURCE_DOWN", problem_detail={"message": "Error 500."})
    part = seen(owner, url, htmx=True)
    assert '<div id="job-state" hx-swap-oob="innerHTML">' in part
    assert "Error 500." in part
    assert "Try again" in part[part.index('id="job-acts"') :]


def test_counters_are_not_read_out(board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore) -> None:
    page = seen(owner, store.url(f"/jobs/{board.running(channel, done=1, total=100)}"))
    spoken = page[page.index('id="job-state"') : page.index('id="job-acts"')]
    assert "1 of 100" not in spoken
    assert page.count("aria-live") == 2  # the sentence, and the frame's messages


@pytest.mark.parametrize("part", ["part", "line"])
def test_fragment_opened_directly_leads_to_its_page(
    board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore, part: str
) -> None:
    job = board.running(channel)
    answer = owner.get(store.url(f"/jobs/{job}/{part}"))
    assert (answer.status_code, answer.location) == (303, store.url(f"/jobs/{job}"))


@pytest.mark.parametrize(("path", "page"), [("/strip", "/jobs"), ("/home/state", "/"), ("/home/jobs", "/")])
def test_parts_of_the_frame_and_of_home_lead_to_their_pages(
    owner: FlaskClient, store: SomeStore, path: str, page: str
) -> None:
    answer = owner.get(store.url(path))
    assert (answer.status_code, answer.location) == (303, store.url(page))


def test_strip_has_a_line_for_each_job_that_lives(
    board: Board, books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    assert "<p>" not in seen(owner, store.url("/strip"), htmx=True)
    running = board.running(channel, done=1240, total=3100)
    board.ended(channel, kind="sync")
    shown = seen(owner, store.url("/strip"), htmx=True)
    assert f'<a href="{store.url(f"/jobs/{running}")}">Shopee Penang</a>: reading orders, 1,240 of 3,100' in shown
    assert shown.count("<p>") == 1
    for number in range(4):
        board.running(books.channel(f"Lazada {number}"))
    shown = seen(owner, store.url("/strip"), htmx=True)
    assert shown.count("<p>") == 4
    assert "2 more jobs" in shown


def test_page_brings_the_strip_along_and_asks_for_nothing_at_once(
    board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    running = board.running(channel, done=1240, total=3100)
    shown = seen(owner, store.url("/settings/general"))
    assert f'<a href="{store.url(f"/jobs/{running}")}">Shopee Penang</a>: reading orders, 1,240 of 3,100' in shown
    assert "hx-swap-oob" not in shown
    assert 'hx-trigger="load' not in shown


def test_strip_brings_what_the_menu_counts(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    at_rest = '<span id="count-orders-failed" hx-swap-oob="innerHTML"></span>'
    assert at_rest in seen(owner, store.url("/strip"), htmx=True)
    books.order(channel, state="held", reason="NO_LINES")
    one = '<span id="count-orders-failed" hx-swap-oob="innerHTML"><span class="count">1</span></span>'
    assert one in seen(owner, store.url("/strip"), htmx=True)


def test_list_shows_filters_and_stays_live(
    board: Board, books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    failed = board.ended(channel, "failed", problem="SOURCE_DOWN", problem_detail={"message": "Error 500."})
    done = board.ended(channel, counts={"new": 3})
    shown = seen(owner, store.url("/jobs?state=failed&state=partly"))
    assert store.url(f"/jobs/{failed}") in shown
    assert store.url(f"/jobs/{done}") not in shown
    assert "Error 500." in shown
    part = seen(owner, store.url("/jobs"), htmx=True)
    assert part.strip().startswith("<div id=")
    assert "<html" not in part
    assert "3 new" in part
    assert 'hx-trigger="sse:jobs, every 30s"' in part
    assert "No job matches" in seen(owner, store.url("/jobs?state=cancelled"))
    assert "hx-trigger" not in seen(owner, store.url("/jobs?after=WyJuIixudWxsLDk5OTk5XQ"), htmx=True)


def test_empty_list_says_what_to_do_first(owner: FlaskClient, store: SomeStore) -> None:
    assert "Nothing ran yet" in seen(owner, store.url("/jobs"))


def test_activity_of_a_channel_is_fetched_more_often_while_something_runs(
    board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    url = store.url(f"/channels/{channel.id}/activity")
    board.ended(channel, counts={"new": 5})
    shown = seen(owner, url, htmx=True)
    assert "It was not checked for orders yet." in shown
    assert "5 new" in shown
    assert f'hx-trigger="sse:channel-{channel.id}, every 30s"' in shown
    board.running(channel, done=2, total=8)
    shown = seen(owner, url, htmx=True)
    assert "reading orders, 2 of 8" in shown
    assert f'hx-trigger="sse:channel-{channel.id}, every 5s"' in shown
    assert owner.get(url).status_code == 303


def test_activity_names_the_next_run(books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore) -> None:
    with books.scope():
        db.session.execute(
            text("update channels set auto_sync = true, next_sync_at = now() + interval '25 minutes' where id = :id"),
            {"id": channel.id},
        )
        db.session.commit()
    assert "Next sync" in seen(owner, store.url(f"/channels/{channel.id}/activity"), htmx=True)


def test_reader_sees_jobs_and_no_buttons(
    board: Board, channel: SomeChannel, reader: FlaskClient, store: SomeStore
) -> None:
    job = board.running(channel)
    shown = seen(reader, store.url(f"/jobs/{job}"))
    assert "Reads the orders" in shown
    assert "/cancel" not in shown


def state_of(books: Books, job: int) -> str:
    with books.scope():
        return str(db.session.scalar(text("select state from sync_jobs where id = :id"), {"id": job}))


def test_cancel_ends_a_waiting_job_and_says_so(
    board: Board, books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    job = board.job(channel)
    answer = owner.post(store.url(f"/jobs/{job}/cancel"), follow_redirects=True)
    assert "Cancelled. What is in stays in." in answer.text
    assert state_of(books, job) == "cancelled"
    answer = owner.post(store.url(f"/jobs/{job}/cancel"), follow_redirects=True)
    assert "It had ended already." in answer.text


def test_cancel_asks_a_running_job_to_stop(
    board: Board, books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    job = board.running(channel)
    answer = owner.post(store.url(f"/jobs/{job}/cancel"), headers=HTMX)
    assert answer.headers["HX-Redirect"] == store.url(f"/jobs/{job}")
    assert state_of(books, job) == "running"
    assert "Stops after the page it is on." in seen(owner, store.url(f"/jobs/{job}"))


def test_retry_starts_the_same_again_once(
    board: Board, books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    job = board.ended(channel, "failed")
    first = owner.post(store.url(f"/jobs/{job}/retry"))
    again = owner.post(store.url(f"/jobs/{job}/retry"), follow_redirects=True)
    assert first.status_code == 303
    assert first.location != store.url(f"/jobs/{job}")
    assert again.request.path == first.location
    assert "being done already" in again.text
    with books.scope():
        assert db.session.scalar(text("select count(*) from sync_jobs")) == 2


def test_retry_tries_a_waiting_job_now(
    board: Board, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    job = board.job(channel, not_before=600, problem="SOURCE_DOWN")
    answer = owner.post(store.url(f"/jobs/{job}/retry"))
    assert answer.location == store.url(f"/jobs/{job}")
    assert board.row(job).not_before is None


def pause(books: Books, channel: SomeChannel) -> None:
    with books.scope():
        db.session.execute(text("update channels set status = 'paused' where id = :id"), {"id": channel.id})
        db.session.commit()


def test_paused_channel_is_said_and_leads_to_its_settings(
    board: Board, books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    job = board.ended(channel, "failed")
    pause(books, channel)
    for url in (f"/jobs/{job}/retry", f"/channels/{channel.id}/sync-now"):
        answer = owner.post(store.url(url), follow_redirects=True)
        assert "Shopee Penang is paused. Let it go on first." in answer.text
        assert store.url(f"/channels/{channel.id}/settings") in answer.text
    with books.scope():
        assert db.session.scalar(text("select count(*) from sync_jobs")) == 1


def test_sync_now_starts_one_job_for_everything(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    answer = owner.post(store.url(f"/channels/{channel.id}/sync-now"), follow_redirects=True)
    assert answer.request.path == store.url("/")
    assert "Shopee Penang: fetching orders, then making their invoices." in answer.text
    answer = owner.post(store.url(f"/channels/{channel.id}/sync-now"), follow_redirects=True)
    assert "Shopee Penang is being synced already." in answer.text
    with books.scope():
        jobs = db.session.execute(text("select kind, requested_by from sync_jobs")).all()
    assert [tuple(job) for job in jobs] == [("auto", store.owner.id)]


def test_sync_now_goes_back_to_where_it_was_pressed_but_to_no_other_site(
    channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    url, channels = store.url(f"/channels/{channel.id}/sync-now"), store.url("/channels/")
    assert owner.post(url, data={"next": channels}).location == channels
    assert owner.post(url, data={"next": "https://elsewhere.example/"}).location == store.url("/")


def test_sync_now_is_refused_while_delivery_orders_are_automatic(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    with books.scope():
        db.session.get_one(Store, store.id).auto_delivery_order = "on_save"
        db.session.commit()
    answer = owner.post(store.url(f"/channels/{channel.id}/sync-now"), follow_redirects=True)
    assert "Set Auto-generate D.O. to None" in answer.text
    with books.scope():
        assert db.session.scalar(text("select count(*) from sync_jobs")) == 0
    hidden = {"channel": str(channel.id), "next": store.url("/")}
    assert all(f'name="{name}" value="{value}"' in answer.text for name, value in hidden.items())
    mended = owner.post(store.url("/delivery-orders/none"), data=hidden, follow_redirects=True)
    assert "What you asked for goes on now." in mended.text
    with books.scope():
        assert db.session.scalar(text("select kind from sync_jobs")) == "auto"
        assert db.session.get_one(Store, store.id).auto_delivery_order == "none"


@pytest.fixture
def blocked(books: Books, channel: SomeChannel) -> tuple[int, int]:
    """(order, change): an invoice number that met another one on the channel."""
    order = books.order(channel, number="2611XYZ")
    invoice = books.invoice(order)
    detail = {"number": "INV00001", "found": "SG-77"}
    return order, books.change(order, invoice, "blocked", reason="FOREIGN_NUMBER", reason_detail=detail)


def change_state(books: Books, change: int) -> str:
    with books.scope():
        return str(db.session.scalar(text("select state from changes where id = :id"), {"id": change}))


def test_blocked_number_is_sent_again(
    books: Books, blocked: tuple[int, int], owner: FlaskClient, store: SomeStore
) -> None:
    order, change = blocked
    answer = owner.post(store.url(f"/changes/{change}/retry"), follow_redirects=True)
    assert answer.request.path == store.url(f"/orders/{order}")
    assert "INV00001 is on its way to Shopee Penang again." in answer.text
    assert change_state(books, change) == "planned"
    with books.scope():
        assert db.session.scalar(text("select kind from sync_jobs")) == "write_back"


def test_number_is_given_up_only_after_a_second_page_has_asked(
    books: Books, blocked: tuple[int, int], owner: FlaskClient, store: SomeStore
) -> None:
    order, change = blocked
    url = store.url(f"/changes/{change}/drop")
    question = owner.post(url, data={"next": store.url(f"/orders/{order}")}, follow_redirects=True)
    assert change_state(books, change) == "blocked"
    for words in ("Leave Shopee Penang as it is?", "2611XYZ", "INV00001", "SG-77", "btn-danger"):
        assert words in question.text
    answer = owner.post(url, data={"confirmed": "1", "next": store.url(f"/orders/{order}")}, follow_redirects=True)
    assert answer.request.path == store.url(f"/orders/{order}")
    assert "Shopee Penang stays as it is." in answer.text
    assert change_state(books, change) == "dropped"
    for again in (
        owner.get(url, follow_redirects=True),
        owner.post(url, data={"confirmed": "1"}, follow_redirects=True),
    ):
        assert "It was settled meanwhile." in again.text


def test_settled_number_is_not_sent_again(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    order = books.order(channel)
    change = books.change(order, books.invoice(order), "done")
    answer = owner.post(store.url(f"/changes/{change}/retry"), follow_redirects=True)
    assert "It was settled meanwhile." in answer.text
    assert change_state(books, change) == "done"


def test_reader_may_press_nothing_and_strangers_find_nothing(
    *,
    app: Flask,
    board: Board,
    books: Books,
    channel: SomeChannel,
    blocked: tuple[int, int],
    reader: FlaskClient,
    store: SomeStore,
    other_store: SomeStore,
) -> None:
    job = board.job(channel, not_before=600)
    stranger = signed_in(new_client(app), other_store.owner)
    acts = [f"/jobs/{job}/cancel", f"/jobs/{job}/retry", f"/channels/{channel.id}/sync-now"]
    acts += [f"/changes/{blocked[1]}/retry", f"/changes/{blocked[1]}/drop"]
    for path in acts:
        assert reader.post(store.url(path), data={"confirmed": "1"}).status_code == 403
        assert stranger.post(store.url(path), data={"confirmed": "1"}).status_code == 404
        assert stranger.post(other_store.url(path), data={"confirmed": "1"}).status_code == 404
    assert state_of(books, job) == "queued"
    assert board.row(job).not_before is not None
    assert change_state(books, blocked[1]) == "blocked"


def test_job_page_costs_the_same_however_much_ran(
    board: Board, books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    job = board.running(channel, done=1, total=2)
    url = store.url(f"/jobs/{job}/part")
    seen(owner, url, htmx=True)
    with books.app.app_context(), statements() as few:
        seen(owner, url, htmx=True)
    for order in books.orders(channel, [{} for _each in range(60)]):
        board.note(job, "booked", order, number="INV1")
    for _each in range(30):
        board.ended(channel)
    with books.app.app_context(), statements() as many:
        seen(owner, url, htmx=True)
    assert len(many) == len(few) <= 8
