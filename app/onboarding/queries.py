"""How far a store has come from sign-up to its first invoice on the channel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, select

from app.channels.connecting import kind_of, kinds_made_here
from app.channels.models import Channel
from app.connectors.base import Capability
from app.invoices.models import Invoice
from app.mappings.models import PaymentMapping
from app.orders.models import JournalEntry
from app.planning import read
from app.tenancy.scope import THIS_STORE
from app.web.links import url_if

_FIRST_INVOICES = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the first run: what to do, why, and where; `url` is None while there is nowhere to go yet.

    `before` are pages to look at first, by their names.
    """

    is_done: bool
    title: str
    text: str
    url: str | None
    before: tuple[tuple[str, str], ...] = ()


def checklist() -> list[Step]:
    """The steps of the current store in their order, without those that its channel has no use for."""
    channel = read(_first_channel()).one_or_none()
    kind = kind_of(channel.kind) if channel else None
    found = read(_any()).one()
    has_mapped, has_unmapped, has_invoice, is_written = found
    is_made_here = kind is not None and not kind.lists_orders
    is_checked = is_made_here or (channel is not None and channel.checked_at is not None)
    orders = url_if("channels.orders", channel_id=channel.id) if channel else None
    payments = url_if("channels.payments", channel_id=channel.id) if channel else None
    steps = [
        Step(
            channel is not None,
            _("Connect a channel"),
            _("SiteGiant or KiotViet, or a sandbox to rehearse with. You need the shop's address and its key."),
            url_if("channels.add"),
        ),
        _set_up_step(channel, is_done=is_checked)
        if kind is not None and kind.is_set_up
        else Step(is_checked, _("Check for updates"), _("Fetches the orders of all its marketplaces."), orders),
        Step(
            is_checked and (has_mapped or has_invoice) and not has_unmapped,
            _("Choose payment methods"),
            _("Say what each gateway, such as ShopeePay, is called in your books. Unmapped ones are red."),
            payments,
        ),
        _booking_step(orders, is_done=has_invoice),
    ]
    if is_made_here:
        del steps[1]
    if kind is None or Capability.INVOICE_WRITEBACK in kind.capabilities:
        steps.append(_written_step(is_booked=has_invoice, is_written=is_written))
    return steps


def _set_up_step(channel: Any, *, is_done: bool) -> Step:
    return Step(
        is_done,
        _("Finish set-up"),
        _("Say what flows which way; then everything is read."),
        url_if("channels.set_up", channel_id=channel.id),
    )


def _booking_step(orders: str | None, *, is_done: bool) -> Step:
    """An invoice keeps its seller and its number for ever, so the pages that say both come first."""
    pages = (
        (_("General"), url_if("settings.general")),
        (_("Invoicing"), url_if("settings.invoicing")),
    )
    return Step(
        is_done,
        _("Book the first order"),
        _("Tick it and press Sync: it becomes an invoice."),
        orders,
        tuple((label, url) for label, url in pages if url),
    )


def _written_step(*, is_booked: bool, is_written: bool) -> Step:
    return Step(
        is_written,
        _("See its number in SiteGiant"),
        _("The invoice number is written back by itself; it stands on the order there."),
        url_if("invoices.index") if is_booked else None,
    )


@cache
def _first_channel() -> Any:
    """The channel that was checked first, else one that can be; built once, because Home asks each time."""
    mine = select(Channel.id, Channel.kind, Channel.checked_at).where(
        Channel.store_id == THIS_STORE, Channel.status != "removed"
    )
    return mine.order_by(Channel.checked_at.nulls_last(), Channel.kind.in_(kinds_made_here()), Channel.id).limit(1)


@cache
def _any() -> Any:
    """Whether there are gateways with a payment method, gateways without one, invoices, and one that was written back.

    Only the first invoices are looked at for that: one is enough, and the journal may be long.
    """
    gateway, method = PaymentMapping.store_id == THIS_STORE, PaymentMapping.payment_method_id
    first = select(Invoice.order_id).where(Invoice.store_id == THIS_STORE)
    first = first.order_by(Invoice.number).limit(_FIRST_INVOICES)
    return select(
        exists().where(gateway, method.is_not(None)),
        exists().where(gateway, method.is_(None)),
        exists().where(Invoice.store_id == THIS_STORE),
        exists().where(
            JournalEntry.store_id == THIS_STORE, JournalEntry.order_id.in_(first), JournalEntry.kind == "written_back"
        ),
    )
