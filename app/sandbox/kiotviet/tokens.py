"""The tokens of the sandbox: JSON Web Tokens with the claims that clients look into, signed with the shop's secret.

The real ones are signed with a key of KiotViet's; no client checks that, as none can.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

SCOPE = "PublicApi.Access"
LIFETIME = 86_400  # seconds


def issue(*, client_id: str, secret: str, retailer: str, retailer_id: int, lifetime: float) -> str:
    """Make a token of this shop that lasts so many seconds."""
    at = time.time()
    claims = {
        "nbf": int(at),
        "exp": at + lifetime if lifetime < 60 else int(at + lifetime),
        "iat": int(at),
        "iss": "http://id.kiotviet.vn",
        "client_id": client_id,
        "client_RetailerCode": retailer,
        "client_RetailerId": str(retailer_id),
        "client_UserId": "1",
        "client_SensitiveApi": "False",
        "client_GroupId": "1",
        "jti": uuid4().hex,
        "scope": [SCOPE],
    }
    signed = f"{_part({'alg': 'HS256', 'typ': 'at+jwt'})}.{_part(claims)}"
    return f"{signed}.{_signature(signed, secret)}"


def claims_of(token: str) -> Mapping[str, Any]:
    """What the token says of itself, signed or not; empty where it is no token."""
    try:
        found = json.loads(base64.urlsafe_b64decode(f"{token.split('.')[1]}=="))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return found if isinstance(found, dict) else {}


def is_good(token: str, secret: str) -> bool:
    """Say whether the token was signed with this secret and has not expired."""
    signed, _, signature = token.rpartition(".")
    expires = claims_of(token).get("exp")
    return (
        hmac.compare_digest(signature.encode(), _signature(signed, secret).encode())
        and isinstance(expires, (int, float))
        and time.time() < expires
    )


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _signature(signed: str, secret: str) -> str:
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac.digest()).rstrip(b"=").decode()
