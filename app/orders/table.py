"""The orders' table as pages show it: on /orders, and on a channel's own tab with the channel fixed.

A page calls `orders_table_context` and includes "orders/_table.html"; everything in it, bulk actions and live rows
too, leads back to that page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit
from zlib import crc32

from flask import url_for
from werkzeug.datastructures import MultiDict

from app.core.states import OrderState, Reason
from app.orders.filters import OrderFilter
from app.orders.options import filter_options
from app.orders.queries import (
    COUNTED_AT_MOST,
    OrderRow,
    choosing,
    filter_choices,
    order_rows,
    orders_page,
    search_of,
    state_tallies,
)
from app.orders.reasons import Explanation, Place, alert_words, explain
from app.planning import plan_once
from app.web.beside import along
from app.web.filters import number
from app.web.links import safe_next, url_if
from app.web.pagination import Keyset, Page

_CHIPS: Final = (
    OrderState.READY,
    OrderState.HELD,
    OrderState.WAITING,
    OrderState.QUEUED,
    OrderState.BOOKED,
    OrderState.CLOSED,
)


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """A row with its words: `why` it is where it is, why its write-back waits, what its invoice does not say.

    `gateway_url` is where its gateway gets a payment method, None when it has one.
    """

    row: OrderRow
    why: Explanation | None
    write_back_why: Explanation | None
    alert: str
    gateway_url: str | None


@dataclass(frozen=True, slots=True)
class OrdersTable:
    """`path` is the page that shows the table, and `channel_fixed` says that this path stands for the channel."""

    where: OrderFilter
    rows: Sequence[ShownOrder]
    page: Page[OrderRow]
    keyset: Keyset
    counts: Mapping[OrderState, int]
    stopped: frozenset[OrderState]
    """States of which more may match than were counted."""
    unmapped: int
    """How many of the ready ones came by a gateway without a payment method; they are booked under the default."""
    path: str
    channel_fixed: bool

    @property
    def matching(self) -> int:
        """How many orders match on all pages, counted up to `COUNTED_AT_MOST`."""
        wanted = self.where.state or tuple(OrderState)
        return min(sum(self.counts[state] for state in wanted), COUNTED_AT_MOST)

    @property
    def everything(self) -> int:
        """How many match in all states together."""
        return min(sum(self.counts.values()), COUNTED_AT_MOST)

    def count_text(self, state: OrderState | None = None) -> str:
        """The count of one state, or of all, as a chip shows it."""
        if state is None:
            return _at_least(self.everything, bool(self.stopped))
        return _at_least(self.counts[state], state in self.stopped)

    @property
    def matching_text(self) -> str:
        """How many match, as a button says it."""
        return _at_least(self.matching, bool(self.stopped.intersection(self.where.state or OrderState)))

    @property
    def chip_states(self) -> tuple[OrderState, ...]:
        """The states in the order of what a shop does next."""
        return _CHIPS

    @property
    def ready_text(self) -> str:
        """How many are ready, as a button says it."""
        return self.count_text(OrderState.READY)

    @property
    def more_restricted(self) -> int:
        """How many of the filters that the form folds away are set."""
        return len(self.where.but(q=None, state=(), channel=None, marketplace=None).to_query())

    @property
    def cleared_url(self) -> str:
        """The page with the states kept and no other filter."""
        return self._at(self.path, OrderFilter(state=self.where.state))

    @property
    def ready(self) -> int:
        """How many of the matching orders only wait for *Sync*."""
        return self.counts[OrderState.READY]

    @property
    def unmapped_text(self) -> str:
        """How many of the ready ones will be booked under the default, as a sentence says it."""
        return _at_least(self.unmapped, OrderState.READY in self.stopped)

    @property
    def unmapped_url(self) -> str:
        """Those orders; each one's gateway links to where its payment method is chosen."""
        return self.url(state=(OrderState.READY,), unmapped=True)

    @property
    def syncable(self) -> int:
        """How many of those that match, on all pages, *Sync* would take."""
        return self.ready if not self.where.state or OrderState.READY in self.where.state else 0

    @property
    def restricted(self) -> int:
        """How many filters are set, the states and what the path says left aside."""
        free = self.where.but(state=(), channel=None if self.channel_fixed else self.where.channel)
        return len(free.to_query())

    @property
    def moving(self) -> list[int]:
        """The orders to which something is happening now."""
        return [shown.row.id for shown in self.rows if shown.row.moves]

    @property
    def follows(self) -> bool:
        """Whether the page asks again: for the rows that move, or for the counts while orders elsewhere are queued."""
        return bool(self.moving or self.counts[OrderState.QUEUED])

    def url(self, **changes: Any) -> str:
        """This page with another filter, from its beginning."""
        return self._at(self.path, self.where.but(**changes))

    @property
    def here_url(self) -> str:
        """The page as it is shown: the filter, and the place in the list."""
        place = {"after": self.keyset.after, "before": self.keyset.before}
        return self._at(self.path, self.where, **{name: at.encode() for name, at in place.items() if at})

    @property
    def before_url(self) -> str | None:
        """The previous page, if there is one."""
        return self._at(self.path, self.where, before=self.page.before) if self.page.before else None

    @property
    def after_url(self) -> str | None:
        """The next page, if there is one."""
        return self._at(self.path, self.where, after=self.page.after) if self.page.after else None

    @property
    def csv_url(self) -> str:
        """All matching orders as CSV."""
        return url_for("orders.export", **self.where.to_query())

    @property
    def live_url(self) -> str:
        """Where the rows that move are read again, with the counts above them."""
        still = [mark_of(shown.row) for shown in self.rows if not shown.row.moves]
        where = self.where.query_string()
        return url_for("orders.rows", id=self.moving, row=still, filter=where, back=self.here_url)

    @property
    def hidden(self) -> dict[str, str]:
        """What a bulk action carries: the filter it is about, and the place to come back to."""
        return {"filter": self.where.query_string(), "back": self.here_url}

    @property
    def hidden_ready(self) -> dict[str, str]:
        """The same for all that match and are ready, in whatever state the list shows them."""
        return {**self.hidden, "filter": self.where.but(state=(OrderState.READY,)).query_string(), "all": "1"}

    def _at(self, path: str, where: OrderFilter, **more: str) -> str:
        query = where.to_query() | more
        if self.channel_fixed:
            query.pop("channel", None)
        text = urlencode(query, doseq=True)
        return f"{path}?{text}" if text else path


