"""Errors as programs meet them: application/problem+json (RFC 9457), each mistake with a pointer to its field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response
from flask_babel import gettext as _

from app.core.own_orders import Mistake
from app.own_orders.words import words_of

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A call that is refused: `status`, a `title` for the kind of problem, and what is wrong this time."""

    def __init__(
        self, status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.headers = status, dict(headers or {})
        self.members: dict[str, Any] = {"title": title, "status": status, "detail": detail, **members}

    def answer(self) -> Response:
        """As it goes over the wire."""
        body = json.dumps({"type": "about:blank", **self.members}, ensure_ascii=False)
        return Response(body, self.status, {**self.headers, "Cache-Control": "no-store"}, content_type=MEDIA_TYPE)


def of_mistakes(mistakes: Iterable[Mistake]) -> Problem:
    """422: the body was read, and does not say an order."""
    errors = [{"pointer": f"#{one.pointer}", "code": str(one.wrong), "detail": words_of(one)} for one in mistakes]
    detail = _("Nothing was stored. Each of the errors names its field.")
    return Problem(422, _("The body has mistakes"), detail, errors=errors)
