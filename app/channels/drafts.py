"""What the add-channel steps know before anything is stored: sealed in a cookie of their own.

Between steps the key has to be somewhere. It stays with the person who typed it, encrypted under our keys, in a
cookie that only these pages receive and that no script can read. Nothing lies on the server if they walk away.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from flask import current_app, g, request, url_for
from werkzeug.wrappers import Response

from app.core.types import ChannelFacts
from app.sealing import BrokenSeal, open_sealed, seal

_COOKIE: Final = "channelbook_connect"
_MAX_AGE_S: Final = 3600
_FOUND_AT_MOST: Final = 6
_FOUND_LENGTH: Final = 30
_ACCOUNT_LENGTH: Final = 60


@dataclass(frozen=True, slots=True)
class Draft:
    """A channel that is being added. `account` is '' until its connection was tested; `found` names marketplaces."""

    kind: str
    config: dict[str, str] = field(default_factory=dict, repr=False)
    account: str = ""
    found: list[str] = field(default_factory=list)
    found_count: int = 0
    options: dict[str, str] = field(default_factory=dict)

    @property
    def is_tested(self) -> bool:
        """Whether the connection worked with exactly this `config`."""
        return bool(self.account)

    def untested(self, config: dict[str, str]) -> Draft:
        """The draft with other settings, which nobody tried yet."""
        return replace(self, config=config, account="", found=[], found_count=0)

    def tested(self, config: dict[str, str], facts: ChannelFacts) -> Draft:
        """The draft with settings that work, and what they opened; names are cut, since a cookie is small."""
        names = [f"{place.name[:_FOUND_LENGTH]} ({place.currency})" for place in facts.marketplaces[:_FOUND_AT_MOST]]
        account = facts.account_name[:_ACCOUNT_LENGTH] or self.kind
        return replace(self, config=config, account=account, found=names, found_count=len(facts.marketplaces))


def load(kind: str) -> Draft:
    """The draft of this person in this store; an empty one when there is none, or it is over an hour old."""
    sealed = request.cookies.get(_COOKIE, "")
    try:
        opened = open_sealed(sealed.encode(), max_age_seconds=_MAX_AGE_S)
        if opened.get("owner") == _owner(kind):
            return Draft(**json.loads(opened["draft"]))
    except (BrokenSeal, TypeError):  # not ours, too old, or of another version of this program
        pass
    return Draft(kind)


def keep(response: Response, draft: Draft) -> Response:
    """Let the answer carry the draft to the next step."""
    text = json.dumps(asdict(draft), ensure_ascii=False, separators=(",", ":"))
    response.set_cookie(
        _COOKIE, seal({"owner": _owner(draft.kind), "draft": text}).decode(), max_age=_MAX_AGE_S, **_place(draft.kind)
    )
    return response


def forget(response: Response, kind: str) -> Response:
    """The draft has become a channel."""
    response.delete_cookie(_COOKIE, **_place(kind))
    return response


def _owner(kind: str) -> str:
    return f"{g.membership.store_id}/{g.membership.user_id}/{kind}"


def _place(kind: str) -> dict[str, Any]:
    return {
        "path": url_for("channels.add_connection", kind=kind),
        "httponly": True,
        "samesite": "Strict",
        "secure": current_app.extensions["settings"].cookies_secure,
    }
