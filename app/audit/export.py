"""The audit log as CSV, streamed in batches, oldest first: a row for each field that changed."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from app.audit.queries import AuditFilter, EntryRow, entry_batches
from app.audit.words import field_words, label_words, thing_words, value_words, verb_words
from app.extensions import db
from app.orders.export import BYTE_ORDER_MARK, csv_lines
from app.tenancy.scope import store_scope


def audit_csv(store_id: int, zone: ZoneInfo, where: AuditFilter) -> Iterator[str]:
    """All matching entries of a store, below a heading; opens the store's scope itself, because it outlives a page."""
    yield BYTE_ORDER_MARK
    yield from csv_lines([_heading(zone)])
    with store_scope(store_id):
        for batch in entry_batches(where, zone):
            db.session.rollback()
            yield from csv_lines(cells for row in batch for cells in _cells(row, zone))


def _heading(zone: ZoneInfo) -> list[str]:
    return [
        _("Entry"),
        _("When (%(zone)s)", zone=zone.key),
        _("Who"),
        _("IP address"),
        _("Browser"),
        _("What"),
        _("Name"),
        _("Done"),
        _("How many"),
        _("Field"),
        _("Before"),
        _("After"),
    ]


def _cells(row: EntryRow, zone: ZoneInfo) -> Iterator[list[object]]:
    common: list[object] = [
        row.id,
        row.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
        row.who or _("by itself"),
        row.address,
        row.browser,
        thing_words(row.thing),
        label_words(row.thing, row.label),
        verb_words(row.verb)[0],
        row.many,
    ]
    if not row.changes:
        yield [*common, "", "", ""]
    for name, (was, now) in row.changes.items():
        yield [*common, field_words(name), value_words(name, was), value_words(name, now)]
