"""`channelbook check`, and the refusal to serve, find out what would let one store see another's rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import psycopg
import pytest
import redis
from psycopg import sql

from app import embedded
from app.checks import Check, isolation_checks, run_checks
from app.config import Settings

Servers = tuple[embedded.Postgres, embedded.Valkey]
As = Callable[[str], Settings]


@pytest.fixture
def as_role(servers: Servers, settings: Settings) -> Iterator[As]:
    """Settings whose database role was made with the given words, such as `bypassrls`; gone after the test."""
    postgres, _ = servers
    with psycopg.connect(postgres.superuser_url.replace("/postgres?", "/channelbook?"), autocommit=True) as admin:

        def make(words: str) -> Settings:
            admin.execute(sql.SQL("create role trial login password 'trial' " + words))
            admin.execute("grant connect on database channelbook to trial")
            return dataclasses.replace(settings, database_url=postgres.url("trial", "trial"))

        yield make
        admin.execute("drop owned by trial")
        admin.execute("drop role trial")


def found(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def test_the_role_that_set_up_makes_is_sound(settings: Settings) -> None:
    assert [check.name for check in isolation_checks(settings)] == ["Database", "Database role", "Row-level security"]
    assert all(check.ok for check in isolation_checks(settings))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("superuser", "is a superuser"),
        ("bypassrls", "has BYPASSRLS"),
        ("in role channelbook_owner", "member of their owner"),
        ("in role channelbook_admin", "is a superuser, or may become one"),
        ("noinherit in role channelbook_owner", "member of their owner"),
    ],
)
def test_a_role_that_could_bypass_row_level_security_is_found(as_role: As, words: str, said: str) -> None:
    role = found(isolation_checks(as_role(words)), "Database role")
    assert not role.ok
    assert said in role.words
    assert "NOSUPERUSER NOBYPASSRLS" in role.words


@pytest.mark.parametrize(
    "change",
    [
        "alter table sync_jobs no force row level security",
        "alter table sync_jobs disable row level security",
        "drop policy store_scope on sync_jobs; drop policy owner_reach on sync_jobs",
    ],
)
def test_an_unguarded_table_is_named(servers: Servers, settings: Settings, change: str) -> None:
    with psycopg.connect(servers[0].owner_url) as owner:
        policies = "select polname from pg_policy where polrelid = 'sync_jobs'::regclass order by 1"
        before = owner.execute(policies).fetchall()
        owner.execute(change)
        owner.commit()
        try:
            security = found(isolation_checks(settings), "Row-level security")
        finally:
            _restore(owner)
        assert owner.execute(policies).fetchall() == before
    assert not security.ok
    assert "sync_jobs" in security.words


def _restore(owner: psycopg.Connection) -> None:
    owner.execute("alter table sync_jobs enable row level security")
    owner.execute("alter table sync_jobs force row level security")
    if not owner.execute("select from pg_policy where polrelid = 'sync_jobs'::regclass").rowcount:
        scope = "store_id = nullif(current_setting('app.store_id', true), '')::bigint"
        owner.execute(f"create policy store_scope on sync_jobs using ({scope}) with check ({scope})")
        owner.execute("create policy owner_reach on sync_jobs to current_user using (true) with check (true)")
    owner.commit()


def test_an_outdated_schema_says_what_to_run(servers: Servers, settings: Settings) -> None:
    with psycopg.connect(servers[0].owner_url, autocommit=True) as owner:
        at = owner.execute("select version_num from alembic_version").fetchone()
        owner.execute("update alembic_version set version_num = 'older'")
        try:
            migrations = found(run_checks(settings), "Migrations")
        finally:
            owner.execute("update alembic_version set version_num = %s", at)
    assert not migrations.ok
    assert "at older" in migrations.words
    assert "channelbook migrate" in migrations.words
    assert found(run_checks(settings), "Migrations").ok


def test_a_database_that_is_away_is_one_failure_without_the_password(settings: Settings) -> None:
    away = dataclasses.replace(settings, database_url="postgresql://channelbook_app:hunter2@127.0.0.1:1/channelbook")
    (database,) = isolation_checks(away)
    assert not database.ok
    assert "DATABASE_URL" in database.words
    assert "hunter2" not in database.words


def test_a_queue_that_is_away_is_named(settings: Settings) -> None:
    away = dataclasses.replace(settings, redis_url="redis://127.0.0.1:1/0")
    queue = found(run_checks(away), "Queue")
    assert not queue.ok
    assert "REDIS_URL" in queue.words


def test_a_queue_that_may_forget_is_named(servers: Servers, settings: Settings) -> None:
    with redis.Redis.from_url(servers[1].url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            queue = found(run_checks(settings), "Queue")
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    assert not queue.ok
    assert "set maxmemory-policy noeviction" in queue.words
    assert found(run_checks(settings), "Queue").ok


def test_a_tick_counts_as_alive_for_fifteen_seconds(servers: Servers, settings: Settings) -> None:
    with psycopg.connect(servers[0].owner_url, autocommit=True) as owner:
        for age, alive in ((14, True), (16, False)):
            owner.execute(
                "insert into heartbeats (name, beat_at) values ('tick', now() - make_interval(secs => %s)) "
                "on conflict (name) do update set beat_at = excluded.beat_at",
                [age],
            )
            assert found(run_checks(settings), "Tick").ok is alive
        owner.execute("delete from heartbeats")
    silent = found(run_checks(settings), "Tick")
    assert not silent.ok
    assert "worker.py tick" in silent.words


def test_no_worker_is_a_failure_that_says_how_to_start_one(settings: Settings) -> None:
    nobodys = dataclasses.replace(settings, redis_url=f"{settings.redis_url}?db=15")
    workers = found(run_checks(nobodys), "Workers")
    assert not workers.ok
    assert "worker.py work" in workers.words
