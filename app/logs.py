"""How the log is written: an entry is one line, with a mark before each that hangs below it, whatever stood in it.

A name, an address or what a channel said may hold line ends, or the characters by which a terminal is told to do
something. They are written as `\\n` and `\\x1b`, so that nobody can add an entry or change how others look. What the
database says of the row that it refused is left out: it would be the whole row, with what is secret in it.
"""

from __future__ import annotations

import logging
import re
import time
from types import TracebackType
from typing import Final

from flask import Flask
from flask.logging import default_handler

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"
_AFTER_ROW: Final = r"HINT:|CONTEXT:|\[SQL|\(Background|The above exception|During handling|Traceback"
_ROW: Final = re.compile(rf"^DETAIL:.*?(?=^(?:{_AFTER_ROW})|\Z)", re.MULTILINE | re.DOTALL)
BELOW: Final = "| "
"""Stands before each line of an entry but its first."""
ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Entries(logging.Formatter):
    """Writes one entry, with the moment in UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """The entry. Nothing is remembered on the record: another handler may have written it in its own way."""
        record.message = visible(record.getMessage())
        record.asctime = self.formatTime(record)
        lines = [self.formatMessage(record)]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        if record.stack_info:
            lines.append(_below(record.stack_info))
        return "\n".join(lines)

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802  # named by the standard library
        """The traceback, below its entry, without what the database says of a row."""
        return _below(_ROW.sub("DETAIL: (left out)\n", super().formatException(ei)))


def visible(text: str) -> str:
    """The text with everything that cannot be seen written as an escape sequence."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def init_app(app: Flask) -> None:
    """Let what the pages log be written so; where somebody has set logging up already, it is theirs to say how."""
    default_handler.setFormatter(Entries())
    app.logger  # noqa: B018  # looking at it hangs the handler in, which rooms below it write to as well


def write_to_stderr(level: int) -> None:
    """Write so whatever is logged in this process from `level` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(Entries())
    logging.basicConfig(level=level, handlers=[handler])


def _below(text: str) -> str:
    return "\n".join(f"{BELOW}{visible(line)}" for line in text.split("\n"))
