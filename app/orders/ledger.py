"""The ledger of every order id that a channel ever listed, and what became of it. These functions do not commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.bulk import each_of, insert_rows
from app.core.plan import settled_digest
from app.core.states import Reason, SeenState
from app.core.types import OrderStub, RemoteOrder, UnreadableOrder
from app.extensions import db
from app.orders.aside import PUT_ASIDE, Aside
from app.orders.models import SeenOrder
from app.tenancy.scope import current_store_id

_COLUMNS = (
    "store_id",
    "channel_id",
    "remote_id",
    "marketplace_id",
    "state",
    "reason",
    "digest",
    "remote_created_at",
    "number",
    "raw",
)
_CONFLICT = (
    "on conflict (store_id, channel_id, remote_id) do update set state = excluded.state, reason = excluded.reason, "
    "digest = excluded.digest, raw = excluded.raw, marketplace_id = excluded.marketplace_id, number = excluded.number, "
    "remote_created_at = coalesce(excluded.remote_created_at, seen_orders.remote_created_at), changed_at = now()"
)


@dataclass(frozen=True, slots=True)
class KnownOrders:
    """Which of some ids were read completely before (with the digest of then), and which were left out on purpose.

    `ignored` are those that a person left out unread, with what their list row looked like then. `aside` are those
    that are no orders to bring in, for good (`app.orders.aside`).
    """

    digests: Mapping[str, str | None]
    skipped: frozenset[str]
    ignored: Mapping[str, str | None]
    aside: frozenset[str] = frozenset()

    def is_left_alone(self, stub: OrderStub) -> bool:
        """Whether it was put aside, or a person left it out and the channel has not changed it since."""
        if stub.remote_id in self.aside:
            return True
        return stub.remote_id in self.ignored and self.ignored[stub.remote_id] == stub.digest


def known_orders(channel_id: int, remote_ids: Sequence[str]) -> KnownOrders:
    """What the ledger knows of these ids; what could not be read counts as unknown, so that it is tried again."""
    query = select(SeenOrder.remote_id, SeenOrder.digest, SeenOrder.state, SeenOrder.reason)
    within = {SeenOrder.store_id: current_store_id(), SeenOrder.channel_id: channel_id}
    rows = db.session.execute(each_of(query, SeenOrder.remote_id, remote_ids, within=within)).all()
    return KnownOrders(
        digests={row.remote_id: row.digest for row in rows if row.state == SeenState.IMPORTED},
        skipped=frozenset(row.remote_id for row in rows if row.state == SeenState.SKIPPED),
        ignored={row.remote_id: row.digest for row in rows if row.reason == Reason.IGNORED},
        aside=frozenset(row.remote_id for row in rows if row.reason in PUT_ASIDE),
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a listed id: the order, what could not be read of it, or why it was left out; else nothing."""

    order: RemoteOrder | None = None
    unreadable: UnreadableOrder | None = None
    skipped: Reason | None = None
    aside: Aside | None = None


def write_ledger(
    channel_id: int, stubs: Sequence[OrderStub], entries: Mapping[str, Entry], marketplaces: Mapping[str, int]
) -> None:
    """Note what became of those of the listed ids that have an entry. One statement."""
    rows = [
        {
            "store_id": current_store_id(),
            "channel_id": channel_id,
            "remote_id": stub.remote_id,
            "marketplace_id": marketplaces[stub.marketplace_id],
            "remote_created_at": stub.created_at,
            **_written(stub, entries[stub.remote_id]),
        }
        for stub in {stub.remote_id: stub for stub in stubs}.values()
        if stub.remote_id in entries
    ]
    insert_rows(SeenOrder, _COLUMNS, rows, on_conflict=_CONFLICT)


def _written(stub: OrderStub, entry: Entry) -> dict[str, Any]:
    state, reason, raw = _became(entry)
    number = stub.number or (entry.order.number if entry.order else "")
    return {
        "state": state,
        "reason": reason,
        "digest": settled_digest(stub, entry.order),
        "number": "" if state is SeenState.IMPORTED else number,
        "raw": raw,
    }


def _became(entry: Entry) -> tuple[SeenState, Reason | None, Mapping[str, Any] | None]:
    if entry.aside is not None:
        return SeenState.SKIPPED, entry.aside.reason, entry.aside.facts
    if entry.skipped is not None:
        return SeenState.SKIPPED, entry.skipped, None
    if entry.order is not None:
        return SeenState.IMPORTED, None, None
    if entry.unreadable is not None:
        raw = {"problem": entry.unreadable.problem, "payload": entry.unreadable.raw}
        return SeenState.UNREADABLE, Reason.BAD_PAYLOAD, raw
    return SeenState.LISTED, Reason.ORDER_MISSING, None
