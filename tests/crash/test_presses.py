"""Every button pressed twice at the same moment, over HTTP, at two web processes that may each take one press."""

from __future__ import annotations

import re
import zlib
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import pytest
from flask import Flask

from tests.crash.house import House
from tests.crash.merchant import Merchant, move_in
from tests.crash.moments import counting
from tests.crash.resident import JobRow

pytestmark = pytest.mark.processes

Form = Mapping[str, str]
Outcome = Callable[[Merchant, Sequence[JobRow]], None]

ONCE_IS_AS_TWICE = {
    "accounts.signin": "each browser gets its own session",
    "accounts.signout": "what has ended has ended",
    "accounts.forgot": "each mail is good, the newest link counts",
    "accounts.reset": "a link opens once",
    "accounts.me": "a name is replaced",
    "accounts.code": "a code is accepted once: tests/accounts/test_two_step.py brings it at the same moment",
    "accounts.password_strength": "judges what is typed and stores nothing",
    "accounts.prove": "each press renews the proof",
    "accounts.start_two_step": "a secret that was drawn a moment ago is shown again",
    "accounts.set_up_two_step": "the second finds nothing to confirm",
    "accounts.renew_recovery_codes": "each press makes other codes, and the newest count",
    "accounts.switch_off_two_step": "what is off is off",
    "accounts.sign_out_device": "what has ended has ended",
    "accounts.sign_out_others": "what has ended has ended",
    "settings.require_two_step": "a switch is set",
    "settings.release_two_step": "a switch is set",
    "accounts.stores": "a person has one store of a name: tests/accounts/test_sign_up.py races the presses",
    "accounts.change_password": "the second is refused: the old password is no longer right",
    "accounts.invitation": "a link opens once: tests/accounts/test_invitations.py presses at the same moment",
    "settings.invite": "the second is refused: the address is invited already",
    "settings.send_invitation_again": "each press makes another link, and the newest opens",
    "settings.withdraw_invitation": "the second finds it withdrawn",
    "settings.member": "a role is set",
    "settings.remove_member": "the second finds nobody: tests/accounts/test_staff.py presses at the same moment",
    "settings.leave": "the second finds the store closed",
    "settings.general": "values are replaced",
    "settings.invoicing": "values are replaced",
    "hooks.receive": "a call that comes twice is kept once: tests/sync/test_webhooks.py",
    "orders.ask": "asks the channel and stores nothing",
    "settings.closing": "the second is refused: the month is closed already",
    "settings.open_books": "the second is refused: it names the month that was closed",
    "settings.rename": "a name is replaced",
    "settings.act_on_name": "a switch is set",
    "web.choose_theme": "a cookie is set",
    "accounts.choose_language": "a cookie and a column are set",
    "orders.failed_ignore": "what is left out is left out, and the second press finds nothing of it",
    "orders.failed_take_back": "what is taken back is not left out any more",
    "orders.failed_date": "a day is set",
    "orders.mark": "a word is noted",
    "orders.move": "a status is set: tests/fulfilment/test_services.py sends at the same moment",
    "orders.say": "the second is refused: it is on its way already (tests/links/test_moving.py)",
    "orders.understood": "what was read is read",
    "orders.courier": "a name is replaced",
    "orders.split": "the second finds the package split: tests/fulfilment/test_services.py presses at the same moment",
    "orders.merge": "the second finds the package gone",
    "orders.separate": "the second finds the package its own",
    "orders.combine": "the second finds them together",
    "settings.api_keys": "the second is refused: the name stands for one key",
    "settings.revoke_api_key": "what is revoked is revoked",
    "settings.webhooks": "each press adds one, as each form asks",
    "settings.webhook": "values are replaced",
    "settings.pause_webhook": "what is paused is paused",
    "settings.resume_webhook": "what goes goes",
    "settings.test_webhook": "each press sends a test",
    "settings.redeliver": "what waits to be sent waits to be sent",
    "settings.webhook_secret": "each press makes another secret, and the newest counts",
    "settings.remove_webhook": "the second finds nothing to remove",
    "settings.notifications": "values are replaced",
    "notices.read_all": "what is read is read",
    "notices.read_one": "what is read is read",
    "notices.open_devices": "what is read is read",
    "notices.open_one": "what is read is read",
    "notices.stop": "what is stopped is stopped",
    "api.create_order": "one order by its Idempotency-Key: tests/api/test_orders.py sends it at the same moment",
    "api.nothing": "there is nothing at that address",
    "orders.same_sale": "a word is noted, and the second press finds the order gone on",
    "sync.no_delivery_orders": "a setting is set",
    "channels.map_by_name": "what is mapped stays as it is: tests/mappings/test_payments.py presses at the same moment",
    "channels.set_up": "values are replaced, and there is one refresh at a time: tests/channels/test_set_up.py",
    "channels.keep_set_up": "a draft is replaced",
    "channels.refresh_now": "one refresh at a time, as with every kind of job: tests/sync/test_refreshing.py",
    "channels.stock": "the number that was typed counts, however often it is saved: tests/links/test_kept_back.py",
    "links.code": "the draft of a code is found again: tests/links/test_handshake.py",
    "links.options": "a link is moved once, under a lock: tests/links/test_races.py presses at the same moment",
    "links.grant": "a link is moved once: tests/links/test_races.py",
    "links.deny": "a link is moved once: tests/links/test_races.py",
    "links.withdraw": "a link is moved once: tests/links/test_races.py",
    "links.ask_again": "the draft is found again",
    "links.end": "a link is moved once: tests/links/test_races.py",
    "links.rotate": "each press makes another code, and the newest counts",
}
"""Buttons whose second press does no harm, by their nature; their own tests are elsewhere."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button: what is pressed, what must have come of two presses, and how the second may be answered."""

    press: Callable[[Merchant], tuple[str, Form]]
    outcome: Outcome
    may_answer: Collection[int] = (303,)


