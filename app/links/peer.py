"""The other side of a granted link: the only code that reads a store from within another one's job.

Each reading opens the sub-store's own scope beside the main store's, in a session of its own. It looks first whether
the link is granted, and holds the link while it reads, so that nothing is read after its end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Row, Select, and_, func, select

from app.bulk import each_of
from app.catalog.models import Item, Location, StockLevel, StockMovement
from app.catalog.stock import Place, levels_of, move
from app.catalog.turns import take_turns
from app.channels.models import Channel
from app.channels.queries import LINK_SUSPENDED
from app.connectors.base import GoAhead, Peer
from app.core.errors import AuthRejected, Misconfigured
from app.core.linking import GRANTED, LinkState
from app.core.stock import Kind, Level, Movement
from app.core.types import (
    ChannelFacts,
    MoveWrite,
    News,
    OrderPage,
    OrderStub,
    OrderType,
    OrderWindow,
    Receipt,
    RemoteFulfilment,
    RemoteListing,
    RemoteMarketplace,
    RemoteOrder,
    RemoteProductPage,
    StockWrite,
)
from app.extensions import db
from app.links import outbox
from app.links.applying import apply_moves
from app.links.fulfilling import told_fulfilments, versioned
from app.links.models import Link
from app.orders.judging import stored_order
from app.orders.models import Order
from app.orders.packages import FulfilmentRow
from app.orders.services import lines_by_order
from app.sync.nudge import nudge
from app.tenancy.scope import current_store, current_store_id, store_scope

WEBSTORE: Final = "webstore"
"""The one marketplace of a linked store: whatever else it sells stays its own."""


def open_peer(sub_store_id: int) -> Peer:
    """The store that granted the store of the present scope access, for that store's connector."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return LinkedPeer(app, current_store_id(), sub_store_id)


def leave_nothing(link_id: int, sub_store_id: int) -> None:
    """Set to zero what an ended link had brought to the sub-store's shelves, if that was chosen. Safe to repeat."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with app.app_context(), store_scope(sub_store_id):
        wanted = (Link.id == link_id, Link.sub_store_id == sub_store_id, Link.state == LinkState.ENDED)
        place = db.session.scalar(_first_warehouse())
        if db.session.scalar(select(Link.stock_after).where(*wanted)) != "zero" or place is None:
            return
        take_turns()
        brought = (
            select(StockMovement.item_id)
            .distinct()
            .where(StockMovement.store_id == sub_store_id, StockMovement.kind.in_((Kind.PUSH, Kind.OVERWRITE)))
        )
        kept = _kept_items(db.session.scalars(brought).all())
        levels = levels_of(kept)
        emptied = (_pushed(item, place, 0, levels, set(kept)) for item in kept)
        move([replace(one, key=f"link:{link_id}:end:{one.item_id}") for one in emptied])
        db.session.commit()


def forget_news(sub_store_id: int) -> None:
    """Take away what a main store was still to hear when its link ended. Commits; safe to repeat."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with app.app_context(), store_scope(sub_store_id):
        granted = select(Link.id).where(Link.sub_store_id == sub_store_id, Link.state.in_(GRANTED))
        if db.session.scalar(granted) is None:
            outbox.forget_all()
            db.session.commit()


