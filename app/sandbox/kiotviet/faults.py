"""What can go wrong on purpose in KiotViet: the faults of every sandbox, and its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.sandbox.calling import Answer
from app.sandbox.faults import CALLING_OUT, DELAYING, FAILING, PAGING, WEBHOOKS, Fault, Onwards, Params, edited
from app.sandbox.kiotviet.calling import Call, error
from app.sandbox.kiotviet.wire import HEADS

TOKEN = "token"  # noqa: S105  # the name of a route
RECORDS = "records"
"""Every route but that of tokens."""
ROUTES = ("any", TOKEN, RECORDS, "read", "list", "detail", "write", *HEADS, CALLING_OUT)


def _bad_token(call: Call, _onwards: Onwards, _params: Params) -> Answer:
    return error(401, "TokenException", "Token is invalid", call.dialect)


def _expired_token(call: Call, onwards: Onwards, _params: Params) -> Answer:
    call.expire()
    return _bad_token(call, onwards, _params)


def _wrong_shop(call: Call, _onwards: Onwards, _params: Params) -> Answer:
    return error(401, "TokenException", "Shop's name is invalid", call.dialect)


def _forbidden(call: Call, _onwards: Onwards, _params: Params) -> Answer:
    return error(403, "KvException", "Bạn không có quyền thực hiện", call.dialect)


def _quota_spent(call: Call, onwards: Onwards, params: Params) -> Answer:
    call.spend_quota(params["seconds"])
    return onwards()


def _refused(call: Call, _onwards: Onwards, _params: Params) -> Answer:
    return error(420, "KvException", "Có lỗi xảy ra", call.dialect)


def _client_refused(_call: Call, _onwards: Onwards, _params: Params) -> Answer:
    return Answer(400, b'{"error":"invalid_client"}')


def _short_token(call: Call, onwards: Onwards, params: Params) -> Answer:
    call.token_lifetime = params["seconds"]
    return onwards()


def _rows_move(call: Call, onwards: Onwards, params: Params) -> Answer:
    call.moving = int(params["rows"])
    return onwards()


def _missing_modified(_call: Call, onwards: Onwards, params: Params) -> Answer:
    def unedited(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name != "modifiedDate"}

    return _edited(onwards(), int(params["row"]), unedited)


def _unknown_status(_call: Call, onwards: Onwards, params: Params) -> Answer:
    def odd(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "status": int(params["status"]), "statusValue": "Chưa rõ"}

    return _edited(onwards(), int(params["row"]), odd)


def _edited(answer: Answer, place: int, edit: Any) -> Answer:
    """The answer with rows edited, or its one record; a failure stays as it is."""
    if answer.status != 200 or not answer.body.startswith(b"{"):
        return answer
    return edited(answer, place, edit, lambda body: body.get("data"))


def _wrong_total(_call: Call, onwards: Onwards, params: Params) -> Answer:
    answer = onwards()
    total = b'"total":%d,' % int(params["total"])
    start, end = answer.body.find(b'"total":'), answer.body.find(b',"pageSize"')
    return replace(answer, body=answer.body[:start] + total + answer.body[end + 1 :]) if 0 < start < end else answer


# Outermost first: those that answer stand before those that only colour an answer.
FAULTS: Mapping[str, Fault[Call]] = {
    **DELAYING,
    "expired_token": Fault(
        "The token of the call expires at that moment, HTTP 401; a new one is good again.", _expired_token, RECORDS
    ),
    "bad_token": Fault("Every token is refused, new ones too: HTTP 401.", _bad_token, RECORDS),
    "wrong_shop": Fault("The right shop's name is refused: HTTP 401.", _wrong_shop, RECORDS),
    "forbidden": Fault("The key may not do this: HTTP 403.", _forbidden, RECORDS),
    "client_refused": Fault('The right client is refused: HTTP 400, "invalid_client".', _client_refused, TOKEN),
    "short_token": Fault("New tokens last so many seconds.", _short_token, TOKEN, {"seconds": 2}),
    "quota_spent": Fault(
        "The quota of reads is spent at that moment, for so many seconds more.",
        _quota_spent,
        "read",
        {"seconds": 1800},
    ),
    **FAILING,
    "refused": Fault("HTTP 420, as when a rule of the business forbids it.", _refused, "write"),
    **PAGING,
    "rows_move": Fault(
        "Before each page after the first, so many rows of the pages before are edited: in a list by modifiedDate all "
        "others move up, in one by number none does.",
        _rows_move,
        "list",
        {"rows": 1},
    ),
    "missing_modified_date": Fault(
        "One row of a page has no modifiedDate, by place (row 1 is the first, 0 means all).",
        _missing_modified,
        "list",
        {"row": 1},
    ),
    "unknown_status": Fault(
        "One order or invoice of a page has a status that nobody knows, by place (row 1 is the first, 0 means all).",
        _unknown_status,
        "orders",
        {"row": 1, "status": 77},
    ),
    "wrong_total": Fault("A page says that there are so many rows in all.", _wrong_total, "list", {"total": 7}),
    **WEBHOOKS,
}
