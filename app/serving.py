"""How gunicorn serves the pages, on a real server and in the demo alike."""

from __future__ import annotations

import sys

from app import garbage

GRACE_SECONDS = 2  # a stop waits this long for open streams, which would otherwise hold it


def gunicorn_command(bind: str, *, workers: int = 2, threads: int = 64) -> tuple[str, ...]:
    """The command line that serves `create_app()` on `bind`: HOST:PORT, unix:PATH or fd://NUMBER.

    Threads, because each open event stream holds one; loaded before the fork, because `create_app` keeps nothing
    open and two workers then share its memory.
    """
    return (
        *(sys.executable, "-m", "gunicorn", "--preload", "--no-control-socket"),
        *("--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads)),
        *("--graceful-timeout", str(GRACE_SECONDS), "--keep-alive", "30", "--log-level", "warning"),
        *("--config", f"python:{__name__}"),
        *("--bind", bind, "app:create_app()"),
    )


def when_ready(_master: object) -> None:
    """What gunicorn calls (--config) once the application is loaded, and before it forks."""
    garbage.settle()
