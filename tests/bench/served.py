"""The channel's process from outside: starting it, opening shops, asking what was called."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from app.embedded.folder import PROJECT


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it went over the wire; `target` is path and query."""

    method: str
    target: str
    body: str


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop of the channel: what a merchant enters, and what the bench may ask."""

    served: Served
    key: str

    @property
    def url(self) -> str:
        """The domain to connect: each shop's is its own, as two shops of one domain are taken for one account."""
        return f"{self.served.url}/{self.key}"

    def calls(self) -> list[Call]:
        """What was called since this was last asked."""
        return [Call(*call) for call in self.served.ask("calls", self.key)]

    def forget_numbers(self) -> None:
        """No order has an invoice number any more."""
        self.served.ask("forget", self.key)

    def pace(self, delay: float) -> None:
        """Wait so many seconds before each answer from now on."""
        self.served.ask("pace", self.key, delay)

    def close(self) -> None:
        """Give its memory back."""
        self.served.ask("close", self.key)


@dataclass(frozen=True, slots=True)
class Served:
    """The running process."""

    url: str

    def open(self, key: str, count: int, merchant: int, *, delay: float, paid_only: bool) -> Shop:
        """A shop of so many orders; its first answers come when all of them are encoded."""
        told = {"count": count, "merchant": merchant, "delay": delay, "paid_only": paid_only}
        self.ask("open", key, told)
        return Shop(self, key)

    def rate(self) -> float:
        """Answers per second of its own computing since the last shop was opened."""
        answers, seconds = self.ask("rate", "")
        return float(answers / seconds) if seconds else 0.0

    def ask(self, route: str, key: str, told: Any = None) -> Any:
        """Steer it; returns the JSON of the answer."""
        answer = requests.post(f"{self.url}/control/{route}", params={"key": key}, json=told, timeout=300)
        return json.loads(answer.content)


@contextmanager
def serving() -> Iterator[Served]:
    """Start the process and wait for its line; end it afterwards."""
    command = [sys.executable, "-m", "tests.bench.channel"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Served(process.stdout.readline().strip())
        finally:
            process.terminate()
