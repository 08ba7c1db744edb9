"""What can go wrong on purpose in SiteGiant: the faults of every sandbox, and its own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app.sandbox.calling import Answer
from app.sandbox.faults import CALLING_OUT, DELAYING, FAILING, PAGING, WEBHOOKS, Fault, Onwards, Params, edited
from app.sandbox.sitegiant.calling import Call, refusal
from app.sandbox.sitegiant.clock import stamp
from app.sandbox.sitegiant.edits import dearer
from app.sandbox.sitegiant.shop import UnknownOrder

ROUTES = ("any", "list", "detail", "write", "channels", "items", "webhooks", CALLING_OUT)

_TIME = re.compile(r'"(created_at|updated_at|order_creation_date|paid_time|shipped_time)":"([^"]+)"')


def _bad_token(_call: Call, _onwards: Onwards, _params: Params) -> Answer:
    return refusal(403, "Access denied due to invalid token", status=403)


def _logical_failure(_call: Call, _onwards: Onwards, _params: Params) -> Answer:
    return refusal("400", "Something went wrong")


def _code_as_string(call: Call, onwards: Onwards, _params: Params) -> Answer:
    call.string_code = True
    return onwards()


def _bare_list(call: Call, onwards: Onwards, _params: Params) -> Answer:
    call.bare_list = True
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

    return edited(onwards(), int(params["row"]), undate, _rows)


def _unknown_gateway(_call: Call, onwards: Onwards, params: Params) -> Answer:
    return edited(onwards(), int(params["row"]), lambda row: {**row, "billing_method": "MysteryPay 神秘"}, _rows)


def _stale_details(_call: Call, onwards: Onwards, _params: Params) -> Answer:
    before = {"order_status": "Open", "payment_status": "Unpaid", "paid_time": None}
    return edited(onwards(), 0, lambda row: {**row, **before, "updated_at": row.get("order_creation_date")}, _rows)


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


def _row_write_failure(call: Call, onwards: Onwards, params: Params) -> Answer:
    call.failing_row = int(params["row"])
    return onwards()


def _rows(body: Any) -> Any:
    """The rows of an answer about orders."""
    response = body.get("response") if isinstance(body, dict) else body
    return response.get("order_list") if isinstance(response, dict) else response


# Outermost first: those that answer stand before those that only colour an answer.
FAULTS: Mapping[str, Fault[Call]] = {
    **DELAYING,
    "bad_token": Fault("The right key is refused: HTTP 403.", _bad_token),
    **FAILING,
    "logical_failure": Fault('HTTP 200, but the body says code "400".', _logical_failure),
    "code_as_string": Fault('The code in the body is always a string: "200".', _code_as_string),
    "bare_list": Fault("The order list is a bare list, without code and total.", _bare_list, "list"),
    **PAGING,
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
    **WEBHOOKS,
}
