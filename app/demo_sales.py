"""What a demo's linked stores have sold, so that both sides of a link can be looked at without doing anything first.

The sub-store's webstore orders stand in the main store: one for which pieces are reserved, one that is packed apart and
sent in part, and one that wants more than there is. Its till's order stays where it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select

from app.accounts.models import Membership
from app.catalog.items import ItemFacts, add_items
from app.catalog.stock import move as move_stock
from app.catalog.stock_queries import warehouses
from app.channels.queries import channels
from app.core.matching import sku_key
from app.core.own_orders import OwnOrder, read_order
from app.core.roles import Role
from app.core.stock import Kind, Movement
from app.core.types import OrderStatus
from app.extensions import db
from app.fulfilment.services import move, split
from app.links.following import follow
from app.mappings.listing_queries import count_certain
from app.orders.linking import accept_all_certain
from app.own_orders.services import add_orders
from app.sync import jobs
from app.sync.services import JobStart, request_check, request_products, start_announced
from app.tenancy.scope import current_store_id, store_scope


@dataclass(frozen=True, slots=True)
class _Goods:
    """What both stores sell, and how many pieces lie in the main store's warehouse."""

    sku: str
    name: str
    price: int
    pieces: int


_GOODS: Final = (
    _Goods("KOPI-250", "Kopi Utara 250 g", 1890, 40),
    _Goods("KOPI-1000", "Kopi Utara 1 kg", 6490, 2),
    _Goods("TEH-100", "Teh Tarik", 990, 25),
)
_BY_SKU: Final = {goods.sku: goods for goods in _GOODS}
_RESERVED: Final = ("webstore", "Aisyah", {"KOPI-250": 2})
_PACKED_APART: Final = ("webstore", "Aisyah", {"KOPI-250": 3, "TEH-100": 2})
_TOO_MANY: Final = ("webstore", "Mei Ling", {"KOPI-1000": 5})
_AT_THE_TILL: Final = ("pos", "", {"KOPI-250": 1})
_MOST_TURNS: Final = 5
"""A job gives way to others after a second, so it may need to be taken up again; one that is done is not."""


def fill_shelves(*, with_stock: bool) -> None:
    """Give the store the items, and the pieces if it is the one that keeps them."""
    user_id = owner_id()
    made = add_items([ItemFacts(sku=goods.sku, name=goods.name, price=goods.price) for goods in _GOODS], user_id)
    if with_stock:
        place = warehouses()[0].id
        received = [(made[sku_key(goods.sku)], goods.pieces) for goods in _GOODS]
        move_stock([Movement(item, place, Kind.RECEIVE, on_hand=many, user_id=user_id) for item, many in received])
    db.session.commit()


def sell(link_id: int, main: int, sub: int) -> None:
    """Link the items of the two stores, make the sub-store's orders, and let the main store read them."""
    follow(link_id, main)  # the tick does so too, but it does not run yet
    with store_scope(main):
        channel_id, user_id = next(one.id for one in channels() if one.kind == "store"), owner_id()
        reading = request_products(channel_id, user_id)
    _work_off(main, reading)
    with store_scope(main):
        accept_all_certain(channel_id, count_certain(channel_id), user_id)
    with store_scope(sub):
        _make_orders()
    with store_scope(main):
        checking = request_check(channel_id, user_id)
    _work_off(main, checking)
    with store_scope(main):
        hearing = start_announced(channel_id)  # a check reads up to the second before
    if hearing is not None:
        _work_off(main, hearing)


def owner_id() -> int:
    """An owner of the current store."""
    query = select(Membership.user_id).where(Membership.store_id == current_store_id(), Membership.role == Role.OWNER)
    return db.session.scalars(query.order_by(Membership.user_id)).first() or 0


def _work_off(store_id: int, start: JobStart) -> None:
    """Do what a worker would, since none runs yet."""
    for _turn in range(_MOST_TURNS):
        jobs.run(store_id, start.job_id)


def _make_orders() -> None:
    """What the sub-store sold, and how far it has packed it."""
    user_id = owner_id()
    kinds = (_RESERVED, _PACKED_APART, _TOO_MANY, _AT_THE_TILL)
    made = add_orders([_order(*one) for one in kinds], user_id=user_id).made
    apart = made[kinds.index(_PACKED_APART)].order_id
    move(apart, OrderStatus.PROCESSING, user_id)
    split(apart, None, {(apart, 1): Decimal(1), (apart, 2): Decimal(2)}, user_id)


def _order(kind: str, buyer: str, sold: dict[str, int]) -> OwnOrder:
    lines = [
        {"sku": sku, "name": _BY_SKU[sku].name, "quantity": many, "unit_price": f"{_BY_SKU[sku].price / 100:.2f}"}
        for sku, many in sold.items()
    ]
    told: dict[str, Any] = {"kind": kind, "payment_status": "paid", "payment_method": "FPX", "lines": lines}
    if buyer:
        told["buyer"] = {"name": buyer, "phone": "012-345 6789", "address": "12, Lorong Selat, 10050 George Town"}
    return read_order(told, currency="MYR", now=datetime.now(UTC))
