"""Whether what a notice tells of is over by now. A notice is kept for months, and most causes are mended in a day."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, false, literal, not_, select

from app.api.models import ApiKey
from app.channels.models import Channel
from app.completeness.models import Deviation
from app.core.linking import LinkState
from app.core.noticing import NoticeKind
from app.core.states import ACTIVE_JOB_STATES, JobState
from app.hooks.models import Endpoint
from app.links.models import Link
from app.notices.models import Notice
from app.orders.causes import CauseKey, CauseKind
from app.planning import fixed
from app.sync.models import SyncJob
from app.tenancy.scope import THIS_STORE


def cause_of(detail: Mapping[str, Any]) -> CauseKey | None:
    """The cause on Failed Sync that a notice tells of; None when it tells of something else."""
    if "cause" not in detail:
        return None
    return CauseKey(CauseKind(detail["cause"]), detail["code"], detail["channel_id"])


@cache
def is_over() -> ColumnElement[bool]:
    """That as a column beside Notice, but for causes, which `app.orders.failed` knows; false where nothing says it."""
    kind = Notice.kind
    return case(
        (and_(kind == fixed(NoticeKind.FAILED_SYNC), Notice.detail.has_key("job_id")), _went_through()),
        (kind == fixed(NoticeKind.CHANNEL_PAUSED), _channel_goes_on()),
        (kind == fixed(NoticeKind.ENDPOINT_PAUSED), _endpoint_goes_on()),
        (and_(kind == fixed(NoticeKind.APPROVAL_ASKED), _text("what") == fixed("asked")), not_(_is_pending())),
        (kind == fixed(NoticeKind.VERIFICATION_DIFFERENCE), not_(_differs())),
        (kind == fixed(NoticeKind.KEY_ENDS), _is_revoked()),
        else_=false(),
    )


def _went_through() -> ColumnElement[bool]:
    """The newest job of the channel that ended did what that one could not."""
    mine = (SyncJob.store_id == THIS_STORE, SyncJob.channel_id == _id("channel_id"))
    ended = SyncJob.state.not_in([fixed(state) for state in ACTIVE_JOB_STATES])
    newest = select(SyncJob.state).where(*mine, ended).order_by(SyncJob.id.desc()).limit(1)
    return newest.scalar_subquery() == fixed(JobState.SUCCEEDED)


def _channel_goes_on() -> ColumnElement[bool]:
    mine = (Channel.store_id == THIS_STORE, Channel.id == _id("channel_id"))
    return select(literal(1)).where(*mine, Channel.status == fixed("connected")).exists()


def _endpoint_goes_on() -> ColumnElement[bool]:
    mine = (Endpoint.store_id == THIS_STORE, Endpoint.id == _id("endpoint_id"))
    return select(literal(1)).where(*mine, Endpoint.state == fixed("active")).exists()


def _is_pending() -> ColumnElement[bool]:
    mine = (Link.id == _id("link_id"), Link.sub_store_id == THIS_STORE)
    return select(literal(1)).where(*mine, Link.state == fixed(LinkState.PENDING)).exists()


def _differs() -> ColumnElement[bool]:
    """One of the differences that it tells of is there yet, whoever looked since."""
    mine = (Deviation.store_id == THIS_STORE, Deviation.verification_id == _id("verification_id"))
    return select(literal(1)).where(*mine, Deviation.mended_at.is_(None)).exists()


def _is_revoked() -> ColumnElement[bool]:
    mine = (ApiKey.store_id == THIS_STORE, ApiKey.id == _id("key_id"))
    return select(literal(1)).where(*mine, ApiKey.revoked_at.is_not(None)).exists()


def _text(name: str) -> ColumnElement[str]:
    found: ColumnElement[str] = Notice.detail[name].astext
    return found


def _id(name: str) -> ColumnElement[int]:
    return cast(_text(name), BigInteger)
