"""Failed Sync as pages show it: a card for each cause with its words, its money, its buttons and what the channel said,
and above them the channels and jobs that stopped until somebody acts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from typing import Any
from zlib import crc32

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import Select, func, select

from app.channels.queries import ChannelRow, channels
from app.core.states import ACTIVE_JOB_STATES, JobState, OrderState, Reason
from app.extensions import db
from app.orders.deciding import first_open_day
from app.orders.failed import BY_SKU, CHANGES, Cause, CauseKey, CauseKind, Part, failed_causes
from app.orders.failed_rows import FailedRow, newest_rows, payloads
from app.orders.filters import OrderFilter, gateway_value
from app.orders.models import Order
from app.orders.reasons import Button, Explanation, Place, alert_words, explain, explain_several
from app.planning import read
from app.sync.models import SyncJob
from app.sync.queries import JobRow, newest_jobs
from app.sync.words import ShownJob, show_job
from app.tenancy.scope import THIS_STORE, current_store_id
from app.web.filters import day as day_text
from app.web.links import url_if

_NEEDS_NOBODY = frozenset({"RATE_LIMITED", "CHANNEL_PAUSED"})
"""Problems of an ended job that are no card of their own: time mends them, or the channel's card tells them."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A channel that stopped, or a job that ended with an error: what happened, what to do, and what waits for it.

    `button` leads to what mends; `again` is the job to be tried again, None when that makes no sense. `money` is
    currency → minor units of the `count` orders that are ready and cannot go on, `said` what the channel answered.
    """

    name: str
    title: str
    channel_id: int
    channel: str
    words: str
    advice: str
    button: Button | None
    since_at: datetime | None
    code: str = ""
    job_id: int | None = None
    again: str = ""
    reference: str = ""
    said: str = ""
    count: int = 0
    money: Mapping[str, int] = field(default_factory=dict)
    where: OrderFilter | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the channel said about the newest order of a cause: words, another number, and the payload as text."""

    number: str
    url: str | None
    words: str
    payload: str


@dataclass(frozen=True, slots=True)
class Card:
    """One cause with its words. `retry_id` is the job that tries some of it again now, `open_day` the day on which
    orders of closed books can be dated."""

    cause: Cause
    title: str
    why: Explanation
    said: Said | None
    retry_id: int | None
    open_day: date | None = None

    @property
    def name(self) -> str:
        """Names the card in a page."""
        return f"cause-{self.cause.kind}-{self.cause.code}-{self.cause.channel_id}"

    @property
    def url(self) -> str:
        """The page with the orders behind it; those that nothing is stuck of are found in the orders' list."""
        if self.cause.kind in (CauseKind.STOCK, CauseKind.CONFLICTS) and self.cause.where is not None:
            return url_for("orders.index", **self.cause.where.to_query())
        return cause_url("orders.failed_cause", self.cause.key)

    def part_url(self, part: Part) -> str:
        """The same for one gateway or SKU of it."""
        if self.cause.kind == CauseKind.STOCK and part.where is not None:
            return url_for("orders.index", **part.where.to_query())
        return cause_url("orders.failed_cause", replace(self.cause.key, part=part.key))

    def part_button(self, part: Part) -> Button | None:
        """What mends that part."""
        place = Place(self.cause.channel_id, self.cause.channel, part.mapping_id, item_id=part.item_id)
        return explain_several(self.cause.code, self.cause.only(part).detail, place).button


@dataclass(frozen=True, slots=True)
class Problems:
    """Everything that needs a person, of one channel or of all."""

    troubles: tuple[Trouble, ...]
    cards: tuple[Card, ...]
    channel_id: int | None

    @property
    def version(self) -> str:
        """Changes with the cards and their buttons, and not with their counts: an open page swaps only those then."""
        shape: list[Any] = [(one.name, one.code, one.job_id, one.again) for one in self.troubles]
        shape += [(card.name, [part.key for part in card.cause.parts], card.open_day) for card in self.cards]
        return f"{crc32(repr(shape).encode()):08x}"


