"""The doors: the only look-ups that cross stores, each an SQL function with a fixed result.

They run as the owner of the tables (SECURITY DEFINER) and give away ids and names only, never a row's contents. One
does not look beyond the scope: row-level security lets no index of words be used, because a comparison that may fail
could tell of rows that it must not see, so the owner searches in the scope's stead.
`DOORS_SQL` is what the migrations install; a door that is not listed here does not exist.
"""

# ruff: noqa: S608 (every part of every statement stands in this file)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Select, Text, bindparam, column, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.extensions import db
from app.planning import read

_NEWEST_LOOK: Final = """select 1 from (
            select n.state, n.problem, n.finished_at from public.sync_jobs n
            where n.store_id = {store} and n.channel_id = {channel} and n.kind = 'announced'
            order by n.id desc limit 1) j
        where j.state in ('queued', 'running')
           or ((j.problem not in ('AUTH_EXPIRED', 'CHANNEL_PAUSED', 'LINK_SUSPENDED') or j.state = 'cancelled')
               and j.finished_at > now() - interval '15 minutes')"""
"""A job that looks at announced orders waits or runs, or the newest one failed at it a while ago."""

DOORS_SQL: dict[str, str] = {
    "door_api_key": """
create function door_api_key(p_token_hash bytea)
returns table (store_id bigint, key_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select k.store_id, k.id from public.api_keys k where k.token_hash = p_token_hash and k.revoked_at is null
$$""",
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
    "door_invitation": """
create function door_invitation(p_token_hash bytea)
returns table (store_id bigint, store text, email text, role text, invited_by text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select s.id, s.name::text, i.email::text, i.role::text, u.name::text
    from public.invitations i join public.stores s on s.id = i.store_id join public.users u on u.id = i.invited_by
    where i.token_hash = p_token_hash and i.accepted_at is null and i.withdrawn_at is null and i.expires_at > now()
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
    "door_due_refreshes": """
create function door_due_refreshes(p_limit int)
returns table (store_id bigint, channel_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select c.store_id, c.id from public.channels c
    where c.status = 'connected' and c.next_refresh_at <= now()
    order by c.next_refresh_at limit p_limit
$$""",
    "door_due_verifications": """
create function door_due_verifications(p_limit int)
returns table (store_id bigint, channel_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select c.store_id, c.id from public.channels c
    where c.status = 'connected' and c.takes_orders and c.next_verify_at <= now()
    order by c.next_verify_at limit p_limit
$$""",
    "door_due_notices": """
create function door_due_notices(p_limit int, p_ring_again_seconds int)
returns table (store_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select c.store_id from public.notice_clocks c
    where c.next_at <= now() and (c.rung_at is null or c.rung_at < now() - make_interval(secs => p_ring_again_seconds))
    order by c.next_at limit p_limit
$$""",
    "door_due_endpoints": """
create function door_due_endpoints(p_limit int, p_ring_again_seconds int)
returns table (store_id bigint, endpoint_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select e.store_id, e.id from public.endpoints e
    where (e.leased_until is null or e.leased_until < now())
      and (e.rung_at is null or e.rung_at < now() - make_interval(secs => p_ring_again_seconds))
      and exists (select from public.hook_messages m
                  where m.store_id = e.store_id and m.endpoint_id = e.id and m.state = 'planned' and m.next_at <= now()
                    and (m.type = 'endpoint.test'
                         or (e.state = 'active' and (e.rests_until is null or e.rests_until <= now()))))
    order by e.rung_at nulls first, e.id limit p_limit
$$""",
    "door_old_told": """
create function door_old_told(p_days int)
returns table (store_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select m.store_id from public.hook_messages m where m.created_at < now() - make_interval(days => p_days)
    union
    select n.store_id from public.notices n where n.at < now() - make_interval(days => 3 * p_days)
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
      and (g.kind <> 'order' or c.gives_orders)
      and not exists (
          select 1 from public.sync_jobs j
          where j.store_id = g.store_id and j.channel_id = g.channel_id and j.state in ('queued', 'running')
            and (g.kind <> 'order' or j.kind in ('sync', 'write_back', 'retry')))
    limit p_limit
$$""",
    "door_webhook": """
create function door_webhook(p_token_hash bytea)
returns table (store_id bigint, channel_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select w.store_id, w.channel_id from public.webhooks w where w.token_hash = p_token_hash
$$""",
    "door_due_announcements": f"""
create function door_due_announcements(p_limit int)
returns table (store_id bigint, channel_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select distinct d.store_id, d.channel_id
    from public.webhook_deliveries d
    join public.channels c on c.store_id = d.store_id and c.id = d.channel_id and c.status = 'connected'
    where d.worked_at is null and d.received_at > now() - interval '1 day' and not exists (
        {_NEWEST_LOOK.format(store="d.store_id", channel="d.channel_id")})
    limit p_limit
$$""",
    "door_old_deliveries": """
create function door_old_deliveries(p_days int)
returns table (store_id bigint, channel_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select distinct d.store_id, d.channel_id from public.webhook_deliveries d
    where d.received_at < now() - make_interval(days => p_days)
$$""",
    "door_count_again": """
create function door_count_again(p_changes bigint) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    grown record;
begin
    for grown in
        select c.oid::regclass as name, keys.listed
        from (values ('public.orders'::regclass, 'store_id, channel_id, remote_id'),
                     ('public.listings'::regclass, 'store_id, id, channel_id, remote_id, item_id'),
                     ('public.invoices'::regclass, 'store_id, order_id'),
                     ('public.changes'::regclass, 'store_id, channel_id, order_id')) as keys (oid, listed)
        join pg_class c on c.oid = keys.oid
        where pg_relation_size(c.oid) > 2 * greatest(c.relpages, 10) * current_setting('block_size')::bigint
           or pg_stat_get_mod_since_analyze(c.oid) > p_changes
              and coalesce(pg_stat_get_last_analyze_time(c.oid) < clock_timestamp() - interval '10 seconds', true)
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
    "door_verification_code": """
create function door_verification_code(p_hash bytea)
returns table (store_id bigint, name text, code_hash bytea, has_main boolean, is_main boolean,
               batch bigint, batch_skus text[], serial bigint, serial_skus text[], kit bigint, kit_skus text[])
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select s.id, s.name::text, v.code_hash,
           exists (select from public.links l where l.sub_store_id = s.id
                   and l.state in ('pending', 'connected', 'suspended')),
           exists (select from public.links l where l.main_store_id = s.id
                   and l.state in ('pending', 'connected', 'suspended')),
           i.batch, i.batch_skus, i.serial, i.serial_skus, i.kit, i.kit_skus
    from public.verification_codes v join public.stores s on s.id = v.store_id
    cross join lateral (
        select count(*) filter (where u.tracking = 'batch') as batch,
               (array_agg(u.sku::text order by u.id) filter (where u.tracking = 'batch'))[1:3] as batch_skus,
               count(*) filter (where u.tracking = 'serial') as serial,
               (array_agg(u.sku::text order by u.id) filter (where u.tracking = 'serial'))[1:3] as serial_skus,
               count(*) filter (where u.kit) as kit,
               (array_agg(u.sku::text order by u.id) filter (where u.kit))[1:3] as kit_skus
        from public.items u
        where u.store_id = s.id and u.archived_at is null and (u.kit or u.tracking <> 'none')) i
    where v.code_hash = p_hash
$$""",
    "door_link_standing": """
create function door_link_standing(p_link_id bigint)
returns table (plan text, main_is_sub boolean)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select m.plan::text, exists (select from public.links o where o.sub_store_id = l.main_store_id
                                 and o.state in ('connected', 'suspended'))
    from public.links l join public.stores m on m.id = l.main_store_id
    where l.id = p_link_id and l.asked_at is not null
      and nullif(current_setting('app.store_id', true), '')::bigint in (l.main_store_id, l.sub_store_id)
$$""",
    "door_due_stock": """
create function door_due_stock(p_limit int)
returns table (store_id bigint, channel_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select c.store_id, c.id
    from public.channels c
    where c.status = 'connected' and c.stock_location_id is not null
      and (c.stock_unsettled
           or exists (select from public.stock_levels s where s.store_id = c.store_id
                   and s.location_id = c.stock_location_id and s.changed_seq > c.stock_seq)
           or exists (select from public.listings l where l.store_id = c.store_id and l.channel_id = c.id
                      and l.item_id is not null and l.gone_at is null and l.item_id is distinct from l.told_item_id))
      and not exists (select from public.sync_jobs j where j.store_id = c.store_id and j.channel_id = c.id
                      and j.kind = 'stock' and j.state in ('queued', 'running'))
    limit p_limit
$$""",
    "door_due_news": f"""
create function door_due_news(p_limit int)
returns table (store_id bigint, channel_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select c.store_id, c.id
    from public.links l
    join public.channels c on c.store_id = l.main_store_id and c.kind = 'store' and c.status = 'connected'
        and c.config ->> 'store' = l.sub_store_id::text
    where l.state = 'connected'
      and exists (select from public.order_news n where n.store_id = l.sub_store_id)
      and not exists (
        {_NEWEST_LOOK.format(store="c.store_id", channel="c.id")})
    limit p_limit
$$""",
    "door_links_to_follow": """
create function door_links_to_follow(p_limit int)
returns table (link_id bigint, main_store_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select l.id, l.main_store_id
    from public.links l
    left join public.channels c on c.store_id = l.main_store_id and c.kind = 'store'
        and c.config ->> 'store' = l.sub_store_id::text
    where (l.state = 'connected' and (c.id is null or c.status = 'removed'
                                      or (c.status = 'paused' and c.paused_reason = 'LINK_SUSPENDED')
                                      or c.stock_location_id is distinct from l.location_id))
       or (l.state = 'suspended' and c.status = 'connected')
       or (l.state = 'ended' and c.status in ('connected', 'paused') and not exists (
            select from public.links live where live.main_store_id = l.main_store_id
            and live.sub_store_id = l.sub_store_id and live.state in ('connected', 'suspended')))
    limit p_limit
$$""",
    "door_links_to_settle": """
create function door_links_to_settle(p_pending_days int, p_limit int)
returns table (link_id bigint, sub_store_id bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select j.id, j.sub_store_id
    from (
        select l.*, case
            when m.plan not in ('premium', 'enterprise') then 'PLAN_TOO_LOW'
            when exists (select from public.items i where i.store_id = l.sub_store_id and i.archived_at is null
                         and (i.kit or i.tracking <> 'none') and i.tracking = 'batch') then 'SUB_HAS_BATCH'
            when exists (select from public.items i where i.store_id = l.sub_store_id and i.archived_at is null
                         and (i.kit or i.tracking <> 'none') and i.tracking = 'serial') then 'SUB_HAS_SERIAL'
            when exists (select from public.items i where i.store_id = l.sub_store_id and i.archived_at is null
                         and (i.kit or i.tracking <> 'none') and i.kit) then 'SUB_HAS_KIT'
            else '' end as broken
        from public.links l join public.stores m on m.id = l.main_store_id
        where l.state in ('pending', 'connected', 'suspended')) j
    where case j.state
        when 'pending' then j.asked_at <= now() - make_interval(days => p_pending_days)
            or not exists (select from public.verification_codes v
                           where v.store_id = j.sub_store_id and v.code_hash = j.code_hash)
        when 'connected' then j.broken <> ''
        else j.broken <> j.reason end
    order by j.id limit p_limit
$$""",
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


def api_key(token_hash: bytes) -> tuple[int, int] | None:
    """(store id, key id) of the API key with this hash, also when its time is over; None when there is none, or it was
    revoked."""
    row = db.session.execute(
        text("select store_id, key_id from door_api_key(:hash)"), {"hash": token_hash}
    ).one_or_none()
    return None if row is None else (row.store_id, row.key_id)


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that is still open: to which store, as what, for whose address, and who wrote it."""

    store_id: int
    store: str
    email: str
    role: str
    invited_by: str


def invitation(token_hash: bytes) -> Invited | None:
    """The invitation that a mailed link with this hash opens; None when it was used, withdrawn, ran out or is none."""
    row = db.session.execute(text("select * from door_invitation(:hash)"), {"hash": token_hash}).one_or_none()
    return None if row is None else Invited(*row)


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


def due_refreshes(limit: int) -> list[tuple[int, int]]:
    """(store id, channel id) of channels of which everything that changed is due to be read."""
    rows = db.session.execute(text("select store_id, channel_id from door_due_refreshes(:limit)"), {"limit": limit})
    return [(row.store_id, row.channel_id) for row in rows]


def due_verifications(limit: int) -> list[tuple[int, int]]:
    """(store id, channel id) of channels whose nightly verification is due."""
    rows = db.session.execute(text("select store_id, channel_id from door_due_verifications(:limit)"), {"limit": limit})
    return [(row.store_id, row.channel_id) for row in rows]


def due_changes(limit: int) -> list[tuple[int, int]]:
    """(store id, channel id) of channels with changes to send and no job that would send them."""
    rows = db.session.execute(text("select store_id, channel_id from door_due_changes(:limit)"), {"limit": limit})
    return [(row.store_id, row.channel_id) for row in rows]


def webhook(token_hash: bytes) -> tuple[int, int] | None:
    """(store id, channel id) of the channel that was given the address with this token; None when none was."""
    row = db.session.execute(
        text("select store_id, channel_id from door_webhook(:hash)"), {"hash": token_hash}
    ).one_or_none()
    return None if row is None else (row.store_id, row.channel_id)


def due_announcements(limit: int) -> list[tuple[int, int]]:
    """(store id, channel id) of channels that announced orders, and no job that would look at them.

    A job that failed at it is not followed by another at once, unless a pause that is over stopped it; and what came
    long ago is left to the next check.
    """
    rows = db.session.execute(text("select store_id, channel_id from door_due_announcements(:limit)"), {"limit": limit})
    return [(row.store_id, row.channel_id) for row in rows]


def old_deliveries(days: int) -> list[tuple[int, int]]:
    """(store id, channel id) of channels whose calls of so many days ago are still kept."""
    rows = db.session.execute(text("select store_id, channel_id from door_old_deliveries(:days)"), {"days": days})
    return [(row.store_id, row.channel_id) for row in rows]


def find_orders(patterns: Sequence[tuple[str, str]], digits: str, at_most: int) -> list[int] | None:
    """The orders of the scope's store with a text that fits one of each pair of LIKE patterns, or has these digits.

    None when they are many: common among the newest, or more than `at_most`.
    """
    values = {**found_values(patterns, digits), "found_at_most": at_most + 1}
    found = list(read(_FEW, values).scalars())
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


def count_again(changes: int | None = None) -> None:
    """Take the statistics of the keys that jobs look up anew, in the tables that have doubled since it was done last.

    PostgreSQL does so by itself about once a minute; until then it takes a channel that is being read for an empty
    one, and reads all that is there of it for each row that it looks up. It waits longer for a channel that grew among
    many others, whose tables changed but little by that; so more than some `changes` are reason enough as well, if it
    was not done in the last seconds.
    """
    db.session.execute(text("select door_count_again(:changes)"), {"changes": changes})


def due_notices(limit: int, ring_again_seconds: int) -> list[int]:
    """Stores whose people may have something to be told, or a mail to be sent."""
    rows = db.session.execute(
        text("select store_id from door_due_notices(:limit, :again)"), {"limit": limit, "again": ring_again_seconds}
    )
    return [row.store_id for row in rows]


def due_endpoints(limit: int, ring_again_seconds: int) -> list[tuple[int, int]]:
    """(store id, endpoint id) of endpoints that are to be called, and that nobody is calling."""
    rows = db.session.execute(
        text("select store_id, endpoint_id from door_due_endpoints(:limit, :again)"),
        {"limit": limit, "again": ring_again_seconds},
    )
    return [(row.store_id, row.endpoint_id) for row in rows]


def old_told(days: int) -> list[int]:
    """Stores that keep messages to endpoints of so many days ago, or notices of three times as many."""
    rows = db.session.execute(text("select store_id from door_old_told(:days)"), {"days": days})
    return [row.store_id for row in rows]


@dataclass(frozen=True, slots=True)
class CodeOwner:
    """The store that a verification code belongs to, and what keeps it from being linked; SKUs are the first three."""

    store_id: int
    name: str
    code_hash: bytes
    has_main: bool
    is_main: bool
    batch: int
    batch_skus: tuple[str, ...]
    serial: int
    serial_skus: tuple[str, ...]
    kit: int
    kit_skus: tuple[str, ...]


def verification_code(code_hash: bytes) -> CodeOwner | None:
    """Whose code this is; None when it is nobody's."""
    row = db.session.execute(
        text("select * from door_verification_code(:code_hash)"), {"code_hash": code_hash}
    ).one_or_none()
    if row is None:
        return None
    found = dict(row._mapping)
    skus = {name: tuple(found[name] or ()) for name in ("batch_skus", "serial_skus", "kit_skus")}
    return CodeOwner(**{**found, "code_hash": bytes(row.code_hash), **skus})


def link_standing(link_id: int) -> tuple[str, bool] | None:
    """(the main store's plan, whether it is itself a sub-store) of a link of the scope's store; None for another's."""
    row = db.session.execute(
        text("select plan, main_is_sub from door_link_standing(:link_id)"), {"link_id": link_id}
    ).one_or_none()
    return None if row is None else (row.plan, row.main_is_sub)


def due_stock(limit: int) -> list[tuple[int, int]]:
    """(store id, channel id) of channels that are to be told other stock than they know, and have no job that does."""
    rows = db.session.execute(text("select store_id, channel_id from door_due_stock(:limit)"), {"limit": limit})
    return [(row.store_id, row.channel_id) for row in rows]


def due_news(limit: int) -> list[tuple[int, int]]:
    """(store id, channel id) of main stores' channels whose sub-store has news, and no job that would look at them.

    As due_announcements, but what waits is never too old. While a link is suspended its news wait.
    """
    rows = db.session.execute(text("select store_id, channel_id from door_due_news(:limit)"), {"limit": limit})
    return [(row.store_id, row.channel_id) for row in rows]


def links_to_follow(limit: int) -> list[tuple[int, int]]:
    """(link id, main store id) of links whose channel in the main store does not stand as they do."""
    rows = db.session.execute(text("select link_id, main_store_id from door_links_to_follow(:limit)"), {"limit": limit})
    return [(row.link_id, row.main_store_id) for row in rows]


def links_to_settle(pending_days: int, limit: int) -> list[tuple[int, int]]:
    """(link id, sub-store id) of links that the clock or the rules move: to expire, to suspend, to resume."""
    rows = db.session.execute(
        text("select link_id, sub_store_id from door_links_to_settle(:days, :limit)"),
        {"days": pending_days, "limit": limit},
    )
    return [(row.link_id, row.sub_store_id) for row in rows]
