"""Bringing channel orders in: the seen-ledger, the orders, their lines, gateways and journal.

These functions write and do not commit, unless they say so: a sync job commits rows, checkpoint and counters of a
page together. Each costs a fixed number of statements however many orders it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast

from sqlalchemy import Row, delete, or_, select, update

from app.bulk import Documents, each_of, insert_rows, update_rows
from app.channels.models import Channel
from app.core.invoicing import InvoiceDateRule
from app.core.plan import Decision, StoreRules, decide, differs_from_invoice, gateway_key, next_decision
from app.core.same_sale import content_key, sale_key
from app.core.states import OrderState, Reason
from app.core.types import (
    OrderStub,
    RemoteOrder,
    UnreadableOrder,
)
from app.extensions import db
from app.mappings.models import PaymentMapping
from app.orders.aside import Aside, put_aside
from app.orders.knowing import Subject, known_of
from app.orders.ledger import Entry, write_ledger
from app.orders.meaning import doubts_of
from app.orders.mirroring import mirror
from app.orders.models import Order, OrderLine, RawRecord
from app.orders.stock import settle_stock
from app.orders.writing import JournalNote, write_journal
from app.tenancy.models import Store
from app.tenancy.scope import current_store_id

_ORDER_COLUMNS = (
    "marketplace_id",
    "number",
    "order_type",
    "status",
    "status_text",
    "payment_status",
    "payment_status_text",
    "gateway",
    "gateway_key",
    "remote_invoice_no",
    "currency",
    "placed_at",
    "paid_at",
    "shipped_at",
    "remote_updated_at",
    "buyer",
    "note",
    "shipping",
    "discount",
    "adjustment",
    "tax",
    "tax_included",
    "total",
    "refunded",
    "units",
    "line_discount",
    "digest",
    "content_key",
    "sale_key",
    "search",
    "state",
    "reason",
    "reason_detail",
    "alert",
    "ignored_alert",
    "changed_at",
)
_LINE_COLUMNS = (
    "store_id",
    "order_id",
    "line_no",
    "remote_id",
    "sku",
    "isku",
    "name",
    "variant",
    "quantity",
    "unit_price",
    "gross",
    "discount",
    "tax",
)
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

    `details` lacks the ids that were asked for and not answered; `wanted` names all that were asked for.
    """

    channel_id: int
    stubs: tuple[OrderStub, ...]
    wanted: frozenset[str]
    details: tuple[RemoteOrder | UnreadableOrder, ...]
    skipped: Mapping[str, Reason]


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
    new, changed = _write_orders(page.channel_id, list(orders.values()), rules, marketplaces, job_id, user_id=user_id)
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
    orders: Sequence[RemoteOrder],
    rules: StoreRules,
    marketplaces: Mapping[str, int],
    job_id: int | None,
    *,
    user_id: int | None,
) -> tuple[list[int], list[int]]:
    """The ids of the orders that were new, and of the known ones that changed."""
    stored = _stored_orders(channel_id, [order.remote_id for order in orders])
    doubts = doubts_of(channel_id, {order.remote_id: order.lines for order in orders}, rules)
    subjects = [_subject(order, stored.get(order.remote_id)) for order in orders]
    known = known_of(channel_id, subjects, doubts)
    store_id = current_store_id()
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    rewritten: list[tuple[int, RemoteOrder]] = []
    notes: list[JournalNote] = []
    for order, subject in zip(orders, subjects, strict=True):
        before = stored.get(order.remote_id)
        found = decide(order, rules, known[order.remote_id])
        row = _order_row(order, found, marketplaces[order.marketplace_id], before)
        row["sale_key"] = subject.sale_key
        if before is None:
            fresh.append({"store_id": store_id, "channel_id": channel_id, "remote_id": order.remote_id, **row})
        elif _same(before, row):
            continue
        else:
            changed.append({"store_id": store_id, "id": before.id, **row})
            rewritten.append((before.id, order))
            notes.append(JournalNote("changed", channel_id, before.id, _what_changed(before, row)))
    ids = insert_rows(
        Order, ("store_id", "channel_id", "remote_id", *_ORDER_COLUMNS), fresh, returning=("id", "remote_id")
    )
    by_remote_id = {order.remote_id: order for order in orders}
    added = [(row.id, by_remote_id[row.remote_id]) for row in ids]
    states = {row["remote_id"]: row for row in fresh}
    for order_id, order in added:
        row = states[order.remote_id]
        notes.append(JournalNote("imported", channel_id, order_id, {"state": row["state"], "reason": row["reason"]}))
    update_rows(Order, ("store_id", "id"), _ORDER_COLUMNS, changed)
    _write_lines([order_id for order_id, _ in rewritten], added + rewritten)
    mirror(channel_id, {key: order.fulfilment for key, order in added + rewritten if order.fulfilment is not None})
    write_journal(notes, job_id=job_id, user_id=user_id)
    return [order_id for order_id, _ in added], [order_id for order_id, _ in rewritten]


