"""What can go wrong on purpose in any sandbox, and what a fault is.

A fault is a layer around answering a call: it gets the call and the rest of the way to an answer, and may
answer in its place, change what comes back, or close the connection. A new one is a function and a row of a kind's
`FAULTS`; scope, times, probability and skip work for all of them (`switches.py`), the control page lists them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from app.sandbox.calling import Answer, Call, Dropped, wire_text
from app.sandbox.serving import wait_unless_gone

Params = Mapping[str, int | float]
Onwards = Callable[[], Answer]
C_contra = TypeVar("C_contra", bound=Call, contravariant=True)

CALLING_OUT = "webhook"
"""The one route on which a sandbox calls; its faults act there alone, and no other does."""


@dataclass(frozen=True, slots=True)
class Fault(Generic[C_contra]):
    """One row of a table: `route` is where it acts unless told otherwise, `params` are its settings' defaults."""

    description: str
    act: Callable[[C_contra, Onwards, Params], Answer]
    route: str = "any"
    params: Params = field(default_factory=dict)


def _rate_limited(call: Call, _onwards: Onwards, params: Params) -> Answer:
    return replace(call.failure(429, "Too many requests"), headers={"Retry-After": str(int(params["retry_after"]))})


def _no_retry_after(_call: Call, onwards: Onwards, _params: Params) -> Answer:
    answer = onwards()
    return replace(answer, headers={k: v for k, v in answer.headers.items() if k != "Retry-After"})


def _server_error(call: Call, _onwards: Onwards, params: Params) -> Answer:
    return call.failure(int(params["status"]), "Internal server error")


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


def _html_error(_call: Call, _onwards: Onwards, _params: Params) -> Answer:
    page = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1><hr>proxy"
    return Answer(502, page, content_type="text/html; charset=utf-8")


def _truncated_json(_call: Call, onwards: Onwards, _params: Params) -> Answer:
    answer = onwards()
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def _slow_drip(_call: Call, onwards: Onwards, params: Params) -> Answer:
    return replace(onwards(), drip=params["ms"] / 1000)


def _oversized(_call: Call, onwards: Onwards, params: Params) -> Answer:
    answer = onwards()
    return replace(answer, body=answer.body.ljust(int(params["mb"] * 1024 * 1024)))


def _row_repeated(call: Call, onwards: Onwards, params: Params) -> Answer:
    call.slide = -int(params["rows"])
    return onwards()


def _page_drift(call: Call, onwards: Onwards, params: Params) -> Answer:
    call.slide = int(params["rows"])
    return onwards()


def _calling_out(_call: Call, onwards: Onwards, _params: Params) -> Answer:
    """What is wrong with what a sandbox sends is done by `postman.py`: no call is answered differently."""
    return onwards()


def edited(
    answer: Answer, place: int, edit: Callable[[dict[str, Any]], dict[str, Any]], rows_of: Callable[[Any], Any]
) -> Answer:
    """The answer with the row at this place edited, from 1; 0 means all. `rows_of` finds the rows in the body."""
    body = json.loads(answer.body)
    rows = rows_of(body)
    if isinstance(rows, list):
        rows[:] = [edit(row) if place in (0, number) else row for number, row in enumerate(rows, start=1)]
    return replace(answer, body=wire_text(body).encode())


# A kind's table is put together of these and its own, outermost first: those that only close or delay stand before
# those that answer, those that colour an answer last.
DELAYING: Mapping[str, Fault[Call]] = {
    "slow": Fault("Each answer comes ms milliseconds later.", _slow, params={"ms": 500}),
    "slow_drip": Fault("The answer comes byte by byte, ms milliseconds apart.", _slow_drip, params={"ms": 200}),
    "answer_lost": Fault("The call takes effect, then the connection closes without an answer.", _answer_lost, "write"),
    "no_retry_after": Fault("A 429 does not say when to come back.", _no_retry_after),
    "oversized": Fault("The answer is filled up with spaces to mb megabytes.", _oversized, params={"mb": 5}),
    "truncated_json": Fault("The body stops in the middle.", _truncated_json),
    "timeout": Fault(
        "Nothing comes for the given seconds, then the connection closes.", _timeout, params={"seconds": 60}
    ),
    "dropped_connection": Fault("The connection closes at once; the call has no effect.", _dropped_connection),
}
FAILING: Mapping[str, Fault[Call]] = {
    "rate_limited": Fault("HTTP 429, come back in retry_after seconds.", _rate_limited, params={"retry_after": 5}),
    "server_error": Fault("HTTP 500, or another status of the fives.", _server_error, params={"status": 500}),
    "html_error": Fault("HTTP 502 with a page of HTML, as a proxy in front would answer.", _html_error),
}
PAGING: Mapping[str, Fault[Call]] = {
    "row_repeated": Fault(
        "Each page after the first begins with so many rows of the page before, as when rows slip in while paging.",
        _row_repeated,
        "list",
        {"rows": 1},
    ),
    "page_drift": Fault(
        "Each page after the first passes over so many rows, as when rows before them go away while paging.",
        _page_drift,
        "list",
        {"rows": 1},
    ),
}
WEBHOOKS: Mapping[str, Fault[Call]] = {
    "webhook_doubled": Fault("Each webhook is sent twice.", _calling_out, CALLING_OUT),
    "webhook_late": Fault(
        "A webhook comes so many seconds late, when other things may have happened to what it tells of.",
        _calling_out,
        CALLING_OUT,
        {"seconds": 30},
    ),
    "webhook_out_of_order": Fault("The next two webhooks come in each other's place.", _calling_out, CALLING_OUT),
    "webhook_badly_signed": Fault("Webhooks are signed with another secret than ours.", _calling_out, CALLING_OUT),
}
