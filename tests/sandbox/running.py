"""Runs the sandbox as its users do, as a process of its own, and talks to it over a real socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 60.0
ENVIRONMENT = {**os.environ, "PYTHONWARNINGS": "default"}


def command(*arguments: str, kind: str = "sitegiant") -> list[str]:
    """The command line that runs a sandbox."""
    return [sys.executable, "-m", "app.sandbox", kind, *arguments]


@dataclass
class Running:
    """A sandbox process that listens; `url` is what a merchant enters as the domain."""

    process: subprocess.Popen[bytes]
    url: str

    @property
    def root(self) -> str:
        return self.url.partition("/sandbox/")[0]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop, and return the exit code it stopped with."""
        self.process.send_signal(how)
        return self.process.wait(timeout=10)


@contextmanager
def running(*arguments: str, kind: str = "sitegiant") -> Iterator[Running]:
    """Start a sandbox on a free port and wait for its line; stop it at the end if it still runs."""
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(
            command("--port", "0", *arguments, kind=kind),
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield Running(process, _announced(process, output, kind))
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=10)


def _announced(process: subprocess.Popen[bytes], output: Any, kind: str) -> str:
    """The URL of the line that says it listens."""
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline:
        output.seek(0)
        said = output.read().decode()
        if said.startswith(f"Sandbox: {kind} ") and said.endswith("\n"):
            return str(said.split()[2])
        if process.poll() is not None:
            raise AssertionError(f"the sandbox ended with {process.returncode}: {said}")
        time.sleep(0.05)
    raise AssertionError("the sandbox did not start in time")


@dataclass
class Visitor:
    """One shop seen from both sides: the wire with its token, the control API with its key."""

    sandbox: Running
    key: str
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, **given: Any) -> requests.Response:
        """Call the API as a connector would."""
        headers = {"Access-Token": self.key} | given.pop("headers", {})
        return self.session.request(method, f"{self.sandbox.url}/api/v1/{path}", headers=headers, timeout=10, **given)

    def answer(self, method: str, path: str, **given: Any) -> Any:
        """Call the API and return the `response` of an answer that must be a success."""
        reply = self.call(method, path, **given)
        body = reply.json()
        assert reply.status_code == 200, body
        assert body["code"] in (200, "200"), body
        return body["response"]

    def control(self, method: str, path: str, **given: Any) -> requests.Response:
        """Call the control API for this shop."""
        params = {"key": self.key} | given.pop("params", {})
        return self.session.request(method, f"{self.sandbox.root}/control/{path}", params=params, timeout=10, **given)

    def steer(self, method: str, path: str, **given: Any) -> Any:
        """Call the control API and return the JSON of an answer that must be a success."""
        reply = self.control(method, path, **given)
        assert reply.ok, reply.text
        return reply.json()

    def add(self, *orders: dict[str, Any]) -> list[int]:
        """Add orders and return their ids."""
        return list(self.steer("POST", "orders", json=list(orders))["order_ids"])

    def order(self, order_id: int) -> dict[str, Any]:
        """One order as the detail route gives it."""
        (found,) = self.answer("POST", "order/multipleOrder", json={"order_id": [order_id]})["order_list"]
        assert isinstance(found, dict)
        return found

    def fault(self, name: str, **settings: Any) -> None:
        """Switch a fault on."""
        self.steer("POST", f"faults/{name}", json=settings)

    def log(self, route: str = "") -> list[dict[str, Any]]:
        """The calls of this shop."""
        return list(self.steer("GET", "log", params={"route": route})["calls"])

    def writes(self) -> list[dict[str, Any]]:
        """The invoice numbers that took effect."""
        return list(self.steer("GET", "writes")["writes"])


def an_order(**fields: Any) -> dict[str, Any]:
    """An order in the wire's shape with one line of 42.00, with the given fields instead."""
    return {
        "marketplace": "Shopee",
        "order_status": "Completed",
        "payment_status": "Paid",
        "billing_method": "ShopeePay",
        "billing_firstname": "Nur",
        "order_creation_date": "2026-11-20T23:58:10+08:00",
        "order_items": [{"isku": "A1", "product_name": "Kopi", "product_price": "21.00", "product_quantity": 2}],
        "total": "42.00",
        **fields,
    }
