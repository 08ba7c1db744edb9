"""Bringing channel orders in: the seen-ledger, the orders, their lines, gateways and journal.

These functions write and do not commit, unless they say so: a sync job commits rows, checkpoint and counters of a
page together. Each costs a fixed number of statements however many orders it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast

from sqlalchemy import Row, delete, or_, select, update

from app.bulk import each_of, insert_rows, joined, update_rows
from app.channels.models import Channel
from app.core.invoicing import InvoiceDateRule
from app.core.plan import Decision, StoreRules, decide, differs_from_invoice, gateway_key, next_decision
from app.core.states import OrderState, Reason
from app.core.types import OrderStub, RemoteOrder, UnreadableOrder
from app.extensions import db
from app.mappings.models import PaymentMapping
from app.orders.aside import Aside, put_aside
from app.orders.knowing import Subject, known_of
from app.orders.ledger import Entry, write_ledger
from app.orders.meaning import doubts_of
from app.orders.mirroring import mirror
from app.orders.models import Order, OrderLine, RawRecord
from app.orders.sheets import LINE_COLUMNS, ORDER_COLUMNS, RAW_COLUMNS, Sheet, sheets_of
from app.orders.stock import settle_stock
from app.orders.writing import JournalNote, write_journal
from app.tenancy.models import Store
from app.tenancy.scope import current_store_id

_COMPARED = (
    "state",
    "reason",
    "reason_detail",
    "digest",
    "alert",
    "ignored_alert",
    "remote_invoice_no",
    "status",
    "payment_status",
    "total",
)
_CHOSEN = ("book_on", "not_same_sale", "credited", "booked_content_key")
UNREAD: Final = (Reason.BAD_PAYLOAD, Reason.ORDER_MISSING)
"""Why an order is held although nothing is known against it: what is stored may not be so any more."""


@dataclass(slots=True)
class PageCounts:
    """What became of the rows of one page; `listed` = new + changed + unchanged + skipped + unreadable.

    Unreadable are also those that were listed and whose details were not given.
    """

    listed: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class PulledPage:
    """A page as the channel gave it: its rows, and the details of those that had to be read.

    `details` lacks the ids that were asked for and not answered; `wanted` names all that were asked for. `sheets` are
    of those orders for which they were made where they were read.
    """

    channel_id: int
    stubs: tuple[OrderStub, ...]
    wanted: frozenset[str]
    details: tuple[RemoteOrder | UnreadableOrder, ...]
    skipped: Mapping[str, Reason]
    sheets: Mapping[str, Sheet] = field(default_factory=dict)


def store_rules(channel_id: int) -> StoreRules:
    """The settings that decide about this channel's orders, as `app.core.plan` wants them.

    Holds a share lock on the channel until the transaction ends: whoever saves a mapping or a setting frees the
    waiting orders under the exclusive lock, so no page judged by the old rules can slip in after that.
    """
    channel = db.session.get_one(
        Channel, (current_store_id(), channel_id), with_for_update={"read": True}, populate_existing=True
    )
    # Read only now: whoever held the lock may have saved the store's settings.
    store = db.session.get_one(Store, channel.store_id, populate_existing=True)
    mapped = db.session.scalars(
        select(PaymentMapping.gateway_key).where(
            PaymentMapping.store_id == store.id,
            PaymentMapping.channel_id == channel_id,
            PaymentMapping.payment_method_id.is_not(None),
        )
    )
    return StoreRules(
        currencies=frozenset({store.currency, *store.invoice_currencies}),
        unmapped_gateway=cast(Literal["cash", "hold"], store.unmapped_gateway),
        mapped_gateways=frozenset(mapped),
        start_at=channel.start_at,
        time_zone=store.time_zone,
        invoice_date_rule=cast(InvoiceDateRule, store.invoice_date_rule),
        closed_through=store.closed_through,
        unlinked_items=cast(Literal["book", "hold"], store.unlinked_items),
        stock_location_id=channel.stock_location_id,
        makes_orders=channel.gives_orders,
    )


def store_page(
    page: PulledPage,
    rules: StoreRules,
    marketplaces: Mapping[str, int],
    job_id: int | None,
    *,
    user_id: int | None = None,
) -> PageCounts:
    """Write one page: the seen-ledger first, then orders, lines, raw payloads, gateways and journal.

    `marketplaces` maps the channel's marketplace ids to ours. Unchanged rows are not written at all, and what is no
    order to bring in (`app.orders.aside`) is noted in the ledger alone. `job_id` or `user_id` says who brought it.
    """
    read = {order.remote_id: order for order in page.details if isinstance(order, RemoteOrder)}
    unreadable = {order.remote_id: order for order in page.details if isinstance(order, UnreadableOrder)}
    new_to_us = [stub for stub in page.stubs if stub.remote_id in page.wanted or stub.remote_id in page.skipped]
    aside = put_aside(page.channel_id, new_to_us, read, look_for_ours=rules.makes_orders)
    orders = {remote_id: order for remote_id, order in read.items() if remote_id not in aside}
    unread = {
        remote_id: Reason.BAD_PAYLOAD if remote_id in unreadable else Reason.ORDER_MISSING
        for remote_id in page.wanted - orders.keys() - aside.keys()
    }
    skipped = page.skipped.keys() | aside.keys()
    counts = PageCounts(listed=len(page.stubs), skipped=len(skipped), unreadable=len(unread))
    write_ledger(page.channel_id, page.stubs, _entries(page, read, unreadable, aside), marketplaces)
    _write_gateways(page.channel_id, orders.values())
    made = sheets_of(order for one, order in orders.items() if one not in page.sheets)
    sheets = [page.sheets.get(one) or made[one] for one in orders]
    new, changed = _write_orders(page.channel_id, sheets, rules, marketplaces, job_id, user_id=user_id)
    counts.new, counts.changed = len(new), len(changed)
    hold_unread(page.channel_id, unread, job_id)
    counts.unchanged = counts.listed - counts.new - counts.changed - counts.skipped - counts.unreadable
    if rules.stock_location_id is not None:
        settle_stock([*new, *changed], job_id=job_id, user_id=user_id)
    return counts


def hold_unread(channel_id: int, unread: Mapping[str, Reason], job_id: int | None) -> int:
    """Hold stored orders whose present state could not be read: they must not be booked as they were before.

    Returns how many were not held for that already. The next reading that works decides about them anew.
    """
    notes: list[JournalNote] = []
    for reason in sorted(set(unread.values())):
        remote_ids = [remote_id for remote_id, why in unread.items() if why == reason]
        held = db.session.scalars(
            update(Order)
            .where(
                Order.store_id == current_store_id(),
                Order.channel_id == channel_id,
                Order.remote_id.in_(remote_ids),
                Order.state.in_((OrderState.READY, OrderState.QUEUED, OrderState.HELD)),
                or_(Order.state != OrderState.HELD, Order.reason.is_distinct_from(reason)),
            )
            .values(state=OrderState.HELD, reason=reason, reason_detail={}, queued_at=None, queued_by=None)
            .returning(Order.id)
            .execution_options(synchronize_session=False)
        )
        notes += [JournalNote("held", channel_id, order_id, {"reason": reason}) for order_id in held]
    write_journal(notes, job_id=job_id)
    return len(notes)


def _entries(
    page: PulledPage,
    orders: Mapping[str, RemoteOrder],
    unreadable: Mapping[str, UnreadableOrder],
    aside: Mapping[str, Aside],
) -> dict[str, Entry]:
    """What the ledger is to say of the page's ids, as far as it says something new."""
    written = page.wanted | page.skipped.keys() | aside.keys()
    return {one: Entry(orders.get(one), unreadable.get(one), page.skipped.get(one), aside.get(one)) for one in written}


