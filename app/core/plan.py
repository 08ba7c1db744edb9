"""What to do with what a channel listed and sent: pure decisions, so that a preview and a sync cannot differ."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from app.core.invoicing import CannotBook, Detail, InvoiceDateRule, Obstacle, not_a_sale, open_day, wrong_total
from app.core.same_sale import Twin
from app.core.states import DECIDED_BY_PERSON, OrderState, Reason
from app.core.types import OrderStatus, OrderStub, OrderWindow, PaymentStatus, RemoteOrder, WindowAxis

_SECOND = timedelta(seconds=1)
_STATES = {
    Reason.UNPAID: OrderState.WAITING,
    Reason.CANCELLED: OrderState.CLOSED,
    Reason.RETURNED: OrderState.CLOSED,
    Reason.REFUNDED: OrderState.CLOSED,
    Reason.BEFORE_START_DATE: OrderState.CLOSED,
}


@dataclass(frozen=True, slots=True)
class StoreRules:
    """The store's settings that decide about orders; `mapped_gateways` holds keys of `gateway_key`."""

    currencies: frozenset[str]
    unmapped_gateway: Literal["cash", "hold"]
    mapped_gateways: frozenset[str]
    start_at: datetime | None
    time_zone: str
    invoice_date_rule: InvoiceDateRule
    closed_through: date | None = None
    """The last day of the store's closed books; nothing is dated on it or before."""
    unlinked_items: Literal["book", "hold"] = "book"
    stock_location_id: int | None = None
    """The warehouse out of which the channel's orders are served; None where they take no stock of ours."""
    rounding_tolerance: int = 5
    makes_orders: bool = False
    """Whether orders of ours are made on the channel, so that what it lists may be one of them."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an order besides the channel's own words and the store's rules."""

    book_on: date | None = None
    """The day that a person chose for its invoice, because its own lies in closed books."""
    twin: Twin | None = None
    """The same sale by another road, unless a person said that it is another one."""
    unlinked: tuple[str, ...] = ()
    """SKUs of its lines that mean no item of ours."""
    ambiguous: tuple[str, ...] = ()
    """SKUs of its lines that mean several items of ours."""


NOTHING_KNOWN = Known()


@dataclass(frozen=True, slots=True)
class Decision:
    """Where an order without a live invoice belongs; `detail` holds the facts that its sentence needs."""

    state: OrderState
    reason: Reason | None
    detail: Detail


