"""Whatever is taken out of a store as a file is told of, by whichever view: no export can forget it."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_plus

from flask import Flask, Response, g, request

from app.audit.recording import keep, record
from app.audit.words import Thing

EMPTY_FORMS: Final = frozenset({"orders.import_template"})
"""Files that hold nothing of the store."""
_OK: Final = 200


def init_app(app: Flask) -> None:
    """Look at each answer of `app`."""
    app.after_request(_tell)


def _tell(response: Response) -> Response:
    if (
        response.mimetype == "text/csv"
        and response.status_code == _OK
        and "store" in g
        and request.endpoint not in EMPTY_FORMS
    ):
        asked = unquote_plus(request.query_string.decode("ascii", "replace")).replace("\0", "").replace("&", ", ")
        record("exported", Thing.EXPORT, label=request.endpoint or "", facts={"filter": asked} if asked else None)
        keep()
    return response
