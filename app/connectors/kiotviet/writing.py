"""Making orders of ours at KiotViet, and letting them follow ours: never twice, and never set back.

A repeated POST makes a second order, so one whose answer was lost is looked for by its mark first. It is looked for
among the newest by their creation, which is the one order that nothing about them can change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from flask_babel import gettext as _

from app.connectors.base import GoAhead
from app.connectors.fields import Row, remote_id, text
from app.connectors.http import NoSuchRoute
from app.connectors.kiotviet import payload
from app.connectors.kiotviet.client import MISSING, Client, Forbidden, Refused
from app.connectors.kiotviet.fields import CURRENCY, amount, part_of_row
from app.connectors.kiotviet.paging import created_at, full_page
from app.connectors.kiotviet.sales import PAPERS, made_by
from app.core.errors import ChannelError
from app.core.types import OrderReceipt, OrderWrite, WriteOutcome

SURCHARGE_CODE: Final = "CHANNELBOOK"
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
_ORDERS: Final = PAPERS["orders"]
_CANCELLED: Final = "4"


class Writer:
    """Writes orders of one shop."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._surcharge_id: int | None = None

    def write(self, write: OrderWrite, go_ahead: GoAhead) -> OrderReceipt:
        """Let the order there be as ours is; see `Connector.write_order`."""
        if write.currency != CURRENCY:
            words = _("KiotViet keeps amounts in dong, and this order is in %(currency)s.", currency=write.currency)
            return OrderReceipt(write.key, WriteOutcome.REJECTED, write.remote_id, words=words)
        row = self._standing(write)
        if row is None and write.remote_id:
            return OrderReceipt(write.key, WriteOutcome.MISSING, write.remote_id)
        try:
            if write.status in payload.CANCELLED:
                return self._cancelled(write, row, go_ahead)
            is_new = row is None
            row = self._made(write, go_ahead) if row is None else row
            self._follow(write, row, go_ahead, is_new=is_new)
        except (Refused, Forbidden, NoSuchRoute) as refusal:
            if isinstance(refusal, NoSuchRoute) and row is not None:
                return _receipt(write, WriteOutcome.MISSING, row)
            return _receipt(write, WriteOutcome.REJECTED, row, _words(refusal))
        return _receipt(write, WriteOutcome.DONE, row)

    def _standing(self, write: OrderWrite) -> Row | None:
        """The order as it is there; None where it is not, or was never sent."""
        if write.remote_id:
            try:
                return self._row(self._client.get(f"/{write.remote_id}"), write.remote_id)
            except MISSING:
                return None
        return self._found(write.key, write.tried_at - _CLOCKS_DIFFER) if write.tried_at else None

    def _found(self, key: str, since: datetime) -> Row | None:
        """The order that bears this mark, among those created since then."""
        asked = {"orderBy": "createdDate", "orderDirection": "Desc", **_ORDERS.options}
        number = 1
        while True:
            page = full_page(self._client, _ORDERS.path, number, asked)
            rows = [row for row in page.rows if isinstance(row, Mapping)]
            for row in rows:
                if made_by(_ORDERS, row) == key:
                    return row
            if page.is_last or any(at < since for row in rows if (at := created_at(row))):
                return None
            number += 1

    def _made(self, write: OrderWrite, go_ahead: GoAhead) -> Row:
        """A new order. A shop that delivers nothing refuses the whole of one that says where it goes: then it is told
        without, for the address stands with the customer as well."""
        goods = payload.goods_of(write.lines)
        body = self._body(write, goods, go_ahead) | payload.introduction(write)
        where = payload.delivery(write)
        if where:
            try:
                return self._posted(body | where, go_ahead)
            except Refused:
                pass
        return self._posted(body, go_ahead)

    def _posted(self, body: Mapping[str, Any], go_ahead: GoAhead) -> Row:
        return self._row(self._client.send("POST", "/orders", body, go_ahead=go_ahead), "/orders", effect=True)

    def _follow(self, write: OrderWrite, row: Row, go_ahead: GoAhead, *, is_new: bool) -> None:
        """Change what differs from ours; what people there wrote and whom they chose stays."""
        goods = payload.goods_of(write.lines)
        changes = payload.payment(write, amount(row, "totalPayment") or Decimal(0))
        status = payload.status_code(write, row)
        if status is not None:
            changes["status"] = status
        if not changes and (is_new or payload.says_the_same(row, write, goods)):
            return
        kept = {name: row[name] for name in ("description", "customerId") if row.get(name)}
        body = kept | self._body(write, goods, go_ahead) | changes
        self._client.send("PUT", f"/orders/{remote_id(row, 'id')}", body, go_ahead=go_ahead)

    def _cancelled(self, write: OrderWrite, row: Row | None, go_ahead: GoAhead) -> OrderReceipt:
        """One that never came there need not be cancelled. What was paid is voided unless ours says it was paid."""
        if row is not None and text(row, "status") != _CANCELLED:
            void = {"IsVoidPayment": "false" if write.paid else "true"}
            self._client.send("DELETE", f"/orders/{remote_id(row, 'id')}", params=void, go_ahead=go_ahead)
        return _receipt(write, WriteOutcome.DONE, row)

    def _body(self, write: OrderWrite, goods: tuple[payload.Goods, ...], go_ahead: GoAhead) -> dict[str, Any]:
        sums = payload.sums_of(write, goods)
        charge = self._surcharge(go_ahead) if sums.surcharge else None
        return payload.body_of(write, goods, sums, charge)

    def _surcharge(self, go_ahead: GoAhead) -> int:
        """Their id of the surcharge that stands for shipping and the like, which is made where there is none."""
        if self._surcharge_id is None:
            rows = full_page(self._client, "surchages", 1, {}).rows
            known = [row for row in rows if isinstance(row, Mapping) and text(row, "surchargeCode") == SURCHARGE_CODE]
            row = known[0] if known else self._new_surcharge(go_ahead)
            self._surcharge_id = int(remote_id(row, "id"))
        return self._surcharge_id

    def _new_surcharge(self, go_ahead: GoAhead) -> Row:
        asked = {"surchargeCode": SURCHARGE_CODE, "surchargeName": "Channelbook", "value": 0}
        answer = self._client.send("POST", "/surchages", asked, go_ahead=go_ahead)
        flat = answer if isinstance(answer, Mapping) else {}
        return self._row(part_of_row(flat, "data") or flat, "/surchages", effect=True)

    def _row(self, answer: Any, path: str, *, effect: bool = False) -> Row:
        found = remote_id(answer, "id") if isinstance(answer, Mapping) else ""
        if not (found.isascii() and found.isdigit()):
            raise self._client.unlike(path, effect=effect)
        row: Row = answer
        return row


def _receipt(write: OrderWrite, outcome: WriteOutcome, row: Row | None, words: str = "") -> OrderReceipt:
    """What became of it; an order that stands there is named whatever became of its change."""
    found = remote_id(row, "id") if row is not None else ""
    number = text(row, "code") if row is not None else ""
    return OrderReceipt(write.key, outcome, f"orders/{found}" if found else write.remote_id, number, words)


def _words(refusal: ChannelError) -> str:
    return refusal.words if isinstance(refusal, Refused) and refusal.words else refusal.user_message
