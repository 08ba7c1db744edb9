"""The one table of what can go wrong on purpose.

A fault is a layer around answering a call: it gets the call and the rest of the way to an answer, and may
answer in its place, change what comes back, or close the connection. A new one is a function and a row of
`FAULTS`; scope, times, probability and skip work for all of them (`switches.py`), the control page lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from app.sandbox.serving import wait_unless_gone
from app.sandbox.sitegiant.calling import Answer, Call, Dropped, refusal, too_many

Params = Mapping[str, int | float]
Onwards = Callable[[], Answer]
Act = Callable[[Call, Onwards, Params], Answer]


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table: `route` is where it acts unless told otherwise, `params` are its settings' defaults."""

    description: str
    act: Act
    route: str = "any"
    params: Params = field(default_factory=dict)


def _bad_token(_call: Call, _onwards: Onwards, _params: Params) -> Answer:
    return refusal(403, "Access denied due to invalid token", status=403)


def _rate_limited(_call: Call, _onwards: Onwards, params: Params) -> Answer:
    return too_many(int(params["retry_after"]))


def _no_retry_after(_call: Call, onwards: Onwards, _params: Params) -> Answer:
    answer = onwards()
    return replace(answer, headers={k: v for k, v in answer.headers.items() if k != "Retry-After"})


def _server_error(_call: Call, _onwards: Onwards, params: Params) -> Answer:
    return refusal(int(params["status"]), "Internal server error", status=int(params["status"]))


def _timeout(call: Call, _onwards: Onwards, params: Params) -> Answer:
    wait_unless_gone(call.environ, params["seconds"])
    raise Dropped


def _slow(call: Call, onwards: Onwards, params: Params) -> Answer:
    wait_unless_gone(call.environ, params["ms"] / 1000)
    return onwards()


def _dropped_connection(_call: Call, _onwards: Onwards, _params: Params) -> Answer:
    raise Dropped


def _answer_lost(_call: Call, onwards: Onwards, _params: Params) -> Answer:
    onwards()
    raise Dropped


def _logical_failure(_call: Call, _onwards: Onwards, _params: Params) -> Answer:
    return refusal("400", "Something went wrong")


def _code_as_string(call: Call, onwards: Onwards, _params: Params) -> Answer:
    call.string_code = True
    return onwards()


def _bare_list(call: Call, onwards: Onwards, _params: Params) -> Answer:
    call.bare_list = True
    return onwards()


def _html_error(_call: Call, _onwards: Onwards, _params: Params) -> Answer:
    page = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1><hr>proxy"
    return Answer(502, page, content_type="text/html; charset=utf-8")


def _truncated_json(_call: Call, onwards: Onwards, _params: Params) -> Answer:
    answer = onwards()
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def _row_write_failure(call: Call, onwards: Onwards, params: Params) -> Answer:
    call.failing_row = int(params["row"])
    return onwards()


# Outermost first: those that only close or delay stand before those that answer, those that colour an answer last.
FAULTS: Mapping[str, Fault] = {
    "slow": Fault("Each answer comes ms milliseconds later.", _slow, params={"ms": 500}),
    "answer_lost": Fault("The call takes effect, then the connection closes without an answer.", _answer_lost, "write"),
    "no_retry_after": Fault("A 429 does not say when to come back.", _no_retry_after),
    "truncated_json": Fault("The body stops in the middle.", _truncated_json),
    "timeout": Fault(
        "Nothing comes for the given seconds, then the connection closes.", _timeout, params={"seconds": 60}
    ),
    "dropped_connection": Fault("The connection closes at once; the call has no effect.", _dropped_connection),
    "bad_token": Fault("The right key is refused: HTTP 403.", _bad_token),
    "rate_limited": Fault("HTTP 429, come back in retry_after seconds.", _rate_limited, params={"retry_after": 5}),
    "server_error": Fault("HTTP 500, or another status of the fives.", _server_error, params={"status": 500}),
    "html_error": Fault("HTTP 502 with a page of HTML, as a proxy in front would answer.", _html_error),
    "logical_failure": Fault('HTTP 200, but the body says code "400".', _logical_failure),
    "code_as_string": Fault('The code in the body is always a string: "200".', _code_as_string),
    "bare_list": Fault("The order list is a bare list, without code and total.", _bare_list, "list"),
    "row_write_failure": Fault(
        "One row of a write fails with row code 500, by place (row 1 is the first, 0 means all); the others take.",
        _row_write_failure,
        "write",
        {"row": 1},
    ),
}
