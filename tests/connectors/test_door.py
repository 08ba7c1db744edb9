"""The outbound door against peers that misbehave on a real socket."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from app.connectors.http import Door, NoSuchRoute, NotJson, Timeouts
from app.core.errors import (
    AddressRefused,
    AuthRejected,
    ChannelError,
    FailedThere,
    Misconfigured,
    RateLimited,
    Rejected,
    Unavailable,
    Unreachable,
)
from tests.connectors.peers import Peer, Script, answer, drip, hang_up, say_nothing

KEY = "sk-very-secret-key-0001"
SIGNATURE = "query-secret-0002"
QUICK = Timeouts(connect=2.0, read=0.5, total=0.5)

Open = Callable[..., Door]


@pytest.fixture
def open_door() -> Iterator[Open]:
    doors: list[Door] = []

    def make(peer_or_url: Peer | str, **options: Any) -> Door:
        url = peer_or_url if isinstance(peer_or_url, str) else peer_or_url.url
        door = Door(url, label="SiteGiant", headers={"Access-Token": KEY}, allow_sandboxes=True, **options)
        doors.append(door)
        return door

    yield make
    for door in doors:
        door.close()


def test_the_answer_and_the_key_go_through(open_door: Open) -> None:
    with Peer(answer(b'{"hello": "world"}')) as peer:
        found, headers = open_door(peer).json("GET", "/a", params={"b": "c d"})
    assert found == {"hello": "world"}
    assert headers["content-type"] == "application/json"
    assert peer.requests[0].startswith(b"GET /a?b=c+d HTTP/1.1\r\n")
    assert f"Access-Token: {KEY}".encode() in peer.requests[0]


def test_one_connection_serves_many_calls(open_door: Open) -> None:
    with Peer(answer()) as peer:
        door = open_door(peer)
        for _ in range(5):
            door.call("GET", "/")
        door.close()
    assert (len(peer.requests), peer.connections) == (5, 1)


def test_threads_share_a_door(open_door: Open) -> None:
    with Peer(answer(b'{"a": 1}')) as peer:
        door = open_door(peer)
        found: list[Any] = []
        threads = [threading.Thread(target=lambda: found.append(door.json("GET", "/")[0])) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        door.close()
    assert found == [{"a": 1}] * 6


def test_cookies_of_the_peer_are_not_sent_back(open_door: Open) -> None:
    with Peer(answer(headers="Set-Cookie: session=1\r\n")) as peer:
        door = open_door(peer)
        door.call("GET", "/")
        door.call("GET", "/")
    assert b"cookie" not in peer.requests[1].lower()


def test_environment_proxies_are_ignored(open_door: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with Peer(answer()) as peer:
        assert open_door(peer).call("GET", "/").status == 200


def test_amounts_never_become_floats(open_door: Open) -> None:
    with Peer(answer(b'{"a": 0.10, "b": 1e2, "c": NaN, "d": 12}')) as peer:
        found, _ = open_door(peer).json("GET", "/")
    assert found == {"a": "0.10", "b": "1e2", "c": "NaN", "d": 12}


def test_what_the_database_cannot_store_is_taken_out(open_door: Open) -> None:
    with Peer(answer(rb'{"a\u0000": ["x\u0000y", "\ud83d", "\ud83d\ude00"]}')) as peer:
        found, _ = open_door(peer).json("GET", "/")
    assert found == {"a": ["xy", "���", "😀"]}
    json.dumps(found, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b"{", b"[" * 100_000])
def test_a_good_answer_that_is_no_json_is_a_failure(open_door: Open, body: bytes) -> None:
    with Peer(answer(body)) as peer, pytest.raises(NotJson) as caught:
        open_door(peer).json("GET", "/")
    assert caught.value.maybe_done is False
    with Peer(answer(body)) as peer, pytest.raises(NotJson) as caught:
        open_door(peer).json("PUT", "/", payload=[], effect=True)
    assert caught.value.maybe_done is True


STATUSES: list[tuple[str, type[ChannelError]]] = [
    ("400 Bad Request", Rejected),
    ("401 Unauthorized", AuthRejected),
    ("403 Forbidden", AuthRejected),
    ("404 Not Found", NoSuchRoute),
    ("408 Request Timeout", FailedThere),
    ("422 Unprocessable", Rejected),
    ("429 Too Many Requests", RateLimited),
    ("500 Internal Server Error", FailedThere),
    ("502 Bad Gateway", FailedThere),
    ("503 Service Unavailable", FailedThere),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_each_status_says_what_happens_next(open_door: Open, status: str, kind: type[ChannelError]) -> None:
    with Peer(answer(b'{"message": "so it is"}', status=status)) as peer, pytest.raises(ChannelError) as caught:
        open_door(peer).call("PUT", "/x", payload={}, effect=True)
    assert type(caught.value) is kind
    assert status[:3] in caught.value.detail
    assert "so it is" in caught.value.detail
    if isinstance(caught.value, Unavailable):
        assert caught.value.maybe_done


def test_a_refusal_repeats_the_words_of_the_channel(open_door: Open) -> None:
    refusing = answer(b'{"message": "window too long"}', status="400 Bad Request")
    with Peer(refusing) as peer, pytest.raises(Rejected) as caught:
        open_door(peer).call("GET", "/")
    assert caught.value.user_message == "SiteGiant refused: window too long"


def test_a_403_page_of_something_in_between_is_no_wrong_key(open_door: Open) -> None:
    wall = answer(b"<html>checking your browser</html>", status="403 Forbidden")
    with Peer(wall) as peer, pytest.raises(NotJson):
        open_door(peer).call("GET", "/")


def test_a_403_without_a_word_is_a_wrong_key(open_door: Open) -> None:
    with Peer(answer(b"", status="403 Forbidden")) as peer, pytest.raises(AuthRejected):
        open_door(peer).call("GET", "/")


def test_no_connection_means_nothing_happened(open_door: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        open_door(f"http://127.0.0.1:{port}").call("PUT", "/", payload={}, effect=True)
    assert caught.value.maybe_done is False
    assert "cannot be reached" in caught.value.user_message


def test_an_unknown_host_has_its_own_sentence(open_door: Open) -> None:
    with pytest.raises(Unreachable) as caught:
        open_door("http://no-such-shop.invalid").call("GET", "/")
    assert caught.value.user_message == (
        "There is no website at no-such-shop.invalid. Check the domain for a typing mistake."
    )


def test_a_name_server_that_is_away_is_not_an_unknown_host(open_door: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object, **_more: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", away)
    with pytest.raises(Unreachable, match="could not be looked up just now"):
        open_door("http://shop.example").call("GET", "/")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (say_nothing, "took too long"),
        (hang_up, "broke off"),
        (drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"), "took too long"),
        (drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"a"), "took too long"),
        (drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"), "took too long"),
    ],
    ids=["silence", "hang-up", "dripping headers", "dripping body", "dripping chunks"],
)
def test_a_lost_answer_ends_in_time_and_may_have_been_done(open_door: Open, script: Script, words: str) -> None:
    started = time.monotonic()
    with Peer(script) as peer:
        door = open_door(peer, timeouts=QUICK)
        with pytest.raises(Unavailable, match=words) as caught:
            door.call("PUT", "/", payload={}, effect=True)
        assert caught.value.maybe_done
        with pytest.raises(Unavailable, match=words) as caught:
            door.call("GET", "/")
        assert caught.value.maybe_done is False
    assert time.monotonic() - started < 8


def test_silence_is_not_borne_for_as_long_as_a_whole_answer_may_take(open_door: Open) -> None:
    with Peer(say_nothing) as peer, pytest.raises(Unavailable, match="took too long"):
        open_door(peer, timeouts=Timeouts(connect=2.0, read=0.2, total=60.0)).call("GET", "/")


def test_a_truncated_answer_is_a_broken_off_one(open_door: Open) -> None:
    def half(connection: socket.socket, peer: Peer) -> None:
        peer.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[]")

    with Peer(half) as peer, pytest.raises(Unavailable, match="broke off"):
        open_door(peer).json("GET", "/")


def test_an_oversized_answer_is_refused_while_it_is_read(open_door: Open) -> None:
    endless = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\n\r\n", b"x" * 1_000_000)
    with Peer(endless) as peer, pytest.raises(Unavailable, match="more at once than we take in"):
        open_door(peer, max_bytes=2_500_000).call("GET", "/")


def test_a_packed_bomb_counts_by_its_unpacked_size(open_door: Open) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    assert len(bomb) < 100_000
    packed = answer(bomb, headers="Content-Encoding: gzip\r\n")
    with Peer(packed) as peer, pytest.raises(Unavailable, match="more at once than we take in"):
        open_door(peer, max_bytes=1_000_000).call("GET", "/")


def test_a_packed_answer_is_read(open_door: Open) -> None:
    with Peer(answer(gzip.compress(b'{"a": 1}'), headers="Content-Encoding: gzip\r\n")) as peer:
        assert open_door(peer).json("GET", "/")[0] == {"a": 1}


def test_garbage_instead_of_http_is_a_broken_off_answer(open_door: Open) -> None:
    def garbage(connection: socket.socket, peer: Peer) -> None:
        peer.read_request(connection)
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

    with Peer(garbage) as peer, pytest.raises(Unavailable):
        open_door(peer, timeouts=QUICK).call("GET", "/")


def test_a_redirect_to_another_host_is_refused_and_the_key_stays_here(open_door: Open) -> None:
    with Peer(answer()) as other:
        away = answer(status="302 Found", headers=f"Location: http://localhost:{other.port}/api\r\n")
        with Peer(away) as peer, pytest.raises(AddressRefused) as caught:
            open_door(peer).call("GET", "/")
    assert other.requests == []
    assert "passes us on to localhost" in caught.value.user_message


def test_another_port_is_another_place(open_door: Open) -> None:
    with Peer(answer()) as other:
        away = answer(status="307 Temporary", headers=f"Location: {other.url}/\r\n")
        with Peer(away) as peer, pytest.raises(AddressRefused):
            open_door(peer).call("GET", "/")
    assert other.requests == []


def test_a_read_follows_a_redirect_on_the_same_host(open_door: Open) -> None:
    def script(connection: socket.socket, peer: Peer) -> None:
        while request := peer.read_request(connection):
            if request.startswith(b"GET /old?a=1 "):
                connection.sendall(b"HTTP/1.1 301 Moved\r\nLocation: /new?a=1\r\nContent-Length: 0\r\n\r\n")
            else:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    with Peer(script) as peer:
        assert open_door(peer).json("GET", "/old", params={"a": "1"})[0] == []
    assert [request.split(b" ")[1] for request in peer.requests] == [b"/old?a=1", b"/new?a=1"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_redirect_never_goes_in_circles_nor_repeats_a_write(open_door: Open, method: str) -> None:
    with Peer(answer(status="307 Temporary", headers="Location: /x/y\r\n")) as peer, pytest.raises(AddressRefused):
        open_door(peer).call(method, "/x", payload=[], effect=method == "PUT")
    assert len(peer.requests) == (2 if method == "GET" else 1)


@pytest.mark.parametrize("key", ["line\nbreak", "schlüssel", "tab\tkey", "nul\x00"])
def test_a_key_that_cannot_be_sent_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Door("https://shop.example", label="SiteGiant", headers={"Access-Token": key})
    assert key not in str(caught.value)


def test_a_call_may_send_a_form_and_headers_of_its_own(web: responses.RequestsMock) -> None:
    web.post("https://shop.example/token", json={})
    web.get("https://shop.example/a", json={})
    door = Door("https://shop.example", label="SiteGiant", headers={"Access-Token": KEY})
    door.json("POST", "/token", form={"a": "b c"}, headers={"Authorization": "Bearer of-this-call"})
    door.json("GET", "/a")
    door.close()
    form, plain = (call.request for call in web.calls)
    assert (form.body, form.headers["Content-Type"]) == ("a=b+c", "application/x-www-form-urlencoded")
    assert (form.headers["Access-Token"], form.headers["Authorization"]) == (KEY, "Bearer of-this-call")
    assert "Authorization" not in plain.headers


def test_their_words_about_a_refusal_hide_whatever_was_a_secret_of_the_call(open_door: Open) -> None:
    words = f"no {KEY}, no of-this-call, no secret-of-the-form"
    body = json.dumps({"responseStatus": {"errorCode": "X", "message": words}}).encode()
    with Peer(answer(body, status="400 Bad Request")) as peer:
        door = open_door(peer, secrets=["secret-of-the-form"])
        with pytest.raises(Rejected) as caught:
            door.call("GET", "/a", headers={"Authorization": "Bearer of-this-call"})
    assert caught.value.user_message == "SiteGiant refused: no •••, no •••, no •••"
    assert "•••" in caught.value.detail


@pytest.mark.parametrize(
    "script",
    [
        answer(b"<html>", status="403 Forbidden"),
        answer(json.dumps({"message": f"invalid token {KEY}"}).encode(), status="403 Forbidden"),
        answer(json.dumps({"message": f"no such thing: {KEY}"}).encode(), status="400 Bad Request"),
        answer(status="500 Oops"),
        answer(status="429 Slow down"),
        answer(status="302 Found", headers=f"Location: http://elsewhere.example/?token={SIGNATURE}\r\n"),
        hang_up,
        say_nothing,
        answer(b"not json"),
        answer(b"not json", headers="No colon in this line\r\n"),
    ],
)
def test_no_secret_gets_into_an_error_its_context_a_repr_or_the_log(
    open_door: Open, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Peer(script) as peer:
        door = open_door(peer, timeouts=QUICK)
        with pytest.raises(ChannelError) as caught:
            door.json("GET", "/orders", params={"signature": SIGNATURE})
    error = caught.value
    assert error.__context__ is None
    assert error.__cause__ is None
    told = "\n".join([*traceback.format_exception(error), repr(error), str(vars(error)), repr(door), caplog.text])
    assert KEY not in told
    assert SIGNATURE not in told
    assert "GET 127.0.0.1/orders" in caplog.text


def test_a_call_leaves_one_line_in_the_log(open_door: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Peer(answer()) as peer:
        open_door(peer).call("GET", "/channels")
    assert len(caplog.records) == 1
    assert caplog.records[0].getMessage().startswith("GET 127.0.0.1/channels 200 ")


def test_a_429_holds_back_all_further_calls(open_door: Open) -> None:
    with Peer(answer(status="429 Slow down", headers="Retry-After: 17\r\n")) as peer:
        door = open_door(peer)
        with pytest.raises(RateLimited) as caught:
            door.call("GET", "/")
        assert caught.value.retry_after == 17
        with pytest.raises(RateLimited) as caught:
            door.call("GET", "/")
        assert 10 < caught.value.retry_after <= 17
    assert len(peer.requests) == 1


def test_the_last_calls_of_the_allowance_are_kept(open_door: Open) -> None:
    spent = answer(headers="X-RateLimit-Limit: 60\r\nX-RateLimit-Remaining: 5\r\n")
    with Peer(spent) as peer:
        door = open_door(peer)
        door.call("GET", "/")
        with pytest.raises(RateLimited) as caught:
            door.call("GET", "/")
    assert caught.value.retry_after == 10
    assert len(peer.requests) == 1
