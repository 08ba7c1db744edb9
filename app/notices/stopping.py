"""The link in every mail that stops mails of its kind: signed, so that it changes this one choice and nothing else."""

from __future__ import annotations

from typing import Final

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

from app.core.noticing import NoticeKind

_SALT: Final = "notices that are mailed"


def stop_token(store_id: int, user_id: int, kind: NoticeKind) -> str:
    """What stands in the link."""
    token = _serializer().dumps([store_id, user_id, str(kind)])
    return token if isinstance(token, str) else token.decode()


def stopped_by(token: str) -> tuple[int, int, NoticeKind] | None:
    """(store id, user id, kind) of a link that we made; None of any other."""
    try:
        store_id, user_id, kind = _serializer().loads(token)
        return int(store_id), int(user_id), NoticeKind(kind)
    except (BadData, ValueError, TypeError):
        return None


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.extensions["settings"].secret_key, salt=_SALT)