def problems(channel_id: int | None = None, *, with_replies: bool = True) -> Problems:
    """What needs a person. A fixed number of statements; without replies it is cheap enough to be asked often."""
    causes = [cause for cause in failed_causes() if channel_id in (None, cause.channel_id)]
    newest = newest_rows(causes) if with_replies else {}
    sent = payloads([row.order_id for row in newest.values() if row.order_id is not None])
    retries = _retries()
    cards = [_card(cause, retries.get(cause.channel_id), _said(cause, newest.get(cause.key), sent)) for cause in causes]
    rows = [row for row in channels() if channel_id in (None, row.id)]
    return Problems((*_stopped(rows), *_ended_badly(rows)), tuple(cards), channel_id)


def one_card(key: CauseKey) -> Card | None:
    """The card of one cause, or of one part of it, without what the channel said; None when nothing waits for it."""
    causes = [cause for cause in failed_causes() if cause.key == replace(key, part=None)]
    if causes and key.part is not None:
        causes = [only for part in causes[0].parts if (only := causes[0].only(part)).key == key]
    return _card(causes[0], _retries().get(key.channel_id)) if causes else None


def cause_url(endpoint: str, key: CauseKey, **more: Any) -> str:
    """A page about a cause."""
    if key.part is not None and key.code in BY_SKU:
        more["skus"] = key.part
    elif key.part is not None:
        more["gateway"] = gateway_value(key.part)
    return url_for(endpoint, channel_id=key.channel_id, kind=key.kind.value, code=key.code, **more)


def title_of(key: CauseKey, channel: str) -> str:
    """What the cause is called."""
    if key.kind == CauseKind.ALERTS:
        return alert_words(key.code, channel)
    return explain_several(key.code, {}, Place(key.channel_id, channel)).short


def words_of(key: CauseKey, channel: str, row: FailedRow) -> Explanation | None:
    """Why one row waits, with its own facts; none for what changed after invoicing, which the cause's title says."""
    if key.kind == CauseKind.ALERTS or not row.is_here:
        return None
    return explain(row.reason, row.detail, Place(key.channel_id, channel, order_id=row.order_id))


def act_of(key: CauseKey, row: FailedRow) -> Button | None:
    """What mends this row and no other, beside Retry and Ignore."""
    if key.code == Reason.DUPLICATE_SUSPECTED:
        url = url_if("orders.same_sale", order_id=row.order_id)
        return Button(_("Compare"), url) if url else None
    if key.code == Reason.PERIOD_LOCKED and (on := first_open_day()) is not None:
        url = url_for("orders.failed_date", channel_id=key.channel_id, row=row.row_key)
        return Button(_("Date it %(day)s", day=day_text(on)), url)
    if key.kind == CauseKind.ALERTS and row.invoice_id is not None:
        credit = url_if("invoices.credit", invoice_id=row.invoice_id)
        return Button(_("Credit…"), credit) if credit else None
    return None


def _card(cause: Cause, retry_id: int | None, said: Said | None = None) -> Card:
    place = Place(cause.channel_id, cause.channel, cause.mapping_id)
    return Card(
        cause=cause,
        title=title_of(cause.key, cause.channel),
        why=explain_several(cause.code, cause.detail, place),
        said=said,
        retry_id=retry_id,
        open_day=first_open_day() if cause.code == Reason.PERIOD_LOCKED else None,
    )


def _said(cause: Cause, row: FailedRow | None, sent: Mapping[int, str]) -> Said | None:
    if row is None:
        return None
    payload = row.payload or (sent.get(row.order_id, "") if row.order_id is not None else "")
    if cause.kind in CHANGES:
        found = str(row.detail.get("found") or "")
        words = [str(row.detail.get("words") or ""), _("It holds %(number)s.", number=found) if found else ""]
        words.append(
            _("Reference %(reference)s", reference=row.detail["reference"]) if row.detail.get("reference") else ""
        )
        said = " ".join(word for word in words if word)
        payload = ""
    else:
        said = row.problem
    if not said and not payload:
        return None
    url = None if row.order_id is None else url_for("orders.show", order_id=row.order_id)
    return Said(row.number, url, said, payload)