def on_channel(path: str, **form: str) -> Callable[[Merchant], tuple[str, Form]]:
    return lambda merchant: (f"{merchant.channel}/{path}", form)


def sync(merchant: Merchant) -> tuple[str, Form]:
    return f"/{merchant.slug}/orders/sync", {"all": "1", "filter": ""}


def cancel(merchant: Merchant) -> tuple[str, Form]:
    """A check is on its way and takes a while."""
    with counting(merchant, ms=2_000):
        return f"/{merchant.slug}/jobs/{merchant.job().id}/cancel", {}


def retry(merchant: Merchant) -> tuple[str, Form]:
    """A check was cancelled."""
    merchant.press(*cancel(merchant))
    merchant.wait_until_idle()
    return f"/{merchant.slug}/jobs/{merchant.job().id}/retry", {}


def blocked(act: str, **form: str) -> Callable[[Merchant], tuple[str, Form]]:
    """An order was booked, but somebody else's number stands on it."""

    def press(merchant: Merchant) -> tuple[str, Form]:
        changes = "select id from changes where store_id = %s and state = 'blocked'"
        if not merchant.rows(changes):
            foreign = {"order_status": "Completed", "payment_status": "Paid", "invoice_no": "OTHER-1"}
            order = {"count": 1, "seed": 1, "set": {**foreign, "marketplace": "Shopee"}}
            merchant.shop.steer("POST", "orders", json=order)
            merchant.press(f"{merchant.channel}/sync-now")
            merchant.wait_until_idle()
        (change,) = merchant.rows(changes)
        return f"/{merchant.slug}/changes/{change['id']}/{act}", form

    return press


def on_hold(merchant: Merchant) -> tuple[str, Form]:
    """The shop has a paid order on hold, so it is held here."""
    order = {"order_status": "On Hold", "payment_status": "Paid", "marketplace": "Shopee"}
    merchant.shop.steer("POST", "orders", json={"count": 1, "seed": 2, "set": order})
    merchant.press(f"{merchant.channel}/check")
    merchant.wait_until_idle()
    channel_id = merchant.channel.rpartition("/")[2]
    return f"/{merchant.slug}/failed/{channel_id}/orders/ON_HOLD/retry", {}


