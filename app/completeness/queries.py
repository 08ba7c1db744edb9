"""Verifications as plain rows: the newest of each channel, the history, and what one of them found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, select, true

from app.accounts.models import User
from app.channels.connecting import kinds_made_here
from app.channels.models import Channel, Marketplace
from app.completeness.models import Deviation, Verification, VerificationDay
from app.core.completeness import DeviationKind, Verdict, verdict
from app.core.states import ACTIVE_JOB_STATES
from app.extensions import db
from app.orders.models import Order
from app.planning import among, read
from app.sync.models import SyncJob
from app.tenancy.scope import THIS_STORE, current_store_id
from app.web.pagination import MAX_LIMIT, Cursor, Keyset, Page, page_of

_STORED: Final = (
    "id",
    "channel_id",
    "job_id",
    "since",
    "until",
    "time_zone",
    "by_update",
    "started_at",
    "finished_at",
    "until_at",
    "orders",
    "older",
    "newer",
    "short",
    "missing",
    "extra",
    "differing",
)
_DAY: Final = (
    "day",
    "currency",
    "remote_orders",
    "remote_total",
    "remote_paid",
    "orders",
    "total",
    "invoiced",
    "missing",
    "extra",
    "differing",
    "difference",
    "invoice_difference",
    "not_invoiced",
)
_DEVIATION: Final = (
    "id",
    "kind",
    "day",
    "remote_id",
    "number",
    "currency",
    "difference",
    "remote",
    "local",
    "asked_at",
    "tried_at",
    "mended_at",
)


class Group(StrEnum):
    """The columns in which deviations are counted."""

    MISSING = "missing"
    EXTRA = "extra"
    DIFFERING = "differing"


@dataclass(frozen=True, slots=True)
class VerificationRow:
    """A verification. `open` counts its deviations that were not mended, `person` is None when the clock asked."""

    id: int
    channel_id: int
    channel: str
    job_id: int
    since: date
    until: date
    time_zone: str
    by_update: bool
    started_at: datetime
    finished_at: datetime | None
    until_at: datetime | None
    orders: int
    older: int
    newer: int
    short: int
    missing: int
    extra: int
    differing: int
    open: int
    person: str | None
    job_state: str

    @property
    def is_running(self) -> bool:
        """Whether its job still waits or works."""
        return self.finished_at is None and self.job_state in ACTIVE_JOB_STATES

    @property
    def verdict(self) -> Verdict:
        """What it found."""
        return verdict(missing=self.missing, extra=self.extra, differing=self.differing, short=self.short)

    @property
    def found(self) -> int:
        """How many deviations it found."""
        return self.missing + self.extra + self.differing


@dataclass(frozen=True, slots=True)
class Standing:
    """A connected channel, its newest verification that ended with a result, and whether one is on its way."""

    channel_id: int
    channel: str
    is_connected: bool
    start_at: datetime
    checked_at: datetime | None
    next_verify_at: datetime | None
    job_id: int | None
    last: VerificationRow | None


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day in one currency (`app.completeness.models.VerificationDay`)."""

    day: date
    currency: str
    remote_orders: int
    remote_total: int
    remote_paid: int
    orders: int
    total: int
    invoiced: int
    missing: int
    extra: int
    differing: int
    difference: int
    invoice_difference: int
    not_invoiced: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DeviationRow:
    """One deviation; `order_id` is the order as it is here by now, also when it was missing then."""

    id: int
    kind: str
    day: date | None
    marketplace: str
    remote_id: str
    number: str
    currency: str
    difference: int
    remote: Mapping[str, Any]
    local: Mapping[str, Any]
    order_id: int | None
    asked_at: datetime | None
    tried_at: datetime | None
    mended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What the deviations of one group make in one currency."""

    group: Group
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class DeviationFilter:
    """Which deviations are wanted; the fields are the parameters of the URL."""

    day: date | None = None
    group: Group | None = None


def standings(channel_id: int | None = None) -> list[Standing]:
    """The store's channels that are read, or one of them, each with its last verification. Two statements."""
    store_id = current_store_id()
    active = (
        select(func.max(SyncJob.id))
        .where(
            SyncJob.store_id == store_id,
            SyncJob.channel_id == Channel.id,
            SyncJob.kind == "verify",
            SyncJob.state.in_(ACTIVE_JOB_STATES),
        )
        .scalar_subquery()
    )
    query = select(Channel, active.label("job_id")).where(
        Channel.store_id == store_id,
        Channel.status != "removed",
        Channel.takes_orders,
        Channel.kind.not_in(kinds_made_here()),
    )
    if channel_id is not None:
        query = query.where(Channel.id == channel_id)
    rows = db.session.execute(query.order_by(Channel.id)).all()
    last = last_verifications([row[0].id for row in rows])
    return [
        Standing(
            channel_id=channel.id,
            channel=channel.name,
            is_connected=channel.status == "connected",
            start_at=channel.start_at,
            checked_at=channel.checked_at,
            next_verify_at=channel.next_verify_at,
            job_id=job_id,
            last=last.get(channel.id),
        )
        for channel, job_id in rows
    ]