def _stopped(rows: Sequence[ChannelRow]) -> list[Trouble]:
    """Channels that nothing is asked of until somebody reconnects them, with the orders that are ready to go on."""
    stopped = [row for row in rows if row.status == "paused" and row.paused_reason]
    if not stopped:
        return []
    jobs = newest_jobs([row.id for row in stopped])
    waiting = _waiting([row.id for row in stopped])
    troubles = []
    for row in stopped:
        code = row.paused_reason
        why = explain_several(code, {}, Place(row.id, row.name))
        _active, job = jobs[row.id]
        told: Mapping[str, Any] = job.problem_detail if job is not None and job.problem == code else {}
        count, money = waiting.get(row.id, (0, {}))
        troubles.append(
            Trouble(
                name=f"channel-trouble-{row.id}",
                title=why.short,
                channel_id=row.id,
                channel=row.name,
                words=why.words,
                advice=why.advice,
                button=Button(_("Reconnect"), url_for("channels.reconnect", channel_id=row.id)),
                since_at=job.finished_at if told and job is not None else None,
                code=code,
                reference=str(told.get("reference") or ""),
                said=_answer(told),
                count=count,
                money=money,
                where=OrderFilter(channel=row.id, state=(OrderState.READY, OrderState.QUEUED)),
            )
        )
    return troubles


def jobs_that_stopped(channel_ids: Sequence[int]) -> list[JobRow]:
    """The newest ended job of each of these channels, if it ended with an error that does not mend itself."""
    ended = [job for active, job in newest_jobs(channel_ids).values() if active is None]
    badly = (JobState.FAILED, JobState.PARTLY)
    return [job for job in ended if job and job.state in badly and job.problem and job.problem not in _NEEDS_NOBODY]


def _ended_badly(rows: Sequence[ChannelRow]) -> list[Trouble]:
    ids = [row.id for row in rows if row.status == "connected"]
    return [_job_trouble(show_job(job)) for job in jobs_that_stopped(ids)] if ids else []


def _job_trouble(job: ShownJob) -> Trouble:
    row, trouble = job.row, job.trouble
    return Trouble(
        name=f"job-trouble-{row.id}",
        title=_("%(job)s stopped", job=job.title),
        channel_id=row.channel_id,
        channel=row.channel,
        words=trouble.words if trouble else job.sentence,
        advice=trouble.advice if trouble else "",
        button=trouble.button if trouble else None,
        since_at=row.finished_at,
        code=row.problem or "",
        job_id=row.id,
        again=job.again,
        reference=trouble.reference if trouble else "",
        said=_answer(row.problem_detail),
    )


def _answer(told: Mapping[str, Any]) -> str:
    return "\n".join(str(told[name]) for name in ("message", "detail") if told.get(name))


def _waiting(channel_ids: Iterable[int]) -> dict[int, tuple[int, dict[str, int]]]:
    """Channel → how many of its orders are ready or asked for, and their money by currency. One statement."""
    rows = db.session.execute(
        select(Order.channel_id, Order.currency, func.count().label("many"), func.sum(Order.total).label("total"))
        .where(
            Order.store_id == current_store_id(),
            Order.channel_id.in_(channel_ids),
            Order.state.in_((OrderState.READY, OrderState.QUEUED)),
        )
        .group_by(Order.channel_id, Order.currency)
    )
    waiting: dict[int, tuple[int, dict[str, int]]] = {}
    for row in rows:
        count, money = waiting.get(row.channel_id, (0, {}))
        waiting[row.channel_id] = (count + row.many, {**money, row.currency: int(row.total)})
    return waiting


def _retries() -> dict[int, int]:
    """Channel → the job that tries some of it again now. One statement."""
    return {row.channel_id: row.id for row in read(_retrying())}


@cache
def _retrying() -> Select[int, int]:
    return select(SyncJob.channel_id, SyncJob.id).where(
        SyncJob.store_id == THIS_STORE,
        SyncJob.kind.in_(("retry", "write_back")),
        SyncJob.state.in_(ACTIVE_JOB_STATES),
    )
