"""The supervisor starts again whatever dies, takes its time with what keeps dying, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded import EmbeddedError
from app.embedded.folder import PROJECT
from app.embedded.processes import Program, listen, port_of, wait_until
from app.supervisor import Part, Supervisor

pytestmark = pytest.mark.processes

SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)
WITH_CHILD = (
    "import subprocess, sys, time; "
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True); "
    "time.sleep(600)"
)


@pytest.fixture
def said() -> list[str]:
    """What the supervisor said."""
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    """A supervisor whose parts end with the test."""
    one = Supervisor(said.append)
    yield one
    one.stop()


def part(tmp_path: Path, code: str, name: str = "part") -> Part:
    argv = (sys.executable, "-c", code)
    return Part(Program(name=name, argv=argv, cwd=tmp_path, log=tmp_path / f"{name}.log", env=dict(os.environ)))


def pid_of(one: Part) -> int:
    assert one.process is not None
    return one.process.pid


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead but not yet collected does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_killed_part_is_started_again(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    one = part(tmp_path, SLEEP)
    supervisor.add(one)
    first = pid_of(one)
    os.kill(first, signal.SIGKILL)
    assert supervisor.watch(lambda: one.process is not None and one.process.pid != first, timeout=10)
    assert said == ["part ended (signal 9); starting it again"]


def test_what_a_killed_part_had_started_goes_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    one = part(tmp_path, WITH_CHILD)
    supervisor.add(one)
    log = one.program.log
    assert wait_until(lambda: log.read_text().endswith("\n"), 10)
    first, child = pid_of(one), int(log.read_text())
    os.kill(first, signal.SIGKILL)
    assert supervisor.watch(lambda: one.process is not None and one.process.pid != first, timeout=10)
    assert wait_until(lambda: not is_alive(child), 5)


def test_a_part_that_keeps_dying_gets_longer_and_longer_pauses(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    supervisor.add(part(tmp_path, "raise SystemExit(3)"))
    assert not supervisor.watch(lambda: False, timeout=3)
    assert said[0] == "part ended (exit code 3); starting it again"
    assert 2 <= len(said) <= 4  # after 0.4, 0.8, 1.6 … seconds


def test_a_part_that_cannot_be_prepared_is_tried_again(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    one = part(tmp_path, SLEEP)
    supervisor.add(one)
    faults = [EmbeddedError("no room")]

    def prepare() -> None:
        if faults:
            raise faults.pop()

    one.prepare = prepare
    first = pid_of(one)
    os.kill(first, signal.SIGKILL)
    assert supervisor.watch(lambda: one.process is not None and one.process.pid != first, timeout=10)
    assert said[1:] == ["part cannot start: no room"]


def test_stop_ends_even_a_part_that_does_not_listen(supervisor: Supervisor, tmp_path: Path) -> None:
    parts = [part(tmp_path, SLEEP, "meek"), part(tmp_path, STUBBORN, "stubborn")]
    for one in parts:
        supervisor.add(one)
    assert wait_until(lambda: "deaf" in (tmp_path / "stubborn.log").read_text(), 10)
    pids = [pid_of(one) for one in parts]
    supervisor.stop()
    assert not any(is_alive(pid) for pid in pids)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_parts_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        f"sys.path.insert(0, {str(PROJECT)!r})\n"
        "from pathlib import Path\n"
        "from app.embedded.processes import Program\n"
        f"argv = (sys.executable, '-c', {SLEEP!r})\n"
        "one = Program(name='x', argv=argv, cwd=Path('.'), log=Path('x.log'), env=dict(os.environ))\n"
        "print(one.start().pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    one = part(tmp_path, code)
    supervising = one.program.start()
    try:
        assert wait_until(lambda: one.program.log.read_text().endswith("\n"), 10)
        child = int(one.program.log.read_text())
        assert is_alive(child)
    finally:
        supervising.kill()
        supervising.wait()
    assert wait_until(lambda: not is_alive(child), 5)


def test_the_first_free_port_is_taken_and_none_twice() -> None:
    with listen(0) as first:
        taken = port_of(first)
        with listen(taken, 0) as second:
            assert port_of(second) != taken
        with pytest.raises(OSError, match="in use"):
            listen(taken)
