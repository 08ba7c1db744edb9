"""What happens in the books is planned in its own transaction, for those endpoints that ask for it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import text

from app.channels import services as channels
from app.core.calling import Event
from app.core.crediting import InFull
from app.core.states import CreditCause
from app.extensions import db
from app.sync.crediting import credit_invoice
from tests.hooks.conftest import Told
from tests.hooks.receiver import Call


def test_an_invoice_and_a_written_number_are_told_with_their_amounts(told: Told) -> None:
    told.add(Event.INVOICE_ISSUED, Event.NUMBER_WRITTEN, Event.NUMBER_NOT_WRITTEN)
    channel = told.books.channel("SiteGiant")
    order_id = told.books.order(channel, number="A-1", total=3990)
    invoice_id = told.books.invoice(order_id)
    change_id = told.books.change(order_id, invoice_id, "sending")
    told.execute("update changes set state = 'done' where id = :id", id=change_id)
    told.execute("update changes set done_at = now() where id = :id", id=change_id)
    told.deliver()
    issued, written = (call.json for call in sorted(told.receiver.calls, key=lambda call: call.json["type"]))
    assert (issued["type"], written["type"]) == ("invoice.issued", "write_back.done")
    assert issued["store"] == told.store.slug
    assert issued["data"]["order"] == {"id": str(order_id), "number": "A-1"}
    assert issued["data"]["channel"] == {"id": str(channel.id), "name": "SiteGiant"}
    assert (issued["data"]["currency"], issued["data"]["total"]) == ("MYR", "39.90")
    assert written["data"]["invoice"]["id"] == str(invoice_id)
    assert {call.path for call in told.receiver.calls} == {"/hooks?shop=1"}


def test_a_credit_note_and_a_number_that_was_not_written_are_told(told: Told) -> None:
    told.add(Event.CREDIT_NOTE_ISSUED, Event.NUMBER_NOT_WRITTEN)
    order_id = told.books.order(told.books.channel(), total=3990)
    invoice_id = told.books.invoice(order_id)
    change_id = told.books.change(order_id, invoice_id, "sending")
    told.execute("update changes set state = 'blocked', reason = 'FOREIGN_NUMBER' where id = :id", id=change_id)
    with told.scope():
        person = told.store.owner.id
        credit_invoice(invoice_id, InFull(), seen=0, cause=CreditCause.CORRECTION, words="Broken", user_id=person)
    told.deliver()
    said = {call.json["type"]: call.json["data"] for call in told.receiver.calls}
    assert said.keys() == {"credit_note.issued", "write_back.failed"}
    assert said["write_back.failed"]["reason"] == "FOREIGN_NUMBER"
    assert said["credit_note.issued"]["invoice"]["id"] == str(invoice_id)
    assert (said["credit_note.issued"]["cause"], said["credit_note.issued"]["total"]) == ("correction", "39.90")


def test_an_order_is_told_when_it_comes_to_need_somebody_and_not_again(told: Told) -> None:
    told.add(Event.ORDER_HELD)
    channel = told.books.channel()
    first = told.books.order(channel, state="held", reason="GATEWAY_UNMAPPED")
    second = told.books.order(channel, state="ready")
    told.books.set(second, state="held", reason="GATEWAY_UNMAPPED")
    told.books.set(second, note="Ring twice")
    told.books.set(second, state="ready", reason=None)
    assert [message.type for message in told.messages] == ["order.held"] * 2
    told.deliver()
    assert {call.json["data"]["id"] for call in told.receiver.calls} == {str(first), str(second)}
    assert {call.json["data"]["reason"] for call in told.receiver.calls} == {"GATEWAY_UNMAPPED"}


def test_a_channel_that_stops_and_goes_on_is_told(told: Told) -> None:
    told.add(Event.CHANNEL_PAUSED, Event.CHANNEL_RESUMED)
    channel = told.books.channel()
    with told.scope():
        channels.pause_by_error(channel.id, "AUTH_EXPIRED")
        channels.change_settings(channel.id, name="Another", start_on=channels.first_day_of_year(_now(), "UTC"))
        db.session.commit()
    told.execute("update channels set status = 'connected', paused_reason = '' where id = :id", id=channel.id)
    assert [message.type for message in told.messages] == ["channel.paused", "channel.resumed"]


def test_what_is_rolled_back_is_never_told(told: Told) -> None:
    told.add(Event.ORDER_HELD)
    channel = told.books.channel()
    order_id = told.books.order(channel, state="ready")
    with told.scope():
        db.session.execute(text("update orders set state = 'held' where id = :id"), {"id": order_id})
        db.session.rollback()
    assert told.messages == []


def test_nobody_is_told_what_they_did_not_ask_for_nor_while_paused(told: Told) -> None:
    told.add(Event.STOCK_CHANGED)
    told.books.order(told.books.channel(), state="held")
    assert told.messages == []
    told.add(Event.ORDER_HELD)
    told.execute("update endpoints set state = 'paused'")
    told.books.order(told.books.channel(), state="held")
    assert told.messages == []


def test_many_orders_are_told_by_the_statement_that_writes_them(told: Told) -> None:
    told.add(Event.ORDER_HELD, Event.STOCK_CHANGED)
    ids = told.books.orders(told.books.channel(), [{"state": "held", "reason": "PAID_LESS"} for _number in range(250)])
    assert told.scalars("select data ->> 'id' from hook_messages order by id") == [str(order_id) for order_id in ids]
    assert len(set(told.scalars("select message_id from hook_messages"))) == len(ids)


def test_stock_is_told_a_hundred_levels_at_a_time(told: Told) -> None:
    told.add(Event.STOCK_CHANGED)
    items = [told.books.item(f"SKU-{number}") for number in range(3)]
    told.execute(
        "insert into stock_levels (store_id, item_id, location_id, on_hand, reserved) "
        "select i.store_id, i.id, l.id, 5, 2 from items i cross join (select id from locations limit 1) l"
    )
    told.execute("update stock_levels set on_hand = 4 where item_id = :id", id=items[0])
    told.execute("update stock_levels set version = version + 1")
    told.deliver()
    changed, made = (call.json["data"]["levels"] for call in sorted(told.receiver.calls, key=_number_of_levels))
    assert [level["sku"] for level in made] == ["SKU-0", "SKU-1", "SKU-2"]
    assert changed[0] | {"warehouse": ""} == {
        "sku": "SKU-0",
        "warehouse": "",
        "on_hand": 4,
        "reserved": 2,
        "available": 2,
    }


def _number_of_levels(call: Call) -> int:
    return len(call.json["data"]["levels"])


def _now() -> datetime:
    return datetime.now(UTC)
