"""Every decision about who may come in or do something, as a line in the log of whoever runs the server.

A line says what was asked, how it was answered, from which address, and by whom as far as that is known: a person by
their number, an account that somebody named by the digest by which its tries are counted. No password, no token and no
e-mail stands in it. Only what the answer knows already is looked at: telling costs no statement.
"""

from __future__ import annotations

import logging
from typing import Final

from flask import Flask, Response, g, request

from app.accounts.limits import named_account
from app.accounts.sessions import Person
from app.web.security import SAFE_METHODS

log = logging.getLogger(__name__)

DOORS: Final = frozenset(
    f"accounts.{name}"
    for name in (
        "signin", "code", "signup", "signout", "forgot", "reset", "invitation", "prove", "change_password",
        "set_up_two_step", "switch_off_two_step", "renew_recovery_codes", "sign_out_device", "sign_out_others",
    )
)  # fmt: skip
"""Where people come in, go out, and change by what they come in: every try is told."""
REFUSALS: Final = frozenset({400, 401, 403, 405, 413, 415, 422, 429})
"""Who may not, or may not so often, and what no form, page or program of ours sends."""


def init_app(app: Flask) -> None:
    """Watch every answer of `app`."""
    log.setLevel(logging.INFO)
    app.after_request(_tell)


def _tell(response: Response) -> Response:
    is_try = request.endpoint in DOORS and request.method not in SAFE_METHODS
    is_stranger = response.status_code == 404 and g.get("store_slug") is not None and g.get("membership") is None
    if is_try or is_stranger or response.status_code in REFUSALS:
        log.info(
            "%s %s: %s, from %s, by %s",
            request.method,
            request.endpoint or "-",
            response.status_code,
            request.remote_addr,
            _who(),
        )
    return response


def _who() -> str:
    person = g.get("_login_user")  # where Flask-Login keeps whom it has looked up
    if isinstance(person, Person):
        return f"person {person.id}"
    form = vars(request._get_current_object()).get("form")  # type: ignore[attr-defined]  # not read, if it was refused
    is_named = request.endpoint in DOORS and form and "email" in form
    return f"account {named_account()[:16]}" if is_named else "-"
