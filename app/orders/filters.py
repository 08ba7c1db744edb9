"""Which orders are wanted: a filter that lives in the URL, so that it survives a reload, a shared link and Back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from app.core.reporting import Sale
from app.core.reserving import Why
from app.core.states import ChangeState, OrderState
from app.core.types import OrderStatus, PaymentStatus
from app.web.args import read_args, write_args

NO_GATEWAY: Final = "NONE"
"""How the URL writes the gateway key '' (no gateway). No key looks like this: keys are case-folded."""

_EARLIEST: Final = date(1970, 1, 1)
_LATEST: Final = date(9998, 12, 31)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """The field names are the parameters of the URL; what is left at its default does not restrict.

    `q` is free text, `gateway` a gateway key (or `NO_GATEWAY`), `write_back` the state of the newest write-back
    ("planned" means on its way: planned or sending), `date_from` and `date_to` days of the store's zone, both
    included. `state` is where it stands here, `status` where its channel says that it does. `unmapped` asks for
    gateways without a payment method, `alert` for invoiced orders that changed since. `reason` is why the order waits
    or, beside `write_back`, why the write-back does. `stock` asks for orders that lack pieces of the stock, `contested`
    for those of which two linked stores said different things. `sale` and `currency` are what a figure of the sales
    reports is about. `due_from` and `due_to` ask for orders that are not booked and whose invoices would carry one of
    these days (`app.orders.due`).
    """

    q: str | None = None
    channel: int | None = None
    marketplace: int | None = None
    state: tuple[OrderState, ...] = ()
    reason: str | None = None
    alert: str | None = None
    status: OrderStatus | None = None
    payment: PaymentStatus | None = None
    gateway: str | None = None
    unmapped: bool = False
    stock: Why | None = None
    contested: bool = False
    write_back: ChangeState | None = None
    date_from: date | None = None
    date_to: date | None = None
    sale: Sale | None = None
    currency: str | None = None
    due_from: date | None = None
    due_to: date | None = None

    @classmethod
    def from_args(cls, args: MultiDict[str, str]) -> OrderFilter:
        """Read the parameters of a URL; what cannot be read does not restrict."""
        return read_args(cls, args)

    @classmethod
    def from_query(cls, query: str) -> OrderFilter:
        """Read a query string, such as the one that a bulk action carries in its form."""
        return cls.from_args(MultiDict(parse_qsl(query)))

    def to_query(self) -> dict[str, Any]:
        """The parameters that make this filter again, text or lists of text: `url_for(…, **filter.to_query())`."""
        return write_args(self)

    def query_string(self) -> str:
        """The same as text, for a hidden field."""
        return urlencode(self.to_query(), doseq=True)

    def but(self, **changes: Any) -> OrderFilter:
        """This filter with some fields changed."""
        return replace(self, **changes)

    @property
    def gateway_key(self) -> str | None:
        """The key to compare with, or None when every gateway will do."""
        return "" if self.gateway == NO_GATEWAY else self.gateway

    @property
    def write_back_states(self) -> tuple[ChangeState, ...]:
        """The states that `write_back` stands for; empty when it does not restrict."""
        if self.write_back in {ChangeState.PLANNED, ChangeState.SENDING}:
            return (ChangeState.PLANNED, ChangeState.SENDING)
        return () if self.write_back is None else (self.write_back,)

    @property
    def asks_for_few(self) -> bool:
        """Whether it asks for what few orders have, which an index of its own finds."""
        return (
            self.alert is not None
            or self.stock is not None
            or self.contested
            or self.due_from is not None
            or self.due_to is not None
            or (self.write_back is not None and self.write_back != ChangeState.DONE)
        )

    @property
    def asks_for_days(self) -> bool:
        """Whether it asks for days, which are of the store's own zone."""
        days = (self.date_from, self.date_to, self.due_from, self.due_to)
        return any(day is not None for day in days)

    @property
    def words(self) -> list[str]:
        """The words of `q`, each of which must be found; case does not matter."""
        return (self.q or "").casefold().split()[:8]

    def placed_between(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """The moments from which (included) and until which (excluded) the wanted days last in `zone`."""
        start, end = self.date_from, self.date_to
        return (
            None if start is None else _midnight(start, zone),
            None if end is None else _midnight(min(end, _LATEST) + timedelta(days=1), zone),
        )


def gateway_value(key: str) -> str:
    """How the URL writes a gateway key."""
    return key or NO_GATEWAY


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The day's beginning; days that no order can have are brought near enough to be reckoned with."""
    return datetime.combine(min(max(day, _EARLIEST), _LATEST), time.min, zone)
