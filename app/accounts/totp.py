"""The codes that an app on a phone makes from a shared secret and the clock (RFC 6238): six digits, half a minute each.

Nothing here keeps anything: that a code counts once is for `app.accounts.two_step` to see to.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pyotp
from pyotp.exceptions import OTPVerificationError

DIGITS: Final = 6
DRIFT: Final = 1
"""How many spans of half a minute the phone's clock may be ahead or behind."""
ISSUER: Final = "Channelbook"
_GROUP: Final = 4


def new_secret() -> str:
    """A secret of 160 random bits, as apps read it: letters and the digits from 2 to 7."""
    return pyotp.random_base32()


def uri(secret: str, email: str) -> str:
    """What the QR drawing says to an app: whose codes these are, and how they are made."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def grouped(secret: str) -> str:
    """The secret as people type it from the screen: four letters and a space."""
    return " ".join(secret[start : start + _GROUP] for start in range(0, len(secret), _GROUP))


def digits_of(typed: str) -> str | None:
    """The six digits in what somebody typed, who may have put a space between; None when it is no such code."""
    plain = "".join(typed.split()).replace("-", "")
    return plain if len(plain) == DIGITS and plain.isascii() and plain.isdigit() else None


def counter_of(secret: str, digits: str, at: datetime) -> int | None:
    """The span of time of which `digits` are the code, if that span is now or next to it; None for a wrong code."""
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(digits, for_time=at, valid_window=DRIFT)
    except OTPVerificationError:
        return None
