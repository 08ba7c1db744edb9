"""The whole of Channelbook on this machine, as `make demo` runs it: servers, sandbox, web, workers and tick."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from app import embedded
from app.config import load_settings
from app.embedded import processes
from app.embedded.folder import PROJECT, AlreadyRunning, DataFolder
from app.embedded.processes import Program
from app.serving import gunicorn_command
from app.supervisor import Part, Supervisor

Say = Callable[[str], None]
PREFERRED_PORT = 8000
READY_SECONDS = 60.0
SANDBOX_KEY = "sandbox-key"
SANDBOX_PATH = "/sandbox/sitegiant"
SHOP, CLIENT_ID, CLIENT_SECRET = "cuahangsen", "sandbox-client", "sandbox-secret"
SHOP_PATH = f"/sandbox/kiotviet/{SHOP}"


class CannotRun(Exception):
    """The demo cannot run as asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Addresses:
    """Where the demo listens: the open socket of the web, and the sandboxes' ports."""

    web: socket.socket
    sandbox_port: int
    shop_port: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{processes.port_of(self.web)}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}{SANDBOX_PATH}"

    @property
    def shop_page(self) -> str:
        """What answers once KiotViet's sandbox is there."""
        return f"http://127.0.0.1:{self.shop_port}/"

    @property
    def shop_name(self) -> str:
        """What is entered as the name of the shop."""
        return f"http://127.0.0.1:{self.shop_port}{SHOP_PATH}"


