"""The doors: the only look-ups that cross stores, each an SQL function with a fixed result.

They run as the owner of the tables (SECURITY DEFINER) and give away ids and names only, never a row's contents.
`DOORS_SQL` is what the migrations install; a door that is not listed here does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

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


def due_changes(limit: int) -> list[tuple[int, int]]:
    """(store id, channel id) of channels with changes to send and no job that would send them."""
    rows = db.session.execute(text("select store_id, channel_id from door_due_changes(:limit)"), {"limit": limit})
    return [(row.store_id, row.channel_id) for row in rows]
