"""Orders of linked stores take their pieces out of a warehouse: promised when paid for, out when sent, back when not.

These functions write and do not commit. Whoever calls them holds the orders, or their channels, against changes; the
turn to move stock is taken here, last of all locks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from sqlalchemy import Row, delete, exists, func, or_, select

from app.bulk import each_of, insert_rows
from app.catalog.models import Item, StockMovement
from app.catalog.stock import levels_of, move
from app.catalog.turns import take_turns
from app.channels.models import Channel
from app.core.matching import sku_key
from app.core.reserving import Case, Hold, Holding, Lack, Need, Why, pieces_of, settle, wanted
from app.core.stock import Kind
from app.core.types import OrderStatus, PaymentStatus
from app.extensions import db
from app.orders.meaning import items_meant
from app.orders.models import Order, Shortage
from app.orders.services import lines_by_order, lock_channel
from app.orders.writing import JournalNote, write_journal
from app.tenancy.scope import current_store_id

_AT_ONCE: Final = 500
_UNSENT: Final = (
    *(OrderStatus.OPEN, OrderStatus.PROCESSING, OrderStatus.READY_TO_SHIP, OrderStatus.ON_HOLD, OrderStatus.UNKNOWN),
)
_SHORTAGE: Final = ("store_id", "order_id", "sku", "item_id", "missing", "why", "since")
_NOTES: Final = {Why.OVERSOLD: "oversold", Why.UNLINKED: "stock_unlinked"}


@dataclass(frozen=True, slots=True)
class Served:
    """How many orders had something reserved for them, and how many lack something."""

    reserved: int = 0
    lacking: int = 0


def settle_stock(order_ids: Collection[int], *, job_id: int | None = None, user_id: int | None = None) -> Served:
    """Let these orders hold what they should as they stand now, the oldest served first.

    Nothing of an order whose channel was removed, or takes no stock, is promised any more. A fixed number of
    statements for any number of orders; doing it again changes nothing.
    """
    if not order_ids:
        return Served()
    take_turns()
    orders = _orders(order_ids)
    cases = _cases(orders)
    done = settle(cases, levels_of(_items(cases)))
    move(done.movements)
    _tell(cases, {row.id: row.channel_id for row in orders}, done.lacks, job_id, user_id)
    reserved = {one.order_id for one in done.movements if one.kind is Kind.RESERVE}
    return Served(len(reserved), len({one.order_id for one in done.lacks}))


def free_stock(channel_id: int) -> None:
    """Promise nothing more to the orders of a channel that was removed, or takes no more stock. Commits, by batches.

    What was sent stays sent.
    """
    after = 0
    while order_ids := _unsent(channel_id, after):
        settle_stock(order_ids)
        db.session.commit()
        after = order_ids[-1]
    of_channel = select(Order.id).where(Order.store_id == current_store_id(), Order.channel_id == channel_id)
    db.session.execute(
        delete(Shortage)
        .where(Shortage.store_id == current_store_id(), Shortage.order_id.in_(of_channel))
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def _unsent(channel_id: int, after: int) -> Sequence[int]:
    lock_channel(channel_id)
    mine = (Order.store_id == current_store_id(), Order.channel_id == channel_id)
    moved = exists().where(StockMovement.store_id == Order.store_id, StockMovement.order_id == Order.id)
    query = select(Order.id).where(*mine, Order.status.in_(_UNSENT), Order.id > after, moved)
    return db.session.scalars(query.order_by(Order.id).limit(_AT_ONCE)).all()


def _items(cases: Sequence[Case]) -> set[int]:
    held = {one.item_id for case in cases for one in case.holdings}
    return held | {one.item_id for case in cases for one in case.needs if one.item_id is not None}


def _orders(order_ids: Collection[int]) -> list[Row[Any]]:
    """The orders, oldest first, with what their channels take."""
    columns: tuple[Any, ...] = (Order.id, Order.channel_id, Order.status, Order.payment_status, Order.placed_at)
    channel: tuple[Any, ...] = (Channel.status.label("channel_status"), Channel.stock_location_id)
    query = select(*columns, *channel).join(
        Channel, (Channel.store_id == Order.store_id) & (Channel.id == Order.channel_id)
    )
    within = {Order.store_id: current_store_id()}
    rows = db.session.execute(each_of(query, Order.id, order_ids, within=within))
    return sorted(rows, key=lambda row: (row.placed_at, row.id))


def _cases(orders: Sequence[Row[Any]]) -> list[Case]:
    ids = [row.id for row in orders]
    needs, holdings = _needs(orders), _holdings(ids)
    return [
        Case(row.id, row.stock_location_id or 0, _hold(row), needs[row.id], holdings.get(row.id, ())) for row in orders
    ]


def _hold(row: Row[Any]) -> Hold:
    if row.channel_status == "removed" or row.stock_location_id is None:
        return Hold.FREED
    return wanted(OrderStatus(row.status), PaymentStatus(row.payment_status))


def _needs(orders: Sequence[Row[Any]]) -> dict[int, tuple[Need, ...]]:
    """What each order wants, SKU by SKU; a line without one names nothing that could be taken."""
    channels = {row.id: cast(int, row.channel_id) for row in orders}
    lines: defaultdict[int, dict[str, list[Any]]] = defaultdict(dict)
    skus: defaultdict[int, set[str]] = defaultdict(set)
    for order_id, some in lines_by_order(list(channels)).items():
        for line in some:
            if sku := (line.isku or line.sku).strip():
                lines[order_id].setdefault(sku_key(sku), [sku]).append(line.quantity)
                skus[channels[order_id]].add(sku)
    meant = items_meant(skus)
    kits = _kits({item_id for found in meant.values() if len(found) == 1 for item_id in found})

    def need(channel_id: int, key: str, sku: str, quantities: Iterable[Any]) -> Need:
        found = meant[channel_id, key]
        item_id = next(iter(found)) if len(found) == 1 else None
        is_kit = item_id in kits
        return Need(sku, pieces_of(quantities), None if is_kit else item_id, is_kit)

    return {
        order_id: tuple(need(channel_id, key, sku, rest) for key, (sku, *rest) in lines[order_id].items())
        for order_id, channel_id in channels.items()
    }


def _kits(item_ids: Collection[int]) -> set[int]:
    if not item_ids:
        return set()
    query = select(Item.id).where(Item.store_id == current_store_id(), Item.id.in_(item_ids), Item.kit)
    return set(db.session.scalars(query))


def _holdings(order_ids: Sequence[int]) -> dict[int, tuple[Holding, ...]]:
    """What the ledger says that each order holds."""
    place = (StockMovement.order_id, StockMovement.order_sku, StockMovement.item_id, StockMovement.location_id)
    taken, reserved = -func.sum(StockMovement.on_hand_change), func.sum(StockMovement.reserved_change)
    query = (
        select(*place, taken.label("taken"), reserved.label("reserved"))
        .group_by(*place)
        .having(or_(taken != 0, reserved != 0))
    )
    within = {StockMovement.store_id: current_store_id()}
    found: defaultdict[int, list[Holding]] = defaultdict(list)
    for row in db.session.execute(each_of(query, StockMovement.order_id, order_ids, within=within)):
        held = Holding(row.order_sku, row.item_id, row.location_id, int(row.taken), int(row.reserved))
        found[row.order_id].append(held)
    return {order_id: tuple(some) for order_id, some in found.items()}


def _tell(
    cases: Sequence[Case],
    channels: Mapping[int, int],
    lacks: Sequence[Lack],
    job_id: int | None,
    user_id: int | None,
) -> None:
    """Write down what lacks now, and in the journal what came to lack, or does no more."""
    settled = {case.order_id: case for case in cases if case.hold is not Hold.KEPT}
    before: defaultdict[int, dict[str, Row[Any]]] = defaultdict(dict)
    for row in _shortages(list(settled)):
        before[row.order_id][sku_key(row.sku)] = row
    now: defaultdict[int, dict[str, Lack]] = defaultdict(dict)
    for lack in lacks:
        now[lack.order_id][sku_key(lack.sku)] = lack
    changed = [order_id for order_id in settled if not _same(before[order_id], now[order_id])]
    _replace(changed, before, now)
    notes = [
        JournalNote(kind, channels[order_id], order_id, {"skus": ", ".join(skus)})
        for order_id in changed
        for kind, skus in _news(settled[order_id], before[order_id], now[order_id])
    ]
    write_journal(notes, job_id=job_id, user_id=user_id)


def _news(case: Case, before: Mapping[str, Row[Any]], now: Mapping[str, Lack]) -> Iterable[tuple[str, list[str]]]:
    for why, kind in _NOTES.items():
        skus = [one.sku for key, one in now.items() if one.why is why and (key not in before or before[key].why != why)]
        if skus:
            yield kind, skus
    still = {sku_key(need.sku) for need in case.needs} if case.hold in (Hold.RESERVED, Hold.TAKEN) else set()
    if found := [row.sku for key, row in before.items() if key in still and key not in now]:
        yield "stock_found", found


def _shortages(order_ids: Sequence[int]) -> Sequence[Row[Any]]:
    columns: tuple[Any, ...] = (
        *(Shortage.order_id, Shortage.sku, Shortage.item_id),
        *(Shortage.missing, Shortage.why, Shortage.since),
    )
    within = {Shortage.store_id: current_store_id()}
    return db.session.execute(each_of(select(*columns), Shortage.order_id, order_ids, within=within)).all()


def _same(before: Mapping[str, Row[Any]], now: Mapping[str, Lack]) -> bool:
    return {(row.sku, row.item_id, row.missing, row.why) for row in before.values()} == {
        (one.sku, one.item_id, one.pieces, one.why) for one in now.values()
    }


def _replace(
    order_ids: Sequence[int],
    before: Mapping[int, Mapping[str, Row[Any]]],
    now: Mapping[int, Mapping[str, Lack]],
) -> None:
    store_id = current_store_id()
    if any(before[order_id] for order_id in order_ids):
        gone = delete(Shortage).where(Shortage.store_id == store_id, Shortage.order_id.in_(order_ids))
        db.session.execute(gone.execution_options(synchronize_session=False))
    moment = datetime.now(UTC)
    rows = [
        {
            "store_id": store_id,
            "order_id": order_id,
            "sku": one.sku,
            "item_id": one.item_id,
            "missing": one.pieces,
            "why": one.why,
            "since": before[order_id][key].since if key in before[order_id] else moment,
        }
        for order_id in order_ids
        for key, one in now[order_id].items()
    ]
    insert_rows(Shortage, _SHORTAGE, rows)