def invoiced(merchant: Merchant) -> dict[str, object]:
    """An invoice that counts."""
    found, *_others = merchant.rows(
        "select id, order_id from invoices where store_id = %s and state = 'posted' and total > 0 order by id"
    )
    return found


def credit(merchant: Merchant) -> tuple[str, Form]:
    form = {"how": "full", "words": "Broken cup", "seen": "0", "confirmed": "1"}
    return f"/{merchant.slug}/invoices/{invoiced(merchant)['id']}/credit", form


def reissue(merchant: Merchant) -> tuple[str, Form]:
    return f"/{merchant.slug}/invoices/{invoiced(merchant)['id']}/reissue", {"words": "Wrong buyer"}


def invoice_again(merchant: Merchant) -> tuple[str, Form]:
    """An invoice was credited, and the sale stands after all."""
    order_id = invoiced(merchant)["order_id"]
    merchant.press(*credit(merchant))
    return f"/{merchant.slug}/orders/{order_id}/invoice-again", {"words": "Sold after all"}


def deviating(merchant: Merchant) -> tuple[str, Form]:
    """The channel has an order of an earlier day that no check has seen, and a verification found it."""
    made = "2026-11-02T10:00:00+08:00"
    told = {"order_status": "Completed", "payment_status": "Paid", "marketplace": "Shopee"}
    fields = {**told, "order_creation_date": made, "updated_at": made}
    merchant.shop.steer("POST", "orders", json={"count": 1, "seed": 3, "set": fields})
    merchant.press(f"{merchant.channel}/verify")
    merchant.wait_until_idle()
    (found,) = merchant.rows("select id from verifications where store_id = %s and missing = 1")
    return f"/{merchant.slug}/verify/{found['id']}/mend", {"all": "1"}


def gateway(merchant: Merchant) -> tuple[str, Form]:
    mapping, *_others = merchant.rows(
        "select m.id, m.version, p.id as method from payment_mappings m "
        "join payment_methods p on p.store_id = m.store_id and p.is_default where m.store_id = %s order by m.id"
    )
    form = {"payment_method_id": str(mapping["method"]), "version": str(mapping["version"])}
    return f"{merchant.channel}/payments/{mapping['id']}", form


def marketplace(merchant: Merchant) -> tuple[str, Form]:
    place, *_others = merchant.rows("select id from marketplaces where store_id = %s order by id")
    form = {"salesperson_id": "", "new_name": "Aminah", "version": "0"}
    return f"{merchant.channel}/marketplaces/{place['id']}", form


MINE = "where store_id = %s and sku_key = 'mine'"
MY_ITEM = "select i.id from items i where i.store_id = listings.store_id and i.sku_key = 'mine'"
LINKED = "where store_id = %s and item_id is not null"


def item(merchant: Merchant) -> tuple[str, Form]:
    (mine,) = merchant.rows(f"select id from items {MINE}")
    return f"/{merchant.slug}/inventory/{mine['id']}", {"sku": "MINE", "name": "Ours", "version": "1"}


def adjustment(merchant: Merchant) -> tuple[str, Form]:
    """What the item's page would send: two pieces came in."""
    (place,) = merchant.rows("select id from locations where store_id = %s")
    told = {"how": "add", "pieces": "2", "reason": "received", "seen": "0", "key": "0123456789abcdef" * 2}
    return f"{item(merchant)[0]}/adjust", {"location_id": str(place["id"]), **told}


def item_file(merchant: Merchant) -> tuple[str, Form]:
    """What a look at a file has shown: one more item."""
    url = f"/{merchant.slug}/inventory/import"
    files = {"file": ("items.csv", b"sku,name\nFILED,Filed\n")}
    look = merchant.browser.post(f"{merchant.house.url}{url}", files=files, timeout=60).text
    return url, {name: re.findall(rf'name="{name}" value="([^"]*)"', look)[0] for name in ("sheet", "digest")}


