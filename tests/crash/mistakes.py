"""Reads the parts' logs for what may not stand there whatever was killed: tracebacks of our own mistakes.

A lost server, a full disk and a closed connection are what a run is made of; their tracebacks are passed over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PARTS = ("web", "worker-1", "worker-2", "tick")
LINK = r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(?:\S.*\n?)(?:(?!Traceback|\d{4}-|\[\d{4}-)\S.*\n)*?"
AND_THEN = r"\n(?:During handling of the above|The above exception was the direct).*\n\n"
CHAIN = re.compile(rf"{LINK}(?:{AND_THEN}{LINK})*")
ERROR = re.compile(r"^[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Failure|Shutdown|Timeout|Warning|Lost)\b.*")
PASSING = re.compile(
    r"^(sqlalchemy\.exc\.|psycopg\.|psycopg_pool\.)?(OperationalError|InterfaceError|DBAPIError|AdminShutdown|"
    r"CrashShutdown|CannotConnectNow|DiskFull|IdleInTransactionSessionTimeout|errors\.\w+)\b"
    r"|^(sqlalchemy\.exc|psycopg)\.[\w.]*(OperationalError|InterfaceError|DiskFull|AdminShutdown|CrashShutdown)"
    r"|^redis\.exceptions\.|^(ConnectionError|ConnectionResetError|ConnectionRefusedError|BrokenPipeError)\b"
    r"|^OSError: \[Errno 28\]|^SystemExit|^KeyboardInterrupt|^rq\.exceptions\.|^valkey"
)
DEADLOCK = "deadlock detected"


class Logs:
    """What the parts write from now on."""

    def __init__(self, folder: Path) -> None:
        self._logs = [folder / f"{part}.log" for part in PARTS]
        self._read = {log: log.stat().st_size if log.exists() else 0 for log in self._logs}

    def mistakes(self) -> list[str]:
        """A sentence for each kind of error that is nobody's but ours, and how often it came."""
        found = Counter(f"{log.stem}: {words}" for log in self._logs for words in _errors(self._since(log)))
        return [f"our mistake: {words}{f' ({count} times)' * (count > 1)}" for words, count in found.items()]

    def _since(self, log: Path) -> str:
        if not log.exists():
            return ""
        data = log.read_bytes()
        begin = self._read[log]
        return data[begin if begin <= len(data) else 0 :].decode(errors="replace")


def _errors(text: str) -> Iterator[str]:
    """The end of each chain of tracebacks of which no link is passing, and every deadlock."""
    yield from (DEADLOCK for line in text.splitlines() if DEADLOCK in line)
    for chain in CHAIN.findall(text):
        links = [line for line in chain.splitlines() if ERROR.match(line)]
        if not any(PASSING.match(line) for line in links):
            where = [line.strip() for line in chain.splitlines() if line.startswith("  File ")]
            yield f"{links[-1][:200] if links else '?'} at {where[-1] if where else '?'}"