def _write_gateways(channel_id: int, orders: Iterable[RemoteOrder]) -> None:
    """Make every gateway that was seen a row of Payment Methods, unmapped, so that it is listed before it hurts."""
    gateways = {gateway_key(order.gateway): order.gateway.strip() for order in orders}
    rows = [
        {"store_id": current_store_id(), "channel_id": channel_id, "gateway_key": key, "gateway": gateway}
        for key, gateway in gateways.items()
    ]
    insert_rows(
        PaymentMapping,
        ("store_id", "channel_id", "gateway_key", "gateway"),
        rows,
        on_conflict="on conflict do nothing",
    )


def _write_orders(
    channel_id: int,
    sheets: Sequence[Sheet],
    rules: StoreRules,
    marketplaces: Mapping[str, int],
    job_id: int | None,
    *,
    user_id: int | None,
) -> tuple[list[int], list[int]]:
    """The ids of the orders that were new, and of the known ones that changed."""
    stored = _stored_orders(channel_id, [sheet.order.remote_id for sheet in sheets])
    doubts = doubts_of(channel_id, {sheet.order.remote_id: sheet.order.lines for sheet in sheets}, rules)
    subjects = [_subject(sheet, stored.get(sheet.order.remote_id)) for sheet in sheets]
    known = known_of(channel_id, subjects, doubts)
    fresh: list[_Decided] = []
    changed: list[tuple[int, _Decided]] = []
    notes: list[JournalNote] = []
    for sheet in sheets:
        before = stored.get(sheet.order.remote_id)
        decided = _decided(sheet, decide(sheet.order, rules, known[sheet.order.remote_id]), before)
        if before is None:
            fresh.append(decided)
        elif not _is_same(before, decided):
            changed.append((before.id, decided))
            notes.append(JournalNote("changed", channel_id, before.id, _what_changed(before, decided)))
    added = _insert(channel_id, fresh, marketplaces)
    notes += [
        JournalNote("imported", channel_id, order_id, {"state": one.decision.state, "reason": one.decision.reason})
        for order_id, one in added
    ]
    _update(changed, marketplaces)
    _write_lines([order_id for order_id, _ in changed], added + changed)
    mirror(channel_id, {key: one.order.fulfilment for key, one in added + changed if one.order.fulfilment is not None})
    write_journal(notes, job_id=job_id, user_id=user_id)
    return [order_id for order_id, _ in added], [order_id for order_id, _ in changed]


