"""Is this installation sound? One list of answers for `channelbook check`, for /readyz and for the refusal to serve.

A check never raises: an answer that something is wrong is what it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import psycopg
import redis
from cryptography.fernet import Fernet, MultiFernet

from app.config import Settings
from app.sync import queue

TICK_SILENCE_SECONDS = 15
OLDEST_SERVER = 17
CONNECT_SECONDS = 3
Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Check:
    """One answer; `words` say what is so, or what is wrong and what to do."""

    name: str
    ok: bool
    words: str


def run_checks(settings: Settings) -> list[Check]:
    """Everything that an installation needs to do its work, in the order in which to mend it."""
    return [*_in_database(settings, _all_in_database), *_queue(settings), _credential_keys(settings)]


class UnsoundError(Exception):
    """The installation must not serve; `str` says why and what to do, a line for each failure."""


def require_isolation(settings: Settings) -> None:
    """Refuse to go on when the database is away or would show one store's rows to another."""
    failures = [check for check in isolation_checks(settings) if not check.ok]
    if failures:
        raise UnsoundError("\n".join(f"{check.name}: {check.words}" for check in failures))


def isolation_checks(settings: Settings) -> list[Check]:
    """Whether the database keeps stores apart; a process that gets a failure here must refuse to serve."""
    return _in_database(settings, _isolation)


def _in_database(settings: Settings, ask: Callable[[Connection], Iterator[Check]]) -> list[Check]:
    """The answers of `ask`, or one that the database is away."""
    try:
        with psycopg.connect(settings.database_url, connect_timeout=CONNECT_SECONDS, autocommit=True) as connection:
            return [Check("Database", ok=True, words="answers"), *ask(connection)]
    except psycopg.Error as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        return [Check("Database", ok=False, words=f"{first_line} (start PostgreSQL, or mend DATABASE_URL)")]


def _all_in_database(connection: Connection) -> Iterator[Check]:
    yield _version(connection)
    yield from _isolation(connection)
    yield _migrations(connection)
    yield _tick(connection)


def _version(connection: Connection) -> Check:
    """Older servers cannot end the transaction of a worker that fell asleep in the middle of a statement."""
    found = connection.info.server_version
    if found >= OLDEST_SERVER * 10_000:
        return Check("Database version", ok=True, words=f"PostgreSQL {found // 10_000}")
    return Check(
        "Database version", ok=False, words=f"PostgreSQL {found // 10_000}: {OLDEST_SERVER} or newer is needed"
    )


def _isolation(connection: Connection) -> Iterator[Check]:
    yield _role(connection)
    yield _row_level_security(connection)


def _role(connection: Connection) -> Check:
    """Superusers, BYPASSRLS, owners, and members of any of them would see every store's rows."""
    faults = connection.execute(
        """
        select distinct case
            when r.rolsuper then 'is a superuser, or may become one'
            when r.rolbypassrls then 'has BYPASSRLS, or may become a role that has it'
            else 'owns tables, or is a member of their owner'
        end
        from pg_roles r
        where pg_has_role(current_user, r.oid, 'member')
          and (r.rolsuper or r.rolbypassrls or exists (
              select from pg_class c where c.relowner = r.oid and c.relnamespace = 'public'::regnamespace))
        order by 1
        """
    ).fetchall()
    if not faults:
        return Check("Database role", ok=True, words="cannot bypass row-level security")
    what = "; ".join(str(fault) for (fault,) in faults)
    return Check(
        "Database role",
        ok=False,
        words=f"the role of DATABASE_URL {what}: give it a role with NOSUPERUSER NOBYPASSRLS that owns nothing",
    )


def _row_level_security(connection: Connection) -> Check:
    unguarded = connection.execute(
        """
        select distinct c.relname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
          and (a.attname in ('store_id', 'main_store_id') or (c.relname = 'stores' and a.attname = 'id'))
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and not (c.relrowsecurity and c.relforcerowsecurity and exists (
              select from pg_policy p where p.polrelid = c.oid))
        order by 1
        """
    ).fetchall()
    if not unguarded:
        return Check("Row-level security", ok=True, words="guards every table that belongs to stores")
    tables = ", ".join(str(table) for (table,) in unguarded)
    return Check(
        "Row-level security", ok=False, words=f"is not enabled and forced on {tables}: run `channelbook migrate`"
    )


@cache
def _head() -> str:
    from app.migrations import head_revision  # noqa: PLC0415  # Alembic takes 12 MB, which no worker needs

    return head_revision()


def _migrations(connection: Connection) -> Check:
    found: object = None
    if connection.execute("select to_regclass('public.alembic_version') is not null").fetchone() == (True,):
        row = connection.execute("select version_num from alembic_version").fetchone()
        found = row[0] if row else None
    if found == _head():
        return Check("Migrations", ok=True, words=f"at {found}, the newest")
    return Check("Migrations", ok=False, words=f"at {found or 'none'}, wanted {_head()}: run `channelbook migrate`")


def _tick(connection: Connection) -> Check:
    """Without the tick nothing starts by itself and no killed worker's job is taken over."""
    try:
        row = connection.execute(
            "select extract(epoch from now() - beat_at) from heartbeats where name = 'tick'"
        ).fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    silence = float(str(row[0])) if row else None
    if silence is not None and silence < TICK_SILENCE_SECONDS:
        return Check("Tick", ok=True, words="is alive")
    words = "was never seen" if silence is None else f"was last seen {silence:.0f} s ago"
    return Check("Tick", ok=False, words=f"{words}: start `python worker.py tick`")


def _queue(settings: Settings) -> Iterator[Check]:
    try:
        with redis.Redis.from_url(
            settings.redis_url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS
        ) as client:
            policy = client.info("memory").get("maxmemory_policy")
    except (redis.RedisError, OSError) as error:
        yield Check("Queue", ok=False, words=f"{error} (start Valkey or Redis, or mend REDIS_URL)")
        return
    if policy == "noeviction":
        yield Check("Queue", ok=True, words="answers and evicts nothing")
    else:
        yield Check("Queue", ok=False, words=f"may forget work ({policy}): set maxmemory-policy noeviction")
    workers = queue.workers_alive(settings.redis_url)
    words = f"{workers} alive" if workers else "none is alive: start `python worker.py work`"
    yield Check("Workers", ok=bool(workers), words=words)


def _credential_keys(settings: Settings) -> Check:
    """Seal and open something: a library that cannot is found out here and not when a merchant connects."""
    keys = MultiFernet([Fernet(key) for key in settings.credential_keys])
    usable = keys.decrypt(keys.encrypt(b"channelbook")) == b"channelbook"
    count = len(settings.credential_keys)
    return Check("Credential keys", ok=usable, words=f"{count} usable" if usable else "unusable: mend CREDENTIAL_KEYS")
