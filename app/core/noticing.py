"""What a store's people are told by themselves: the kinds, the ways, and what each role is told unless it chose.

A notice is written once for each happening. Each person chooses for themselves, in each store, whether a kind shows
behind the bell, comes by e-mail, both or neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from app.core.roles import Role

MORNING: Final = time(7, 30)
MONDAY: Final = 0


class NoticeKind(StrEnum):
    """What a notice is about, in the order of the page where it is chosen."""

    FAILED_SYNC = "failed_sync"
    """Orders or numbers wait for a person, for a cause that is new or grew."""
    CHANNEL_PAUSED = "channel_paused"
    """An error stopped a channel."""
    APPROVAL_ASKED = "approval_asked"
    """What another store asks or answers about a link."""
    VERIFICATION_DIFFERENCE = "verification_difference"
    """A channel and the books do not say the same."""
    ENDPOINT_PAUSED = "endpoint_paused"
    """A webhook was given up."""
    KEY_ENDS = "key_ends"
    """The key of a program of the store's own runs out soon."""
    DIGEST = "digest"
    """How it stands, every day or every week, by e-mail alone."""


class Way(StrEnum):
    """How somebody wants to be told of a kind; of the digest, how often."""

    NONE = "none"
    PORTAL = "portal"
    MAIL = "mail"
    BOTH = "both"
    DAILY = "daily"
    WEEKLY = "weekly"

    @property
    def in_portal(self) -> bool:
        """Whether it shows behind the bell."""
        return self in (Way.PORTAL, Way.BOTH)

    @property
    def by_mail(self) -> bool:
        """Whether it is mailed when it happens."""
        return self in (Way.MAIL, Way.BOTH)

    @classmethod
    def of(cls, *, in_portal: bool, by_mail: bool) -> Way:
        """The way of two ticks."""
        return {(False, False): cls.NONE, (True, False): cls.PORTAL, (False, True): cls.MAIL}.get(
            (in_portal, by_mail), cls.BOTH
        )


TICKED: Final = (Way.NONE, Way.PORTAL, Way.MAIL, Way.BOTH)
"""Ways of the kinds that happen."""
EVERY: Final = (Way.NONE, Way.DAILY, Way.WEEKLY)
"""Ways of the digest."""

_QUIET: Final[Mapping[NoticeKind, Way]] = dict.fromkeys(NoticeKind, Way.NONE)
_DEFAULTS: Final[Mapping[Role, Mapping[NoticeKind, Way]]] = {
    Role.OWNER: {
        NoticeKind.FAILED_SYNC: Way.PORTAL,
        NoticeKind.CHANNEL_PAUSED: Way.BOTH,
        NoticeKind.APPROVAL_ASKED: Way.BOTH,
        NoticeKind.VERIFICATION_DIFFERENCE: Way.BOTH,
        NoticeKind.ENDPOINT_PAUSED: Way.BOTH,
        NoticeKind.KEY_ENDS: Way.BOTH,
        NoticeKind.DIGEST: Way.WEEKLY,
    },
    Role.MANAGER: {
        NoticeKind.FAILED_SYNC: Way.PORTAL,
        NoticeKind.CHANNEL_PAUSED: Way.BOTH,
        NoticeKind.APPROVAL_ASKED: Way.PORTAL,
        NoticeKind.VERIFICATION_DIFFERENCE: Way.PORTAL,
        NoticeKind.ENDPOINT_PAUSED: Way.NONE,
        NoticeKind.KEY_ENDS: Way.NONE,
        NoticeKind.DIGEST: Way.WEEKLY,
    },
    Role.BOOKKEEPER: {
        NoticeKind.FAILED_SYNC: Way.PORTAL,
        NoticeKind.CHANNEL_PAUSED: Way.PORTAL,
        NoticeKind.APPROVAL_ASKED: Way.NONE,
        NoticeKind.VERIFICATION_DIFFERENCE: Way.BOTH,
        NoticeKind.ENDPOINT_PAUSED: Way.NONE,
        NoticeKind.KEY_ENDS: Way.NONE,
        NoticeKind.DIGEST: Way.WEEKLY,
    },
    Role.ORDER_DESK: {**_QUIET, NoticeKind.FAILED_SYNC: Way.PORTAL, NoticeKind.CHANNEL_PAUSED: Way.PORTAL},
    Role.READ_ONLY: _QUIET,
}
"""Whoever mends it is told; whoever must not miss it is mailed. Who can only look is not called."""


def default_way(role: Role, kind: NoticeKind) -> Way:
    """How somebody of this role is told of a kind, as long as they chose nothing."""
    return _DEFAULTS[role][kind]


def next_morning(after: datetime, time_zone: str) -> datetime:
    """The first moment after `after` at which it is morning where the store is, in UTC."""
    zone = ZoneInfo(time_zone)
    day = after.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, MORNING, zone).astimezone(UTC)
        if moment > after:
            return moment
        day += timedelta(days=1)


def digest_days(way: Way, morning: datetime, time_zone: str) -> int:
    """How many days the digest of this morning tells of: 1 or 7, and 0 for whoever gets none this morning."""
    if way is Way.DAILY:
        return 1
    if way is Way.WEEKLY and morning.astimezone(ZoneInfo(time_zone)).weekday() == MONDAY:
        return 7
    return 0