@lru_cache(maxsize=1024)
def gateway_key(gateway: str) -> str:
    """The gateway's name as compared: trimmed, inner spaces collapsed, case and compatibility forms folded.

    An order without a gateway has the key '', a gateway like any other (pages call it "No gateway").
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", gateway).casefold())
    return " ".join(folded.split())


def needs_details(stubs: Sequence[OrderStub], known: Mapping[str, str | None]) -> list[str]:
    """The ids of a page whose details must be read, each once and in the page's order.

    `known` maps ids to the digest of their last reading. A stub without a digest does not say enough, so it is read.
    """
    return list(
        dict.fromkeys(
            stub.remote_id for stub in stubs if stub.digest is None or known.get(stub.remote_id) != stub.digest
        )
    )


def settled_digest(stub: OrderStub, order: RemoteOrder | None) -> str | None:
    """The digest to remember of a list row whose details were read; None when they must be read again next time.

    A channel may answer details from a copy that lags behind its list. Were the row's digest remembered with details
    of before, the order would stay as it was until the channel changes it once more.
    """
    if order is None:
        return stub.digest
    statuses = ((stub.status, order.status_text), (stub.payment_status, order.payment_status_text))
    agrees = all(one in ("", other) or _folded(one) == _folded(other) for one, other in statuses)
    return stub.digest if agrees else None


def _folded(status: str) -> str:
    """A status as compared: the list and the details of one system may spell it differently."""
    return "".join(filter(str.isalnum, status.casefold()))


def seen_decision(stub: OrderStub, start_at: datetime | None) -> Reason | None:
    """Why a listed order is left out without reading it, or None. An order whose list row has no date is read."""
    if stub.part_of:
        return Reason.PART_OF_ORDER
    if _is_before_start(stub.created_at, start_at):
        return Reason.BEFORE_START_DATE
    return None


def refuse_batch(auto_delivery_order: str) -> Reason | None:
    """Why no order of this store may be booked now, or None: delivery orders made by themselves would double."""
    return None if auto_delivery_order == "none" else Reason.AUTO_DO_ENABLED


def decide(order: RemoteOrder, rules: StoreRules, known: Known = NOTHING_KNOWN) -> Decision:
    """The booking state of an order that has no live invoice.

    The first obstacle is the one told, from what cannot be mended here (ended, unpaid, refunded) to what can. A paid
    order that the channel has on hold is held here too, with its own reason: it may yet be cancelled, and a check
    after its release books it.
    """
    obstacle = next(_obstacles(order, rules, known), None)
    if obstacle is None:
        return Decision(OrderState.READY, None, {})
    reason, detail = obstacle
    if "status" in detail:
        detail = {**detail, "status_text": order.status_text, "payment_status_text": order.payment_status_text}
    return Decision(_STATES.get(reason, OrderState.HELD), reason, detail)


def next_decision(current: Decision, found: Decision) -> Decision:
    """Where the order stands after it was looked at again.

    Booked stays booked (only a credit note undoes an invoice), what a person decided stays as it is, queued stays
    queued while it is still ready, and everything else follows what was found.
    """
    if current.state == OrderState.BOOKED:
        return Decision(OrderState.BOOKED, None, {})
    if current.state == OrderState.CLOSED and current.reason in DECIDED_BY_PERSON:
        return current
    if current.state == OrderState.QUEUED and found.state == OrderState.READY:
        return Decision(OrderState.QUEUED, None, {})
    return found


def differs_from_invoice(
    status: OrderStatus, payment_status: PaymentStatus, *, refunded: int, credited: int, same_content: bool
) -> Reason | None:
    """What a booked order must warn about: on the channel it is no longer the paid sale that was invoiced.

    What was refunded there is no news once as much was credited here.
    """
    by_status = {OrderStatus.CANCELLED: Reason.CANCELLED, OrderStatus.RETURNED: Reason.RETURNED}
    by_payment = {PaymentStatus.REFUNDED: Reason.REFUNDED, PaymentStatus.UNPAID: Reason.UNPAID}
    ended = by_status.get(status) or by_payment.get(payment_status)
    if ended is not None:
        return ended
    if refunded > credited or (payment_status == PaymentStatus.PARTLY_REFUNDED and not refunded):
        return Reason.PARTLY_REFUNDED
    return None if same_content else Reason.CHANGED_AFTER_BOOKING


def windows(
    list_ids: Iterable[str],
    since: datetime,
    until: datetime,
    days: int,
    axis: WindowAxis = WindowAxis.CREATED,
) -> list[OrderWindow]:
    """Closed windows of at most `days` days that cover every second from `since` to `until` exactly once.

    List by list, oldest first. The wire speaks in whole seconds, so one window ends a second before
    the next begins. ValueError for less than a day or for times without a zone.
    """
    if days < 1:
        raise ValueError(f"a window has at least one day, not {days}")
    if since.tzinfo is None or until.tzinfo is None:
        raise ValueError("the times of a window need a zone")
    # In UTC, because adding days in a zone with summer time would skip or repeat an hour.
    start, end = (moment.astimezone(UTC).replace(microsecond=0) for moment in (since, until))
    spans: list[tuple[datetime, datetime]] = []
    while start <= end:
        following = start + timedelta(days=days)
        spans.append((start, min(end, following - _SECOND)))
        start = following
    return [OrderWindow(list_id, first, last, axis) for list_id in list_ids for first, last in spans]


def _is_before_start(created_at: datetime | None, start_at: datetime | None) -> bool:
    return start_at is not None and created_at is not None and created_at < start_at


def _obstacles(order: RemoteOrder, rules: StoreRules, known: Known) -> Iterator[Obstacle]:
    """What stands between the order and its invoice, the first thing first; later ones are looked for on demand."""
    if _is_before_start(order.created_at, rules.start_at):
        yield Reason.BEFORE_START_DATE, {"created_at": order.created_at.isoformat()}
    if (obstacle := not_a_sale(order)) is not None:
        yield obstacle
    if order.currency not in rules.currencies:
        yield Reason.CURRENCY_UNSUPPORTED, {"currency": order.currency}
    if (obstacle := wrong_total(order, rules.rounding_tolerance)) is not None:
        yield obstacle
    if known.twin is not None:
        twin = known.twin
        yield Reason.DUPLICATE_SUSPECTED, {"order_id": twin.order_id, "number": twin.number}
    closed = rules.closed_through
    try:
        open_day(order, rules.invoice_date_rule, rules.time_zone, book_on=known.book_on, closed_through=closed)
    except CannotBook as error:
        yield error.reason, error.detail
    if known.ambiguous and rules.unlinked_items == "hold":
        yield Reason.SKU_AMBIGUOUS, {"skus": ", ".join(known.ambiguous)}
    if known.unlinked and rules.unlinked_items == "hold":
        yield Reason.SKU_NOT_FOUND, {"skus": ", ".join(known.unlinked)}
    key = gateway_key(order.gateway)
    if rules.unmapped_gateway == "hold" and key not in rules.mapped_gateways:
        yield Reason.GATEWAY_UNMAPPED, {"gateway": order.gateway, "gateway_key": key}
