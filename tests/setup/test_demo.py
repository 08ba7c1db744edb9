"""`channelbook demo` as people run it: real processes, killed one by one, and nothing left when it stops."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from app.embedded.folder import PROJECT
from app.embedded.processes import wait_until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc"),
]

PARTS = {
    "postgres": "postgres -D",
    "valkey": "unixsocket:",
    "web": "gunicorn --preload",
    "worker": "worker.py work",
    "tick": "worker.py tick",
    "sandbox": "app.sandbox sitegiant",
    "kiotviet": "app.sandbox kiotviet",
}
LINKS = re.compile(r'<a href="(/[a-z-]+/orders/\d+)">(SO\d+)</a>')


class Demo:
    """One `channelbook demo` and what it printed."""

    def __init__(self, data: Path, **env: str) -> None:
        data.parent.chmod(0o711)  # as root PostgreSQL runs as another user, who must pass through
        self.out = data.parent / "out"
        given = {name: value for name, value in os.environ.items() if name not in {"PORT", "DATABASE_URL", "REDIS_URL"}}
        with self.out.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "demo"],
                cwd=PROJECT,
                env={**given, "CHANNELBOOK_DATA": str(data), **env},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        return self.out.read_text()

    def wait_for_ready(self) -> None:
        ended_or_ready = lambda: self.process.poll() is not None or "Stop: Ctrl-C" in self.printed  # noqa: E731
        assert wait_until(ended_or_ready, 90)
        assert "\nReady: " in self.printed, self.printed

    @property
    def url(self) -> str:
        ready = re.search(r"^Ready: (http://127\.0\.0\.1:\d+)$", self.printed, re.MULTILINE)
        assert ready, self.printed
        return ready[1]

    def is_ready(self) -> bool:
        return answer(f"{self.url}/readyz") == 200

    def parts(self, name: str) -> set[int]:
        """The processes of one part that the supervisor itself started."""
        return {pid for pid in children(self.process.pid) if PARTS[name] in command(pid)}

    def family(self) -> set[int]:
        """Every process that descends from the supervisor."""
        found, front = set[int](), {self.process.pid}
        while front:
            front = {child for pid in front for child in children(pid)}
            found |= front
        return found

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(20)


def answer(url: str) -> int:
    """The status of a page; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(pid: int) -> set[int]:
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except (FileNotFoundError, ProcessLookupError):
        return set()


def alive(pids: set[int]) -> set[int]:
    """Those that run (a dead one that its parent has not collected has no command line)."""
    return {pid for pid in pids if command(pid)}


@contextmanager
def running(folder: Path) -> Iterator[Demo]:
    demo = Demo(folder / "data")
    try:
        demo.wait_for_ready()
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.stop()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Another demo's: the first who starts one there fills it, which takes longer than to start it again."""
    with tempfile.TemporaryDirectory(prefix="channelbook-demo-") as path:
        yield Path(path)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """A demo that the tests of this module share and always find, and leave, ready."""
    with tempfile.TemporaryDirectory(prefix="channelbook-demo-") as path, running(Path(path)) as one:
        yield one


def test_it_introduces_itself(demo: Demo) -> None:
    lines = demo.printed[demo.printed.index("Ready: ") :].splitlines()
    assert re.fullmatch(r"Ready: http://127\.0\.0\.1:\d+", lines[0])
    people = [re.fullmatch(r"Sign in: \S+@demo\.example \S+ \((.+), .+\)", line) for line in lines[1:8]]
    roles = [one[1] for one in people if one]
    assert roles == ["owner", "manager", "bookkeeper", "order desk", "read only", "owner", "owner"]
    sandbox = re.fullmatch(r"Sandbox: sitegiant (http://127\.0\.0\.1:\d+/\S+) \(API key \S+\)", lines[8])
    assert sandbox
    assert answer(sandbox[1]) == 200
    words = r"Sandbox: kiotviet (http://127\.0\.0\.1:\d+/)\S+ \(as the shop name; client ID \S+, client secret \S+\)"
    shop = re.fullmatch(words, lines[9])
    assert shop
    assert answer(shop[1]) == 200
    with urllib.request.urlopen(f"{demo.url}/healthz", timeout=5) as response:
        json.load(response)


def test_both_sides_of_a_link_can_be_looked_at_without_doing_anything(demo: Demo) -> None:
    who, password = re.findall(r"^Sign in: (\S+) (\S+)", demo.printed, re.MULTILINE)[0]
    with requests.Session() as browser:
        browser.headers["Sec-Fetch-Site"] = "same-origin"
        browser.post(f"{demo.url}/signin", data={"email": who, "password": password}, timeout=20)

        def page(path: str) -> str:
            answer = browser.get(demo.url + path, timeout=20)
            assert answer.status_code == 200
            return answer.text

        orders = {number: page(path) for path, number in LINKS.findall(page("/kedai-serai/orders"))}
        assert len(orders) == 3
        assert "Package PK00002" in orders["SO00002"]
        assert "Oversold: 3 of KOPI-1000 are missing" in " ".join(orders["SO00003"].split())
        assert "KOPI-1000" in page("/kedai-serai/failed")
        assert len(LINKS.findall(page("/kopi-utara/orders"))) == 4
        assert "asks to be your main store" in page("/batik-borneo/channels/")


@pytest.mark.parametrize("name", PARTS)
def test_a_killed_part_comes_back(demo: Demo, name: str) -> None:
    killed = demo.parts(name)
    assert len(killed) == (2 if name == "worker" else 1)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: len(demo.parts(name) - killed) == len(killed), 15), demo.printed
    assert wait_until(demo.is_ready, 30), demo.printed
    assert len(re.findall(rf"^{name}\S* ended \(signal 9\)", demo.printed, re.MULTILINE)) == len(killed)
    assert "exit code" not in demo.printed  # what came back stayed


def test_a_second_one_on_the_same_data_says_where_the_first_is(demo: Demo) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "app.cli", "demo"],
        cwd=PROJECT,
        env={**os.environ, "CHANNELBOOK_DATA": str(demo.out.parent / "data")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert f"runs already from this folder: {demo.url}" in second.stderr
    assert demo.is_ready()


def test_it_starts_again_beside_another_and_stops_without_a_trace(demo: Demo, folder: Path) -> None:
    places = set()
    for how in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with running(folder) as other:
            assert other.url != demo.url
            family = other.family()
            assert len(family) > len(PARTS)
            other.stop(how)
            assert (how, other.process.returncode) == (how, 0)
            assert (how, alive(family)) == (how, set())
            places.add((other.url, *re.findall("Sandbox: .*", other.printed)))
    assert len(places) == 1


def test_after_a_hard_kill_nothing_lives_and_it_starts_again(folder: Path) -> None:
    with running(folder) as one:
        family = one.family()
        one.stop(signal.SIGKILL)
        assert wait_until(lambda: alive(family) == set(), 15), [command(pid) for pid in alive(family)]
    with running(folder) as again:
        assert again.is_ready()


def test_a_port_in_use_is_refused_by_name(demo: Demo, folder: Path) -> None:
    second = Demo(folder / "data", PORT=demo.url.rpartition(":")[2])
    assert second.process.wait(30) == 1
    assert "PORT is unusable" in second.printed
