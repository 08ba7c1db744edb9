"""What the cookies of a browser carry: who is signed in, who is half signed in, and that it was here before."""

from __future__ import annotations

from typing import Any, Final

from flask import after_this_request, current_app, request, session
from werkzeug.wrappers import Response

from app.accounts import devices, halves, sessions, telling
from app.accounts.access import signed_in_person, this_browser
from app.config import Settings

_DEVICE: Final = "channelbook-device"
_HALF: Final = "half"
_KEEP: Final = "keep"


def go_in(user_id: int, *, is_kept: bool = False) -> bool:
    """Sign a person in whose password is right, unless a code is asked for: False, and `half_token` says under what.

    `is_kept` says that they asked to stay signed in on this device; it is remembered until the code is there.
    """
    token = halves.begin(user_id)
    if token is None:
        enter(user_id, is_kept=is_kept)
        return True
    leave()
    session[_HALF], session[_KEEP] = token, is_kept
    return False


def half_token() -> str:
    """The token under which this browser is asked for a code; '' when it is not."""
    return str(session.get(_HALF, ""))


def keeps() -> bool:
    """Whether whoever is asked for a code wanted to stay signed in on this device."""
    return bool(session.get(_KEEP))


def forget_half() -> None:
    """Let this browser be asked for no code any more."""
    session.pop(_HALF, None)
    session.pop(_KEEP, None)


def enter(user_id: int, *, is_kept: bool = False) -> None:
    """Sign a person in: the session this browser had before ends, here and on the server, so that nobody can have set
    it. A device that they never used before is told to them.
    """
    _end_session()
    device = request.cookies.get(device_cookie(), "")
    arrived = devices.arrive(user_id, this_browser(), device, is_kept=is_kept)
    carry(arrived.token, is_kept=is_kept)
    _remember_device(arrived.device)
    if arrived.is_told:
        telling.tell(user_id, telling.new_device, this_browser())


def enter_nobody() -> None:
    """Answer as `enter` does, with tokens that open nothing and name no device."""
    _end_session()
    carry(sessions.new_token())
    _remember_device(sessions.new_token())


def carry(token: str, *, is_kept: bool = False) -> None:
    """Let the cookie hold the token of a session and nothing of what it held before; a browser that is closed forgets
    it, unless the person asked to stay signed in.
    """
    session.clear()
    session.permanent = is_kept
    session["_user_id"] = token  # where Flask-Login looks for it
    session["_fresh"] = True


def carry_on(token: str) -> None:
    """Put another token in the place of the session's own; what else the cookie holds stays."""
    session["_user_id"] = token


def leave() -> None:
    """End this browser's session here and on the server."""
    _end_session()
    session.clear()


def device_cookie() -> str:
    """The name of the cookie that stays: where it is only ever sent by https, one that no other host can have set."""
    return f"__Host-{_DEVICE}" if _is_secure() else _DEVICE


def _end_session() -> None:
    person = signed_in_person()
    if person is not None:
        sessions.end_session(person.session_id)


def _remember_device(token: str) -> None:
    flags: dict[str, Any] = {"httponly": True, "samesite": "Lax", "secure": _is_secure(), "path": "/"}

    @after_this_request
    def remember(response: Response) -> Response:
        response.set_cookie(device_cookie(), token, max_age=sessions.DEVICE_LIVES, **flags)
        return response


def _is_secure() -> bool:
    settings: Settings = current_app.extensions["settings"]
    return settings.cookies_secure