def first_listing(merchant: Merchant) -> tuple[str, Form]:
    (mine,) = merchant.rows(f"select id from items {MINE}")
    found, *_others = merchant.rows("select id, version from listings where store_id = %s order by id")
    form = {"act": "link", "item_id": str(mine["id"]), "version": str(found["version"])}
    return f"{merchant.channel}/products/{found['id']}", form


def unlink(merchant: Merchant, which: str) -> None:
    found, *_others = merchant.rows(f"select id, version from listings {LINKED} {which} order by id")
    form = {"act": "unlink", "version": str(found["version"])}
    merchant.press(f"{merchant.channel}/products/{found['id']}", form)


def accept(merchant: Merchant) -> tuple[str, Form]:
    """One product is no longer linked to the item that was made of it."""
    unlink(merchant, f"and item_id <> ({MY_ITEM})")
    return f"{merchant.channel}/products/accept", {"count": "1"}


def undo(merchant: Merchant) -> tuple[str, Form]:
    (found,) = merchant.rows("select batch from listings where store_id = %s and batch is not null")
    return f"{merchant.channel}/products/undo", {"batch": str(found["batch"])}


def import_links(merchant: Merchant) -> tuple[str, Form]:
    """What a preview has shown: the product gets its item back."""
    certain = "select id, version, candidate_ids from listings where store_id = %s and certainty = 'certain'"
    (found,) = merchant.rows(f"{certain} and item_id is null")
    changes = f"{found['id']}.{found['version']}.{found['candidate_ids'][0]}"
    return f"{merchant.channel}/products/import", {"changes": changes}


def archive(merchant: Merchant) -> tuple[str, Form]:
    """No product means it any more."""
    unlink(merchant, f"and item_id = ({MY_ITEM})")
    return f"{item(merchant)[0]}/archive", {}


def channel_settings(merchant: Merchant) -> tuple[str, Form]:
    return f"{merchant.channel}/settings", {"name": "Our shop", "start_on": merchant.options_form["start_on"]}


def reconnect(merchant: Merchant) -> tuple[str, Form]:
    return f"{merchant.channel}/reconnect", merchant.connection_form


def one_more_job(kind: str, state: str = "succeeded") -> Outcome:
    """Two presses made one job, and it ended as it should."""

    def check(merchant: Merchant, before: Sequence[JobRow]) -> None:
        merchant.wait_until_idle()
        after = [(job.kind, job.state) for job in merchant.jobs() if job.id not in {old.id for old in before}]
        assert after == [(kind, state)]

    return check


def row(sql: str, expected: Mapping[str, object]) -> Outcome:
    """One row of the store is as it should be, and nothing was started."""

    def check(merchant: Merchant, before: Sequence[JobRow]) -> None:
        assert merchant.rows(sql) == [expected]
        assert [job.id for job in merchant.jobs()] == [job.id for job in before]

    return check


def stopped(merchant: Merchant, before: Sequence[JobRow]) -> None:
    """The newest job, which was on its way, ended once."""
    merchant.wait_until_idle()
    assert merchant.job().state == "cancelled"
    assert {job.id for job in merchant.jobs()} == {job.id for job in before}


MADE_HERE = (
    "from orders o join channels c on c.store_id = o.store_id and c.id = o.channel_id "
    "where o.store_id = %s and c.kind = 'own'"
)


def new_order(merchant: Merchant) -> tuple[str, Form]:
    line = {"line_name": "Kopi", "line_quantity": "2", "line_unit_price": "3.90"}
    return f"/{merchant.slug}/orders/new", {"press": "one-press-of-many", "save": "1", "kind": "pos", **line}


def orders_of_a_file(merchant: Merchant) -> tuple[str, Form]:
    """What a preview has shown: an order without a number."""
    sheet = urlsafe_b64encode(zlib.compress(b"kind,name,quantity,unit_price\nlanding page,Kopi,1,3.90\n")).decode()
    return f"/{merchant.slug}/orders/import", {"sheet": sheet, "press": "one-press-of-a-file"}