def _stored_orders(channel_id: int, remote_ids: Sequence[str]) -> dict[str, Row[Any]]:
    query = select(*(getattr(Order, name) for name in ("id", "remote_id", *_COMPARED, *_CHOSEN))).with_for_update()
    within = {Order.store_id: current_store_id(), Order.channel_id: channel_id}
    # Locked in one order by everybody, whatever order the channel lists them in.
    rows = db.session.execute(each_of(query, Order.remote_id, sorted(remote_ids), within=within)).all()
    return {row.remote_id: row for row in rows}


def _subject(sheet: Sheet, before: Row[Any] | None) -> Subject:
    chosen = {} if before is None else {"book_on": before.book_on, "not_same_sale": before.not_same_sale}
    return Subject(sheet.order.remote_id, sheet.sale_key, sheet.order.created_at, **chosen)


@dataclass(frozen=True, slots=True)
class _Decided:
    """An order and what was decided about it."""

    sheet: Sheet
    decision: Decision
    alert: Reason | None = None
    ignored_alert: Reason | None = None

    @property
    def order(self) -> RemoteOrder:
        """The order."""
        return self.sheet.order

    def says(self) -> dict[str, Any]:
        """What of it is compared with what is stored."""
        return {
            "digest": self.order.digest,
            "state": self.decision.state,
            "reason": self.decision.reason,
            "status": self.order.status,
            "payment_status": self.order.payment_status,
            "total": self.order.total,
            "remote_invoice_no": self.order.invoice_no,
            "alert": self.alert,
        }


