"""Holding what a channel said against the books: one statement for any number of orders.

What the channel said stands in `verification_reads`. Each of its rows is set beside our order of the same id and that
order's live invoice, and the first thing in which they differ is the deviation's kind
(`app.core.completeness.DeviationKind`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import text

from app.extensions import db
from app.tenancy.doors import count_again
from app.tenancy.scope import current_store_id

_CHANGES_THAT_COUNT: Final = 1_000
_PAIRS: Final = """
    select r.remote_id, r.marketplace_id, r.found, r.created_at, r.updated_at,
           coalesce(o.number, nullif(r.number, ''), r.remote_id) as number,
           cast(coalesce(o.placed_at, r.created_at) at time zone :zone as date) as day,
           r.found = 'read' as is_there,
           o.id is not null and not (r.found = 'absent' and (o.state = 'closed' or 'ORDER_MISSING' in
               (coalesce(o.reason, ''), coalesce(o.ignored_alert, '')))) as is_here,
           coalesce(s.reason in ('IGNORED', 'PART_OF_ORDER', 'MADE_HERE') and o.id is null, false) as is_left_out,
           r.currency as remote_currency, r.total as remote_total, r.refunded as remote_refunded,
           r.status as remote_status, r.payment_status as remote_payment,
           o.id as order_id, o.currency, o.total, o.refunded, o.status, o.payment_status, o.state, o.reason,
           o.ignored_alert, i.number_text as invoice, i.total - i.credited as invoiced,
           case when r.status in ('cancelled', 'returned') or r.payment_status in ('refunded', 'unpaid') then 0
                else r.total - r.refunded end as owed
    from verification_reads r
    left join lateral (
        select * from orders
        where store_id = r.store_id and channel_id = :channel_id and remote_id = r.remote_id offset 0
    ) o on true
    left join lateral (
        select reason from seen_orders
        where store_id = r.store_id and channel_id = :channel_id and remote_id = r.remote_id offset 0
    ) s on true
    left join lateral (
        select * from invoices where store_id = o.store_id and order_id = o.id and state = 'posted' offset 0
    ) i on true
    where r.store_id = :store_id and r.verification_id = :verification_id
"""
"""What was read, what is here, and the invoice. An order that the channel no longer has and that we hold for that, or
do not book anyway, is here no more.

Each is looked up for its own row, which `offset 0` insists on: a store that grew since the tables were counted looks so
small to the planner that it would join all of it with all of it."""

_JUDGED: Final = """
    select p.*, case
        when is_left_out then null
        when found = 'absent' then case when is_here then 'extra' end
        when found = 'unreadable' then 'unreadable'
        when order_id is null then 'missing'
        when remote_currency <> currency then 'currency'
        when remote_total <> total then 'total'
        when (remote_status in ('cancelled', 'returned')) <> (status in ('cancelled', 'returned')) then 'status'
        when remote_payment <> payment_status or remote_refunded <> refunded then 'payment'
        when invoiced is not null and ignored_alert is null and owed <> invoiced then 'invoice'
    end as judged
    from pairs p
"""

_TOLD: Final = """
    select j.*, case when is_newer then null else judged end as kind,
           found <> 'unreadable' and (is_there or is_here) and not is_newer and not is_left_out
               and day between :since and :until as is_counted
    from (
        select judged.*, judged is not null and judged <> 'extra' and (
            coalesce(created_at > :through_at, false)
            or (judged in ('currency', 'total', 'status', 'payment') and coalesce(updated_at > :through_at, false))
        ) as is_newer
        from judged
    ) j
"""
"""What came or changed after the last check is no deviation: the next check fetches it."""

_TELLING: Final = f"""
with pairs as materialized ({_PAIRS}), judged as materialized ({_JUDGED}), told as materialized ({_TOLD})
"""

_COMPARE: Final = text(
    f"""{_TELLING},
