"""Having a channel call us when an order is made or changes, and having it stop.

The address and the secret are new each time, and the address is written down before the channel is told of it. So a
registration that got lost half way, or lost against another press, calls an address that nobody listens at.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app import mail
from app.accounts.later import later
from app.accounts.sessions import new_token, token_hash
from app.channels.connecting import kind_of, open_connector
from app.channels.models import Channel, Webhook
from app.connectors.base import Capability, Connector
from app.core.errors import ChannelError, Misconfigured
from app.extensions import db
from app.sealing import seal
from app.tenancy.scope import current_store_id

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Announcing:
    """Whether the channel announces orders at once. `hindrance` says why that cannot be switched on, "" if it can."""

    is_on: bool
    last_received_at: datetime | None
    hindrance: str


def announcing(channel_id: int, kind: str) -> Announcing | None:
    """How it stands with one channel; None for a kind that never announces anything."""
    if Capability.WEBHOOKS not in kind_of(kind).capabilities:
        return None
    row = db.session.execute(
        select(Webhook.registered_at, Webhook.last_received_at).where(*_of(channel_id))
    ).one_or_none()
    is_on = row is not None and row.registered_at is not None
    return Announcing(is_on, row.last_received_at if row else None, _hindrance())


def switch_on(channel_id: int) -> None:
    """Tell the channel to call an address that nobody had before. ChannelError when it cannot be told; it is off then.

    Misconfigured when it could not reach us, or cannot call at all. An earlier registration is taken away.
    """
    channel, connector = _opened(channel_id)
    try:
        if Capability.WEBHOOKS not in connector.capabilities:
            raise Misconfigured(_("%(label)s cannot announce orders.", label=connector.label))
        if hindrance := _hindrance():
            raise Misconfigured(hindrance)
        token, secret = new_token(), secrets.token_urlsafe(32)
        before = _write_down(channel.id, token_hash(token), secret)
        _take_away(connector, before)
        try:
            remote_id = connector.register_webhook(mail.link("hooks.receive", token=token), secret)
        except ChannelError:
            _forget(channel_id, token_hash(token))
            raise
        if not _confirm(channel_id, token_hash(token), remote_id):
            _take_away(connector, remote_id)
    finally:
        connector.close()


def announce_anew(channel_id: int) -> bool:
    """Where the channel was told to call, tell it again, since its account's key changed; False when that failed."""
    if db.session.scalar(select(Webhook.channel_id).where(*_of(channel_id))) is None:
        return True
    try:
        switch_on(channel_id)
    except ChannelError as error:
        log.info("could not register a webhook again: %s", error)
        return False
    return True


def registration(channel_id: int) -> str:
    """What the channel calls our registration; "" where it was not told to call."""
    return db.session.scalar(select(Webhook.remote_id).where(*_of(channel_id))) or ""


def switch_off(channel_id: int) -> None:
    """Listen no more at once, and tell the channel so soon: whether it hears that changes nothing for us."""
    remote_id = db.session.scalar(select(Webhook.remote_id).where(*_of(channel_id)).with_for_update())
    if remote_id is None:
        db.session.rollback()
        return
    try:
        _channel, connector = _opened(channel_id)
    except ChannelError:
        connector = None
    _forget(channel_id)
    if connector is not None:
        later(partial(_say_goodbye, connector, remote_id))


def _hindrance() -> str:
    """Why no channel could call us, or ""."""
    settings = current_app.extensions["settings"]
    if settings.base_url.startswith("https://") or settings.allow_sandboxes:
        return ""
    return _("This server has no https address that a channel could call. Checking for updates works all the same.")


def _opened(channel_id: int) -> tuple[Channel, Connector]:
    channel = db.session.get(Channel, (current_store_id(), channel_id))
    if channel is None or channel.status == "removed":
        raise Misconfigured(_("This channel was removed."))
    return channel, open_connector(channel)


def _write_down(channel_id: int, hashed: bytes, secret: str) -> str:
    """Listen at a new address. Commits; returns what the channel calls the registration of before, "" for none."""
    db.session.execute(
        select(Channel.id).where(Channel.store_id == current_store_id(), Channel.id == channel_id).with_for_update()
    )
    before = db.session.scalar(select(Webhook.remote_id).where(*_of(channel_id)))
    fresh = {"token_hash": hashed, "secret": seal({"secret": secret}), "remote_id": "", "registered_at": None}
    db.session.execute(
        insert(Webhook)
        .values(store_id=current_store_id(), channel_id=channel_id, **fresh)
        .on_conflict_do_update(index_elements=["store_id", "channel_id"], set_=fresh)
    )
    db.session.commit()
    return before or ""


def _confirm(channel_id: int, hashed: bytes, remote_id: str) -> bool:
    """Note that the channel knows the address; False when another press put another in its place. Commits."""
    noted = db.session.scalar(
        update(Webhook)
        .where(*_of(channel_id), Webhook.token_hash == hashed)
        .values(remote_id=remote_id, registered_at=func.now())
        .returning(Webhook.channel_id)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return noted is not None


def _forget(channel_id: int, hashed: bytes | None = None) -> None:
    """Listen no more, at this address or at whichever it is, and forget what was said there. Commits."""
    ours = [*_of(channel_id), *([Webhook.token_hash == hashed] if hashed else [])]
    db.session.execute(delete(Webhook).where(*ours).execution_options(synchronize_session=False))
    db.session.commit()


def _say_goodbye(connector: Connector, remote_id: str) -> None:
    try:
        _take_away(connector, remote_id)
    finally:
        connector.close()


def _take_away(connector: Connector, remote_id: str) -> None:
    """Have the channel forget a registration; where it does not, it calls an address that nobody listens at."""
    if not remote_id:
        return
    try:
        connector.remove_webhook(remote_id)
    except ChannelError as error:
        log.info("could not take a webhook away: %s", error)


def _of(channel_id: int) -> list[ColumnElement[bool]]:
    return [Webhook.store_id == current_store_id(), Webhook.channel_id == channel_id]