def _decided(sheet: Sheet, found: Decision, before: Row[Any] | None) -> _Decided:
    if before is None:
        return _Decided(sheet, found)
    decision = next_decision(decision_of(before), found)
    if decision.state != OrderState.BOOKED:
        return _Decided(sheet, decision)
    alert, ignored = _alert(sheet, before)
    return _Decided(sheet, decision, alert, ignored)


def _insert(channel_id: int, fresh: Sequence[_Decided], marketplaces: Mapping[str, int]) -> list[tuple[int, _Decided]]:
    """The orders with the ids that they were given."""
    rows = insert_rows(
        Order,
        ORDER_COLUMNS,
        joined(one.sheet.row for one in fresh),
        beside=_decisions(fresh, marketplaces),
        alike={"store_id": current_store_id(), "channel_id": channel_id, "changed_at": datetime.now(UTC)},
        returning=("id", "remote_id"),
    )
    by_remote_id = {one.order.remote_id: one for one in fresh}
    return [(row.id, by_remote_id[row.remote_id]) for row in rows]


def _update(changed: Sequence[tuple[int, _Decided]], marketplaces: Mapping[str, int]) -> None:
    decided = [one for _order_id, one in changed]
    update_rows(
        Order,
        ("store_id", "id"),
        ORDER_COLUMNS,
        joined(one.sheet.row for one in decided),
        beside={"id": [order_id for order_id, _ in changed], **_decisions(decided, marketplaces)},
        alike={"store_id": current_store_id(), "changed_at": datetime.now(UTC)},
    )


def _decisions(decided: Sequence[_Decided], marketplaces: Mapping[str, int]) -> dict[str, list[Any]]:
    """What is not of the sheets, by columns."""
    return {
        "marketplace_id": [marketplaces[one.order.marketplace_id] for one in decided],
        "state": [one.decision.state for one in decided],
        "reason": [one.decision.reason for one in decided],
        "reason_detail": [dict(one.decision.detail) for one in decided],
        "alert": [one.alert for one in decided],
        "ignored_alert": [one.ignored_alert for one in decided],
    }


def decision_of(stored: Any) -> Decision:
    """Where a stored order stands, as it was decided."""
    return Decision(OrderState(stored.state), Reason(stored.reason) if stored.reason else None, stored.reason_detail)


def _alert(sheet: Sheet, before: Row[Any]) -> tuple[Reason | None, Reason | None]:
    """What the invoice of a booked order does not say (ended, paid back, charged differently), told or left alone."""
    differs = differs_from_invoice(
        sheet.order.status,
        sheet.order.payment_status,
        refunded=sheet.order.refunded,
        credited=before.credited,
        same_content=sheet.content_key == before.booked_content_key,
    )
    return (None, differs) if differs == before.ignored_alert else (differs, None)


def _is_same(before: Row[Any], now: _Decided) -> bool:
    """Whether writing the order again would change nothing that anybody can see."""
    says = now.says()
    seen = ("digest", "state", "reason", "alert", "remote_invoice_no")
    return all(getattr(before, name) == says[name] for name in seen)


def _what_changed(before: Row[Any], now: _Decided) -> dict[str, Any]:
    return {
        name: [getattr(before, name), value] for name, value in now.says().items() if getattr(before, name) != value
    }


def _write_lines(replaced: Sequence[int], orders: Sequence[tuple[int, _Decided]]) -> None:
    store_id = current_store_id()
    if replaced:
        db.session.execute(delete(OrderLine).where(OrderLine.store_id == store_id, OrderLine.order_id.in_(replaced)))
    insert_rows(
        OrderLine,
        LINE_COLUMNS,
        joined(one.sheet.lines for _order_id, one in orders),
        beside={"order_id": [order_id for order_id, one in orders for _line in one.order.lines]},
        alike={"store_id": store_id},
    )
    insert_rows(
        RawRecord,
        RAW_COLUMNS,
        joined(one.sheet.raw for _order_id, one in orders),
        beside={"order_id": [order_id for order_id, _one in orders]},
        alike={"store_id": store_id},
        on_conflict="on conflict (store_id, order_id) do update set payload = excluded.payload, received_at = now()",
    )
