"""The comparison in SQL against the same rules written out plainly, over any two sides that can be thought of."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.completeness.comparing import Comparison, compare
from app.completeness.models import Verification, VerificationRead
from app.core.completeness import DeviationKind
from app.extensions import db
from app.sync.models import SyncJob
from tests.orders.factories import Books, SomeChannel
from tests.support.factories import SomeStore

ZONE = "Asia/Kuala_Lumpur"
SINCE, UNTIL = date(2026, 11, 10), date(2026, 11, 12)
CHECKED = datetime(2026, 11, 12, 9, tzinfo=UTC)
ENDED = {"cancelled", "returned"}
moments = st.integers(-2 * 1440, 4 * 1440).map(
    lambda minutes: datetime(2026, 11, 10, 0, tzinfo=ZoneInfo(ZONE)).astimezone(UTC) + timedelta(minutes=minutes)
)
statuses = st.sampled_from(["open", "completed", "shipped", "cancelled", "returned"])
payments = st.sampled_from(["paid", "paid", "unpaid", "refunded", "partly_refunded"])
currencies = st.sampled_from(["MYR", "MYR", "MYR", "SGD"])


@dataclass(frozen=True)
class There:
    """What the channel said; `found` as in `verification_reads`."""

    found: str
    created_at: datetime
    updated_at: datetime
    status: str
    payment: str
    currency: str
    total: int
    refunded: int


@dataclass(frozen=True)
class Here:
    """Our order; `credited` None for one without an invoice."""

    placed_at: datetime
    status: str
    payment: str
    currency: str
    total: int
    refunded: int
    state: str
    reason: str | None
    credited: int | None
    ignored: bool


theres = st.builds(
    There,
    found=st.sampled_from(["read", "read", "read", "unreadable", "absent"]),
    created_at=moments,
    updated_at=moments,
    status=statuses,
    payment=payments,
    currency=currencies,
    total=st.sampled_from([1000, 2000]),
    refunded=st.sampled_from([0, 0, 500]),
)


@st.composite
def heres(draw: st.DrawFn, like: There) -> Here:
    """An order of ours, most often the same as the channel's."""
    same = draw(st.integers(0, 3)) > 0
    booked = draw(st.booleans())
    state, reason = (
        ("booked", None)
        if booked
        else draw(st.sampled_from([("ready", None), ("held", "TOTAL_MISMATCH"), ("held", "ORDER_MISSING"),
                                   ("waiting", "UNPAID"), ("closed", "CANCELLED")]))
    )  # fmt: skip
    total = like.total if same else draw(st.sampled_from([1000, 2000]))
    return Here(
        placed_at=like.created_at if same else draw(moments),
        status=like.status if same else draw(statuses),
        payment=like.payment if same else draw(payments),
        currency=like.currency if same else draw(currencies),
        total=total,
        refunded=like.refunded if same else draw(st.sampled_from([0, 500])),
        state=state,
        reason=reason,
        credited=draw(st.sampled_from([0, 0, 500])) if booked else None,
        ignored=draw(st.integers(0, 5)) == 0,
    )


@st.composite
def pairs(draw: st.DrawFn) -> list[tuple[There, Here | None]]:
    """Up to six orders, each as the channel has it and as we have it, if we do."""
    found = draw(st.lists(theres, min_size=1, max_size=6))
    return [(there, draw(heres(there)) if draw(st.integers(0, 4)) else None) for there in found]


def is_here(there: There, here: Here | None) -> bool:
    if here is None:
        return False
    return there.found != "absent" or not (here.state == "closed" or here.reason == "ORDER_MISSING")


def owed(there: There) -> int:
    over = there.status in ENDED or there.payment in {"refunded", "unpaid"}
    return 0 if over else there.total - there.refunded


def judged(there: There, here: Here | None) -> str | None:
    """The first thing in which the two sides differ."""
    if there.found == "absent":
        return "extra" if is_here(there, here) else None
    if there.found == "unreadable" or here is None:
        return "unreadable" if there.found == "unreadable" else "missing"
    invoiced = None if here.credited is None or here.ignored else here.total - here.credited
    differs = {
        "currency": there.currency != here.currency,
        "total": there.total != here.total,
        "status": (there.status in ENDED) != (here.status in ENDED),
        "payment": (there.payment, there.refunded) != (here.payment, here.refunded),
        "invoice": invoiced is not None and owed(there) != invoiced,
    }
    return next((kind for kind, is_so in differs.items() if is_so), None)


def is_newer(there: There, kind: str | None) -> bool:
    if kind is None or kind == "extra":
        return False
    changed = kind in {"currency", "total", "status", "payment"} and there.found == "read"
    return there.created_at > CHECKED or (changed and there.updated_at > CHECKED)


def difference(kind: str, there: There, here: Here | None) -> int:
    if kind in {"missing", "currency"}:
        return there.total
    if here is None or kind not in {"extra", "total", "invoice"}:
        return 0
    if kind == "extra":
        return -here.total
    return there.total - here.total if kind == "total" else owed(there) - (here.total - (here.credited or 0))