sides as (
    select day, remote_currency as currency, 1 as remote_orders, remote_total,
           cast(remote_payment = 'paid' and remote_status not in ('cancelled', 'returned') as int) as remote_paid,
           0 as orders, 0 as total, 0 as invoiced, null as code, 0 as missing, 0 as extra, 0 as differing, 0 as wrong
    from told where is_counted and is_there
    union all
    select day, currency, 0, 0, 0, 1, total, coalesce(invoiced, 0),
           case when invoiced is null and payment_status in ('paid', 'partly_refunded')
                then coalesce(reason, upper(state)) end,
           0, 0, 0, 0
    from told where is_counted and is_here
    union all
    select day, case when kind = 'extra' then currency else remote_currency end, 0, 0, 0, 0, 0, 0, null,
           cast(kind = 'missing' as int), cast(kind = 'extra' as int), cast(kind not in ('missing', 'extra') as int),
           case when kind = 'invoice' then owed - invoiced else 0 end
    from told where kind is not null and day between :since and :until
),
why as (
    select day, currency, jsonb_object_agg(code, many) as not_invoiced
    from (select day, currency, code, count(*) as many from sides where code is not null group by 1, 2, 3) counted
    group by 1, 2
),
days as (
    insert into verification_days (store_id, verification_id, day, currency, remote_orders, remote_total, remote_paid,
        orders, total, invoiced, missing, extra, differing, difference, invoice_difference, not_invoiced)
    select :store_id, :verification_id, day, currency, sum(remote_orders), sum(remote_total), sum(remote_paid),
           sum(orders), sum(total), sum(invoiced), sum(missing), sum(extra), sum(differing),
           sum(remote_total) - sum(total), sum(wrong), coalesce(why.not_invoiced, '{{}}')
    from sides left join why using (day, currency)
    group by day, currency, why.not_invoiced
),
found as (
    insert into deviations (store_id, verification_id, channel_id, kind, day, marketplace_id, remote_id, number,
        currency, difference, remote, local, order_id)
    select :store_id, :verification_id, :channel_id, kind, day, marketplace_id, remote_id, number,
           case when kind = 'extra' then currency else remote_currency end,
           case kind when 'missing' then remote_total when 'extra' then -total when 'total' then remote_total - total
                when 'currency' then remote_total when 'invoice' then owed - invoiced else 0 end,
           case when is_there then jsonb_build_object('total', remote_total, 'currency', remote_currency,
               'refunded', remote_refunded, 'status', remote_status, 'payment', remote_payment, 'owed', owed)
               else '{{}}' end,
           case when order_id is not null then jsonb_build_object('total', total, 'currency', currency,
               'refunded', refunded, 'status', status, 'payment', payment_status, 'state', state,
               'invoice', invoice, 'invoiced', invoiced) else '{{}}' end,
           order_id
    from told where kind is not null
    order by day, number, remote_id
),
mended as (
    update deviations set mended_at = now(), asked_at = null
    where store_id = :store_id and channel_id = :channel_id and mended_at is null
      and verification_id <> :verification_id
      and (remote_id in (select remote_id from told where kind is null and not is_newer)) is true
)
update verifications v set finished_at = now(), until_at = least(:until_at, :through_at),
    by_update = :by_update, short = :short, orders = t.orders, older = t.older, newer = t.newer,
    missing = t.missing, extra = t.extra, differing = t.differing
from (
    select count(*) filter (where is_counted and is_there) as orders,
           count(*) filter (where is_there and not is_newer and day not between :since and :until) as older,
           count(*) filter (where is_newer) as newer,
           count(*) filter (where kind = 'missing') as missing,
           count(*) filter (where kind = 'extra') as extra,
           count(*) filter (where kind is not null and kind not in ('missing', 'extra')) as differing
    from told
) t
where v.store_id = :store_id and v.id = :verification_id
returning v.missing, v.extra, v.differing, v.newer"""  # noqa: S608
)
"""What is mended is looked up in a hash, since `is true` keeps the planner from joining it with all that was told."""

_AGREEING: Final = text(
    f"{_TELLING} select remote_id from told where kind is null and remote_id = any(:remote_ids)"  # noqa: S608
)
_FORGET: Final = text(
    "delete from verification_reads where store_id = :store_id and verification_id = :verification_id"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """How many orders deviate, by group, and how many are newer than the last check."""

    missing: int
    extra: int
    differing: int
    newer: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is to be compared: the days, the zone that cuts them, and the moment after which an order is too new."""

    verification_id: int
    channel_id: int
    time_zone: str
    since: date
    until: date
    through_at: datetime


def compare(what: Comparison, *, until_at: datetime, by_update: bool, short: int) -> Compared:
    """Write days, deviations and totals of a verification, and forget what was read. Three statements; no commit.

    Deviations of earlier verifications whose order agrees by now are marked as mended.
    """
    count_again(_CHANGES_THAT_COUNT)
    told = {"until_at": until_at, "by_update": by_update, "short": short}
    row = db.session.execute(_COMPARE, {**_parameters(what), **told}).one()
    forget(what.verification_id)
    return Compared(**row._mapping)


def agreeing(what: Comparison, remote_ids: Sequence[str]) -> list[str]:
    """Which of these orders, which were read for the verification, are the same on both sides. One statement."""
    values = {**_parameters(what), "remote_ids": list(remote_ids)}
    return list(db.session.scalars(_AGREEING, values))


def forget(verification_id: int) -> None:
    """Take away what was read for a verification."""
    db.session.execute(_FORGET, {"store_id": current_store_id(), "verification_id": verification_id})


def _parameters(what: Comparison) -> dict[str, object]:
    return {
        "store_id": current_store_id(),
        "verification_id": what.verification_id,
        "channel_id": what.channel_id,
        "zone": what.time_zone,
        "since": what.since,
        "until": what.until,
        "through_at": what.through_at,
    }
