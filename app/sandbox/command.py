"""What the command lines of all sandboxes share: where to listen, where the data is, how a server is started."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, tzinfo
from typing import TypeVar

from flask import Flask

from app.sandbox.database import MEMORY, Database
from app.sandbox.jsonl import LoadError
from app.sandbox.serving import serve

D = TypeVar("D", bound=Database)


def add_kind(
    kinds: argparse._SubParsersAction[argparse.ArgumentParser], name: str, *, description: str, epilog: str, port: int
) -> argparse.ArgumentParser:
    """Add one kind of sandbox to those that the command line knows."""
    parser = kinds.add_parser(
        name,
        help=description,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=port, help="0 takes any free one (default: %(default)s)")
    parser.add_argument("--data", metavar="FILE", help="SQLite file that keeps the data (default: in memory)")
    return parser


def run_kind(
    options: argparse.Namespace,
    *,
    kind: str,
    path: str,
    database: type[D],
    prepare: Callable[[D, argparse.Namespace], None],
    create_app: Callable[[D], Flask],
) -> int:
    """Let `prepare` fill the database if it is empty, then serve it until told to stop; returns the exit code."""
    try:
        with closing(database(options.data or MEMORY)) as db:
            prepare(db, options)
            image = None if options.data else db.image()
    except LoadError as problem:
        sys.stderr.write(f"{problem}\nNothing was loaded.\n")
        return 1
    except sqlite3.Error as problem:
        sys.stderr.write(f"{options.data}: {problem}\n")
        return 1

    def load() -> Flask:
        return create_app(database(options.data) if options.data else database(image=image))

    serve(load, kind=kind, host=options.host, port=options.port, path=path)
    return 0


def time_in(zone: tzinfo) -> Callable[[str], datetime]:
    """Reads a time, or a date that means its midnight, in this zone unless it has an offset."""

    def read(text: str) -> datetime:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=zone)

    read.__name__ = "time"  # argparse names it in its error
    return read
