"""A verification as CSV for spreadsheets: its days, or what deviates.

Amounts are plain decimals beside a column with their currency; days are ISO.
"""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import gettext as _

from app.completeness.queries import DayRow, DeviationRow, VerificationRow, all_deviations, days
from app.completeness.words import KINDS, local_words, remote_words
from app.core.money import from_minor
from app.orders.export import BYTE_ORDER_MARK, csv_lines
from app.orders.reasons import phrase
from app.tenancy.scope import store_scope


def days_csv(store_id: int, row: VerificationRow) -> Iterator[str]:
    """The days of a verification, below a heading; it opens the store's scope itself, for the answer is streamed."""
    yield BYTE_ORDER_MARK
    yield from csv_lines([_day_heading()])
    with store_scope(store_id):
        yield from csv_lines(_day_cells(day, row) for day in days(row.id))


def deviations_csv(store_id: int, row: VerificationRow) -> Iterator[str]:
    """What deviates, below a heading."""
    yield BYTE_ORDER_MARK
    yield from csv_lines([_deviation_heading()])
    with store_scope(store_id):
        yield from csv_lines(_deviation_cells(deviation, row) for deviation in all_deviations(row.id))


def _day_heading() -> list[str]:
    return [
        _("Channel"),
        _("Day"),
        _("Currency"),
        _("Orders on the channel"),
        _("Total on the channel"),
        _("Paid on the channel"),
        _("Orders here"),
        _("Total here"),
        _("Missing"),
        _("Extra"),
        _("Different"),
        _("Difference"),
        _("Invoiced"),
        _("Invoices differ by"),
        _("Paid, not invoiced"),
        _("Why"),
    ]


def _day_cells(day: DayRow, row: VerificationRow) -> list[object]:
    return [
        row.channel,
        day.day,
        day.currency,
        day.remote_orders,
        from_minor(day.remote_total, day.currency),
        day.remote_paid,
        day.orders,
        from_minor(day.total, day.currency),
        day.missing,
        day.extra,
        day.differing,
        from_minor(day.difference, day.currency),
        from_minor(day.invoiced, day.currency),
        from_minor(day.invoice_difference, day.currency),
        sum(day.not_invoiced.values()),
        "; ".join(f"{many} {phrase(code)}" for code, many in sorted(day.not_invoiced.items())),
    ]


def _deviation_heading() -> list[str]:
    return [
        _("Channel"),
        _("Marketplace"),
        _("Order"),
        _("Order id on the channel"),
        _("Day"),
        _("What differs"),
        _("On the channel"),
        _("Here"),
        _("Currency"),
        _("Difference"),
        _("Mended"),
    ]


def _deviation_cells(deviation: DeviationRow, row: VerificationRow) -> list[object]:
    return [
        row.channel,
        deviation.marketplace,
        deviation.number,
        deviation.remote_id,
        deviation.day or "",
        str(KINDS[deviation.kind].label),
        remote_words(deviation),
        local_words(deviation),
        deviation.currency,
        from_minor(deviation.difference, deviation.currency),
        deviation.mended_at.isoformat(timespec="seconds") if deviation.mended_at else "",
    ]