def last_verifications(channel_ids: Sequence[int]) -> dict[int, VerificationRow]:
    """The newest verification with a result of each of these channels, by channel. One statement."""
    rows = read(_last(), {"channels": list(channel_ids)})
    return {row.channel_id: VerificationRow(**row._mapping) for row in rows}


@cache
def _last() -> Select[Any]:
    newest = (
        select(Verification.id)
        .where(
            Verification.store_id == THIS_STORE,
            Verification.channel_id == Channel.id,
            Verification.finished_at.is_not(None),
        )
        .order_by(Verification.id.desc())
        .limit(1)
        .lateral("newest")
    )
    channels: Any = bindparam("channels", expanding=True)
    ids = select(newest.c.id).select_from(Channel).join(newest, true())
    mine = ids.where(Channel.store_id == THIS_STORE, Channel.id.in_(channels))
    return _verifications().where(among(Verification.id, mine))


def verification(verification_id: int) -> VerificationRow | None:
    """One verification. One statement."""
    row = db.session.execute(_verifications().where(Verification.id == verification_id)).one_or_none()
    return None if row is None else VerificationRow(**row._mapping)


def verification_of_job(job_id: int) -> int | None:
    """The verification that a job makes; None for another job, and before it has set out."""
    return db.session.scalar(
        select(Verification.id).where(Verification.store_id == current_store_id(), Verification.job_id == job_id)
    )


def history(keyset: Keyset) -> Page[VerificationRow]:
    """One page of the store's verifications, newest first. One statement."""
    statement = _verifications()
    if keyset.cursor is not None:
        at = keyset.cursor.id
        statement = statement.where(Verification.id > at if keyset.is_backward else Verification.id < at)
    order = Verification.id.asc() if keyset.is_backward else Verification.id.desc()
    rows = db.session.execute(statement.order_by(order).limit(keyset.fetch))
    return page_of([VerificationRow(**row._mapping) for row in rows], keyset, lambda row: (None, row.id))


def days(verification_id: int) -> list[DayRow]:
    """The days of a verification, the last one first. One statement."""
    rows = db.session.execute(
        select(*(getattr(VerificationDay, name) for name in _DAY))
        .where(VerificationDay.store_id == current_store_id(), VerificationDay.verification_id == verification_id)
        .order_by(VerificationDay.day.desc(), VerificationDay.currency)
    )
    return [DayRow(**row._mapping) for row in rows]


