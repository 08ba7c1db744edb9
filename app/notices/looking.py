"""A look at a store: which of the states that are there its people were not told of yet.

Nobody is called when something happens; what happened can be seen. A look that is repeated, or made by two workers at
once, tells nothing twice, because each happening has a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

from app.api.keys import key_rows
from app.channels.models import Channel
from app.channels.queries import channels
from app.completeness.models import Deviation
from app.completeness.queries import last_verifications
from app.core.linking import PENDING_DAYS, Side
from app.core.noticing import NoticeKind
from app.extensions import db
from app.hooks.models import Endpoint
from app.links.models import Link, LinkEvent
from app.notices.clock import begin_look, end_look
from app.notices.writing import Happening, tell
from app.orders.causes import Cause
from app.orders.failed import failed_causes
from app.sync.problems import jobs_that_stopped
from app.tenancy.scope import current_store, current_store_id

_LOOKED_BACK: Final = timedelta(days=7)
"""What happened to links before is not told any more, should nobody have looked for so long."""
_TOLD_TO: Final[Mapping[str, tuple[Side, ...]]] = {
    "asked": (Side.SUB,),
    "withdrawn": (Side.SUB,),
    "granted": (Side.MAIN, Side.SUB),
    "denied": (Side.MAIN,),
    "expired": (Side.MAIN, Side.SUB),
    "code_changed": (Side.MAIN,),
    "suspended": (Side.MAIN, Side.SUB),
    "resumed": (Side.MAIN, Side.SUB),
    "ended": (Side.MAIN, Side.SUB),
}
_WHAT: Final = {
    "ask": "asked",
    "withdraw": "withdrawn",
    "grant": "granted",
    "deny": "denied",
    "expire": "expired",
    "suspend": "suspended",
    "resume": "resumed",
    "end": "ended",
}


def look() -> int:
    """Tell what there is to tell in the store whose scope is open, if a look is due; how much was new. Commits."""
    begun = begin_look()
    if begun is None:
        return 0
    mark, before = begun
    causes = {_name(cause): cause for cause in failed_causes()}
    now = datetime.now(UTC)
    day = now.astimezone(ZoneInfo(current_store().time_zone)).date().isoformat()
    happened = [
        *_failed(causes, before, day),
        *_stopped_jobs(day),
        *_paused_channels(now),
        *_links(now),
        *_verifications(),
        *_endpoints(),
        *_keys(),
    ]
    told = tell(happened)
    end_look(mark, {name: cause.count for name, cause in causes.items()})
    db.session.commit()
    return told


def _name(cause: Cause) -> str:
    return f"{cause.kind}:{cause.code}:{cause.channel_id}"


def _failed(causes: Mapping[str, Cause], before: Mapping[str, Any], day: str) -> Iterator[Happening]:
    """Causes that are new or grew since the last look: one notice for each and day."""
    for name, cause in causes.items():
        if cause.count > int(before.get(name, 0)):
            detail = {
                "cause": str(cause.kind),
                "code": cause.code,
                "channel_id": cause.channel_id,
                "channel": cause.channel,
                "count": cause.count,
            }
            yield Happening(NoticeKind.FAILED_SYNC, f"failed:{name}:{day}", detail, grows=True)


def _stopped_jobs(day: str) -> Iterator[Happening]:
    """Jobs that ended with an error which does not mend itself, once for each error, channel and day."""
    for row in jobs_that_stopped([channel.id for channel in channels() if channel.status == "connected"]):
        detail = {"job_id": row.id, "channel_id": row.channel_id, "channel": row.channel}
        yield Happening(NoticeKind.FAILED_SYNC, f"job:{row.channel_id}:{row.problem}:{day}", detail)


def _paused_channels(now: datetime) -> Iterator[Happening]:
    """Channels that an error stopped since; each is marked in the transaction that tells of it."""
    rows = db.session.execute(
        update(Channel)
        .where(
            Channel.store_id == current_store_id(),
            Channel.status == "paused",
            Channel.paused_reason != "",
            Channel.owners_told_at.is_(None),
        )
        .values(owners_told_at=now)
        .returning(Channel.id, Channel.name, Channel.paused_reason)
        .execution_options(synchronize_session=False)
    )
    for row in rows.all():
        detail = {"channel_id": row.id, "channel": row.name, "reason": row.paused_reason}
        yield Happening(NoticeKind.CHANNEL_PAUSED, f"paused:{row.id}:{now.isoformat()}", detail)


def _links(now: datetime) -> Iterator[Happening]:
    """What happened to links, for the side that this store is on."""
    rows = db.session.execute(
        select(LinkEvent.id, LinkEvent.kind, LinkEvent.detail, Link)
        .join(Link, Link.id == LinkEvent.link_id)
        .where(
            (Link.main_store_id == current_store_id()) | (Link.sub_store_id == current_store_id()),
            LinkEvent.at > now - _LOOKED_BACK,
        )
        .order_by(LinkEvent.id)
    )
    for event_id, kind, event, link in rows.all():
        side = Side.MAIN if link.main_store_id == current_store_id() else Side.SUB
        what = "code_changed" if kind == "expire" and event.get("rule") else _WHAT.get(kind, "")
        if side not in _TOLD_TO.get(what, ()):
            continue
        expires = link.asked_at + timedelta(days=PENDING_DAYS) if link.asked_at else None
        detail = {
            "what": what,
            "link_id": link.id,
            "side": str(side),
            "main": link.main_name,
            "sub": link.sub_name,
            "expires_at": expires.isoformat() if expires else "",
            "event": event,
        }
        yield Happening(NoticeKind.APPROVAL_ASKED, f"link:{event_id}", detail)


def _verifications() -> Iterator[Happening]:
    """The newest verification of each channel that found a difference which the one before had not found."""
    for row in last_verifications([channel.id for channel in channels()]).values():
        if row.open and _found_more(row.id, row.channel_id):
            detail = {
                "verification_id": row.id,
                "channel_id": row.channel_id,
                "channel": row.channel,
                "count": row.open,
            }
            yield Happening(NoticeKind.VERIFICATION_DIFFERENCE, f"verification:{row.id}", detail)


def _found_more(verification_id: int, channel_id: int) -> bool:
    """Whether a difference is open that no earlier verification found, or not the same."""
    mine = (
        Deviation.store_id == current_store_id(),
        Deviation.channel_id == channel_id,
        Deviation.mended_at.is_(None),
    )
    what = (Deviation.remote_id, Deviation.kind, Deviation.difference)
    found = select(*what).where(*mine, Deviation.verification_id == verification_id)
    known = select(*what).where(*mine, Deviation.verification_id < verification_id)
    more = found.except_(known).subquery()
    return bool(db.session.scalar(select(func.count()).select_from(more)))


def _endpoints() -> Iterator[Happening]:
    """Webhooks that were given up."""
    rows = db.session.execute(
        select(Endpoint.id, Endpoint.url, Endpoint.paused_reason, Endpoint.paused_at).where(
            Endpoint.store_id == current_store_id(), Endpoint.state == "paused", Endpoint.paused_reason != ""
        )
    )
    for row in rows.all():
        detail = {"endpoint_id": row.id, "host": urlsplit(row.url).hostname or "", "reason": row.paused_reason}
        yield Happening(NoticeKind.ENDPOINT_PAUSED, f"endpoint:{row.id}:{row.paused_at:%Y%m%dT%H%M%S.%f}", detail)


def _keys() -> Iterator[Happening]:
    """Keys of programs that run out soon. Where orders come with them they are looked at often."""
    for key in key_rows():
        if key.expires_at is not None and key.ends_soon and key.revoked_at is None:
            detail = {"key_id": key.id, "name": key.name, "expires_at": key.expires_at.isoformat()}
            yield Happening(NoticeKind.KEY_ENDS, f"key:{key.id}", detail)
