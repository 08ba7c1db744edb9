"""Pages and what they are made of travel compressed, in the best way that the browser understands.

Nothing secret that stays the same stands beside what a stranger could put on a page: forms carry no tokens, and
another site's requests come without the cookie. So the length of an answer tells nobody anything.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request
from flask_compress import Compress

_TYPES: Final = ("text/html", "text/css", "text/javascript", "image/svg+xml")


def init_app(app: Flask) -> None:
    """Compress pages, sheets, scripts and drawings. Event streams and files to keep go out as they are."""
    app.config["COMPRESS_MIMETYPES"] = _TYPES
    Compress(app)
    app.after_request(_read)


def _read(response: Response) -> Response:
    """A file is read here and closed with its answer: what is compressed piece by piece would leave it open."""
    if request.endpoint == "static" and response.status_code == 200 and response.mimetype in _TYPES:
        response.direct_passthrough = False
        response.get_data()
    return response
