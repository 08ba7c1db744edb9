"""KiotViet over HTTP: the token, the shop's name on every call, and what its refusals mean."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from flask_babel import gettext as _

from app.connectors.base import ConnectorOptions, GoAhead, always
from app.connectors.fields import whole
from app.connectors.http import Door, NoSuchRoute, NotJson
from app.connectors.kiotviet.address import Place
from app.connectors.tokens import OwnTokens
from app.core.errors import AuthRejected, ChannelError, RateLimited, Rejected

LABEL: Final = "KiotViet"
SCOPE: Final = "PublicApi.Access"
_UNTOLD_LIFETIME: Final = 3600
_TOKEN = re.compile(r"[\x21-\x7e]{1,16000}", re.ASCII)
_WRONG_SHOP = re.compile(r"shop'?s name", re.IGNORECASE)


class TokenRefused(AuthRejected):
    """The token is not, or no longer, a good one; a new one may be."""


class UnknownClient(AuthRejected):
    """There is no client of this id with this secret."""

    field = "client_secret"


class WrongShop(AuthRejected):
    """The client belongs to another shop."""

    field = "retailer"


class Forbidden(AuthRejected):
    """The client is good, but may not do this."""

    field = "client_id"


class Refused(Rejected):
    """A rule of the shop's forbids it, or what is asked for by its number is not there: KiotViet answers alike.

    `words` are their own.
    """

    def __init__(self, user_message: str, *, detail: str, words: str) -> None:
        super().__init__(user_message, detail=detail)
        self.words = words


class Client:
    """Calls with a token that is renewed when it must be; safe for several threads.

    The secret goes to the address of the tokens only, a token to that of the records only.
    """

    def __init__(self, place: Place, client_id: str, client_secret: str, options: ConnectorOptions) -> None:
        self.place = place
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scopes": SCOPE,
        }
        allow = options.allow_sandboxes
        self._issuer = _Issuer(place.tokens, label=LABEL, headers={}, secrets=(client_secret,), allow_sandboxes=allow)
        self._records = _Records(place.records, label=LABEL, headers={}, allow_sandboxes=allow)
        self._tokens = options.tokens or OwnTokens()
        self._reads = options.reads

    def claims(self) -> Mapping[str, Any]:
        """What the token says of itself; empty where it is none that can be looked into."""
        try:
            part = self._token().split(".")[1]
            found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        except (IndexError, ValueError, binascii.Error, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """What the shop answers to a read, which must be an object or a list."""
        return self._called("GET", path, params=params)

    def send(
        self,
        method: str,
        path: str,
        payload: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        go_ahead: GoAhead = always,
    ) -> Any:
        """What the shop answers to something that changes it. A lost answer is maybe done."""
        return self._called(method, path, params=params, payload=payload, effect=True, go_ahead=go_ahead)

    def unlike(self, path: str, *, effect: bool = False) -> NotJson:
        """The error for an answer that is not what the route promises."""
        words = _("%(label)s sent something that we cannot read. Try again later.", label=LABEL)
        return NotJson(words, detail=f"{path}: not the shape we know", maybe_done=effect)

    def close(self) -> None:
        """Give the connections back."""
        self._issuer.close()
        self._records.close()

    def _called(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        payload: Any = None,
        effect: bool = False,
        go_ahead: GoAhead = always,
    ) -> Any:
        """The answer of one call; a token that is refused is renewed once, and then it is called once more."""
        token = self._token()
        for again in (True, False):
            if not effect:
                self._take_read(path)
            headers = {"Retailer": self.place.shop, "Authorization": f"Bearer {token}"}
            go_ahead()
            try:
                return self._records.json(method, path, params=params, payload=payload, headers=headers, effect=effect)[
                    0
                ]
            except TokenRefused as refusal:
                refused = refusal
            if again:
                token = self._tokens.renewed(token, self._fetch)
        raise refused

    def _token(self) -> str:
        return self._tokens.current() or self._tokens.renewed("", self._fetch)

    def _fetch(self) -> tuple[str, float]:
        """A new token, and for how many seconds it is good."""
        path = "/connect/token"
        found, _headers = self._issuer.json("POST", path, form=self._form)
        token = found.get("access_token") if isinstance(found, Mapping) else None
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise self.unlike(path)
        lifetime = whole(found.get("expires_in"))
        return token, float(_UNTOLD_LIFETIME if lifetime is None or lifetime <= 0 else lifetime)

    def _take_read(self, path: str) -> None:
        wait = self._reads.take() if self._reads is not None else 0.0
        if wait > 0:
            raise RateLimited(
                _(
                    "The reads that %(label)s allows in an hour are used up. We go on in %(minutes)s minutes.",
                    label=LABEL,
                    minutes=max(1, round(wait / 60)),
                ),
                retry_after=wait,
                detail=f"held back: GET {path}",
            )


class _Issuer(Door):
    """Where tokens come from: its refusals are those of OAuth."""

    def refusal(
        self, status: int, words: str, *, detail: str, effect: bool = False, headers: Mapping[str, str] | None = None
    ) -> ChannelError:
        """What a status means; a client that it does not know is a 400."""
        if status in (401, 403) or (status == 400 and words in ("invalid_client", "unauthorized_client")):
            return UnknownClient(
                _(
                    "%(label)s does not know this client ID with this secret. Copy both again from KiotViet: "
                    "Store settings → API connection.",
                    label=LABEL,
                ),
                detail=f"{detail} {self.redact(words)}".strip(),
            )
        return super().refusal(status, words, detail=detail, effect=effect, headers=headers)


class _Records(Door):
    """Where records are: a 401 may be about the token or about the shop, and a 420 says what a rule forbids."""

    def refusal(
        self, status: int, words: str, *, detail: str, effect: bool = False, headers: Mapping[str, str] | None = None
    ) -> ChannelError:
        """What a status means, and where the status leaves it open, what the words say."""
        told = f"{detail} {self.redact(words)}".strip()
        if status in (401, 420) and _WRONG_SHOP.search(words):
            return WrongShop(
                _("This client ID does not belong to the shop that was entered. Check the shop's name."), detail=told
            )
        if status == 401:
            return TokenRefused(
                _("%(label)s does not let us in any more. Reconnect the channel.", label=LABEL), detail=told
            )
        if status == 403:
            return Forbidden(
                _(
                    "%(label)s lets us in, but not do this: %(words)s. Give the API connection this right there.",
                    label=LABEL,
                    words=self.redact(words).rstrip(".") or _("no permission"),
                ),
                detail=told,
            )
        found = super().refusal(status, words, detail=detail, effect=effect, headers=headers)
        if type(found) is Rejected:
            return Refused(found.user_message, detail=found.detail, words=self.redact(words))
        return found


MISSING: Final = (NoSuchRoute, Refused)
"""What a call for one record raises when there is none: which of the two is not said anywhere."""
