"""The triggers that keep `order_days`, the sums of the reports, equal to the orders, whoever writes those.

A row adds up the orders of one day of the store's own zone, channel, marketplace and currency. There is one definition
of a sum, `_SUMS`: what is added when orders come, what moves when one changes, and what a recount gives are the same
words. Inserts come by the hundreds and are added up at once. Few updates change what is summed: booking and writing
back do not, and for those a comparison of both rows is all that is done.
"""

# ruff: noqa: S608 (every part of every statement stands in this file)

from __future__ import annotations

from typing import Final

from alembic import op

_KEY: Final = "store_id, day, channel_id, marketplace_id, currency"
_SUMMED: Final = ("orders", "cancelled", "units", "gross", "discount", "refunded")
_READ: Final = (
    "store_id, channel_id, marketplace_id, currency, placed_at, status, units, total, discount, line_discount, refunded"
)
_CHANGES: Final = " or ".join(
    (
        "(old.status = 'cancelled') <> (new.status = 'cancelled')",
        *(f"old.{name} <> new.{name}" for name in _READ.split(", ") if name != "status"),
    )
)
_SUMS: Final = """
select o.store_id, (o.placed_at at time zone s.time_zone)::date as day, o.channel_id, o.marketplace_id, o.currency,
    sum(k.sold) as orders,
    sum(o.sign - k.sold) as cancelled,
    sum(k.sold * o.units) as units,
    sum(k.sold * (o.total + o.discount + o.line_discount)) as gross,
    sum(k.sold * (o.discount + o.line_discount)) as discount,
    sum(k.sold * o.refunded) as refunded
from ({orders}) o
join public.stores s on s.id = o.store_id
cross join lateral (select case when o.status = 'cancelled' then 0 else o.sign end as sold) k
group by 1, 2, 3, 4, 5"""
"""Rows of `order_days` out of some orders, each with its `sign`: 1 to add it, -1 to take it away.

A cancelled order is counted, and nothing of it is money.
"""

_ADD: Final = f"""
    insert into public.order_days as kept ({_KEY}, {", ".join(_SUMMED)})
    {{sums}}
    order by 1, 2, 3, 4, 5
    on conflict ({_KEY}) do update set {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in _SUMMED)};
"""
"""In the order of the key, so that two who write the same days wait for each other and never in a circle."""
_LOCK: Final = "hashtextextended('order_days', {store})"


def _adding(orders: str) -> str:
    return _ADD.format(sums=_SUMS.format(orders=orders))


def _signed(row: str, sign: int) -> str:
    return f"select {sign} as sign, {', '.join(f'{row}.{name}' for name in _READ.split(', '))}"


_SQL: Final = (
    f"""
create function order_days_of(store bigint) returns setof order_days language sql stable as $$
{_SUMS.format(orders=f"select 1 as sign, {_READ} from public.orders where store_id = store")}
$$""",
    f"""
create function order_days_added() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared({_LOCK.format(store="store_id")})
    from (select distinct store_id from added) stores;
    {_adding(f"select 1 as sign, {_READ} from added")}
    return null;
end $$""",
    f"""
create function order_day_changed() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared({_LOCK.format(store="new.store_id")});
    {_adding(f"{_signed('old', -1)} union all {_signed('new', 1)}")}
    return null;
end $$""",
    f"""
create function recount_order_days(store bigint) returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock({_LOCK.format(store="store")});
    delete from public.order_days where store_id = store;
    insert into public.order_days select * from public.order_days_of(store);
end $$""",
    """
create function order_days_of_zone() returns trigger language plpgsql as $$
begin
    perform public.recount_order_days(new.id);
    return null;
end $$""",
    "create trigger days_added after insert on orders referencing new table as added "
    "for each statement execute function order_days_added()",
    f"create trigger day_changed after update on orders for each row when ({_CHANGES}) "
    "execute function order_day_changed()",
    "create trigger days_of_zone after update of time_zone on stores for each row "
    "when (old.time_zone <> new.time_zone) execute function order_days_of_zone()",
)


def keep_order_days() -> None:
    """Install them.

    Another time zone has other days, and all of the store's are counted again. Whoever writes orders meanwhile waits
    (and is waited for): each names the store's lock before it asks for the zone, shared; the recount has it alone.
    """
    for statement in _SQL:
        op.execute(statement)