class LinkedPeer:
    """A sub-store, read on behalf of its main store."""

    def __init__(self, app: Flask, main_store_id: int, sub_store_id: int) -> None:
        self._app, self._main, self._sub = app, main_store_id, sub_store_id

    def facts(self) -> ChannelFacts:
        """Whose store it is, and its webstore as its one marketplace."""
        with self._there():
            store = current_store()
            return ChannelFacts(store.name, (RemoteMarketplace(WEBSTORE, store.name, WEBSTORE, store.currency),))

    def order_page(self, window: OrderWindow, page: int, size: int) -> OrderPage:
        """One page of its webstore orders, by the moment they were made."""
        with self._there():
            listed = [*_flowing(), Order.placed_at >= window.since, Order.placed_at <= window.until]
            total = db.session.scalar(select(func.count()).select_from(Order).where(*listed)) or 0
            rows = db.session.execute(
                select(
                    Order.id,
                    Order.status_text,
                    Order.payment_status_text,
                    Order.placed_at,
                    Order.digest,
                    FulfilmentRow.version,
                )
                .outerjoin(FulfilmentRow, _OF_ORDER)
                .where(*listed)
                .order_by(Order.placed_at, Order.id)
                .offset((page - 1) * size)
                .limit(size)
            ).all()
        stubs = tuple(OrderStub(str(row[0]), WEBSTORE, *row[1:4], versioned(row[4], row[5])) for row in rows)
        return OrderPage(window, page, stubs, total, is_last=page * size >= total)

    def orders(self, remote_ids: Sequence[str]) -> tuple[RemoteOrder, ...]:
        """Those of the ids that are webstore orders of it, in the order asked for."""
        wanted = [int(one) for one in remote_ids if one.isascii() and one.isdigit() and len(one) <= 18]
        with self._there():
            found = db.session.execute(
                select(Order, Channel.kind)
                .join(Channel, and_(Channel.store_id == Order.store_id, Channel.id == Order.channel_id))
                .where(*_flowing(), Order.id.in_(wanted))
            ).all()
            lines = lines_by_order([row.Order.id for row in found])
            packed = told_fulfilments({row.Order.id: row.kind for row in found})
            orders = {
                key: _as_sent(row.Order, lines.get(key, ()), packed[key]) for row in found for key in [row.Order.id]
            }
        return tuple(orders[order_id] for order_id in dict.fromkeys(wanted) if order_id in orders)

    def product_page(self, page: int, size: int) -> RemoteProductPage:
        """One page of its items, each variant by itself."""
        mine = (Item.store_id == self._sub, Item.archived_at.is_(None))
        on_hand = (
            select(func.sum(StockLevel.on_hand - StockLevel.reserved))
            .where(StockLevel.store_id == Item.store_id, StockLevel.item_id == Item.id)
            .scalar_subquery()
        )
        with self._there():
            total = db.session.scalar(select(func.count()).select_from(Item).where(*mine)) or 0
            rows = db.session.execute(
                select(Item, on_hand).where(*mine).order_by(Item.id).offset((page - 1) * size).limit(size)
            ).all()
            listings = tuple(_listing(row) for row in rows)
        return RemoteProductPage(page, listings, total, is_last=page * size >= total)

    def set_stock(self, writes: Sequence[StockWrite], go_ahead: GoAhead) -> None:
        """Let it have so many pieces available of each item, in its first warehouse: one transaction there.

        What was promised to its own orders is added, and an adjustment made there is written over, by its name.
        """
        wanted = {int(write.remote_id): write.quantity for write in writes}
        with self._there():
            take_turns()
            kept = _kept_items(wanted)
            place = db.session.scalar(_first_warehouse())
            if kept and place is not None:
                levels, adjusted = levels_of(kept), _adjusted(kept)
                with self._app.app_context():  # asked in the main store's scope, beside this one
                    go_ahead()
                move([_pushed(item, place, wanted[item], levels, adjusted) for item in kept])
            db.session.commit()
        with self._app.app_context():
            nudge(self._sub, "stock")

    def apply_moves(self, writes: Sequence[MoveWrite], go_ahead: GoAhead) -> tuple[Receipt, ...]:
        """Move its orders as far as its rules and what happened there meanwhile allow: one transaction there."""

        def ask() -> None:
            with self._app.app_context():  # asked in the main store's scope, beside this one
                go_ahead()

        with self._there() as link:
            receipts = apply_moves(writes, link.main_name, ask)
            db.session.commit()
        with self._app.app_context():
            nudge(self._sub, "orders")
        return receipts

    def news(self, limit: int) -> News:
        """Up to `limit` of its webstore orders that were made or changed since somebody looked."""
        with self._there():
            return outbox.news(limit)

    def heard(self, news: News) -> None:
        """Forget these news, and none that came since: one transaction there."""
        with self._there():
            outbox.forget(news)
            db.session.commit()

    @contextmanager
    def _there(self) -> Iterator[Link]:
        """The sub-store's scope, as long as the link is granted; AuthRejected or Misconfigured when it is not."""
        with self._app.app_context(), store_scope(self._sub):
            link = db.session.scalars(
                select(Link)
                .where(Link.main_store_id == self._main, Link.sub_store_id == self._sub, Link.state.in_(GRANTED))
                .with_for_update(read=True)
            ).one_or_none()
            if link is None:
                raise AuthRejected(_("The other store ended the link, or never granted it."))
            if link.state == LinkState.SUSPENDED:
                raise Misconfigured(
                    _("The link to the other store is suspended. Open it to see why, and what ends that."),
                    code=LINK_SUSPENDED,
                )
            yield link


