"""Static files, addressed by their content so that a browser may keep them for ever.

What lies in the folder to make them, and what came with the libraries, is served to nobody: the policy lets a page run
any script of this address, so those that no page names must not be at it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Final

from flask import Flask, Response, abort, current_app, g, request, url_for
from werkzeug.security import safe_join

SERVED: Final = frozenset({".css", ".js", ".svg", ".png", ".webp", ".ttf", ".otf", ".woff2"})
LIBRARIES: Final = frozenset({"htmx.org/dist/htmx.min.js", "htmx-ext-sse/dist/sse.min.js"})
"""The scripts of others that pages name, below node_modules."""


def init_app(app: Flask) -> None:
    """Give templates `static_url` and set how long each static answer may be kept."""
    app.jinja_env.globals["static_url"] = static_url
    app.before_request(_refuse_what_no_page_names)
    app.after_request(_cache)


def is_served(filename: str) -> bool:
    """Whether a file under `static/` is one that pages may name."""
    path = PurePosixPath(filename)
    if path.suffix not in SERVED or any(part.startswith(".") for part in path.parts):
        return False
    is_library = path.parts[0] == "node_modules" and path.suffix == ".js"
    return not is_library or "/".join(path.parts[1:]) in LIBRARIES


def _refuse_what_no_page_names() -> None:
    if request.endpoint == "static" and not is_served((request.view_args or {}).get("filename", "")):
        abort(404)


def static_url(filename: str) -> str:
    """The URL of a file under `static/` with a hash of its content; FileNotFoundError when there is none."""
    urls: dict[str, str] = vars(g._get_current_object()).setdefault("_static_urls", {})
    found = urls.get(filename)
    if found is None:
        found = urls[filename] = _url(filename, _version(filename), current_app.static_url_path, request.script_root)
    return found


@lru_cache(maxsize=1024)
def _url(filename: str, version: str, _path: str | None, _root: str) -> str:
    """Remembered, because each page names a dozen; under which path and root they lie is part of the key only."""
    return url_for("static", filename=filename, v=version)


def _version(filename: str) -> str:
    path = _path(str(current_app.static_folder), filename)
    stat = path.stat()
    return _hash(str(path), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1024)
def _path(folder: str, filename: str) -> Path:
    path = safe_join(folder, filename)
    if path is None:
        raise FileNotFoundError(filename)
    return Path(path)


@lru_cache(maxsize=256)
def _hash(path: str, mtime_ns: int, size: int) -> str:
    """Time and size are part of the key only: an edited file is hashed again without a restart."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]


def _cache(response: Response) -> Response:
    if request.endpoint != "static" or response.status_code not in {200, 206, 304}:
        return response
    filename = (request.view_args or {}).get("filename", "")
    if request.args.get("v") == _version(filename):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"  # an old page asks for an old version: keep nothing
    return response
