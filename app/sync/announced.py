"""The phase that looks at the orders of which a channel says that something happened: they are read by their ids and
stored as a check does. A channel calls us for that, or keeps its news until they are asked for (`app.sync.hearing`).

It books nothing, and it believes nothing of what was said but that these orders are worth a look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime

from sqlalchemy import select

from app.channels.models import Channel
from app.channels.services import refresh_marketplaces
from app.connectors.base import Connector
from app.core.errors import Rejected
from app.core.plan import seen_decision
from app.core.states import Reason
from app.core.types import News, RemoteOrder
from app.extensions import db
from app.orders.importing import PulledPage, hold_unread, store_page, store_rules
from app.orders.ledger import KnownOrders, known_orders
from app.orders.models import Order
from app.sync.details import Details, read_details
from app.sync.hearing import Source, source_of
from app.sync.lease import Run
from app.sync.places import Places, make_room_for, places_of
from app.tenancy.scope import store_scope


def announced(run: Run, connector: Connector) -> Iterator[None]:
    """Work off what was announced, in batches of the channel's page size; yields after each committed batch."""
    source = source_of(run, connector)
    if not run.here:
        with store_scope(run.store_id):
            run.enter("announced", {"refreshed": False}, source.count())
            run.save(sets_out=True)
            db.session.commit()
        yield
    places = places_of(run)
    is_last = False
    while not is_last and (news := source.next(connector.page_size)).order_ids:
        asked = _worth_reading(run, news)
        details, refused = _read(run, connector, asked, places)
        if _names_a_new_place(run, details, places):
            places = _refreshed(run)
            details, refused = _read(run, connector, asked, places)
        make_room_for(run, places, details)
        _store(run, [one for one in asked if one not in refused], details, places, news=news, source=source)
        source.looked(news)
        is_last = news.is_last
        yield


def _worth_reading(run: Run, news: News) -> list[str]:
    """The ids, each once, but for those that were put aside for good; none while orders are not taken from here."""
    asked = list(dict.fromkeys(news.order_ids))
    with store_scope(run.store_id):
        if not db.session.get_one(Channel, (run.store_id, run.channel_id)).takes_orders:
            return []
        aside = known_orders(run.channel_id, asked).aside
    return [one for one in asked if one not in aside]


def _read(run: Run, connector: Connector, asked: Sequence[str], places: Places) -> tuple[Details, set[str]]:
    """The orders as they are, and the ids that the channel will not hear of: they must not hold up the others.

    Rejected when it refuses the first and the last one alone: then it is not the ids.
    """
    if not asked:
        return (), set()
    try:
        return read_details(connector, asked, places.currencies, attempts=run.attempts), set()
    except Rejected:
        ends = {asked[0], asked[-1]}
        if all(_refuses(connector, one, places) for one in ends):
            raise
    refused = {one for one in asked if _refuses(connector, one, places)}
    kept = [one for one in asked if one not in refused]
    return read_details(connector, kept, places.currencies, attempts=run.attempts), refused


def _refuses(connector: Connector, remote_id: str, places: Places) -> bool:
    try:
        connector.get_orders([remote_id], places.currencies)
    except Rejected:
        return True
    return False


def _names_a_new_place(run: Run, details: Details, places: Places) -> bool:
    """Whether an order may be of a marketplace that is new to us; once a job that is found out."""
    if run.here["refreshed"]:
        return False
    return any(not isinstance(order, RemoteOrder) or order.marketplace_id not in places.ids for order in details)


def _refreshed(run: Run) -> Places:
    with store_scope(run.store_id):
        refresh_marketplaces(run.channel_id)
    run.here["refreshed"] = True
    return places_of(run)


def _store(run: Run, asked: Sequence[str], details: Details, places: Places, *, news: News, source: Source) -> None:
    """The orders as they are now, and that they were looked at, in one transaction."""
    orders = {
        order.remote_id: order
        for order in details
        if isinstance(order, RemoteOrder) and order.marketplace_id in places.ids
    }
    with store_scope(run.store_id):
        rules = store_rules(run.channel_id)
        known = known_orders(run.channel_id, asked)
        stored = _stored(run, asked)
        page = _page(run, orders, known, stored, rules.start_at)
        counts = store_page(page, rules, places.ids, run.job_id)
        unread = dict.fromkeys(stored - orders.keys(), Reason.ORDER_MISSING)
        unread |= {order.remote_id: Reason.BAD_PAYLOAD for order in details if order.remote_id in unread}
        run.count(unreadable=hold_unread(run.channel_id, unread, run.job_id))
        source.looking(news)
        run.done += len(news.order_ids)
        run.total = max(run.total or 0, run.done)
        run.count(announced=len(asked), new=counts.new, changed=counts.changed, skipped=counts.skipped)
        run.save()
        db.session.commit()


def _page(
    run: Run, orders: Mapping[str, RemoteOrder], known: KnownOrders, stored: Set[str], start_at: datetime | None
) -> PulledPage:
    """What is stored: all that we have, and of the rest what a check would bring in.

    What a person left out unread stays so until a check sees in the list whether it changed.
    """
    wanted = {one: order for one, order in orders.items() if one in stored or one not in known.ignored}
    stubs = {one: order.stub for one, order in wanted.items()}
    skipped = {
        one: reason
        for one, stub in stubs.items()
        if one not in stored and (reason := seen_decision(stub, start_at)) is not None
    }
    return PulledPage(
        channel_id=run.channel_id,
        stubs=tuple(stub for one, stub in stubs.items() if one not in skipped or one not in known.skipped),
        wanted=frozenset(one for one in wanted if one not in skipped and one not in known.digests),
        details=tuple(order for one, order in wanted.items() if one not in skipped),
        skipped={one: reason for one, reason in skipped.items() if one not in known.skipped},
    )


def _stored(run: Run, remote_ids: Sequence[str]) -> set[str]:
    """Those of the ids that we have an order of."""
    found = select(Order.remote_id).where(
        Order.store_id == run.store_id, Order.channel_id == run.channel_id, Order.remote_id.in_(remote_ids)
    )
    return set(db.session.scalars(found))
