"""The stream that nudges open pages, over real sockets and a real queue server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import text

from app import embedded
from app.accounts.sessions import end_sessions_of
from app.config import Settings
from app.embedded.folder import PROJECT
from app.extensions import db
from app.serving import gunicorn_command
from app.sync import live
from app.sync.live import Hub
from app.sync.nudge import nudge, topic
from app.tenancy.scope import store_scope
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.sync.listening import Listener, cookie_of, eventually, served, until_somebody_listens


@pytest.fixture(scope="module")
def port(app: Flask) -> Iterator[int]:
    """The application on a real server; its listening thread ends with it."""
    with served(app) as port:
        yield port
    app.extensions["live_hub"].stop()


@pytest.fixture
def listen(app: Flask, port: int) -> Iterator[Callable[..., Listener]]:
    """Opens streams, each as a page of the same browser unless told otherwise, and leaves them at the end."""
    cookies: dict[int, str] = {}
    with ExitStack() as pages:

        def open_page(store: SomeStore, cookie: str = "") -> Listener:
            cookie = cookie or cookies.setdefault(store.id, cookie_of(app, store.owner))
            return pages.enter_context(Listener(port, store.url("/events"), cookie))

        yield open_page
    eventually(lambda: app.extensions["live_hub"].count == 0, "all streams are closed")


@pytest.fixture
def tell(app: Flask, settings: Settings) -> Callable[..., None]:
    """Nudges a store's pages as a worker does, once somebody listens."""

    def publish(store: SomeStore, *names: str) -> None:
        until_somebody_listens(settings.redis_url)
        with app.app_context():
            nudge(store.id, *names)

    return publish


Listen = Callable[..., Listener]
Tell = Callable[..., None]


def test_nudge_arrives_within_a_second_and_carries_no_data(listen: Listen, tell: Tell, store: SomeStore) -> None:
    page = listen(store)
    assert page.line() == "retry: 2000"
    tell(store, "job-7", "jobs")
    published = time.monotonic()
    assert [page.line() for _each in range(4)] == ["event: job-7", "data:", "event: jobs", "data:"]
    assert time.monotonic() - published < 1


def test_answer_is_an_event_stream_that_no_proxy_keeps_back(listen: Listen, store: SomeStore) -> None:
    answer = listen(store).answer
    assert answer.status == 200, answer.read()
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Accel-Buffering"] == "no"


def test_nudges_of_another_store_do_not_arrive(
    listen: Listen, tell: Tell, store: SomeStore, other_store: SomeStore
) -> None:
    mine, theirs = listen(store), listen(other_store)
    tell(other_store, "job-1")
    assert theirs.next_name() == "job-1"
    tell(store, "job-2")
    assert mine.next_name() == "job-2"


