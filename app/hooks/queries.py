"""Endpoints, their messages and what came of them, as plain rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select

from app.extensions import db
from app.hooks.models import Endpoint, HookAttempt, HookMessage
from app.tenancy.scope import current_store_id
from app.web.pagination import Keyset, Page, page_of


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """An endpoint as pages show it. `waiting` are messages that are still to be taken."""

    id: int
    url: str
    events: Sequence[str]
    state: str
    paused_reason: str
    paused_at: datetime | None
    old_until: datetime | None
    rests_until: datetime | None
    created_at: datetime
    waiting: int
    last_at: datetime | None
    """When something was last taken there."""

    @property
    def is_active(self) -> bool:
        """Whether it is called."""
        return self.state == "active"


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message with its last try; `at` and what follows are None or '' before the first."""

    id: int
    message_id: str
    type: str
    created_at: datetime
    state: str
    attempts: int
    next_at: datetime
    at: datetime | None
    status: int | None
    duration_ms: int | None
    answer: str
    trouble: str


def endpoints() -> list[EndpointRow]:
    """The store's endpoints, in the order in which they were added. One statement."""
    return [EndpointRow(**row._mapping) for row in db.session.execute(_endpoints().order_by(Endpoint.id))]


def endpoint(endpoint_id: int) -> EndpointRow | None:
    """One endpoint."""
    row = db.session.execute(_endpoints().where(Endpoint.id == endpoint_id)).one_or_none()
    return None if row is None else EndpointRow(**row._mapping)


def messages_page(endpoint_id: int, keyset: Keyset) -> Page[MessageRow]:
    """A page of what an endpoint is told, the newest first, each with its last try. One statement."""
    last = (
        select(HookAttempt)
        .where(HookAttempt.store_id == HookMessage.store_id, HookAttempt.hook_message_id == HookMessage.id)
        .order_by(HookAttempt.id.desc())
        .limit(1)
        .lateral("last")
    )
    query = (
        select(
            HookMessage.id,
            HookMessage.message_id,
            HookMessage.type,
            HookMessage.created_at,
            HookMessage.state,
            HookMessage.attempts,
            HookMessage.next_at,
            last.c.at,
            last.c.status,
            last.c.duration_ms,
            func.coalesce(last.c.answer, "").label("answer"),
            func.coalesce(last.c.trouble, "").label("trouble"),
        )
        .outerjoin(last, and_(True))
        .where(HookMessage.store_id == current_store_id(), HookMessage.endpoint_id == endpoint_id)
    )
    if keyset.cursor is not None:
        here = keyset.cursor.id
        query = query.where(HookMessage.id > here if keyset.is_backward else HookMessage.id < here)
    order = HookMessage.id.asc() if keyset.is_backward else HookMessage.id.desc()
    rows = [MessageRow(**row._mapping) for row in db.session.execute(query.order_by(order).limit(keyset.fetch))]
    return page_of(rows, keyset, lambda row: (row.created_at, row.id))


def _endpoints() -> Any:
    of_it = (HookMessage.store_id == Endpoint.store_id, HookMessage.endpoint_id == Endpoint.id)
    waiting = select(func.count()).where(*of_it, HookMessage.state == "planned").scalar_subquery()
    last_at = (
        select(HookAttempt.at)
        .join(
            HookMessage,
            and_(HookMessage.store_id == HookAttempt.store_id, HookMessage.id == HookAttempt.hook_message_id),
        )
        .where(*of_it, HookMessage.state == "delivered")
        .order_by(HookMessage.id.desc(), HookAttempt.id.desc())
        .limit(1)
        .correlate(Endpoint)
        .scalar_subquery()
    )
    return select(
        Endpoint.id,
        Endpoint.url,
        Endpoint.events,
        Endpoint.state,
        Endpoint.paused_reason,
        Endpoint.paused_at,
        Endpoint.old_until,
        Endpoint.rests_until,
        Endpoint.created_at,
        waiting.label("waiting"),
        last_at.label("last_at"),
    ).where(Endpoint.store_id == current_store_id())
