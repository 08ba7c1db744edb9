"""A quick run of the bench for the tests, in a process of its own: what it leaves behind ends with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from app.embedded.folder import PROJECT

PATIENCE_SECONDS = 300


def quick(kept: Path, only: str) -> tuple[list[dict[str, Any]], str]:
    """The rows that a quick run of some measurements kept, and what it printed."""
    command = [sys.executable, "-m", "tests.bench", "--quick", "--only", only, "--json", str(kept)]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(kept.read_text()), run.stdout