def edited_order(merchant: Merchant) -> tuple[str, Form]:
    (order,) = merchant.rows("select id from orders where store_id = %s and number = 'SO00001'")
    return f"/{merchant.slug}/orders/{order['id']}/edit", {**new_order(merchant)[1], "line_quantity": "3"}


def is_channel(**expected: object) -> Outcome:
    return row(f"select {', '.join(expected)} from channels where store_id = %s and kind <> 'own'", expected)


# In the order in which one merchant comes to press them.
BUTTONS: Mapping[str, Button] = {
    "channels.check": Button(on_channel("check"), one_more_job("check")),
    "orders.sync": Button(sync, one_more_job("sync")),
    "sync.sync_now": Button(on_channel("sync-now"), one_more_job("auto")),
    "sync.cancel": Button(cancel, stopped),
    "sync.retry": Button(retry, one_more_job("check")),
    "invoices.credit": Button(
        credit,
        row("select count(*) from credit_notes where store_id = %s and cause = 'correction'", {"count": 1}),
    ),
    "invoices.reissue": Button(reissue, one_more_job("write_back")),
    "invoices.invoice_again": Button(invoice_again, one_more_job("write_back")),
    "sync.change_retry": Button(blocked("retry"), one_more_job("write_back", "partly")),
    "sync.change_drop": Button(
        blocked("drop", confirmed="1"),
        row("select count(*) from changes where store_id = %s and state = 'dropped'", {"count": 1}),
    ),
    "orders.failed_retry": Button(on_hold, one_more_job("retry")),
    "completeness.start": Button(on_channel("verify"), one_more_job("verify")),
    "completeness.mend": Button(deviating, one_more_job("mend")),
    "channels.settings": Button(channel_settings, is_channel(name="Our shop")),
    "channels.reconnect": Button(reconnect, is_channel(status="connected")),
    "channels.pause": Button(on_channel("pause"), is_channel(status="paused")),
    "channels.resume": Button(on_channel("resume"), is_channel(status="connected")),
    "channels.auto_sync": Button(
        on_channel("auto-sync", on="y", minutes="60"), is_channel(auto_sync=True, auto_sync_minutes=60)
    ),
    "channels.payments": Button(
        on_channel("payments", gateway="Boost", payment_method_id=""),
        row("select count(*) from payment_mappings where store_id = %s and gateway_key = 'boost'", {"count": 1}),
    ),
    "channels.save_gateway": Button(
        gateway,
        row(
            "select version from payment_mappings where store_id = %s and payment_method_id is not null",
            {"version": 1},
        ),
    ),
    "channels.save_marketplace": Button(
        marketplace,
        row(
            "select p.name, m.version from salesperson_mappings m "
            "join salespeople p on p.store_id = m.store_id and p.id = m.salesperson_id where m.store_id = %s",
            {"name": "Aminah", "version": 1},
        ),
    ),
    "channels.refresh_products": Button(on_channel("products/refresh"), one_more_job("products")),
    "inventory.add": Button(
        lambda merchant: (f"/{merchant.slug}/inventory/add", {"sku": "MINE", "name": "Mine"}),
        row("select count(*) from items where store_id = %s and sku_key = 'mine'", {"count": 1}),
        may_answer=(303, 422),
    ),
    "inventory.show": Button(
        item, row(f"select name, version from items {MINE}", {"name": "Ours", "version": 2}), may_answer=(303, 422)
    ),
    "inventory.adjust_stock": Button(
        adjustment,
        row("select on_hand, version from stock_levels where store_id = %s", {"on_hand": 2, "version": 1}),
    ),
    "inventory.import_items": Button(
        item_file,
        row("select count(*) from items where store_id = %s and sku_key = 'filed'", {"count": 1}),
    ),
    "channels.listing": Button(
        first_listing,
        row("select count(*), max(version) as saves from listings " + LINKED, {"count": 1, "saves": 1}),
    ),
    "channels.create_items": Button(
        on_channel("products/create"),
        row(
            "select count(*) > 2 and count(*) = count(distinct item_id) as once from listings " + LINKED, {"once": True}
        ),
    ),
    "channels.accept_certain": Button(
        accept, row("select count(*) from listings where store_id = %s and batch is not null", {"count": 1}), (303, 409)
    ),
    "channels.undo_batch": Button(
        undo, row("select count(*) from listings where store_id = %s and batch is not null", {"count": 0})
    ),
    "channels.import_links": Button(
        import_links, row("select count(*) from listings where store_id = %s and version = 5", {"count": 1})
    ),
    "inventory.archive": Button(
        archive, row(f"select archived_at is not null as gone from items {MINE}", {"gone": True})
    ),
    "channels.refresh": Button(
        on_channel("marketplaces/refresh"),
        row("select count(*) from marketplaces where store_id = %s", {"count": 8}),
    ),
    "orders.new": Button(
        new_order,
        row(
            f"select count(*), sum(o.total)::int as total {MADE_HERE} and o.order_type = 'pos'",
            {"count": 1, "total": 780},
        ),
    ),
    "orders.import_orders": Button(
        orders_of_a_file,
        row(
            f"select count(*) {MADE_HERE} and o.order_type = 'landing_page'",
            {"count": 1},
        ),
    ),
    "orders.edit": Button(
        edited_order,
        row(
            "select count(*), max(o.total) as total from journal j join orders o on o.store_id = j.store_id "
            "and o.id = j.order_id where j.store_id = %s and j.kind = 'changed' and o.number = 'SO00001'",
            {"count": 1, "total": 1170},
        ),
    ),
    "settings.names": Button(
        lambda merchant: (f"/{merchant.slug}/settings/warehouses", {"name": "Ipoh"}),
        row("select count(*) from locations where store_id = %s and name = 'Ipoh'", {"count": 1}),
        may_answer=(303, 422),
    ),
    "channels.announce": Button(
        on_channel("announce", announce="on"),
        row("select count(*), count(registered_at) as told from webhooks where store_id = %s", {"count": 1, "told": 1}),
    ),
    "channels.remove": Button(on_channel("remove"), is_channel(status="removed"), may_answer=(303, 404)),
}


