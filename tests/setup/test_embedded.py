"""The embedded servers: private, durable, and able to start again whatever happened to the last run."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from app import embedded
from app.embedded import processes
from app.embedded.folder import PROJECT, AlreadyRunning
from app.embedded.places import socket_folder
from app.embedded.valkey import valkey_binary

pytestmark = pytest.mark.processes


@pytest.fixture
def folder() -> Iterator[embedded.DataFolder]:
    """An empty data folder on a path that PostgreSQL's user can reach (pytest's own is ours alone)."""
    with tempfile.TemporaryDirectory(prefix="channelbook-setup-") as path:
        Path(path).chmod(0o711)
        yield embedded.DataFolder(Path(path).resolve() / "data")


def write_both(postgres: embedded.Postgres, valkey: embedded.Valkey) -> None:
    with psycopg.connect(postgres.owner_url) as owner:
        owner.execute("create table kept as select 'Nguyễn' as name")
    with redis.Redis.from_url(valkey.url) as client:
        client.set("kept", "yes")


def read_both(postgres: embedded.Postgres, valkey: embedded.Valkey) -> tuple[object, object]:
    with psycopg.connect(postgres.owner_url) as owner:
        row = owner.execute("select name from kept").fetchone()
    with redis.Redis.from_url(valkey.url) as client:
        return row, client.get("kept")


def kill_hard(postgres: embedded.Postgres, valkey: embedded.Valkey) -> None:
    """What kill -9 of each server's first process leaves behind: data, lock files, sockets."""
    for server, executable in ((postgres, "postgres"), (valkey, valkey_binary().name)):
        pids = list(processes.working_in(server.data, executable))
        assert pids
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_data_survives_a_stop(folder: embedded.DataFolder) -> None:
    with embedded.running(folder) as servers:
        write_both(*servers)
    with embedded.running(folder) as servers:
        assert read_both(*servers) == (("Nguyễn",), b"yes")


def test_data_survives_kill_9_of_both(folder: embedded.DataFolder) -> None:
    with embedded.running(folder) as servers:
        write_both(*servers)
        with redis.Redis.from_url(servers[1].url) as client:
            client.execute_command("WAITAOF", 1, 0, 2000)
        kill_hard(*servers)
    with embedded.running(folder) as servers:
        assert read_both(*servers) == (("Nguyễn",), b"yes")


def test_a_lock_file_naming_a_living_stranger_does_not_prevent_a_start(folder: embedded.DataFolder) -> None:
    with embedded.running(folder) as (postgres, _):
        held = (postgres.data / "postmaster.pid").read_text()
    (postgres.data / "postmaster.pid").write_text(held.replace(held.split("\n")[0], str(os.getpid()), 1))
    with embedded.running(folder) as (postgres, _):
        assert postgres.answers()


def test_servers_left_by_an_earlier_run_are_ended_first(folder: embedded.DataFolder) -> None:
    postgres, valkey = embedded.Postgres(folder), embedded.Valkey(folder)
    left = [embedded.start(postgres), embedded.start(valkey)]
    try:
        with embedded.running(folder):
            assert processes.wait_until(lambda: all(process.poll() is not None for process in left), 5)
    finally:
        for process in left:
            processes.kill_group(process)


def test_an_interrupted_first_start_is_begun_again(folder: embedded.DataFolder) -> None:
    with embedded.running(folder) as (postgres, _):
        pass
    postgres.data.rename(postgres.home / "data.new")
    (postgres.home / "data.new" / "PG_VERSION").unlink()
    with embedded.running(folder) as (postgres, _):
        assert postgres.answers()


def test_roles_cannot_bypass_row_level_security_and_the_app_owns_nothing(
    servers: tuple[embedded.Postgres, embedded.Valkey],
) -> None:
    with psycopg.connect(servers[0].app_url) as app:
        assert app.execute(
            """select rolname, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb from pg_roles
               where rolname in ('channelbook_app', 'channelbook_owner') order by rolname"""
        ).fetchall() == [("channelbook_app", False), ("channelbook_owner", False)]
        assert app.execute("select pg_has_role('channelbook_app', 'channelbook_owner', 'member')").fetchone() == (
            False,
        )
        assert app.execute(
            "select pg_get_userbyid(datdba) from pg_database where datname = current_database()"
        ).fetchone() == ("channelbook_owner",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("create table public.mine (id int)")


def test_names_beyond_ascii_can_be_searched(servers: tuple[embedded.Postgres, embedded.Valkey]) -> None:
    with psycopg.connect(servers[0].app_url) as app:
        row = app.execute("select similarity('Trần Đức 陳大文', '陳大文') > 0, upper('đức')").fetchone()
        assert row == (True, "ĐỨC")


def test_valkey_never_evicts(servers: tuple[embedded.Postgres, embedded.Valkey]) -> None:
    with redis.Redis.from_url(servers[1].url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_wrong_password_is_refused(servers: tuple[embedded.Postgres, embedded.Valkey]) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(servers[0].url(embedded.APP_ROLE, "guessed"))


def test_secrets_are_ours_alone_and_stay_the_same(folder: embedded.DataFolder) -> None:
    folder.make()
    assert folder.secrets() == folder.secrets()
    assert stat.S_IMODE((folder.path / "secrets.json").stat().st_mode) == 0o600


def test_a_deep_folder_gets_a_short_socket() -> None:
    deep = Path("/srv") / ("deep/" * 30)
    assert socket_folder(Path("/srv/short"), "kv.sock") == Path("/srv/short")
    assert len(str(socket_folder(deep, ".s.PGSQL.5432"))) < 50
    assert socket_folder(deep, "kv.sock") != socket_folder(deep / "other", "kv.sock")


def test_servers_run_in_a_deep_folder(folder: embedded.DataFolder) -> None:
    with embedded.running(embedded.DataFolder(folder.path / ("deep" * 15) / ("er" * 30))) as (postgres, valkey):
        assert postgres.answers()
        assert valkey.answers()
        short = (postgres.sockets, valkey.socket.parent)
        assert all(path.parent == Path("/tmp") for path in short)
    for path in short:
        path.rmdir()


def test_a_folder_is_held_by_one_process_at_a_time(folder: embedded.DataFolder) -> None:
    folder.make()
    with folder.held(), pytest.raises(AlreadyRunning), folder.held():
        pytest.fail("two hold it")
    with folder.held():
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_an_unreachable_folder_is_refused_in_words_and_left_as_it_was(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(embedded.EmbeddedError, match="CHANNELBOOK_DATA"):
        embedded.start(embedded.Postgres(embedded.DataFolder(closed / "data")))
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_server_that_cannot_start_says_what_its_log_says(folder: embedded.DataFolder) -> None:
    with embedded.running(folder) as (postgres, _):
        pass
    (postgres.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(embedded.EmbeddedError, match="version"):
        embedded.start(postgres)


def test_data_lies_in_the_project_or_as_root_where_an_unprivileged_user_can_reach_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert embedded.DataFolder.chosen({}).path == PROJECT / "var"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert embedded.DataFolder.chosen({}).path.parent == Path("/var/lib/channelbook")
    assert embedded.DataFolder.chosen({"CHANNELBOOK_DATA": str(tmp_path)}).path == tmp_path
