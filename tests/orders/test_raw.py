"""A payload is kept as the channel sent it, whatever its texts hold."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.bulk import Documents, insert_rows
from app.extensions import db
from app.orders.models import RawRecord
from tests.orders.factories import Books, SomeChannel

_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(_TEXTS, _VALUES), min_size=1, max_size=3))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_sent_is_what_is_kept(books: Books, channel: SomeChannel, sent: list[dict[str, Any]]) -> None:
    ids = books.orders(channel, [{} for _payload in sent])
    with books.scope():
        rows = [{"store_id": books.store.id, "order_id": order_id} for order_id in ids]
        insert_rows(RawRecord, ("store_id", "order_id"), rows, beside={"payload": Documents.of(sent)})
        found = db.session.execute(select(RawRecord.order_id, RawRecord.payload))
        kept = {row.order_id: row.payload for row in found}
    assert [kept[order_id] for order_id in ids] == sent
    assert [list(kept[order_id]) for order_id in ids] == [list(payload) for payload in sent]


def test_what_postgresql_cannot_hold_is_replaced(books: Books, channel: SomeChannel) -> None:
    order_id = books.order(channel)
    with books.scope():
        keys = [{"store_id": books.store.id, "order_id": order_id}]
        insert_rows(
            RawRecord, ("store_id", "order_id"), keys, beside={"payload": Documents.of([{"a": "x\x00\\u0000"}])}
        )
        assert db.session.scalars(select(RawRecord.payload)).one() == {"a": "x\ufffd\\u0000"}
