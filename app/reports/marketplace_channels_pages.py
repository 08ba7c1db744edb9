"""The Marketplace Channel Report as a page, as a sheet of paper and as a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from flask import Response, g, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.money import from_minor
from app.core.reporting import Days, Period, Sale
from app.core.roles import Ability
from app.orders.export import BYTE_ORDER_MARK, csv_lines
from app.reports import charts
from app.reports.marketplace_channels import Choice, Line, Report, Sheet, orders_behind, report_of
from app.reports.routes import blueprint
from app.web.args import read_args
from app.web.filters import day, month_name
from app.web.needs import needs
from app.web.respond import csv_answer

PERIODS: Final = {
    Period.TODAY: _l("Today"),
    Period.YESTERDAY: _l("Yesterday"),
    Period.THIS_MONTH: _l("This month"),
    Period.LAST_MONTH: _l("Last month"),
    Period.LAST_30_DAYS: _l("Last 30 days"),
}


@blueprint.get("/reports/marketplace-channels")
@needs(Ability.LOOK)
def marketplace_channels() -> str:
    """What each marketplace of each channel sold."""
    return render_template("reports/marketplace_channels.html", periods=PERIODS, **_shown(_asked()))


@blueprint.get("/reports/marketplace-channels/print")
@needs(Ability.LOOK)
def marketplace_channels_print() -> str:
    """The same for the browser's own printing."""
    return render_template("reports/marketplace_channels_print.html", **_shown(_asked()))


@blueprint.get("/reports/marketplace-channels.csv")
@needs(Ability.LOOK)
def marketplace_channels_csv() -> Response:
    """The same for a spreadsheet, a row for each marketplace and currency, without any sums of them."""
    report = _asked()
    rows = (_cells(report, sheet, line) for sheet in report.sheets for of in sheet.channels for line in of.lines)
    lines = [BYTE_ORDER_MARK, *csv_lines([_heading(), *rows])]
    return csv_answer(lines, f"marketplace-channels-{g.store.slug}-{report.days.first}-{report.days.last}")


def _asked() -> Report:
    return report_of(read_args(Choice, request.args))


def _shown(report: Report) -> dict[str, Any]:
    return {
        "report": report,
        "words": days_in_words,
        "starts": starts_in_words(report.starts),
        "asked": _parameters(report),
        "chart": charts,
        "bars": lambda sheet: charts.bars([figures.net for _days, figures in sheet.bars]),
        "orders_url": _Linker(report).url,
        "Sale": Sale,
    }


def _parameters(report: Report) -> dict[str, str]:
    """What a link to the same report carries."""
    if report.choice.period is not Period.CUSTOM:
        return {"period": report.choice.period.value}
    return {"period": "custom", "date_from": str(report.days.first), "date_to": str(report.days.last)}


class _Linker:
    """Addresses of the orders behind a figure; a page has hundreds, all to one place."""

    def __init__(self, report: Report) -> None:
        self._report, self._path = report, url_for("orders.index")

    def url(self, sheet: Sheet, line: Line, sale: Sale | None = None, days: Days | None = None) -> str:
        where = orders_behind(line, sheet.currency, days or self._report.days, sale)
        return f"{self._path}?{urlencode(where.to_query(), doseq=True)}"


def days_in_words(days: Days) -> str:
    """One day, a whole month by its name, or the first and the last day."""
    if days.first == days.last:
        return day(days.first)
    if days.is_month:
        return month_name(days.first)
    return _("%(first)s to %(last)s", first=day(days.first), last=day(days.last))


def starts_in_words(starts: Sequence[tuple[str, date]]) -> str:
    """Which channels have no orders of the first days, and from when on they have them; '' when all have."""
    by_day: dict[date, list[str]] = {}
    for name, first in sorted(starts, key=lambda start: start[1]):
        by_day.setdefault(first, []).append(name)
    parts = [_("%(channels)s from %(day)s", channels=", ".join(names), day=day(on)) for on, names in by_day.items()]
    if not parts:
        return ""
    return _(
        "Orders are read from a channel's start date on, so earlier ones may be missing here: %(channels)s.",
        channels="; ".join(parts),
    )


def _heading() -> list[str]:
    return [
        _("From"),
        _("To"),
        _("Channel"),
        _("Marketplace"),
        _("Currency"),
        _("Orders"),
        _("Units"),
        _("Gross"),
        _("Discounts"),
        _("Refunds"),
        _("Net"),
        _("Net per order"),
        _("Cancelled orders"),
        _("Cancelled, percent"),
        _("Net of the period before"),
        _("Difference"),
    ]


def _cells(report: Report, sheet: Sheet, line: Line) -> list[object]:
    now, before = line.now, line.before
    amounts = (now.gross, now.discount, now.refunded, now.net, now.average)
    share = Decimal(100 * now.cancelled) / (now.placed or 1)
    return [
        report.days.first.isoformat(),
        report.days.last.isoformat(),
        line.channel,
        line.marketplace,
        sheet.currency,
        now.orders,
        Decimal(f"{now.units.normalize():f}"),
        *(from_minor(amount, sheet.currency) for amount in amounts),
        now.cancelled,
        round(share, 2),
        from_minor(before.net, sheet.currency),
        from_minor(now.net - before.net, sheet.currency),
    ]
