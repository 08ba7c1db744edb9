"""The embedded PostgreSQL: its cluster, its roles, and how it is started as somebody who is not root."""

from __future__ import annotations

import contextlib
import locale
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from app.embedded import processes
from app.embedded.engine import ENGINE_BIN, copy_engine, installed_engine
from app.embedded.folder import DataFolder, write_private
from app.embedded.places import EmbeddedError, bare_environment, private_folder, socket_folder, unprivileged_user
from app.embedded.processes import Program, SystemUser

DATABASE = "channelbook"
OWNER_ROLE = "channelbook_owner"
APP_ROLE = "channelbook_app"
SUPERUSER = "channelbook_admin"
EXTENSIONS = ("pg_trgm", "btree_gin")


@dataclass(frozen=True, slots=True)
class Postgres:
    """PostgreSQL on the data folder's `postgres`, as an unprivileged user when we are root.

    `durable` off is for tests alone: a crash of the machine may lose data, and commits need not wait for the disk.
    """

    folder: DataFolder
    durable: bool = True

    @property
    def home(self) -> Path:
        """All that belongs to PostgreSQL's user."""
        return self.folder.path / "postgres"

    @property
    def data(self) -> Path:
        """PGDATA: made by initdb."""
        return self.home / "data"

    @property
    def sockets(self) -> Path:
        """The private folder of the socket."""
        return socket_folder(self.home / "socket", ".s.PGSQL.5432")

    def url(self, role: str, password: str, database: str = DATABASE) -> str:
        """The address for one role."""
        return f"postgresql://{role}:{password}@/{database}?host={quote(str(self.sockets))}"

    @property
    def app_url(self) -> str:
        """For web and workers: a role that owns nothing and is bound by row-level security."""
        return self.url(APP_ROLE, self.folder.secrets().app_password)

    @property
    def owner_url(self) -> str:
        """For migrations: the role that owns the database and its tables."""
        return self.url(OWNER_ROLE, self.folder.secrets().owner_password)

    @property
    def superuser_url(self) -> str:
        """For creating roles and extensions, and for tests of what a role must not be."""
        return self.url(SUPERUSER, self.folder.secrets().superuser_password, "postgres")

    @property
    def program(self) -> Program:
        """The server itself; SIGINT is PostgreSQL's word for stopping at once and orderly."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=(str(self._engine() / "postgres"), "-D", str(self.data), *options),
            cwd=self.data,
            log=self.folder.log("postgres"),
            env=bare_environment(),
            user=unprivileged_user(self.home),
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
        )

    def _engine(self) -> Path:
        """The folder of PostgreSQL's programs: the wheel's, or as root a copy that its user can reach."""
        return self.folder.path / "engine" / ENGINE_BIN if os.geteuid() == 0 else installed_engine() / ENGINE_BIN

    def prepare(self) -> None:
        """Create the cluster on first use; end servers that still have it open."""
        self.folder.make()
        user = unprivileged_user(self.home)
        private_folder(self.home, user)
        if user:
            copy_engine(self.folder.path / "engine")
            self._check_reach(user)
        private_folder(self.sockets, user)
        processes.end_leftovers("postgres", self.data, signal.SIGQUIT)
        if not self.data.exists():
            self._create_cluster(user)
        elif processes.LINUX:
            (self.data / "postmaster.pid").unlink(missing_ok=True)  # of a dead server: nobody has the data open

    def _check_reach(self, user: SystemUser) -> None:
        """Run a program as PostgreSQL's user: the one honest way to learn whether it can get there."""
        try:
            self._run(user, "postgres", "--version")
        except (PermissionError, EmbeddedError):
            raise EmbeddedError(
                f"PostgreSQL refuses to run as root, and the user {user.name} cannot reach {self.folder.path} "
                "or not run programs there. Set CHANNELBOOK_DATA to a folder that everybody may pass through, such as "
                "/var/lib/channelbook/demo, or run as an ordinary user."
            ) from None

    def _create_cluster(self, user: SystemUser | None) -> None:
        """Make PGDATA under another name first, so that an interrupted attempt is never mistaken for data."""
        draft = self.home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        password = self.home / "password"
        write_private(password, self.folder.secrets().superuser_password)
        if user:
            os.chown(password, user.uid, user.gid)
        try:
            self._run(
                user,
                "initdb",
                *("-D", str(draft), "-U", SUPERUSER, f"--pwfile={password}", "--auth=scram-sha-256"),
                *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--locale=C", f"--lc-ctype={_utf8_ctype()}"),
                *(() if self.durable else ("--no-sync",)),
            )
        finally:
            password.unlink()
        draft.rename(self.data)

    def _run(self, user: SystemUser | None, program: str, *arguments: str) -> None:
        result = subprocess.run(  # noqa: S603  # the wheel's program with our arguments
            [self._engine() / program, *arguments],
            cwd=self.home,
            env=bare_environment(),
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise EmbeddedError(f"{program} failed: {result.stderr.strip()}")

    def answers(self) -> bool:
        """Whether a connection is accepted."""
        try:
            psycopg.connect(self.superuser_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def provision(self) -> None:
        """Create roles, database and extensions where missing: at every start, as an earlier one may have been cut."""
        kept = self.folder.secrets()
        with psycopg.connect(self.superuser_url, autocommit=True) as admin:
            for role, password in ((OWNER_ROLE, kept.owner_password), (APP_ROLE, kept.app_password)):
                _ensure_role(admin, role, password)
            if not admin.execute("select from pg_database where datname = %s", [DATABASE]).rowcount:
                admin.execute(_sql("create database {} owner {}", DATABASE, OWNER_ROLE))
            admin.execute(_sql("revoke all on database {} from public", DATABASE))
            admin.execute(_sql("grant connect, temporary on database {} to {}", DATABASE, APP_ROLE))
        with psycopg.connect(self.url(SUPERUSER, kept.superuser_password), autocommit=True) as admin:
            for extension in EXTENSIONS:
                admin.execute(_sql("create extension if not exists {}", extension))


def _ensure_role(admin: psycopg.Connection, role: str, password: str) -> None:
    if not admin.execute("select from pg_roles where rolname = %s", [role]).rowcount:
        admin.execute(_sql("create role {}", role))
    wanted = "alter role {} with login nosuperuser nobypassrls nocreatedb nocreaterole noreplication password {}"
    admin.execute(sql.SQL(wanted).format(sql.Identifier(role), sql.Literal(password)))


def _sql(text: str, *names: str) -> sql.Composed:
    return sql.SQL(text).format(*map(sql.Identifier, names))


def _utf8_ctype() -> str:
    """A character classification of this system that knows letters beyond ASCII, which trigram search needs."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in ("C.UTF-8", "en_US.UTF-8"):
            with contextlib.suppress(locale.Error):
                locale.setlocale(locale.LC_CTYPE, name)
                return name
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C"