_OF_ORDER: Final = and_(FulfilmentRow.store_id == Order.store_id, FulfilmentRow.order_id == Order.id)


def _flowing() -> list[ColumnElement[bool]]:
    """Only webstore orders leave a store; those of landing pages, social commerce, tills and apps do not."""
    return [Order.store_id == current_store_id(), Order.order_type == OrderType.WEBSTORE]


def _as_sent(order: Order, lines: Sequence[Row[Any]], packed: RemoteFulfilment) -> RemoteOrder:
    """An order as the main store sees it: under our id, without the number of the sub-store's own invoice."""
    digest = versioned(order.digest, packed.version)
    told = {"order_id": order.id, "number": order.number, "state": order.state, "digest": digest}
    return replace(
        stored_order(order, lines),
        remote_id=str(order.id),
        marketplace_id=WEBSTORE,
        order_type=OrderType.ERP_LINK,
        invoice_no="",
        digest=digest,
        raw=told,
        fulfilment=packed,
    )


def _kept_items(item_ids: Collection[int]) -> list[int]:
    """Those of the ids that are items with stock of their own."""
    query = select(Item.id).where(Item.archived_at.is_(None), ~Item.kit)
    return sorted(db.session.scalars(each_of(query, Item.id, item_ids, within={Item.store_id: current_store_id()})))


def _first_warehouse() -> Select[Any]:
    mine = (Location.store_id == current_store_id(), Location.archived_at.is_(None))
    return select(Location.id).where(*mine).order_by(Location.id).limit(1)


def _adjusted(item_ids: Collection[int]) -> set[int]:
    """The items whose stock was last changed by a person there."""
    newest = select(StockMovement.item_id, StockMovement.kind).order_by(StockMovement.id.desc()).limit(1)
    within = {StockMovement.store_id: current_store_id()}
    rows = db.session.execute(each_of(newest, StockMovement.item_id, item_ids, within=within))
    return {row.item_id for row in rows if row.kind == Kind.ADJUST}


def _pushed(item_id: int, place: int, quantity: int, levels: Mapping[Place, Level], adjusted: set[int]) -> Movement:
    reserved = levels.get((item_id, place), Level()).reserved
    kind = Kind.OVERWRITE if item_id in adjusted else Kind.PUSH
    return Movement(item_id, place, kind, on_hand_to=quantity + reserved)


def _listing(row: Row[Any]) -> RemoteListing:
    item, stock = tuple(row)
    return RemoteListing(
        remote_id=str(item.id),
        sku=item.sku,
        isku=item.sku,
        barcode=item.barcode,
        name=item.name,
        variant=item.variant,
        price=item.price,
        currency=item.currency,
        stock=None if stock is None else Decimal(stock),
        picture=item.picture_url,
        updated_at=item.changed_at,
        digest=f"{item.version}:{stock}",
    )
