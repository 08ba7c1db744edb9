"""What is to be said to a channel of orders that were made here, before anything is sent: the order in the channel's
own products, or why it cannot be said. A fixed number of statements for any number of orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.channels.models import Channel, Marketplace
from app.core.giving import Copy, Offer, best_offer, is_called_off, is_told, names_of, order_write, unlinked
from app.core.matching import sku_key
from app.core.states import Reason
from app.core.types import OrderWrite, RemoteLine, RemoteOrder
from app.extensions import db
from app.mappings.models import Listing
from app.orders.judging import stored_order
from app.orders.meaning import items_meant
from app.orders.models import Order
from app.orders.services import lines_by_order
from app.sync.models import OrderCopy
from app.tenancy.scope import current_store_id

Meant = Mapping[tuple[int, str], frozenset[int]]
"""What SKUs of orders mean, by channel and `sku_key`."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """An order that is ready to be sent; `digest` is the order's as it is sent, `copy` what is known of the one there,
    `there` what the channel is called."""

    write: OrderWrite
    digest: str
    copy: Copy
    there: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """An order that is not sent: there is nothing to say (no reason), or it cannot be said."""

    reason: Reason | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _There:
    """The channel that is told, and the branch that its orders of ours are made in."""

    name: str
    branch_id: str
    currency: str


def look_through(channel_id: int, order_ids: Sequence[int]) -> dict[int, Parcel | Verdict]:
    """What becomes of each of these orders, whose copies are there. Seven statements."""
    there = _there(channel_id)
    copies = _copies(channel_id, order_ids)
    orders = _orders(order_ids)
    waiting = {key: order for key, (_channel, order) in orders.items() if not is_told(order, copies[key])}
    meant = items_meant(_skus({key: orders[key] for key in waiting}))
    offers = _offers(channel_id, {item_id for items in meant.values() for item_id in items})
    found: dict[int, Parcel | Verdict] = {key: Verdict() for key in orders}
    for key, order in waiting.items():
        products = [_product(orders[key][0], line, meant, offers) for line in order.lines]
        found[key] = _judged(order, products, copies[key], there)
    return found


def _judged(order: RemoteOrder, products: Sequence[str], copy: Copy, there: _There) -> Parcel | Verdict:
    facts = {"there": there.name, "number": copy.number}
    if order.currency != there.currency:
        return Verdict(Reason.CURRENCY_DIFFERS, {**facts, "currency": order.currency, "theirs": there.currency})
    missing = unlinked(order.lines, products)
    if missing and not is_called_off(order):
        skus = list(dict.fromkeys(_sku(line) for line in missing if _sku(line)))
        told = {"lines": names_of(missing), "skus": ", ".join(skus), "keys": [sku_key(sku) for sku in skus]}
        return Verdict(Reason.PRODUCT_UNLINKED, {**facts, **told})
    return Parcel(order_write(order, products, copy, there.branch_id), order.digest, copy, there.name)


def _there(channel_id: int) -> _There:
    channel = db.session.get_one(Channel, (current_store_id(), channel_id), populate_existing=True)
    rows = db.session.execute(
        select(Marketplace.remote_id, Marketplace.currency)
        .where(Marketplace.store_id == current_store_id(), Marketplace.channel_id == channel_id)
        .order_by(Marketplace.id)
    ).all()
    chosen = str(channel.options.get("order_branch_id") or rows[0].remote_id)
    currency = next((row.currency for row in rows if row.remote_id == chosen), rows[0].currency)
    return _There(channel.name, chosen, currency)


def _copies(channel_id: int, order_ids: Sequence[int]) -> dict[int, Copy]:
    rows = db.session.execute(
        select(
            OrderCopy.order_id,
            OrderCopy.mark,
            OrderCopy.remote_id,
            OrderCopy.number,
            OrderCopy.tried_at,
            OrderCopy.told_digest,
        ).where(
            OrderCopy.store_id == current_store_id(),
            OrderCopy.channel_id == channel_id,
            OrderCopy.order_id.in_(order_ids),
        )
    )
    return {row.order_id: Copy(*row[1:]) for row in rows}


def _orders(order_ids: Sequence[int]) -> dict[int, tuple[int, RemoteOrder]]:
    """Each order with the channel that it was made in."""
    query = select(Order).where(Order.store_id == current_store_id(), Order.id.in_(order_ids))
    rows = db.session.scalars(query.execution_options(populate_existing=True)).all()
    lines = lines_by_order([row.id for row in rows])
    return {row.id: (row.channel_id, stored_order(row, lines.get(row.id, ()))) for row in rows}


def _skus(orders: Mapping[int, tuple[int, RemoteOrder]]) -> dict[int, set[str]]:
    skus: defaultdict[int, set[str]] = defaultdict(set)
    for channel_id, order in orders.values():
        skus[channel_id] |= {_sku(line) for line in order.lines if _sku(line)}
    return dict(skus)


def _offers(channel_id: int, item_ids: Collection[int]) -> dict[int, list[Offer]]:
    """What the channel still sells of each item, the oldest first."""
    if not item_ids:
        return {}
    rows = db.session.execute(
        select(Listing.item_id, Listing.remote_id, Listing.conversion)
        .where(
            Listing.store_id == current_store_id(),
            Listing.channel_id == channel_id,
            Listing.item_id.in_(item_ids),
            Listing.gone_at.is_(None),
        )
        .order_by(Listing.id)
    )
    offers: defaultdict[int, list[Offer]] = defaultdict(list)
    for row in rows:
        offers[row.item_id].append(Offer(row.remote_id, row.conversion))
    return dict(offers)


def _product(channel_id: int, line: RemoteLine, meant: Meant, offers: Mapping[int, list[Offer]]) -> str:
    """Their id of what the line means; '' when that is nothing that they sell, or may be several things."""
    items = meant.get((channel_id, sku_key(_sku(line))), frozenset())
    return best_offer(offer for item_id in items for offer in offers.get(item_id, ())) if len(items) == 1 else ""


def _sku(line: RemoteLine) -> str:
    return (line.isku or line.sku).strip()