def differences(verification_id: int) -> list[Difference]:
    """What the deviations make, by group and currency, zero left out. One statement."""
    group = case(
        (Deviation.kind == DeviationKind.MISSING, Group.MISSING.value),
        (Deviation.kind == DeviationKind.EXTRA, Group.EXTRA.value),
        else_=Group.DIFFERING.value,
    ).label("group_name")
    amount = func.sum(Deviation.difference)
    rows = db.session.execute(
        select(group, Deviation.currency, amount)
        .where(*_of(verification_id), Deviation.kind != DeviationKind.CURRENCY)
        .group_by(group, Deviation.currency)
        .having(amount != 0)
        .order_by(Deviation.currency)
    )
    return [Difference(Group(name), currency, int(total)) for name, currency, total in rows]


def deviations_page(verification_id: int, where: DeviationFilter, keyset: Keyset) -> Page[DeviationRow]:
    """One page of what deviates, in the order of the days. One statement."""
    store_id = current_store_id()
    statement = (
        select(
            *(getattr(Deviation, name) for name in _DEVIATION),
            Marketplace.name.label("marketplace"),
            Order.id.label("order_id"),
        )
        .join(Marketplace, and_(Marketplace.store_id == store_id, Marketplace.id == Deviation.marketplace_id))
        .outerjoin(
            Order,
            and_(
                Order.store_id == store_id,
                Order.channel_id == Deviation.channel_id,
                Order.remote_id == Deviation.remote_id,
            ),
        )
        .where(*_of(verification_id), *_matching(where))
    )
    if keyset.cursor is not None:
        at = keyset.cursor.id
        statement = statement.where(Deviation.id < at if keyset.is_backward else Deviation.id > at)
    by = Deviation.id.desc() if keyset.is_backward else Deviation.id.asc()
    rows = [DeviationRow(**row._mapping) for row in db.session.execute(statement.order_by(by).limit(keyset.fetch))]
    return page_of(rows, keyset, lambda row: (None, row.id))


def all_deviations(verification_id: int) -> Iterator[DeviationRow]:
    """Every deviation of a verification, a batch at a time; each batch is a transaction of its own."""
    keyset: Keyset | None = Keyset(limit=MAX_LIMIT)
    while keyset is not None:
        page = deviations_page(verification_id, DeviationFilter(), keyset)
        db.session.rollback()
        yield from page.rows
        keyset = Keyset(after=Cursor.decode(page.after), limit=MAX_LIMIT) if page.after else None


def is_mending(channel_id: int) -> bool:
    """Whether a job that mends waits or works."""
    query = select(SyncJob.id).where(
        SyncJob.store_id == current_store_id(),
        SyncJob.channel_id == channel_id,
        SyncJob.kind == "mend",
        SyncJob.state.in_(ACTIVE_JOB_STATES),
    )
    return db.session.scalar(query.limit(1)) is not None


def _of(verification_id: int) -> list[ColumnElement[bool]]:
    return [Deviation.store_id == current_store_id(), Deviation.verification_id == verification_id]


def _matching(where: DeviationFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if where.day is not None:
        found.append(Deviation.day == where.day)
    if where.group in {Group.MISSING, Group.EXTRA}:
        found.append(Deviation.kind == where.group.value)
    elif where.group is Group.DIFFERING:
        found.append(Deviation.kind.not_in((DeviationKind.MISSING, DeviationKind.EXTRA)))
    return found


@cache
def _verifications() -> Select[Any]:
    """The columns of VerificationRow, for the verifications of the store."""
    store_id = THIS_STORE
    still_open = (
        select(func.count())
        .where(
            Deviation.store_id == store_id,
            Deviation.verification_id == Verification.id,
            Deviation.mended_at.is_(None),
        )
        .scalar_subquery()
    )
    return (
        select(
            *(getattr(Verification, name) for name in _STORED),
            still_open.label("open"),
            Channel.name.label("channel"),
            User.name.label("person"),
            SyncJob.state.label("job_state"),
        )
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == Verification.channel_id))
        .join(SyncJob, and_(SyncJob.store_id == store_id, SyncJob.id == Verification.job_id))
        .outerjoin(User, User.id == SyncJob.requested_by)
        .where(Verification.store_id == store_id)
    )
