"""Where channels call when an order or a product is made or changes: verify, keep, answer at once, then ring.

No session and no cookie opens this door. The address holds a token that only the channel was told, which finds the
store; the signature over the raw body says that it is the channel that calls. Whoever has neither learns nothing.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Final

from flask import Blueprint, Response, current_app, request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import connectors
from app.channels.models import Channel, Webhook
from app.core.errors import BadSignature
from app.extensions import db, limiter, visitor_address
from app.sealing import BrokenSeal, open_sealed
from app.sync.inbox import keep_delivery
from app.sync.services import start_announced
from app.tenancy import doors
from app.tenancy.scope import store_scope
from app.web.needs import public
from app.web.security import takes_raw_body

log = logging.getLogger(__name__)
MAX_BYTES: Final = 256 * 1024
PER_ADDRESS: Final = "6000 per minute"
"""One address of a channel may call for all of its merchants."""
PER_CHANNEL: Final = "1200 per minute"

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")


def token_hash(token: str) -> bytes:
    """What the database keeps of an address. A plain hash will do, because the token is random and long."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _token_of_this() -> str:
    return token_hash((request.view_args or {}).get("token", "")).hex()


@blueprint.post("/<token>")
@public
@takes_raw_body
@limiter.limit(PER_ADDRESS, key_func=visitor_address)
@limiter.limit(PER_CHANNEL, key_func=_token_of_this)
def receive(token: str) -> Response:
    """A call from a channel. Once it is signed it is answered with 200, whatever becomes of it."""
    request.max_content_length = MAX_BYTES
    body = request.get_data()
    found = doors.webhook(token_hash(token))
    if found is None:
        return _said(_("Nobody listens at this address."), 404)
    store_id, channel_id = found
    with store_scope(store_id):
        status = _take(store_id, channel_id, body)
    return _said("", status)


def _take(store_id: int, channel_id: int, body: bytes) -> int:
    """Verify and keep it; the status to answer with. A channel that is paused is not worked for, and need not know."""
    row = db.session.execute(
        select(Channel.kind, Channel.status, Webhook.secret)
        .join(Webhook, (Webhook.store_id == Channel.store_id) & (Webhook.channel_id == Channel.id))
        .where(Channel.store_id == store_id, Channel.id == channel_id)
    ).one_or_none()
    if row is None:  # it was taken away a moment ago
        return 404
    connector = connectors.REGISTRY[row.kind]
    try:
        announcement = connector.read_webhook(dict(request.headers), body, open_sealed(row.secret)["secret"])
    except (BadSignature, BrokenSeal) as error:
        log.info("refused a call for channel %s of store %s: %s", channel_id, store_id, type(error).__name__)
        return connector.refused_status
    if row.status != "connected":
        return 200
    try:
        is_new = keep_delivery(channel_id, announcement, body)
        db.session.commit()
    except IntegrityError:  # taken away between the look and the writing
        db.session.rollback()
        return 404
    if is_new and (announcement.order_ids or announcement.product_ids):
        start_announced(channel_id)
    return 200


def _said(words: str, status: int) -> Response:
    return current_app.response_class(words, status, content_type="text/plain; charset=utf-8")
