"""What can be done to an endpoint: add, change, pause, resume, change its secret, try it, forget it. Each verb owns its
commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flask import current_app
from sqlalchemy import delete, func, select, update

from app.core.calling import OVERLAP, TEST, Event, new_secret
from app.extensions import db
from app.hooks.addresses import parse_url
from app.hooks.models import Endpoint, HookMessage
from app.sealing import open_sealed, seal
from app.tenancy.models import Store
from app.tenancy.scope import current_store_id

MOST_ENDPOINTS = 10
"""Of one store: each is a row more for whatever happens."""
_SEALED_AS = "secret"


class NoSuchEndpoint(LookupError):
    """The store has no such endpoint, or no such message of it."""


class TooManyEndpoints(Exception):
    """The store has as many as it may."""


class IsPaused(Exception):
    """Nothing but a test is sent to an endpoint that is paused."""


def add_endpoint(url: str, events: Sequence[Event], user_id: int) -> tuple[int, str]:
    """Add one and return (its id, its secret), which is known at this moment alone. Commits.

    AddressRefused, TooManyEndpoints. Two presses at once wait for each other at the store's row.
    """
    address = _checked(url)
    db.session.execute(select(Store.id).where(Store.id == current_store_id()).with_for_update(key_share=True))
    many = db.session.scalar(select(func.count()).select_from(Endpoint).where(Endpoint.store_id == current_store_id()))
    if (many or 0) >= MOST_ENDPOINTS:
        db.session.rollback()
        raise TooManyEndpoints
    secret = new_secret()
    endpoint = Endpoint(
        store_id=current_store_id(),
        url=address,
        events=[str(event) for event in events],
        secret=_sealed(secret),
        created_by=user_id,
    )
    db.session.add(endpoint)
    db.session.commit()
    return endpoint.id, secret


def change_endpoint(endpoint_id: int, url: str, events: Sequence[Event]) -> None:
    """Call another address from now on, or tell it of other things; what is on its way goes to the new one. Commits."""
    address = _checked(url)
    endpoint = _locked(endpoint_id)
    if endpoint.url != address:
        endpoint.failures, endpoint.rests_until = 0, None
    endpoint.url, endpoint.events = address, [str(event) for event in events]
    db.session.commit()


def pause(endpoint_id: int) -> None:
    """Stop calling it: what happens from now on is not told, and what waits goes on waiting. Commits."""
    endpoint = _locked(endpoint_id)
    if endpoint.state == "active":
        endpoint.state, endpoint.paused_reason, endpoint.paused_at = "paused", "", datetime.now(UTC)
    db.session.commit()


def resume(endpoint_id: int) -> None:
    """Call it again, and try at once what waits for it. Commits."""
    endpoint = _locked(endpoint_id)
    endpoint.state, endpoint.paused_reason, endpoint.paused_at = "active", "", None
    endpoint.failures, endpoint.rests_until = 0, None
    db.session.execute(
        update(HookMessage)
        .where(*_of(endpoint_id), HookMessage.state == "planned")
        .values(next_at=func.now(), planned_at=func.now())
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def remove(endpoint_id: int) -> None:
    """Forget it with all that was sent there. Commits."""
    _locked(endpoint_id)
    db.session.execute(delete(Endpoint).where(Endpoint.store_id == current_store_id(), Endpoint.id == endpoint_id))
    db.session.commit()


def rotate_secret(endpoint_id: int) -> str:
    """Sign with a new secret from now on, and for a day with the former one too. Commits; the new secret."""
    endpoint, secret = _locked(endpoint_id), new_secret()
    endpoint.old_secret, endpoint.old_until = endpoint.secret, datetime.now(UTC) + OVERLAP
    endpoint.secret = _sealed(secret)
    db.session.commit()
    return secret


def send_test(endpoint_id: int) -> int:
    """Plan a message that says nothing, which goes even where the endpoint is paused. Commits; its id."""
    _locked(endpoint_id)
    message = HookMessage(
        store_id=current_store_id(),
        endpoint_id=endpoint_id,
        message_id=f"msg_{uuid4().hex}",
        type=TEST,
        data={"words": "This is a test."},
    )
    db.session.add(message)
    db.session.commit()
    return message.id


def redeliver(endpoint_id: int, message_id: int) -> None:
    """Send a message once more, under its own id, and try for three days again. Commits. NoSuchEndpoint, IsPaused."""
    endpoint = _locked(endpoint_id)
    row = db.session.execute(
        select(HookMessage.type).where(*_of(endpoint_id), HookMessage.id == message_id)
    ).one_or_none()
    if row is None:
        db.session.rollback()
        raise NoSuchEndpoint(message_id)
    if endpoint.state == "paused" and row.type != TEST:
        db.session.rollback()
        raise IsPaused
    endpoint.rests_until = None
    db.session.execute(
        update(HookMessage)
        .where(*_of(endpoint_id), HookMessage.id == message_id)
        .values(state="planned", next_at=func.now(), planned_at=func.now())
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def secrets_of(endpoint: Any, now: datetime) -> list[str]:
    """What signs at this moment, the newest first. BrokenSeal when no key opens it any more."""
    kept = [endpoint.secret]
    if endpoint.old_secret is not None and endpoint.old_until is not None and endpoint.old_until > now:
        kept.append(endpoint.old_secret)
    return [open_sealed(sealed)[_SEALED_AS] for sealed in kept]


def _sealed(secret: str) -> bytes:
    return seal({_SEALED_AS: secret})


def _checked(url: str) -> str:
    return parse_url(url, allow_sandboxes=current_app.extensions["settings"].allow_sandboxes)


def _of(endpoint_id: int) -> tuple[Any, ...]:
    return (HookMessage.store_id == current_store_id(), HookMessage.endpoint_id == endpoint_id)


def _locked(endpoint_id: int) -> Endpoint:
    found = db.session.scalars(
        select(Endpoint)
        .where(Endpoint.store_id == current_store_id(), Endpoint.id == endpoint_id)
        .with_for_update(key_share=True)  # whoever plans a message for it need not wait
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NoSuchEndpoint(endpoint_id)
    return found