@pytest.fixture(scope="module")
def settled(new_merchant: Callable[[str], Merchant]) -> Merchant:
    """A merchant whose channel is connected; its orders come in with the first press."""
    merchant = new_merchant("settled")
    move_in([merchant], [])
    return merchant


@pytest.mark.parametrize("endpoint", BUTTONS)
def test_two_presses_are_as_one(settled: Merchant, endpoint: str) -> None:
    button = BUTTONS[endpoint]
    path, form = button.press(settled)
    before = settled.jobs()
    answers = settled.press_twice(path, form, may_answer=button.may_answer)
    assert Counter(answer.status_code for answer in answers)[303] >= 1
    button.outcome(settled, before)


def test_signing_up_and_connecting_twice_makes_one_store_and_one_channel(
    house: House, new_merchant: Callable[[str], Merchant]
) -> None:
    merchant = new_merchant("newcomer")
    merchant.press_twice("/signup", merchant.sign_up_form)
    merchant.learn_store()
    email = merchant.sign_up_form["email"]
    memberships = "select count(*) from memberships m join users u on u.id = m.user_id where u.email = %s"
    assert house.query(memberships, email) == [{"count": 1}]
    merchant.press_twice(f"{merchant.channels}/add/sitegiant", merchant.connection_form)
    merchant.press_twice(f"{merchant.channels}/add/sitegiant/options", merchant.options_form)
    assert merchant.rows("select status from channels where store_id = %s") == [{"status": "connected"}]


def test_every_button_is_pressed_here_or_said_to_need_no_test(app: Flask) -> None:
    buttons = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    newcomers = {"accounts.signup", "channels.add_connection", "channels.add_options"}
    assert buttons == {*BUTTONS, *ONCE_IS_AS_TWICE, *newcomers}
