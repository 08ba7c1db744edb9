"""How often the doors to an account may be tried, and how that is said.

Counted by account, so that many addresses cannot guess one password together, and by address, so that one address
cannot go through many accounts. An address may be a whole office behind one router, hence the larger number. Every
try counts, also one with a mistake in the form, and unknown e-mails count like known ones: being refused tells
nothing either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from flask import request
from flask_babel import gettext as _
from markupsafe import Markup

from app.accounts import access, entering, halves
from app.accounts.emails import fold_email
from app.extensions import limiter, visitor_address
from app.web.filters import ago

View = TypeVar("View", bound=Callable[..., Any])

SIGN_IN_BY_ACCOUNT: Final = "10 per 15 minutes"
SIGN_IN_BY_ADDRESS: Final = "60 per 15 minutes"
SIGN_UP_BY_ACCOUNT: Final = "10 per hour"
SIGN_UP_BY_ADDRESS: Final = "30 per hour"
RESET_BY_ACCOUNT: Final = "5 per hour"
RESET_BY_ADDRESS: Final = "20 per hour"
CHANGE_BY_ACCOUNT: Final = "10 per 15 minutes"
CODE_BY_ACCOUNT: Final = "10 per 15 minutes; 40 per day"
CODE_BY_ADDRESS: Final = "60 per 15 minutes"
STRENGTH_BY_ADDRESS: Final = "60 per minute"
NEW_STORES: Final = "20 per hour"
INVITES_BY_PERSON: Final = "30 per hour"
INVITES_TO_ADDRESS: Final = "10 per day"
"""From all stores together, so that nobody's mailbox is filled by strangers."""


def limit_tries(*, by_account: str, by_address: str) -> Callable[[View], View]:
    """Limit the POSTs of a view by the form's `email` and by the visitor's address."""

    def limit(view: View) -> View:
        limited: View = limiter.limit(by_account, key_func=named_account, methods=["POST"])(view)  # type: ignore[assignment]
        return limit_address(by_address)(limited)

    return limit


def limit_codes(view: View) -> View:
    """Limit the POSTs of the page that asks for a code by the person who is half signed in, and by address.

    A day's tries guess one of a million codes with a chance of one in eight thousand, three codes counting at a time.
    """
    limited: View = limiter.limit(CODE_BY_ACCOUNT, key_func=_half_signed_in, methods=["POST"])(view)  # type: ignore[assignment]
    return limit_address(CODE_BY_ADDRESS)(limited)


def limit_mails(limit: str) -> Callable[[View], View]:
    """Limit the POSTs of a view by the address that the form names, to which a mail goes."""
    return limiter.limit(limit, key_func=named_account, methods=["POST"])  # type: ignore[return-value]


def limit_address(limit: str) -> Callable[[View], View]:
    """Limit the POSTs of a view by the visitor's address."""
    return limiter.limit(limit, key_func=visitor_address, methods=["POST"])  # type: ignore[return-value]


def limit_person(limit: str) -> Callable[[View], View]:
    """Limit the POSTs of a view by the person who is signed in."""
    return limiter.limit(limit, key_func=lambda: str(access.me().id), methods=["POST"])  # type: ignore[return-value]


def again_at() -> datetime:
    """When the limit that refused this request lets the next one in."""
    refused = limiter.current_limit
    return datetime.fromtimestamp(refused.reset_at, UTC) if refused else datetime.now(UTC)


def seconds_to_wait() -> int:
    """The same as a number for the Retry-After header."""
    return max(1, int((again_at() - datetime.now(UTC)).total_seconds()))


def too_many_tries() -> Markup:
    """The sentence for the page, with the moment when to try again."""
    return Markup.escape(_("Too many tries. Nothing is lost: try again %(when)s.")) % {"when": ago(again_at())}


def named_account() -> str:
    """Whose account the form names: a digest, because counters' keys lie in the queue server and e-mails should not."""
    return hashlib.sha256(fold_email(request.form.get("email", "")).encode()).hexdigest()[:32]


def _half_signed_in() -> str:
    half = halves.half_of(entering.half_token())
    return f"half:{half.user_id}" if half else visitor_address()
