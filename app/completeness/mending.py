"""The phase of a mending: orders whose deviation a person wants gone are read again, stored and compared again.

It brings in what was missing and follows what changed, as a check does, but of exactly these orders, and it books
nothing: what becomes ready waits for *Sync* like any other order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select, update

from app.channels.models import Marketplace
from app.completeness.comparing import Comparison, agreeing, forget
from app.completeness.models import Deviation
from app.completeness.reading import Asked, keep_reads
from app.connectors.base import Connector
from app.core.completeness import DeviationKind
from app.core.types import OrderStub, RemoteOrder, UnreadableOrder
from app.extensions import db
from app.orders.gone import put_aside_gone
from app.orders.importing import PulledPage, store_page, store_rules
from app.orders.models import Order
from app.sync.details import read_details
from app.sync.lease import Run
from app.sync.places import Places, make_room_for, places_of
from app.tenancy.scope import current_store, current_store_id, store_scope

_WRONG_HERE: Final = (DeviationKind.CURRENCY, DeviationKind.TOTAL, DeviationKind.STATUS, DeviationKind.PAYMENT)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One order to be read again, as a list would name it, and when that was asked for."""

    verification_id: int
    remote_id: str
    kind: str
    marketplace_id: int
    marketplace: str
    asked_at: datetime


def mend(run: Run, connector: Connector) -> Iterator[None]:
    """Read what was asked for, in batches of the channel's page size; yields after each committed batch."""
    if not run.here:
        with store_scope(run.store_id):
            asked = select(func.count()).select_from(Deviation).where(*_asked(run.channel_id))
            run.enter("mend", {"begun": True}, db.session.scalar(asked) or 0)
            run.save(sets_out=True)
            db.session.commit()
        yield
    places = places_of(run)
    while batch := _next(run, connector.page_size):
        read_at = datetime.now(UTC)
        ids = [one.remote_id for one in batch]
        details = read_details(connector, ids, places.currencies, attempts=run.attempts)
        make_room_for(run, places, details)
        _settle(run, batch, details, places, read_at)
        yield


def has_asked(channel_id: int) -> bool:
    """Whether a mending was asked for that no job has done yet."""
    return db.session.scalar(select(Deviation.id).where(*_asked(channel_id)).limit(1)) is not None


def _next(run: Run, limit: int) -> list[_Wanted]:
    """The next orders to read, all of one verification."""
    with store_scope(run.store_id):
        first = select(func.min(Deviation.verification_id)).where(*_asked(run.channel_id)).scalar_subquery()
        rows = db.session.execute(
            select(
                Deviation.verification_id,
                Deviation.remote_id,
                Deviation.kind,
                Deviation.marketplace_id,
                Marketplace.remote_id.label("marketplace"),
                Deviation.asked_at,
            )
            .join(
                Marketplace,
                (Marketplace.store_id == Deviation.store_id) & (Marketplace.id == Deviation.marketplace_id),
            )
            .where(*_asked(run.channel_id), Deviation.verification_id == first)
            .order_by(Deviation.remote_id)
            .limit(limit)
        )
        return [_Wanted(**row._mapping) for row in rows]


def _settle(
    run: Run,
    batch: Sequence[_Wanted],
    details: tuple[RemoteOrder | UnreadableOrder, ...],
    places: Places,
    read_at: datetime,
) -> None:
    """Store what the channel gave, as a check does, and say of which orders both sides now tell the same."""
    remote_ids = [one.remote_id for one in batch]
    page = PulledPage(
        channel_id=run.channel_id,
        stubs=tuple(OrderStub(one.remote_id, one.marketplace, "", "", None, None) for one in batch),
        wanted=frozenset(remote_ids),
        details=details,
        skipped={},
    )
    gone = set(remote_ids) - {order.remote_id for order in details}
    verification_id = batch[0].verification_id
    with store_scope(run.store_id):
        _distrust(run.channel_id, [one.remote_id for one in batch if one.kind in _WRONG_HERE])
        counts = store_page(page, store_rules(run.channel_id), places.ids, run.job_id)
        put_aside_gone(run.channel_id, sorted(gone), run.job_id)
        asked = [Asked(one.remote_id, one.marketplace_id) for one in batch]
        keep_reads(verification_id, asked, details, places, read_at)
        mended = agreeing(_as_it_is(run.channel_id, verification_id), remote_ids)
        forget(verification_id)
        _note(run, batch, mended)
        run.done += len(batch)
        run.total = max(run.total or 0, run.done)
        run.count(reread=len(batch), new=counts.new, changed=counts.changed, mended=len(mended))
        run.save()
        db.session.commit()


def _distrust(channel_id: int, remote_ids: Sequence[str]) -> None:
    """Have these orders written anew: what is stored is not what was read, whatever its digest says."""
    db.session.execute(
        update(Order)
        .where(Order.store_id == current_store_id(), Order.channel_id == channel_id, Order.remote_id.in_(remote_ids))
        .values(digest="")
        .execution_options(synchronize_session=False)
    )


def _note(run: Run, batch: Sequence[_Wanted], mended: Sequence[str]) -> None:
    """Mark what agrees now, in whichever verification it was found, and take the requests away that were answered."""
    here = [Deviation.store_id == run.store_id, Deviation.channel_id == run.channel_id, Deviation.mended_at.is_(None)]
    agrees = Deviation.remote_id.in_(mended)
    answered = Deviation.remote_id.in_([one.remote_id for one in batch])
    before_reading = Deviation.asked_at <= max(one.asked_at for one in batch)
    for values, where in (
        ({"mended_at": func.now(), "asked_at": None}, [agrees]),
        ({"tried_at": func.now(), "asked_at": None}, [~agrees, answered, before_reading]),
    ):
        db.session.execute(
            update(Deviation).where(*here, *where).values(**values).execution_options(synchronize_session=False)
        )


def _as_it_is(channel_id: int, verification_id: int) -> Comparison:
    """Compare whatever was read: no day is left out, and nothing is too new."""
    return Comparison(
        verification_id=verification_id,
        channel_id=channel_id,
        time_zone=current_store().time_zone,
        since=date.min,
        until=date.max,
        through_at=datetime.max.replace(tzinfo=UTC),
    )


def _asked(channel_id: int) -> list[ColumnElement[bool]]:
    return [
        Deviation.store_id == current_store_id(),
        Deviation.channel_id == channel_id,
        Deviation.mended_at.is_(None),
        Deviation.asked_at.is_not(None),
    ]