def _stored_orders(channel_id: int, remote_ids: Sequence[str]) -> dict[str, Row[Any]]:
    query = select(*(getattr(Order, name) for name in ("id", "remote_id", *_COMPARED, *_CHOSEN))).with_for_update()
    within = {Order.store_id: current_store_id(), Order.channel_id: channel_id}
    # Locked in one order by everybody, whatever order the channel lists them in.
    rows = db.session.execute(each_of(query, Order.remote_id, sorted(remote_ids), within=within)).all()
    return {row.remote_id: row for row in rows}


def _subject(order: RemoteOrder, before: Row[Any] | None) -> Subject:
    chosen = {} if before is None else {"book_on": before.book_on, "not_same_sale": before.not_same_sale}
    return Subject(order.remote_id, sale_key(order), order.created_at, **chosen)


def _order_row(order: RemoteOrder, found: Decision, marketplace_id: int, before: Row[Any] | None) -> dict[str, Any]:
    content, decision, alert, ignored = content_key(order), found, None, None
    if before is not None:
        decision = next_decision(decision_of(before), found)
        if decision.state == OrderState.BOOKED:
            alert, ignored = _alert(order, content, before)
    return {
        "marketplace_id": marketplace_id,
        "number": order.number or order.remote_id,
        "order_type": order.order_type,
        "status": order.status,
        "status_text": order.status_text,
        "payment_status": order.payment_status,
        "payment_status_text": order.payment_status_text,
        "gateway": order.gateway.strip(),
        "gateway_key": gateway_key(order.gateway),
        "remote_invoice_no": order.invoice_no,
        "currency": order.currency,
        "placed_at": order.created_at,
        "paid_at": order.paid_at,
        "shipped_at": order.shipped_at,
        "remote_updated_at": order.updated_at,
        "buyer": dict(order.buyer),
        "note": order.note,
        "shipping": order.shipping,
        "discount": order.discount,
        "adjustment": order.adjustment,
        "tax": order.tax,
        "tax_included": order.tax_included,
        "total": order.total,
        "refunded": order.refunded,
        "units": sum(line.quantity for line in order.lines),
        "line_discount": sum(line.discount for line in order.lines),
        "digest": order.digest,
        "content_key": content,
        "search": search_text(order),
        "state": decision.state,
        "reason": decision.reason,
        "reason_detail": dict(decision.detail),
        "alert": alert,
        "ignored_alert": ignored,
        "changed_at": datetime.now(UTC),
    }


def decision_of(stored: Any) -> Decision:
    """Where a stored order stands, as it was decided."""
    return Decision(OrderState(stored.state), Reason(stored.reason) if stored.reason else None, stored.reason_detail)


def _alert(order: RemoteOrder, content: str, before: Row[Any]) -> tuple[str | None, str | None]:
    """What the invoice of a booked order does not say (ended, paid back, charged differently), told or left alone."""
    differs = differs_from_invoice(
        order.status,
        order.payment_status,
        refunded=order.refunded,
        credited=before.credited,
        same_content=content == before.booked_content_key,
    )
    return (None, differs) if differs == before.ignored_alert else (differs, None)


def _same(before: Row[Any], row: Mapping[str, Any]) -> bool:
    """Whether writing the order again would change nothing that anybody can see."""
    return all(
        getattr(before, name) == row[name] for name in ("digest", "state", "reason", "alert", "remote_invoice_no")
    )


def _what_changed(before: Row[Any], row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("state", "reason", "status", "payment_status", "total", "remote_invoice_no", "alert")
    return {name: [getattr(before, name), row[name]] for name in names if getattr(before, name) != row[name]}


def search_text(order: RemoteOrder) -> str:
    """Everything one may look for, lower-case."""
    buyer = [order.buyer.get(name, "") for name in ("name", "company", "phone", "email")]
    skus = [sku for line in order.lines for sku in (line.sku, line.isku)]
    return " ".join(dict.fromkeys(part for part in (order.number, order.remote_id, *buyer, *skus) if part)).casefold()


def _write_lines(replaced: Sequence[int], orders: Sequence[tuple[int, RemoteOrder]]) -> None:
    store_id = current_store_id()
    if replaced:
        db.session.execute(delete(OrderLine).where(OrderLine.store_id == store_id, OrderLine.order_id.in_(replaced)))
    rows = [
        {
            "store_id": store_id,
            "order_id": order_id,
            "line_no": number,
            "remote_id": line.remote_id,
            "sku": line.sku,
            "isku": line.isku,
            "name": line.name,
            "variant": line.variant,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "gross": line.gross,
            "discount": line.discount,
            "tax": line.tax,
        }
        for order_id, order in orders
        for number, line in enumerate(order.lines, start=1)
    ]
    insert_rows(OrderLine, _LINE_COLUMNS, rows)
    insert_rows(
        RawRecord,
        ("store_id", "order_id"),
        [{"store_id": store_id, "order_id": order_id} for order_id, _order in orders],
        beside={"payload": Documents.of(order.raw for _order_id, order in orders)},
        on_conflict="on conflict (store_id, order_id) do update set payload = excluded.payload, received_at = now()",
    )
