"""Settings → Audit log: the list, and the file of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Response, g, request, url_for
from flask_babel import gettext as _

from app.accounts.agents import agent_of
from app.audit import queries
from app.audit.export import audit_csv
from app.audit.queries import BY_ITSELF, BY_KEY, AuditFilter, EntryRow
from app.audit.words import THINGS, Thing, field_words, label_words, thing_words, value_words, verb_words
from app.core.roles import Ability
from app.tenancy.routes import blueprint
from app.web.filters import number
from app.web.needs import needs
from app.web.pagination import Keyset
from app.web.respond import csv_answer, page_or_fragment

_SECRETS: Final = ("secret", "credentials")


@dataclass(frozen=True, slots=True)
class Line:
    """One field of an entry: what it was and is; of what is new, `was` is '' and nothing is said of it."""

    field: str
    was: str
    now: str
    is_new: bool
    is_secret: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as the page shows it; `url` leads to the thing where it still exists."""

    row: EntryRow
    thing: str
    label: str
    verb: str
    tone: str
    url: str | None
    job_url: str | None
    browser: str
    lines: list[Line]


@blueprint.get("/audit")
@needs(Ability.AUDIT)
def audit() -> Response:
    """Who did what, newest first."""
    where, keyset = AuditFilter.from_args(request.args), Keyset.from_args(request.args)
    page = queries.entries_page(where, keyset, ZoneInfo(g.store.time_zone))
    known = queries.still_there(page.rows)
    people = [*queries.people(), (BY_KEY, _("Programs with an API key")), (BY_ITSELF, _("by itself"))]
    return page_or_fragment(
        "settings/audit.html",
        "settings/_audit.html",
        where=where,
        page=page,
        entries=[_shown(row, known) for row in page.rows],
        people=people,
        things=[(thing.value, str(THINGS[thing])) for thing in Thing],
    )


@blueprint.get("/audit.csv")
@needs(Ability.AUDIT)
def audit_export() -> Response:
    """The filtered list for a spreadsheet: a row for each field that changed."""
    lines = audit_csv(g.store.id, ZoneInfo(g.store.time_zone), AuditFilter.from_args(request.args))
    return csv_answer(lines, f"audit-log-{g.store.slug}")


def _shown(row: EntryRow, known: Mapping[tuple[str, str], int | None]) -> Shown:
    verb, tone = verb_words(row.verb)
    return Shown(
        row=row,
        thing=thing_words(row.thing),
        label=f"× {number(row.many)}" if row.many > 1 else label_words(row.thing, row.label),
        verb=verb,
        tone=tone,
        url=_url(row, known),
        job_url=url_for("sync.job", job_id=row.job_id) if ("job", str(row.job_id)) in known else None,
        lines=list(_lines(row)),
        browser=agent_of(row.browser).name if row.browser else "",
    )


def _place(field: tuple[str, Any]) -> tuple[bool, bool, str]:
    """Why comes last, examples after it."""
    return field[0] == "examples", field[0] in {"words", "paused_reason", "reason"}, field_words(field[0])


def _lines(row: EntryRow) -> Iterator[Line]:
    for name, (was, now) in sorted(row.changes.items(), key=_place):
        if row.verb == "added" and now == row.label:
            continue  # it stands above, as the name of the thing
        yield Line(
            field=field_words(name),
            was=value_words(name, was),
            now=value_words(name, now),
            is_new=was is None and row.verb != "changed",
            is_secret=name in _SECRETS,
        )


_OF_ROW: Final[Mapping[str, tuple[str, str]]] = {
    Thing.CHANNEL: ("channels.show", "channel_id"),
    Thing.ANNOUNCEMENTS: ("channels.show", "channel_id"),
    Thing.GATEWAY: ("channels.payments", "channel_id"),
    Thing.ITEM: ("inventory.show", "item_id"),
    Thing.LINK: ("links.show", "link_id"),
    Thing.LISTING: ("channels.listing", "listing_id"),
    Thing.CREDIT_NOTE: ("invoices.credit_note", "credit_note_id"),
    Thing.ORDER: ("orders.show", "order_id"),
}
_OF_KIND: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    Thing.STORE: ("settings.general", {}),
    Thing.NUMBERS: ("settings.invoicing", {}),
    Thing.CLOSING: ("settings.closing", {}),
    Thing.MEMBER: ("settings.staff_page", {}),
    Thing.INVITATION: ("settings.staff_page", {}),
    Thing.API_KEY: ("settings.api_keys", {}),
    Thing.ENDPOINT: ("settings.webhooks", {}),
    Thing.PAYMENT_METHOD: ("settings.names", {"kind": "payment-methods"}),
    Thing.SALESPERSON: ("settings.names", {"kind": "salespeople"}),
    Thing.WAREHOUSE: ("settings.names", {"kind": "warehouses"}),
}


def _url(row: EntryRow, known: Mapping[tuple[str, str], int | None]) -> str | None:
    """Where the thing is found: its own page while it exists, or the page of all of its kind."""
    if row.thing in _OF_ROW and (row.thing, row.thing_id) in known:
        endpoint, name = _OF_ROW[row.thing]
        channel_id = known[row.thing, row.thing_id]
        ids: dict[str, Any] = {name: row.thing_id} | ({"channel_id": channel_id} if channel_id else {})
        return url_for(endpoint, **ids)
    if row.thing in _OF_KIND:
        endpoint, values = _OF_KIND[row.thing]
        return url_for(endpoint, **values)
    return None
