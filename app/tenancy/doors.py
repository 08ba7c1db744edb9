"""The doors: the only look-ups that cross stores, each an SQL function with a fixed result.

They run as the owner of the tables (SECURITY DEFINER) and give away ids and names only, never a row's contents. One
does not look beyond the scope: row-level security lets no index of words be used, because a comparison that may fail
could tell of rows that it must not see, so the owner searches in the scope's stead.
`DOORS_SQL` is what the migrations install; a door that is not listed here does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Select, Text, bindparam, column, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.extensions import db

DOORS_SQL: dict[str, str] = {
    "door_stores_of_person": """
create function door_stores_of_person(p_user_id bigint)
returns table (store_id bigint, slug text, name text, role text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select s.id, s.slug::text, s.name::text, m.role::text
    from public.memberships m join public.stores s on s.id = m.store_id
    where m.user_id = p_user_id order by lower(s.name), s.id
$$""",
    "door_open_store": """
create function door_open_store(p_user_id bigint, p_slug text)
returns table (store_id bigint, role text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select s.id, m.role::text
    from public.stores s join public.memberships m on m.store_id = s.id and m.user_id = p_user_id
    where s.slug = p_slug
$$""",
    "door_due_jobs": """
create function door_due_jobs(p_limit int, p_ring_again_seconds int)
returns table (store_id bigint, job_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select j.store_id, j.id from public.sync_jobs j
    where ((j.state = 'queued' and (j.not_before is null or j.not_before <= now()))
           or (j.state = 'running' and j.lease_until < now()))
      and (j.rung_at is null or j.rung_at < now() - make_interval(secs => p_ring_again_seconds))
    order by j.rung_at nulls first, j.id limit p_limit
$$""",
    "door_due_channels": """
create function door_due_channels(p_limit int)
returns table (store_id bigint, channel_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select c.store_id, c.id from public.channels c
    where c.status = 'connected' and c.auto_sync and c.next_sync_at <= now()
    order by c.next_sync_at limit p_limit
$$""",
    "door_due_verifications": """
create function door_due_verifications(p_limit int)
returns table (store_id bigint, channel_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select c.store_id, c.id from public.channels c
    where c.status = 'connected' and c.next_verify_at <= now()
    order by c.next_verify_at limit p_limit
$$""",
    "door_untold_pauses": """
create function door_untold_pauses(p_limit int)
returns table (store_id bigint, channel_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select c.store_id, c.id from public.channels c
    where c.status = 'paused' and c.paused_reason <> '' and c.owners_told_at is null limit p_limit
$$""",
    "door_due_changes": """
create function door_due_changes(p_limit int)
returns table (store_id bigint, channel_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select distinct g.store_id, g.channel_id
    from public.changes g
    join public.channels c on c.store_id = g.store_id and c.id = g.channel_id and c.status = 'connected'
    where ((g.state = 'planned' and (g.not_before is null or g.not_before <= now()))
           or (g.state = 'sending' and g.claimed_at < now() - interval '5 minutes'))
      and not exists (
          select 1 from public.sync_jobs j
          where j.store_id = g.store_id and j.channel_id = g.channel_id and j.state in ('queued', 'running'))
    limit p_limit
$$""",
    "door_count_again": """
create function door_count_again() returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    grown record;
begin
    for grown in
        select c.oid::regclass as name, keys.listed
        from (values ('public.orders'::regclass, 'store_id, channel_id, remote_id'),
                     ('public.invoices'::regclass, 'store_id, order_id'),
                     ('public.changes'::regclass, 'store_id, channel_id, order_id')) as keys (oid, listed)
        join pg_class c on c.oid = keys.oid
        where pg_relation_size(c.oid) > 2 * greatest(c.relpages, 10) * current_setting('block_size')::bigint
    loop
        execute format('analyze (skip_locked) %s (%s)', grown.name, grown.listed);
    end loop;
end $$""",
    "door_find_orders": """
create function door_find_orders(p_patterns text[], p_digits text, p_at_most bigint)
returns table (order_id bigint)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp set enable_seqscan = off as $$
declare
    scope constant bigint := nullif(current_setting('app.store_id', true), '')::bigint;
    found text := '';
    many boolean;
begin
    for at in 1 .. cardinality(p_patterns) by 2 loop
        found := found || format(' and (words like %L or words like %L)', p_patterns[at], p_patterns[at + 1]);
    end loop;
    found := 'true' || found;
    if p_digits <> '' then
        found := format('(%s or words like %L)', found, '%' || p_digits || '%');
    end if;
    if p_at_most is not null then
        execute format('select count(*) > 20 from (select words from public.search_texts where store_id = $1 '
                       'order by store_id desc, order_id desc limit 1000) newest where %s', found)
            into many using scope;
        if many then
            return query select null::bigint;
            return;
        end if;
    end if;
    return query execute format('select distinct t.order_id from public.search_texts t where store_id = $1 and %s '
                                'limit $2', found) using scope, p_at_most;
end $$""",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A store that a person belongs to."""

    store_id: int
    slug: str
    name: str
    role: str


def stores_of_person(user_id: int) -> list[Place]:
    """The stores a person belongs to, by name."""
    rows = db.session.execute(text("select * from door_stores_of_person(:user_id)"), {"user_id": user_id})
    return [Place(*row) for row in rows]


def open_store(user_id: int, slug: str) -> tuple[int, str] | None:
    """(store id, role) when the person belongs to the store of that name; None for a stranger or no such store."""
    row = db.session.execute(
        text("select store_id, role from door_open_store(:user_id, :slug)"), {"user_id": user_id, "slug": slug}
    ).one_or_none()
    return None if row is None else (row.store_id, row.role)


def due_jobs(limit: int, ring_again_seconds: int) -> list[tuple[int, int]]:
    """(store id, job id) of jobs that wait for a ring, or whose worker's lease ran out."""
    rows = db.session.execute(
        text("select store_id, job_id from door_due_jobs(:limit, :again)"),
        {"limit": limit, "again": ring_again_seconds},
    )
    return [(row.store_id, row.job_id) for row in rows]


def due_channels(limit: int) -> list[tuple[int, int]]:
    """(store id, channel id) of channels whose next Auto Sync is due."""
    rows = db.session.execute(text("select store_id, channel_id from door_due_channels(:limit)"), {"limit": limit})
    return [(row.store_id, row.channel_id) for row in rows]


def due_verifications(limit: int) -> list[tuple[int, int]]:
    """(store id, channel id) of channels whose nightly verification is due."""
    rows = db.session.execute(text("select store_id, channel_id from door_due_verifications(:limit)"), {"limit": limit})
    return [(row.store_id, row.channel_id) for row in rows]


def due_changes(limit: int) -> list[tuple[int, int]]:
    """(store id, channel id) of channels with changes to send and no job that would send them."""
    rows = db.session.execute(text("select store_id, channel_id from door_due_changes(:limit)"), {"limit": limit})
    return [(row.store_id, row.channel_id) for row in rows]


def find_orders(patterns: Sequence[tuple[str, str]], digits: str, at_most: int) -> list[int] | None:
    """The orders of the scope's store with a text that fits one of each pair of LIKE patterns, or has these digits.

    None when they are many: common among the newest, or more than `at_most`.
    """
    values = {**found_values(patterns, digits), "found_at_most": at_most + 1}
    found = list(db.session.scalars(_FEW, values))
    return None if found == [None] or len(found) > at_most else found


def found_values(patterns: Sequence[tuple[str, str]], digits: str) -> dict[str, object]:
    """The values of FOUND_ORDERS for a search."""
    return {"found_ways": [pattern for both in patterns for pattern in both], "found_digits": digits}


def _finding(at_most: ColumnElement[int]) -> Select[int]:
    ways, digits = bindparam("found_ways", type_=ARRAY(Text)), bindparam("found_digits", type_=Text)
    door = func.door_find_orders(ways, digits, at_most)
    return select(door.table_valued(column("order_id", BigInteger)).c.order_id)


_FEW: Final = _finding(bindparam("found_at_most", type_=BigInteger))
FOUND_ORDERS: Final = _finding(literal(None, BigInteger))
"""The same as a statement without an end, which is given its values when it runs."""


def count_again() -> None:
    """Take the statistics of the keys that jobs look up anew, in the tables that have doubled since it was done last.

    PostgreSQL does so by itself about once a minute; until then it takes a channel that is being read for an empty
    one, and reads all that is there of it for each row that it looks up.
    """
    db.session.execute(text("select door_count_again()"))


def untold_pauses(limit: int) -> list[tuple[int, int]]:
    """(store id, channel id) of channels that an error paused and whose owners do not know it yet."""
    rows = db.session.execute(text("select store_id, channel_id from door_untold_pauses(:limit)"), {"limit": limit})
    return [(row.store_id, row.channel_id) for row in rows]
