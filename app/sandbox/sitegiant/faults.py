"""The one table of what can go wrong on purpose.

A fault is a layer around answering a call: it gets the call and the rest of the way to an answer, and may
answer in its place, change what comes back, or close the connection. A new one is a function and a row of
`FAULTS`; scope, times, probability and skip work for all of them (`switches.py`), the control page lists them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from app.sandbox.serving import wait_unless_gone
from app.sandbox.sitegiant.calling import Answer, Call, Dropped, refusal, too_many
from app.sandbox.sitegiant.clock import stamp
from app.sandbox.sitegiant.edits import dearer
from app.sandbox.sitegiant.shop import UnknownOrder, wire_text

Params = Mapping[str, int | float]
Onwards = Callable[[], Answer]
Act = Callable[[Call, Onwards, Params], Answer]

_TIME = re.compile(r'"(created_at|updated_at|order_creation_date|paid_time|shipped_time)":"([^"]+)"')


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


def _updates_unknown(call: Call, onwards: Onwards, _params: Params) -> Answer:
    return refusal("400", "Unknown parameter date_type") if "date_type" in call.query else onwards()


def _updates_ignored(call: Call, onwards: Onwards, _params: Params) -> Answer:
    call.query = {name: value for name, value in call.query.items() if name != "date_type"}
    return onwards()


def _changing_order(call: Call, onwards: Onwards, _params: Params) -> Answer:
    asked = _asked(call)
    if asked:
        with suppress(UnknownOrder):
            call.shop.change_order(asked[0], dearer)
    return onwards()


def _poisoned_order(call: Call, onwards: Onwards, params: Params) -> Answer:
    if int(params["order"]) in _asked(call):
        return refusal(500, "Internal server error", status=500)
    return onwards()


def _missing_date(_call: Call, onwards: Onwards, params: Params) -> Answer:
    def undate(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in ("order_creation_date", "created_at")}

    return _edited(onwards(), int(params["row"]), undate)


def _unknown_gateway(_call: Call, onwards: Onwards, params: Params) -> Answer:
    return _edited(onwards(), int(params["row"]), lambda row: {**row, "billing_method": "MysteryPay 神秘"})


def _stale_details(_call: Call, onwards: Onwards, _params: Params) -> Answer:
    before = {"order_status": "Open", "payment_status": "Unpaid", "paid_time": None}
    return _edited(onwards(), 0, lambda row: {**row, **before, "updated_at": row.get("order_creation_date")})


def _clock_skew(call: Call, onwards: Onwards, params: Params) -> Answer:
    skew = timedelta(minutes=params["ahead"] - params["behind"])
    call.query = {
        name: _moved(value, -skew) if name.startswith("date_") else value for name, value in call.query.items()
    }
    answer = onwards()
    text = _TIME.sub(lambda found: f'"{found[1]}":"{_moved(found[2], skew)}"', answer.body.decode())
    return replace(answer, body=text.encode())


def _moved(time: str, by: timedelta) -> str:
    """The time of the wire, moved; what is no time stays as it is."""
    try:
        return stamp(datetime.fromisoformat(time) + by)
    except (ValueError, OverflowError):
        return time


def _asked(call: Call) -> list[int]:
    """The ids whose details a call asks for."""
    try:
        body = json.loads(call.body)
    except ValueError:
        return []
    asked = body.get("order_id") if isinstance(body, dict) else None
    return [one for one in asked if isinstance(one, int)] if isinstance(asked, list) else []


def _edited(answer: Answer, place: int, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    """The answer with the order at this place edited, from 1; 0 means all of them."""
    body = json.loads(answer.body)
    response = body.get("response") if isinstance(body, dict) else body
    rows = response.get("order_list") if isinstance(response, dict) else response
    if isinstance(rows, list):
        rows[:] = [edit(row) if place in (0, number) else row for number, row in enumerate(rows, start=1)]
    return replace(answer, body=wire_text(body).encode())


def _row_write_failure(call: Call, onwards: Onwards, params: Params) -> Answer:
    call.failing_row = int(params["row"])
    return onwards()


def _calling_out(_call: Call, onwards: Onwards, _params: Params) -> Answer:
    """What is wrong with what the sandbox sends is done by `postman.py`: no call is answered differently."""
    return onwards()


# Outermost first: those that only close or delay stand before those that answer, those that colour an answer last.
FAULTS: Mapping[str, Fault] = {
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
    "bad_token": Fault("The right key is refused: HTTP 403.", _bad_token),
    "rate_limited": Fault("HTTP 429, come back in retry_after seconds.", _rate_limited, params={"retry_after": 5}),
    "server_error": Fault("HTTP 500, or another status of the fives.", _server_error, params={"status": 500}),
    "html_error": Fault("HTTP 502 with a page of HTML, as a proxy in front would answer.", _html_error),
    "logical_failure": Fault('HTTP 200, but the body says code "400".', _logical_failure),
    "code_as_string": Fault('The code in the body is always a string: "200".', _code_as_string),
    "bare_list": Fault("The order list is a bare list, without code and total.", _bare_list, "list"),
    "row_repeated": Fault(
        "Each page after the first begins with so many rows of the page before, as when orders slip in while paging.",
        _row_repeated,
        "list",
        {"rows": 1},
    ),
    "page_drift": Fault(
        "Each page after the first passes over so many rows, as when orders before them go away while paging.",
        _page_drift,
        "list",
        {"rows": 1},
    ),
    "updates_unknown": Fault(
        "Orders cannot be listed by their last change: the parameter for it is refused.", _updates_unknown, "list"
    ),
    "updates_ignored": Fault(
        "Orders cannot be listed by their last change: the parameter for it is ignored.", _updates_ignored, "list"
    ),
    "changing_order": Fault(
        "Just before details are sent, the first order of the call changes: it is listed with one total and sent with "
        "another.",
        _changing_order,
        "detail",
    ),
    "poisoned_order": Fault(
        "HTTP 500 whenever details are asked of which this order is one; the others alone are sent.",
        _poisoned_order,
        "detail",
        {"order": 1001},
    ),
    "missing_date": Fault(
        "One order of an answer has no creation date, by place (row 1 is the first, 0 means all).",
        _missing_date,
        "detail",
        {"row": 1},
    ),
    "unknown_gateway": Fault(
        "One order of an answer names a way to pay that nobody knows, by place (row 1 is the first, 0 means all).",
        _unknown_gateway,
        "detail",
        {"row": 1},
    ),
    "stale_details": Fault(
        "Details are those of before the payment, open and unpaid, whatever the list says.", _stale_details, "detail"
    ),
    "clock_skew": Fault(
        "The shop's clock is so many minutes ahead or behind: all times it sends and is asked for are off by that.",
        _clock_skew,
        params={"ahead": 10, "behind": 0},
    ),
    "row_write_failure": Fault(
        "One row of a write fails with row code 500, by place (row 1 is the first, 0 means all); the others take.",
        _row_write_failure,
        "write",
        {"row": 1},
    ),
    "webhook_doubled": Fault("Each webhook is sent twice.", _calling_out, "webhook"),
    "webhook_late": Fault(
        "A webhook comes so many seconds late, when other things may have happened to its order.",
        _calling_out,
        "webhook",
        {"seconds": 30},
    ),
    "webhook_out_of_order": Fault("The next two webhooks come in each other's place.", _calling_out, "webhook"),
    "webhook_badly_signed": Fault("Webhooks are signed with another secret than ours.", _calling_out, "webhook"),
}