def test_flood_is_gathered(listen: Listen, tell: Tell, store: SomeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LIFETIME_SECONDS", 2.5)
    page = listen(store)
    for number in range(100):
        tell(store, "orders", f"job-{number % 2}")
    lines = page.rest()
    assert 1 <= lines.count("event: orders") <= 4
    assert {"event: job-0", "event: job-1"} <= set(lines)


@pytest.mark.parametrize("message", ["no json", "7", '[1, "fine", "a\\nb"]', '{"fine": 1}'])
def test_nonsense_on_the_line_does_no_harm(
    settings: Settings, listen: Listen, tell: Tell, store: SomeStore, message: str
) -> None:
    page = listen(store)
    until_somebody_listens(settings.redis_url)
    with Redis.from_url(settings.redis_url) as redis:
        redis.publish(topic(store.id), message)
    tell(store, "orders")
    names = [page.next_name()]
    while names[-1] != "orders":
        names.append(page.next_name())
    assert set(names) <= {"fine", "orders"}


def test_fourth_page_of_a_browser_polls(
    app: Flask, listen: Listen, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PLACE_WAIT_SECONDS", 0.3)
    pages = [listen(store) for _each in range(3)]
    assert [page.status for page in pages] == [200, 200, 200]
    fourth = listen(store)
    assert (fourth.status, fourth.answer.read()) == (204, b"")
    assert listen(store, cookie_of(app, store.reader)).status == 200, "another browser has its own three"


def test_place_of_a_page_that_was_left_goes_to_the_next_one(listen: Listen, store: SomeStore) -> None:
    pages = [listen(store) for _each in range(3)]
    for _each in range(4):
        pages.pop(0).close()
        pages.append(listen(store))
        assert pages[-1].status == 200


def test_process_serves_only_so_many(
    app: Flask, listen: Listen, store: SomeStore, other_store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS", 2)
    assert [listen(store).status, listen(other_store).status] == [200, 200]
    assert listen(store, cookie_of(app, store.reader)).status == 204


def test_streams_take_half_of_the_servers_threads() -> None:
    command = gunicorn_command("127.0.0.1:0")
    assert int(command[command.index("--threads") + 1]) == 2 * live.MOST_STREAMS


def test_quiet_stream_says_now_and_then_that_it_lives(
    listen: Listen, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "KEEP_ALIVE_SECONDS", 0.2)
    page = listen(store)
    assert [page.line() for _each in range(3)] == ["retry: 2000", ": k", ": k"]


def test_stream_ends_after_its_time_and_may_be_opened_again(
    listen: Listen, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LIFETIME_SECONDS", 0.3)
    for _each in range(5):
        assert listen(store).rest() == ["retry: 2000"]


def sign_out(app: Flask, store: SomeStore) -> None:
    with app.app_context():
        end_sessions_of(store.owner.id)
        db.session.commit()


def remove_member(app: Flask, store: SomeStore) -> None:
    with app.app_context(), store_scope(store.id):
        db.session.execute(text("delete from memberships where user_id = :id"), {"id": store.owner.id})
        db.session.commit()


@pytest.mark.parametrize("leave", [sign_out, remove_member])
def test_stream_ends_for_good_when_the_viewer_may_not_look_any_more(
    app: Flask,
    listen: Listen,
    store: SomeStore,
    monkeypatch: pytest.MonkeyPatch,
    leave: Callable[[Flask, SomeStore], None],
) -> None:
    monkeypatch.setattr(live, "KEEP_ALIVE_SECONDS", 0.2)
    page = listen(store)
    assert [page.line(), page.line()] == ["retry: 2000", ": k"]
    leave(app, store)
    lines = page.rest()
    assert lines[-1] == "retry: 3600000", "it asks the browser to stay away"
    assert set(lines[:-1]) <= {": k"}


def test_open_stream_holds_no_database_connection(app: Flask, listen: Listen, store: SomeStore) -> None:
    cookie_of(app, store.owner)
    with app.app_context():
        pool = db.engine.pool
    before = pool.checkedout()  # type: ignore[attr-defined]
    page = listen(store)
    page.line()
    assert pool.checkedout() == before  # type: ignore[attr-defined]


def test_without_a_queue_server_pages_poll(
    app: Flask, port: int, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PLACE_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(live, "connection", lambda _url: Redis.from_url("unix:///nowhere/kv.sock"))
    with Listener(port, store.url("/events"), cookie_of(app, store.owner)) as page:
        assert page.status == 204


def test_asking_only_for_the_head_leaves_no_stream_behind(app: Flask, store: SomeStore) -> None:
    with signed_in(new_client(app), store.owner).head(store.url("/events")) as answer:
        assert answer.status_code == 200
    assert app.extensions["live_hub"].count == 0


@pytest.mark.processes
def test_hub_listens_again_after_the_queue_server_was_lost() -> None:
    with tempfile.TemporaryDirectory(prefix="channelbook-live-") as path:
        valkey = embedded.Valkey(embedded.DataFolder(Path(path).resolve() / "data"))
        hub = Hub(valkey.url)
        process = start(valkey)
        try:
            stream = hub.open(7)
            assert stream is not None
            until_somebody_listens(valkey.url)
            say(valkey, "before")
            assert stream.take(5) == ["before"]
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert stream.take(0.5) == []
            process = start(valkey)
            until_somebody_listens(valkey.url)
            say(valkey, "after")
            assert stream.take(5) == ["after"]
        finally:
            hub.stop()
            process.terminate()
            process.wait()


def start(valkey: embedded.Valkey) -> subprocess.Popen[bytes]:
    valkey.prepare()
    process = valkey.program.start()
    eventually(valkey.answers, "the queue server answers")
    return process


def say(valkey: embedded.Valkey, name: str) -> None:
    with Redis.from_url(valkey.url) as redis:
        redis.publish(topic(7), json.dumps([name]))


@pytest.fixture
def gunicorn_port(settings: Settings) -> Iterator[int]:
    """The site as it is really served: two processes, forked after the application was loaded."""
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "CREDENTIAL_KEYS": ",".join(settings.credential_keys),
        "BASE_URL": settings.base_url,
        "MAIL_URL": settings.mail_url,
    }
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = gunicorn_command(f"fd://{server.fileno()}", threads=16)
        with subprocess.Popen(command, cwd=PROJECT, env=environment, pass_fds=(server.fileno(),)) as process:
            yield server.getsockname()[1]
            process.terminate()


@pytest.mark.processes
def test_real_server_counts_a_browsers_streams_over_its_processes(
    app: Flask, make: Make, gunicorn_port: int, tell: Tell
) -> None:
    store = make.store()
    cookie, path = cookie_of(app, store.owner), store.url("/events")
    with ExitStack() as pages:
        opened = [pages.enter_context(Listener(gunicorn_port, path, cookie)) for _each in range(3)]
        assert [page.status for page in opened] == [200, 200, 200]
        assert pages.enter_context(Listener(gunicorn_port, path, cookie)).status == 204
        tell(store, "orders")
        time.sleep(0.5)  # a second process may have subscribed only now: say it to that one as well
        tell(store, "orders")
        assert [page.next_name() for page in opened] == ["orders"] * 3
        opened[0].close()
        assert pages.enter_context(Listener(gunicorn_port, path, cookie)).status == 200, "the left page was noticed"