class Scene:
    """One store in which each example gets a channel of its own."""

    def __init__(self, app: Flask, store: SomeStore) -> None:
        self.books = Books(app, store)

    def put(self, found: list[tuple[There, Here | None]]) -> tuple[SomeChannel, int]:
        """Write both sides; the channel, and the verification that read the one."""
        channel = self.books.channel()
        for place, (_there, here) in enumerate(found):
            if here is not None:
                self._order(channel, place, here)
        with self.books.scope():
            key = {"store_id": self.books.store.id}
            job = SyncJob(**key, channel_id=channel.id, kind="verify", state="succeeded")
            db.session.add(job)
            db.session.flush()
            days = {"since": SINCE, "until": UNTIL, "time_zone": ZONE}
            verification = Verification(**key, channel_id=channel.id, job_id=job.id, **days)
            db.session.add(verification)
            db.session.flush()
            for place, (there, _here) in enumerate(found):
                db.session.add(_read(key, verification.id, channel, place, there))
            db.session.commit()
            return channel, verification.id

    def _order(self, channel: SomeChannel, place: int, here: Here) -> None:
        values: dict[str, Any] = {
            "remote_id": str(place),
            "placed_at": here.placed_at,
            "status": here.status,
            "payment_status": here.payment,
            "currency": here.currency,
            "total": here.total,
            "refunded": here.refunded,
            "state": here.state,
            "reason": here.reason,
            "ignored_alert": "UNPAID" if here.ignored else None,
        }
        order_id = self.books.order(channel, **values)
        if here.credited is not None:
            self.books.invoice(order_id, credited=here.credited)

    def compare(self, channel: SomeChannel, verification_id: int) -> tuple[list[Any], list[Any], Any]:
        """(days, deviations, the verification), as the comparison wrote them."""
        what = Comparison(verification_id, channel.id, ZONE, SINCE, UNTIL, CHECKED)
        with self.books.scope():
            compare(what, until_at=CHECKED, by_update=True, short=0)
            db.session.commit()
            mine = {"id": verification_id}
            return (
                self._rows("select * from verification_days where verification_id = :id", mine),
                self._rows("select * from deviations where verification_id = :id", mine),
                self._rows("select * from verifications where id = :id", mine)[0],
            )

    @staticmethod
    def _rows(sql: str, values: dict[str, int]) -> list[Any]:
        return list(db.session.execute(text(sql), values).all())


def _read(key: dict[str, int], verification_id: int, channel: SomeChannel, place: int, there: There) -> Any:
    is_read = there.found == "read"
    return VerificationRead(
        **key,
        verification_id=verification_id,
        remote_id=str(place),
        marketplace_id=channel.marketplace_id,
        found=there.found,
        number="",
        created_at=there.created_at,
        updated_at=there.updated_at if is_read else None,
        status=there.status if is_read else "",
        payment_status=there.payment if is_read else "",
        currency=there.currency,
        total=there.total if is_read else 0,
        refunded=there.refunded if is_read else 0,
        read_at=CHECKED,
    )


@pytest.fixture
def scene(app: Flask, store: SomeStore) -> Scene:
    return Scene(app, store)


@dataclass
class Expected:
    """What the rules say: the deviations, the counts of each day, and how many orders are too new."""

    deviations: dict[str, tuple[str, int]]
    days: dict[tuple[date, str], Counter[str]]
    newer: int


def expected_of(found: list[tuple[There, Here | None]]) -> Expected:
    told = Expected({}, defaultdict(Counter), 0)
    for place, (there, here) in enumerate(found):
        kind = judged(there, here)
        if is_newer(there, kind):
            told.newer += 1
            continue
        if kind is not None:
            told.deviations[str(place)] = (kind, difference(kind, there, here))
        day = (here.placed_at if here else there.created_at).astimezone(ZoneInfo(ZONE)).date()
        if SINCE <= day <= UNTIL:
            count(told.days, day, kind, there, here)
    return told


def count(
    days: dict[tuple[date, str], Counter[str]], day: date, kind: str | None, there: There, here: Here | None
) -> None:
    """Add one order to its day: to the channel's side, to ours, and to what deviates."""
    if kind is not None:
        currency = here.currency if kind == "extra" and here else there.currency
        days[day, currency][kind if kind in {"missing", "extra"} else "differing"] += 1
    if there.found == "read":
        days[day, there.currency].update(remote_orders=1, remote_total=there.total)
    if here is not None and is_here(there, here) and there.found != "unreadable":
        invoiced = 0 if here.credited is None else here.total - here.credited
        paid_only = here.credited is None and here.payment in {"paid", "partly_refunded"}
        days[day, here.currency].update(orders=1, total=here.total, invoiced=invoiced, not_invoiced=int(paid_only))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=pairs())
def test_sql_finds_what_the_rules_say(scene: Scene, found: list[tuple[There, Here | None]]) -> None:
    days, deviations, verification = scene.compare(*scene.put(found))
    expected = expected_of(found)
    assert {row.remote_id: (row.kind, row.difference) for row in deviations} == expected.deviations
    assert {row.kind for row in deviations} <= set(DeviationKind)
    assert {(row.day, row.currency) for row in days} == set(expected.days)
    for row in days:
        told = expected.days[row.day, row.currency]
        for name in ("remote_orders", "remote_total", "orders", "total", "invoiced", "missing", "extra", "differing"):
            assert getattr(row, name) == told[name], name
        assert row.difference == told["remote_total"] - told["total"]
        assert sum(row.not_invoiced.values()) == told["not_invoiced"]
    deviating = verification.missing + verification.extra + verification.differing
    assert (verification.newer, deviating) == (expected.newer, len(deviations))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=pairs())
def test_what_differs_adds_up_to_the_difference_of_its_day(
    scene: Scene, found: list[tuple[There, Here | None]]
) -> None:
    one_currency = [(there, here) for there, here in found if here is None or here.currency == there.currency]
    days, deviations, _verification = scene.compare(*scene.put(one_currency))
    sums: Counter[tuple[date, str]] = Counter()
    for row in deviations:
        if row.kind in {"missing", "extra", "total"}:
            sums[row.day, row.currency] += row.difference
    for row in days:
        assert row.difference == sums[row.day, row.currency]
