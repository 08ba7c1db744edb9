"""Reads the parts' logs for what may not stand there whatever was killed: tracebacks of our own mistakes.

A lost server, a full disk and a closed connection are what a run is made of; their tracebacks are passed over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from app.embedded.folder import PROJECT
from app.logs import BELOW

PARTS = ("web", "worker-1", "worker-2", "tick")
TRACEBACK = "Traceback (most recent call last):\n"
AND_THEN = (
    "During handling of the above exception, another exception occurred:\n\n",
    "The above exception was the direct cause of the following exception:\n\n",
)
PASSING = re.compile(
    r"(sqlalchemy\.exc|psycopg)\.(OperationalError|InterfaceError)\b"
    r"|psycopg\.errors\.(AdminShutdown|CrashShutdown|CannotConnectNow|DiskFull|IdleInTransactionSessionTimeout)\b"
    r"|app\.checks\.UnsoundError: Database: |redis\.exceptions\.|rq\.exceptions\.|SystemExit|KeyboardInterrupt"
    r"|(ConnectionError|ConnectionResetError|ConnectionRefusedError|BrokenPipeError)\b"
    r"|OSError: \[Errno 28\]"
)
ERROR = re.compile(r"[A-Za-z_][\w.]*(:|$)")  # two processes write to one log, so that other lines come in between
CUT_OFF = "SystemExit"  # who wrote it was killed, or the disk was full
DEADLOCK = "deadlock detected"
MARKS = re.compile(rf"^{re.escape(BELOW)}", re.MULTILINE)
OURS = str(PROJECT / "app")


class Logs:
    """What the parts write from now on."""

    def __init__(self, folder: Path) -> None:
        self._logs = [folder / f"{part}.log" for part in PARTS]
        self._read = {log: log.stat().st_size if log.exists() else 0 for log in self._logs}

    def mistakes(self) -> list[str]:
        """A sentence for each kind of error that is nobody's but ours, and how often it came."""
        found = Counter(f"{log.stem}: {words}" for log in self._logs for words in mistakes_in(self._since(log)))
        return [f"our mistake: {words}{f' ({count} times)' * (count > 1)}" for words, count in found.items()]

    def _since(self, log: Path) -> str:
        if not log.exists():
            return ""
        data = log.read_bytes()
        begin = self._read[log]
        return data[begin if begin <= len(data) else 0 :].decode(errors="replace")


def mistakes_in(text: str) -> Iterator[str]:
    """The end of each chain of tracebacks of which no link is passing, or that tells of a deadlock."""
    chain: list[str] = []
    text = MARKS.sub("", text)
    for before, link in pairwise(text.split(TRACEBACK)):
        words, place = _told(link)
        chain = [*chain, words] if before.endswith(AND_THEN) else [words]
        if link.endswith(AND_THEN):
            continue
        if any(DEADLOCK in error for error in chain) or not any(map(PASSING.match, chain)):
            yield f"{words[:200]} at {place}"


def _told(link: str) -> tuple[str, str]:
    """The error that ends a traceback, and the last place of our own that it names."""
    place = "?"
    for line in link.splitlines():
        if line.startswith("  File "):
            place = line.strip() if place == "?" or OURS in line else place
        elif ERROR.match(line):
            return line, place
    return CUT_OFF, place
