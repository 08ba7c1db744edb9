"""Errors named by what happens next, so that a job's reaction never depends on the vendor.

Each carries `user_message` (the merchant's words, already translated or a plain source string), `detail`
(for support, never a secret) and `reference` (short, printed on the page and in the log).
"""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4


class ChannelError(Exception):
    """Something that happened while talking to a channel."""

    code = "CHANNEL_ERROR"
    field = ""
    """The field of the connect form that it is about, and that its sentence speaks to; '' where it names none."""

    def __init__(self, user_message: str, *, detail: str = "", code: str | None = None) -> None:
        super().__init__(user_message)
        self.user_message = user_message
        self.detail = detail
        self.reference = uuid4().hex[:8]
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.code} {self.user_message} [{self.reference}] {self.detail}".strip()


class RateLimited(ChannelError):
    """Too fast: come back after `retry_after` seconds."""

    code = "RATE_LIMITED"

    def __init__(self, user_message: str, *, retry_after: float, detail: str = "") -> None:
        super().__init__(user_message, detail=detail)
        self.retry_after = retry_after


class Unavailable(ChannelError):
    """A time-out, a dropped connection or a 5xx: back off and try again.

    `maybe_done` is true when the request was sent and its answer was lost: the channel must be
    read before it is sent again.
    """

    code = "SOURCE_DOWN"

    def __init__(self, user_message: str, *, detail: str = "", maybe_done: bool = False) -> None:
        super().__init__(user_message, detail=detail)
        self.maybe_done = maybe_done


class FailedThere(Unavailable):
    """It answered that it failed. If it does so time and again, something that is asked for may be why."""


class AuthRejected(ChannelError):
    """The credentials no longer work: stop, pause the channel, ask to reconnect."""

    code = "AUTH_EXPIRED"


class Misconfigured(ChannelError):
    """A setting on our side is missing or wrong: a person mends it, the rest goes on."""

    code = "MISCONFIGURED"


class Rejected(ChannelError):
    """The channel refuses this one record, in its own words."""

    code = "TARGET_REJECTED"


class Unsupported(ChannelError):
    """The channel cannot do this at all: do without it, and say so."""

    code = "UNSUPPORTED"


class BadPayload(ChannelError):
    """We cannot read what the channel sent: keep it raw, skip it, go on."""

    code = "BAD_PAYLOAD"


class BadSignature(ChannelError):
    """What claims to come from the channel is not signed with the secret that only it and we know: refuse it."""

    code = "BAD_SIGNATURE"


class NotThisSystem(Misconfigured):
    """The address answers, but it is not the system that was chosen."""

    code = "NOT_THIS_SYSTEM"


class AddressRefused(Misconfigured):
    """The address is one we do not talk to (private, or not https)."""

    code = "ADDRESS_REFUSED"


class CertificateTrouble(Misconfigured):
    """The address's certificate is expired, self-signed or for another name."""

    code = "CERTIFICATE"


class Unreachable(Unavailable):
    """No connection could be made at all, so nothing can have happened there."""

    code = "UNREACHABLE"


def backoff_seconds(attempt: int, *, base: float = 5.0, ceiling: float = 900.0) -> float:
    """Seconds to wait before try number `attempt + 1` (attempt counts from 1): doubles up to `ceiling`."""
    return float(min(ceiling, base * 2 ** max(0, min(attempt, 20) - 1)))


def retry_at(now: datetime, seconds: float) -> datetime:
    """The moment `seconds` after `now`."""
    return datetime.fromtimestamp(now.timestamp() + seconds, tz=now.tzinfo)
