"""The digest: Home's three sentences and what happened, for those who want them every morning or every Monday."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select

from app.channels.queries import channels
from app.completeness.queries import last_verifications
from app.core.noticing import NoticeKind, digest_days, next_morning
from app.extensions import db
from app.invoices.models import Invoice
from app.mappings.queries import unmapped_gateways
from app.notices.choosing import colleagues
from app.notices.clock import digest_at, move_digest
from app.notices.queries import notices_since
from app.notices.words import told
from app.notices.writing import tell_by_mail
from app.reports import queries
from app.reports.queries import Waiting
from app.reports.words import Fact, answers
from app.tenancy.scope import current_store, current_store_id
from app.web.filters import number

_MOST_NOTICES = 20


def plan_digests() -> None:
    """Plan this morning's digests of the store whose scope is open, if it is time, and set the next morning. Commits.

    Where nothing waits and nothing happened nobody is mailed.
    """
    now, was = datetime.now(UTC), digest_at()
    if was is not None and was > now:
        return
    zone = current_store().time_zone
    if not move_digest(was, next_morning(now, zone)):
        db.session.rollback()
        return
    if was is not None:
        readers: dict[int, list[int]] = defaultdict(list)
        for one in colleagues():
            readers[digest_days(one.ways[NoticeKind.DIGEST], was, zone)].append(one.user_id)
        for days, user_ids in readers.items():
            if days and _is_worth_it(now - timedelta(days=days)):
                since = (now - timedelta(days=days)).isoformat()
                tell_by_mail(
                    NoticeKind.DIGEST, f"digest:{days}:{was:%Y-%m-%d}", {"since": since, "days": days}, user_ids
                )
    db.session.commit()


def digest_facts(since: datetime) -> tuple[list[list[Fact]], list[Fact]]:
    """(Home's answers, what happened since), in the reader's language."""
    connected = channels()
    verified = last_verifications([channel.id for channel in connected])
    given = answers(connected, queries.waiting(), unmapped_gateways(), verified)
    store, issued = current_store(), _invoices_since(since)
    happened = []
    if issued:
        words = ngettext(
            "%(count)s invoice was issued.", "%(count)s invoices were issued.", issued, count=number(issued)
        )
        happened.append(Fact(words))
    for row in reversed(notices_since(since, _MOST_NOTICES)):
        one = told(row.kind, row.detail, store.name)
        happened.append(Fact(one.title, one.url))
    return [list(answer.facts) for answer in given], happened


def period_words(days: int) -> str:
    """Which days a digest tells of."""
    return _("What happened since yesterday") if days == 1 else _("What happened in the last seven days")


def _is_worth_it(since: datetime) -> bool:
    """Whether anything waits for a person, or anything happened."""
    return _waits(queries.waiting()) or bool(_invoices_since(since)) or bool(notices_since(since, 1))


def _waits(found: Waiting) -> bool:
    kinds = ("unread", "ready", "gateway", "held", "alerts", "lacking", "ungiven", "conflicts", "stuck")
    return any(getattr(found, name) for name in kinds)


def _invoices_since(since: datetime) -> int:
    many = db.session.scalar(
        select(func.count())
        .select_from(Invoice)
        .where(Invoice.store_id == current_store_id(), Invoice.issued_at > since)
    )
    return many or 0
