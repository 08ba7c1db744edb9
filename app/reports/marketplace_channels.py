"""The Marketplace Channel Report: what each marketplace of each channel sold in some days, and in the days before.

Read from the sums of whole days (`order_days`), so that it costs the same however many orders there are. Currencies are
never added up: each has a sheet of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import reduce
from itertools import groupby
from operator import add
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, cast, func, or_, select

from app.channels.connecting import kinds_made_here
from app.channels.models import Channel, Marketplace
from app.core.reporting import Days, Figures, Period, Sale, days_before, days_of, step_of, steps
from app.extensions import db
from app.orders.filters import OrderFilter
from app.reports.models import OrderDay
from app.tenancy.scope import THIS_STORE, current_store


@dataclass(frozen=True, slots=True)
class Choice:
    """Which days are shown; the field names are the parameters of the URL."""

    period: Period = Period.LAST_30_DAYS
    date_from: date | None = None
    date_to: date | None = None

    def days(self, today: date) -> Days:
        """The days that are meant on this day."""
        return days_of(self.period, today, self.date_from, self.date_to)


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of a marketplace, or of a whole channel or sheet where it names none; `before` to compare with."""

    now: Figures
    before: Figures
    channel_id: int | None = None
    channel: str = ""
    marketplace_id: int | None = None
    marketplace: str = ""


@dataclass(frozen=True, slots=True)
class ChannelLines:
    """A channel's marketplaces by name, and what they come to together."""

    total: Line
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that was sold in one currency. `bars` are the days (or months) of the period, those without sales too."""

    currency: str
    total: Line
    channels: tuple[ChannelLines, ...]
    bars: tuple[tuple[Days, Figures], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A period's sheets, the store's own currency first; none at all when nothing was sold, now or before.

    `starts` are the channels, by name, whose orders are wanted only from a later day on than these days begin.
    """

    choice: Choice
    today: date
    days: Days
    before: Days
    sheets: tuple[Sheet, ...]
    starts: tuple[tuple[str, date], ...] = ()


def report_of(choice: Choice, now: datetime | None = None) -> Report:
    """The report as it stands. Two statements."""
    store = current_store()
    zone = ZoneInfo(store.time_zone)
    today = (now or datetime.now(UTC)).astimezone(zone).date()
    days = choice.days(today)
    before = days_before(choice.period, days)
    rows = db.session.execute(_of_places(days, before)).all()
    found = sorted(_lines(rows), key=lambda pair: (pair[0] != store.currency, pair[0]))
    drawn = _by_day(days)
    sheets = [
        _sheet(currency, [line for _currency, line in pairs], days, drawn.get(currency, {}))
        for currency, pairs in groupby(found, key=lambda pair: pair[0])
    ]
    return Report(choice, today, days, before, tuple(sheets), _starts_after(before.first, rows, zone))


def orders_behind(line: Line, currency: str, days: Days, sale: Sale | None = None) -> OrderFilter:
    """The filter of the orders' list that finds exactly the orders behind a figure."""
    return OrderFilter(
        channel=line.channel_id,
        marketplace=line.marketplace_id,
        currency=currency,
        date_from=days.first,
        date_to=days.last,
        sale=sale,
    )


def _sheet(currency: str, lines: Sequence[Line], days: Days, drawn: dict[date, Figures]) -> Sheet:
    channels = [
        ChannelLines(_total(rows, channel_id, rows[0].channel), tuple(rows))
        for channel_id, rows in ((key, list(rows)) for key, rows in groupby(lines, key=lambda line: line.channel_id))
    ]
    bars = [(bar, _sum(figures for day, figures in drawn.items() if day in bar)) for bar in steps(days, step_of(days))]
    return Sheet(currency, _total(lines), tuple(channels), tuple(bars))


def _total(lines: Sequence[Line], channel_id: int | None = None, channel: str = "") -> Line:
    return Line(_sum(line.now for line in lines), _sum(line.before for line in lines), channel_id, channel)


def _sum(figures: Iterable[Figures]) -> Figures:
    return reduce(add, figures, Figures())


def _starts_after(first: date, rows: Iterable[Row[Any]], zone: ZoneInfo) -> tuple[tuple[str, date], ...]:
    starts = {row.id: (row.channel, row.start_at.astimezone(zone).date()) for row in rows if row.is_read}
    return tuple((name, start) for name, start in starts.values() if start > first)


def _lines(rows: Iterable[Row[Any]]) -> list[tuple[str, Line]]:
    """(currency, line) of every marketplace with an order in either of the two, by the names of channel and place."""
    found: dict[tuple[Any, ...], dict[bool, Figures]] = {}
    for row in rows:
        if row.currency is None:
            continue
        figures = Figures(row.orders, row.cancelled, row.units, row.gross, row.discount, row.refunded)
        place = (row.currency, row.channel_id, row.channel, row.marketplace_id, row.marketplace)
        if figures.placed:
            found.setdefault(place, {})[row.is_now] = figures
    return [
        (currency, Line(both.get(True, Figures()), both.get(False, Figures()), *place))
        for (currency, *place), both in found.items()
    ]


def _of_places(days: Days, before: Days) -> Select[Any]:
    """The sums of either of the two, and every channel that orders are read from, with or without some."""
    is_now = (OrderDay.day >= days.first).label("is_now")
    keys = (OrderDay.channel_id, OrderDay.marketplace_id, OrderDay.currency)
    sums = (
        select(*keys, is_now, *_SUMS)
        .where(OrderDay.store_id == THIS_STORE, or_(_within(days), _within(before)))
        .group_by(*keys, is_now)
        .subquery()
    )
    is_read = and_(Channel.status != "removed", Channel.takes_orders, Channel.kind.not_in(kinds_made_here()))
    marketplace = and_(Marketplace.store_id == THIS_STORE, Marketplace.id == sums.c.marketplace_id)
    facts = (Channel.id, Channel.name.label("channel"), Channel.start_at, is_read.label("is_read"))
    return (
        select(sums, *facts, Marketplace.name.label("marketplace"))
        .select_from(Channel)
        .outerjoin(sums, sums.c.channel_id == Channel.id)
        .outerjoin(Marketplace, marketplace)
        .where(Channel.store_id == THIS_STORE, or_(sums.c.channel_id.is_not(None), is_read))
        .order_by(func.lower(Channel.name), Channel.id, func.lower(Marketplace.name), Marketplace.id)
    )


def _by_day(days: Days) -> dict[str, dict[date, Figures]]:
    """Currency → day → figures of all channels together."""
    rows = db.session.execute(
        select(OrderDay.currency, OrderDay.day, *_SUMS)
        .where(OrderDay.store_id == THIS_STORE, _within(days))
        .group_by(OrderDay.currency, OrderDay.day)
    )
    found: dict[str, dict[date, Figures]] = {}
    for currency, day, *figures in rows:
        found.setdefault(currency, {})[day] = Figures(*figures)
    return found


def _within(days: Days) -> ColumnElement[bool]:
    return OrderDay.day.between(days.first, days.last)


_SUMS = tuple(
    (func.sum(column) if column is OrderDay.units else cast(func.sum(column), BigInteger)).label(column.key)
    for column in (
        *(OrderDay.orders, OrderDay.cancelled, OrderDay.units),
        *(OrderDay.gross, OrderDay.discount, OrderDay.refunded),
    )
)