def orders_table_context(
    where: OrderFilter, keyset: Keyset, *, path: str | None = None, channel_fixed: bool = False
) -> dict[str, Any]:
    """What "orders/_table.html" needs. Four statements, whatever the number of orders.

    `path` is the page's own, /orders by default; a channel's tab passes its path, a filter with its channel and
    `channel_fixed=True`.
    """
    plan_once()
    found = search_of(where)
    page = orders_page(where, keyset, found)
    tallies = state_tallies(where, found=found)
    table = OrdersTable(
        where=where,
        rows=[show_row(row) for row in page.rows],
        page=page,
        keyset=keyset,
        counts=tallies.counts,
        stopped=tallies.stopped,
        unmapped=tallies.unmapped,
        path=path or url_for("orders.index"),
        channel_fixed=channel_fixed,
    )
    return {"table": table, "options": filter_options(filter_choices(along(choosing)), where)}


@dataclass(frozen=True, slots=True)
class Spot:
    """The page, filter and place in the list that a request came from, as its `back` says."""

    url: str
    path: str
    where: OrderFilter
    keyset: Keyset
    channel_fixed: bool

    @classmethod
    def of(cls, back: str | None, about: OrderFilter) -> Spot:
        """Read `back`; a page that is not /orders stands for the channel that the filter `about` names."""
        index = url_for("orders.index")
        url = safe_next(back) or index
        parts = urlsplit(url)
        args = MultiDict(parse_qsl(parts.query))
        where, fixed = OrderFilter.from_args(args), parts.path != index
        return cls(
            url=url,
            path=parts.path,
            where=where.but(channel=about.channel) if fixed else where,
            keyset=Keyset.from_args(args),
            channel_fixed=fixed,
        )

    def context(self) -> dict[str, Any]:
        """The table as it stands now on that page."""
        return orders_table_context(self.where, self.keyset, path=self.path, channel_fixed=self.channel_fixed)

    def moved(self, order_ids: Sequence[int]) -> OrdersTable:
        """The table with nothing but the rows of these orders. Three statements."""
        rows = [show_row(row) for row in order_rows(order_ids)]
        tallies = state_tallies(self.where)
        return OrdersTable(
            where=self.where,
            rows=rows,
            page=Page((), None, None),
            keyset=self.keyset,
            counts=tallies.counts,
            stopped=tallies.stopped,
            unmapped=tallies.unmapped,
            path=self.path,
            channel_fixed=self.channel_fixed,
        )


def _at_least(count: int, stopped: bool) -> str:
    """A count, with a plus where there may be more."""
    if count >= COUNTED_AT_MOST:
        return f"{number(COUNTED_AT_MOST - 1)}+"
    return f"{number(count)}+" if stopped else number(count)


def mark_of(row: OrderRow) -> str:
    """The row's id with what tells whether it changed: an open page asks for rows that differ from what it shows."""
    state = (row.state, row.reason, row.alert, row.write_back, row.lacks)
    seen = (*state, row.invoice_no, row.gateway_mapped, row.payment_method)
    return f"{row.id}.{crc32(repr(seen).encode()):08x}"


def show_row(row: OrderRow) -> ShownOrder:
    """The row with its words and links."""
    place = place_of(row)
    mapping = f"#gateway-{row.mapping_id}" if row.mapping_id else ""
    payments = None if row.gateway_mapped else url_if("channels.payments", channel_id=row.channel_id)
    stuck = row.write_back_reason if row.write_back in {"planned", "blocked"} else None
    return ShownOrder(
        row=row,
        why=None if row.reason == Reason.UNPAID else explain(row.reason, row.reason_detail, place),
        write_back_why=explain(stuck, row.write_back_detail, place),
        alert=alert_words(row.alert, row.channel) if row.alert else "",
        gateway_url=payments and payments + mapping,
    )


def place_of(row: OrderRow) -> Place:
    """Where the row's obstacles are mended."""
    return Place(row.channel_id, row.channel, row.mapping_id, row.id)