def run(env: Mapping[str, str], say: Say) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP; raises CannotRun, SettingError or EmbeddedError."""
    for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(wanted, _asked_to_stop)
    folder = DataFolder.chosen(env)
    folder.make()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(folder.held())
        except AlreadyRunning:
            port = folder.remembered_ports().get("web", PREFERRED_PORT)
            raise CannotRun(f"Channelbook runs already from this folder: http://127.0.0.1:{port}") from None
        addresses = stack.enter_context(_addresses(folder, env))
        ports = {"sitegiant": addresses.sandbox_port, "kiotviet": addresses.shop_port}
        folder.remember_ports({"web": processes.port_of(addresses.web), **ports})
        _Demo(folder, addresses, {name: value for name, value in env.items() if value}, say).run()


def _asked_to_stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


@contextlib.contextmanager
def _addresses(folder: DataFolder, env: Mapping[str, str]) -> Iterator[_Addresses]:
    """Open the web's socket and choose the sandboxes' ports: asked for, else those of the last run, else any."""
    remembered = folder.remembered_ports()
    asked = env.get("PORT")
    wishes = [_port(asked)] if asked else [remembered.get("web", PREFERRED_PORT), PREFERRED_PORT, 0]
    try:
        web = processes.listen(*wishes)
    except OSError as error:
        raise CannotRun(
            f"PORT is unusable: {error.strerror}; choose another, or leave it out to get a free one."
        ) from None
    with web:
        probes = [processes.listen(remembered.get(name, 0), 0) for name in ("sitegiant", "kiotviet")]
        sandbox_port, shop_port = map(processes.port_of, probes)
        for probe in probes:
            probe.close()
        yield _Addresses(web, sandbox_port, shop_port)


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise CannotRun("PORT is unusable: it must be a number from 1 to 65535.")
    return int(text)


class _Demo:
    """One run: what is started, with which environment, and what is said about it."""

    def __init__(self, folder: DataFolder, addresses: _Addresses, env: Mapping[str, str], say: Say) -> None:
        self._folder, self._addresses, self._given, self._say = folder, addresses, env, say
        self._supervisor = Supervisor(say)
        self._foundations = 0

    def run(self) -> None:
        try:
            self._start_servers()
            for sandbox in (self._sandbox(), self._shop()):  # these lean on nothing, so they may start meanwhile
                self._supervisor.add(Part(sandbox))
            self._say("Bringing the database up to date")
            people = self._prepare_data()
            self._say("Starting the pages, two workers and the tick")
            for program in self._portal():
                self._supervisor.add(Part(program))
            if not self._supervisor.watch(self._is_ready, READY_SECONDS):
                raise CannotRun(f"Not ready after {READY_SECONDS:.0f} s; {self._why_not_ready()}")
            self._introduce(people)
            self._supervisor.watch(lambda: False)
        finally:
            for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(again, signal.SIG_IGN)  # stopping takes seconds and is not to be cut short
            self._say("Stopping")
            self._supervisor.stop(self._foundations)

    def _start_servers(self) -> None:
        """Start the embedded servers that no setting replaces."""
        postgres, valkey = embedded.Postgres(self._folder), embedded.Valkey(self._folder)
        self._environment = self._environment_for(postgres, valkey)
        load_settings(self._environment)
        servers: list[embedded.Server] = []
        if "DATABASE_URL" not in self._given:
            servers.append(postgres)
        if "REDIS_URL" not in self._given:
            servers.append(valkey)
        for server in servers:
            self._say(f"Starting {server.program.name}")
            self._supervisor.add(Part(server.program, server.prepare))
            self._foundations += 1
        for server in servers:
            if not self._supervisor.watch(server.answers, embedded.START_SECONDS):
                raise CannotRun(f"{server.program.name} does not answer; see {server.program.log}")
        if postgres in servers:
            postgres.provision()

    def _environment_for(self, postgres: embedded.Postgres, valkey: embedded.Valkey) -> dict[str, str]:
        """What the parts read their settings from: whatever was given, and for the rest something that works here."""
        if "DATABASE_URL" in self._given and "DATABASE_OWNER_URL" not in self._given:
            raise CannotRun(
                "DATABASE_OWNER_URL is missing: with a DATABASE_URL of your own, the demo migrates as its owner."
            )
        kept = self._folder.secrets()
        ours = {
            "SECRET_KEY": kept.secret_key,
            "CREDENTIAL_KEYS": kept.credential_keys,
            "BASE_URL": self._addresses.base_url,
            "ALLOW_SANDBOXES": "1",
            "MAIL_URL": f"file:{self._folder.folder('mail')}",
            "PYTHONUNBUFFERED": "1",
        }
        if "DATABASE_URL" not in self._given:
            ours |= {"DATABASE_URL": postgres.app_url, "DATABASE_OWNER_URL": postgres.owner_url}
        if "REDIS_URL" not in self._given:
            ours["REDIS_URL"] = valkey.url
        return {**ours, **self._given}

    def _prepare_data(self) -> list[dict[str, str]]:
        """Migrate and seed in a process of its own, so that this one stays small enough to fork at any time."""
        result = subprocess.run(  # our own command
            [sys.executable, "-m", "app.cli", "prepare-demo"],
            cwd=PROJECT,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if result.returncode:
            raise CannotRun("The database could not be brought up to date; the reason stands above.")
        people: list[dict[str, str]] = json.loads(result.stdout)
        return people

    def _sandbox(self) -> Program:
        data, port = str(self._folder.path / "sitegiant.sqlite"), str(self._addresses.sandbox_port)
        return self._program(
            "sandbox",
            *(sys.executable, "-m", "app.sandbox", "sitegiant", "--port", port, "--data", data),
            *("--api-key", SANDBOX_KEY, "--count", "400", "--seed", "1"),
        )

    def _shop(self) -> Program:
        """KiotViet's sandbox, with few goods and sales, so that it is there as soon as the rest."""
        data, port = str(self._folder.path / "kiotviet.sqlite"), str(self._addresses.shop_port)
        return self._program(
            "kiotviet",
            *(sys.executable, "-m", "app.sandbox", "kiotviet", "--port", port, "--data", data, "--shop", SHOP),
            *("--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET),
            *("--products", "120", "--orders", "150", "--seed", "1"),
        )

    def _portal(self) -> Iterator[Program]:
        web = self._addresses.web.fileno()
        yield self._program("web", *gunicorn_command(f"fd://{web}"), pass_fds=(web,))
        worker = (sys.executable, str(PROJECT / "worker.py"))
        for number in (1, 2):
            yield self._program(f"worker-{number}", *worker, "work")
        yield self._program("tick", *worker, "tick")

    def _program(self, name: str, *argv: str, pass_fds: tuple[int, ...] = ()) -> Program:
        """A part in Python; workers leave at once when we are killed, since their leases hand the work on."""
        orphan = signal.SIGKILL if name.startswith("worker") else signal.SIGTERM
        return Program(
            name=name,
            argv=argv,
            cwd=PROJECT,
            log=self._folder.log(name),
            env=self._environment,
            orphan_signal=orphan,
            pass_fds=pass_fds,
        )

    def _is_ready(self) -> bool:
        asked = (f"{self._addresses.base_url}/readyz", self._addresses.sandbox_url, self._addresses.shop_page)
        return all(_answer(url)[0] == 200 for url in asked)

    def _why_not_ready(self) -> str:
        status, words = _answer(f"{self._addresses.base_url}/readyz")
        logs = self._folder.path / "log"
        ends = "\n".join(f"{log.name}: {processes.last_lines(log, 3)}" for log in sorted(logs.glob("*.log")))
        return f"/readyz said {status} {words}\nThe logs in {logs} end with:\n{ends}"

    def _introduce(self, people: list[dict[str, str]]) -> None:
        self._say(f"Ready: {self._addresses.base_url}")
        for person in people:
            self._say("Sign in: {email} {password} ({role}, {store})".format(**person))
        self._say(f"Sandbox: sitegiant {self._addresses.sandbox_url} (API key {SANDBOX_KEY})")
        secret = f"client ID {CLIENT_ID}, client secret {CLIENT_SECRET}"
        self._say(f"Sandbox: kiotviet {self._addresses.shop_name} (as the shop name; {secret})")
        self._say(f"Mails: {self._environment['MAIL_URL']}   Logs: {self._folder.path / 'log'}   Stop: Ctrl-C")


def _answer(url: str) -> tuple[int, str]:
    """Status and body of a loopback address; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # our own loopback address
            return response.status, response.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)
