"""A disk of a house's own that can be full for a while: a small file system in memory, which only root may mount.

It is made full by shrinking it to what lies on it, so that nothing has to be written and no other disk suffers.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SIZE = 1 << 30
BLOCK = 1 << 16
TRIES = 50


@dataclass(frozen=True, slots=True)
class Disk:
    """A mounted file system."""

    path: Path

    def fill(self) -> bool:
        """Leave no room; False when it grows faster than it can be shrunk."""
        for spare in range(TRIES):
            state = os.statvfs(self.path)
            used = (state.f_blocks - state.f_bfree) * state.f_frsize
            if self._resize(used + spare * BLOCK):
                return True
        return False

    def free(self) -> None:
        """Give the room back."""
        assert self._resize(SIZE), "the disk cannot be made large again"

    def _resize(self, size: int) -> bool:
        return _run("mount", "-o", f"remount,size={size}", str(self.path))


@contextlib.contextmanager
def own_disk(path: Path) -> Iterator[Disk | None]:
    """Mount one at `path`, a folder that does not exist yet; None where that is not allowed."""
    path.mkdir(mode=0o711)
    if not _run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0711", "tmpfs", str(path)):
        yield None
        return
    try:
        yield Disk(path)
    finally:
        _run("umount", "--lazy", str(path))


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
