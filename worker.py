"""The processes behind the site: `python worker.py work` serves jobs, `python worker.py tick` rings for them."""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import sys

from app import create_app, garbage, logs
from app.checks import UnsoundError
from app.config import SettingError
from app.extensions import db
from app.sync.lease import end_stalled_transactions
from app.sync.queue import work
from app.sync.tick import tick_for_ever

_M_ARENA_MAX = -8  # glibc's malloc.h
_ARENAS = 1


def main() -> None:
    """Run one of the two until told to stop. The application is built before the worker forks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("work", "tick"))
    arguments = parser.parse_args()
    logs.write_to_stderr(logging.INFO)
    _share_heap()
    try:
        app = create_app()
    except (SettingError, UnsoundError) as error:
        sys.exit(f"{error}")
    if arguments.what == "tick":
        tick_for_ever(app)
        return
    with app.app_context():
        # A connection that the parent holds is not the child's to use; nor may the child say good-bye on it.
        os.register_at_fork(after_in_child=lambda: db.engine.dispose(close=False))
        end_stalled_transactions(db.engine)
        garbage.settle()
        # A thread that the database has answered shall not wait until another one has reckoned for five milliseconds.
        sys.setswitchinterval(0.0005)
        work(app.extensions["settings"].redis_url)


def _share_heap() -> None:
    """Let all threads take memory from one heap: with one for each, what a job has let go of stands about in many.

    Saves 14 MB of each process that reads from a channel. Only glibc has such heaps.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


if __name__ == "__main__":
    main()
