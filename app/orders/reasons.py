"""Why an order or a write-back waits, in the shop's words, with what to do and the button that does it.

One table for the orders' list, the order's page, Failed Sync, a channel's tabs and the jobs. Codes are those of
`app.core.states.Reason` and `app.core.errors`; the facts of a sentence are the `detail` that was stored with the code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.states import OrderState, Reason
from app.web.filters import money, signed_money
from app.web.links import url_if
from app.web.reader import Reader, reader


@dataclass(frozen=True, slots=True)
class Place:
    """Where the obstacle is: what the buttons need to know. `mapping_id` is the gateway's row in Payment Methods,
    `order_id` the order when it is about one alone, `sku` the first that means no item, or several;
    `item_id` the item of which pieces lack."""

    channel_id: int
    channel: str
    mapping_id: int | None = None
    order_id: int | None = None
    sku: str = ""
    item_id: int | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """A link that leads to what mends."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """`short` fits a chip, `words` is the sentence with its facts, `advice` says what to do ("" when nothing)."""

    code: str
    short: str
    words: str
    advice: str
    button: Button | None


@dataclass(frozen=True, slots=True)
class _Entry:
    """Lazy strings, or what they say to the reader. `short` begins in lower case because counts stand before it ("3 not
    paid yet"). `many` is the sentence for several orders, where `words` names facts that only one of them has."""

    short: Any
    words: Any
    advice: Any
    mend: Callable[[Place], Button | None]
    many: Any = None


class _Facts(dict[str, str]):
    """A fact that was not stored must not break a page."""

    def __missing__(self, _key: str) -> str:
        return "–"


def explain(code: str | None, detail: Mapping[str, Any] | None, place: Place) -> Explanation | None:
    """The reason of one order in words; None without a code. A code that the table lacks is shown as it is."""
    return _explanation(code, detail or {}, place, several=False) if code else None


def explain_several(code: str, detail: Mapping[str, Any], place: Place) -> Explanation:
    """The reason that several orders share; `detail` holds only the facts that are the same for all."""
    return _explanation(code, detail, place, several=True)


def _explanation(code: str, detail: Mapping[str, Any], place: Place, *, several: bool) -> Explanation:
    table = _said(reader())
    entry = table.get(code) or table[""]
    facts = _facts(detail, place, code)
    words = entry.many if several and entry.many is not None else entry.words
    return Explanation(
        code=code,
        short=_capital(entry.short),
        words=words % facts,
        advice=entry.advice % facts,
        button=entry.mend(replace(place, sku=str(detail.get("skus") or "").partition(", ")[0])),
    )


@cache
def _said(_reader: Reader) -> dict[str, _Entry]:
    """The table in words, said once in each language; "" is what is said of any other code."""
    return {
        code: replace(
            entry,
            short=str(entry.short),
            words=str(entry.words),
            advice=str(entry.advice),
            many=None if entry.many is None else str(entry.many),
        )
        for code, entry in {**_TABLE, "": _UNKNOWN}.items()
    }


def phrase(code: str) -> str:
    """The few words that follow a count: "not paid yet" for UNPAID; order states, in any case, have theirs too."""
    words = _STATE_PHRASES.get(code.lower()) or (_TABLE.get(code) or _UNKNOWN).short
    return str(words)


def alert_words(alert: str, channel: str) -> str:
    """What happened on the channel to an order that already has an invoice."""
    return str(_ALERTS.get(alert) or _ALERTS[Reason.CHANGED_AFTER_BOOKING]) % {"channel": channel}


def reason_choices() -> list[tuple[str, str]]:
    """(code, short words) of the reasons that orders have, for a filter."""
    return [(code, _capital(str(_TABLE[code].short))) for code in _ORDER_REASONS]


def alert_choices() -> list[tuple[str, str]]:
    """(code, words) of the alerts, for a filter."""
    return [(code, _capital(str(_TABLE[code].short))) for code in _ALERTS]


def _facts(detail: Mapping[str, Any], place: Place, code: str) -> _Facts:
    facts = _Facts({name: str(value) for name, value in detail.items() if value not in (None, "")})
    facts["channel"], facts["code"] = place.channel, code
    facts["gateway"] = str(detail.get("gateway") or _("No gateway"))
    currency = str(detail.get("currency") or "")
    for name in ("charged", "added_up", "total", "refunded"):
        if currency and isinstance(detail.get(name), int):
            facts[name] = money(detail[name], currency)
    if currency and isinstance(detail.get("difference"), int):
        facts["difference"] = signed_money(detail["difference"], currency)
    if "rule" in detail:
        facts["rule"] = str(_RULES.get(detail["rule"], detail["rule"]))
    return facts


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _button(label: Any, url: str | None) -> Button | None:
    return Button(str(label), url) if url else None


def _nothing(_place: Place) -> None:
    """Nobody can mend it here: time, or the channel, does."""


def _payments(place: Place) -> Button | None:
    url = url_if("channels.payments", channel_id=place.channel_id)
    anchor = f"#gateway-{place.mapping_id}" if place.mapping_id else ""
    return _button(_l("Choose a payment method"), url and url + anchor)


def _check(place: Place) -> Button | None:
    return _button(_l("Open Order Sync"), url_if("channels.orders", channel_id=place.channel_id))


def _reconnect(place: Place) -> Button | None:
    return _button(_l("Reconnect"), url_if("channels.reconnect", channel_id=place.channel_id))


def _products(place: Place) -> Button | None:
    return _button(
        _l("Open Product Sync"), url_if("channels.products", channel_id=place.channel_id, q=place.sku or None)
    )


def _item(place: Place) -> Button | None:
    if place.item_id is None:
        return None
    return _button(_l("Open its stock"), url_if("inventory.show", item_id=place.item_id))


def _compare(place: Place) -> Button | None:
    """Two orders are compared one pair at a time."""
    return (
        _button(_l("Compare the two"), url_if("orders.same_sale", order_id=place.order_id)) if place.order_id else None
    )


def _months(_place: Place) -> Button | None:
    return _button(_l("Open the month"), url_if("settings.closing") or url_if("settings.invoicing"))


def _left_out(_place: Place) -> Button | None:
    return _button(_l("Show what is ignored"), url_if("orders.failed_ignored"))


def _channel_settings(place: Place) -> Button | None:
    return _button(_l("Open the channel's settings"), url_if("channels.settings", channel_id=place.channel_id))


def _invoicing(_place: Place) -> Button | None:
    return _button(_l("Open the invoice settings"), url_if("settings.invoicing"))


_RULES: Final[Mapping[str, Any]] = {
    "created": _l("the day of the order"),
    "paid": _l("the day of payment"),
    "shipped": _l("the day of shipping"),
}

_STATE_PHRASES: Final[Mapping[str, Any]] = {
    OrderState.WAITING: _l("not paid yet"),
    OrderState.READY: _l("ready to sync"),
    OrderState.QUEUED: _l("already requested"),
    OrderState.BOOKED: _l("already invoiced"),
    OrderState.HELD: _l("need attention first"),
    OrderState.CLOSED: _l("cancelled, returned or refunded"),
}

_ALERTS: Final[Mapping[str, Any]] = {
    Reason.CANCELLED: _l("Cancelled on %(channel)s after it was invoiced"),
    Reason.RETURNED: _l("Returned on %(channel)s after it was invoiced"),
    Reason.REFUNDED: _l("Refunded on %(channel)s after it was invoiced"),
    Reason.PARTLY_REFUNDED: _l("Partly refunded on %(channel)s after it was invoiced"),
    Reason.UNPAID: _l("%(channel)s says unpaid again, after it was invoiced"),
    Reason.CHANGED_AFTER_BOOKING: _l("Its total changed on %(channel)s after it was invoiced"),
    Reason.ORDER_MISSING: _l("%(channel)s does not know it any more, after it was invoiced"),
}

_UNKNOWN: Final = _Entry(
    _l("needs attention"),
    _l("It stopped for a reason that this page does not know (%(code)s)."),
    _l("Check for updates; if it stays, tell whoever runs this server."),
    _check,
)

_TABLE: Final[Mapping[str, _Entry]] = {
    Reason.UNPAID: _Entry(
        _l("not paid yet"),
        _l("%(channel)s says that the buyer has not paid yet."),
        _l("Nothing to do: once it is paid, the next check makes it ready."),
        _nothing,
    ),
    Reason.CANCELLED: _Entry(
        _l("cancelled"),
        _l("It was cancelled before it was invoiced, so there is nothing to book."),
        "",
        _nothing,
    ),
    Reason.RETURNED: _Entry(
        _l("returned"),
        _l("It was returned before it was invoiced, so there is nothing to book."),
        "",
        _nothing,
    ),
    Reason.REFUNDED: _Entry(
        _l("refunded"),
        _l("The buyer got the money back before it was invoiced, so there is nothing to book."),
        "",
        _nothing,
    ),
    Reason.BEFORE_START_DATE: _Entry(
        _l("before the start date"),
        _l("It was placed before the day from which %(channel)s is kept here."),
        _l("To book it here, move the channel's start date back."),
        _channel_settings,
    ),
    Reason.GATEWAY_UNMAPPED: _Entry(
        _l("payment method missing"),
        _l("“%(gateway)s” has no payment method yet."),
        _l("Choose the payment method that “%(gateway)s” pays into; every order that waits for it goes on by itself."),
        _payments,
    ),
    Reason.TOTAL_MISMATCH: _Entry(
        _l("total differs from its lines"),
        _l("The lines add up to %(added_up)s, but %(channel)s charged %(charged)s: a difference of %(difference)s."),
        _l("Correct the order on %(channel)s, then check for updates. It is not invoiced with a wrong total."),
        _check,
        _l("The lines do not add up to what %(channel)s charged."),
    ),
    Reason.CURRENCY_UNSUPPORTED: _Entry(
        _l("currency not invoiced"),
        _l("It is in %(currency)s, and this store does not issue invoices in %(currency)s."),
        _l("Allow %(currency)s in the invoice settings, if you keep books in it."),
        _invoicing,
        _l("This store does not issue invoices in %(currency)s."),
    ),
    Reason.ON_HOLD: _Entry(
        _l("on hold on the channel"),
        _l("It is paid, but %(channel)s has it on hold."),
        _l("Release it on %(channel)s; the next check makes it ready."),
        _check,
    ),
    Reason.STATUS_UNKNOWN: _Entry(
        _l("unknown order status"),
        _l("%(channel)s calls its status “%(status_text)s”, which we do not know. We do not guess."),
        _l("Check for updates when it has changed on %(channel)s; if it stays, tell whoever runs this server."),
        _check,
        _l("%(channel)s gives a status that we do not know. We do not guess."),
    ),
    Reason.PAYMENT_STATUS_UNKNOWN: _Entry(
        _l("unknown payment status"),
        _l("%(channel)s calls its payment “%(payment_status_text)s”, which we do not know. We do not guess."),
        _l(
            "Check for updates when the payment on %(channel)s has changed; if it stays, tell whoever runs this server."
        ),
        _check,
        _l("%(channel)s gives a payment status that we do not know. We do not guess."),
    ),
    Reason.PARTLY_REFUNDED: _Entry(
        _l("partly refunded"),
        _l("%(refunded)s of %(total)s went back to the buyer before it was invoiced."),
        _l("It cannot be invoiced as paid in full. Correct its total on %(channel)s, then check for updates."),
        _check,
        _l("A part of what was paid went back to the buyer before it was invoiced."),
    ),
    Reason.DATE_MISSING: _Entry(
        _l("invoice date missing"),
        _l("Invoices are dated by %(rule)s, and %(channel)s does not say that yet."),
        _l("Wait until %(channel)s says it, or choose another rule in the invoice settings."),
        _invoicing,
    ),
    Reason.PERIOD_LOCKED: _Entry(
        _l("in a closed month"),
        _l("Its invoice would be dated %(day)s, and the books are closed up to %(closed_through)s."),
        _l("Date the invoice on the first open day, or open the month again."),
        _months,
        _l("Their invoices would be dated on days on which the books are closed."),
    ),
    Reason.DUPLICATE_SUSPECTED: _Entry(
        _l("same sale?"),
        _l("Order %(number)s of another channel has the same buyer, items, amount and time."),
        _l("Compare the two. Book it when they are two sales, leave it out when they are one."),
        _compare,
        _l("Orders of another channel have the same buyers, items, amounts and times."),
    ),
    Reason.SKU_NOT_FOUND: _Entry(
        _l("item not linked"),
        _l("No item of yours is linked to %(skus)s."),
        _l("Link it in Product Sync; the order goes on by itself."),
        _products,
        _l("They hold SKUs that are linked to no item of yours."),
    ),
    Reason.SKU_AMBIGUOUS: _Entry(
        _l("item not clear"),
        _l("More than one item of yours answers to %(skus)s."),
        _l("Say in Product Sync which one is meant; the order goes on by itself."),
        _products,
        _l("They hold SKUs to which more than one item of yours answers."),
    ),
    Reason.CREDITED: _Entry(
        _l("credited"),
        _l("Its invoice was credited in full."),
        "",
        _nothing,
    ),
    Reason.IGNORED: _Entry(
        _l("ignored"),
        _l("Ignored on purpose: “%(words)s”."),
        _l("Take it back when it shall be booked after all."),
        _left_out,
        _l("Ignored on purpose."),
    ),
    Reason.NO_LINES: _Entry(
        _l("no items"),
        _l("%(channel)s sent it without any items."),
        _l("Look at the order on %(channel)s, then check for updates."),
        _check,
    ),
    Reason.AUTO_DO_ENABLED: _Entry(
        _l("delivery orders are automatic"),
        _l("Delivery orders are generated automatically, so goods would leave the stock twice."),
        _l("Set Auto-generate D.O. to None, then sync again."),
        _invoicing,
    ),
    Reason.BAD_PAYLOAD: _Entry(
        _l("not understood"),
        _l("What %(channel)s sent for it could not be read."),
        _l("Retry; if it stays, tell whoever runs this server. What was sent is kept."),
        _check,
        _l("What %(channel)s sent could not be read."),
    ),
    Reason.CHANGED_AFTER_BOOKING: _Entry(
        _l("total changed"),
        _l("Its total changed on %(channel)s after it was invoiced."),
        _l("Compare the invoice with the order on %(channel)s."),
        _nothing,
    ),
    Reason.FOREIGN_NUMBER: _Entry(
        _l("another invoice number on the channel"),
        _l("%(channel)s already holds the number “%(found)s”, which is not ours. Nothing was overwritten."),
        _l("Compare both numbers on the order's page. Clear the field on %(channel)s and retry, or ignore it."),
        _nothing,
        _l("%(channel)s already holds another invoice number, which is not ours. Nothing was overwritten."),
    ),
    Reason.ORDER_MISSING: _Entry(
        _l("not found on the channel"),
        _l("%(channel)s does not know this order any more, or does not give its details."),
        _l("Look for the order on %(channel)s, then try again."),
        _check,
    ),
    Reason.WRITEBACK_FAILED: _Entry(
        _l("number not written back"),
        _l("%(channel)s did not take the invoice number: “%(words)s”."),
        _l("Mend it on %(channel)s, then retry."),
        _nothing,
        _l("%(channel)s did not take the invoice number."),
    ),
    Reason.MOVE_REFUSED: _Entry(
        _l("status not taken over"),
        _l("%(channel)s did not let it go there: “%(words)s”"),
        _l("Look at the order's page. Try again once that is mended, or leave it."),
        _nothing,
        _l("%(channel)s did not let these orders go where you said."),
    ),
    Reason.OVERTAKEN: _Entry(
        _l("said otherwise in the other store"),
        _l("%(channel)s said something else of it, and that counts."),
        "",
        _nothing,
    ),
    Reason.PART_OF_ORDER: _Entry(
        _l("part of another order"),
        _l("It is another paper of an order that is listed by itself, such as its invoice."),
        "",
        _nothing,
    ),
    Reason.MADE_HERE: _Entry(
        _l("made here"),
        _l("It is an order of yours, which we made on %(channel)s."),
        "",
        _nothing,
    ),
    Reason.PRODUCT_UNLINKED: _Entry(
        _l("product not linked"),
        _l("%(channel)s has no product for: %(lines)s."),
        _l("Link a product of %(channel)s to the item in Product Sync. The order goes by itself then."),
        _products,
        many=_l("%(channel)s has no product for some of their lines."),
    ),
    Reason.CURRENCY_DIFFERS: _Entry(
        _l("other currency"),
        _l("It is in %(currency)s, and %(channel)s takes orders in %(theirs)s only."),
        _l("Make it on %(channel)s by hand, or ignore it here."),
        _nothing,
        many=_l("They are in another currency than %(channel)s takes."),
    ),
    Reason.ORDER_REFUSED: _Entry(
        _l("refused by the channel"),
        _l("%(channel)s does not take the order: %(words)s"),
        _l("Mend what it names, then press Retry."),
        _nothing,
        many=_l("%(channel)s does not take these orders."),
    ),
    Reason.LINK_ENDED: _Entry(
        _l("link ended"),
        _l("The link to %(channel)s ended before it was told."),
        "",
        _nothing,
    ),
    "OVERSOLD": _Entry(
        _l("oversold"),
        _l("Too few pieces are in stock for what was ordered, so nothing is reserved for these orders."),
        _l("Receive or adjust stock and it is reserved by itself, for the oldest orders first; or cancel orders."),
        _item,
    ),
    "CONTESTED": _Entry(
        _l("said differently in two stores"),
        _l("Two linked stores said different things of it at the same time, and one of the two does not count."),
        _l("Open the order: it says who said what, and which counts. Press Understood once you have read it."),
        _nothing,
        _l("Two linked stores said different things of them at the same time, and one of the two does not count."),
    ),
    "UNLINKED": _Entry(
        _l("not linked to stock"),
        _l("What was ordered is linked to no item of yours, so nothing is taken out of stock for it."),
        _l("Link it in Product Sync; its stock follows by itself."),
        _products,
    ),
    "CHANNEL_PAUSED": _Entry(
        _l("on a paused channel"),
        _l("%(channel)s is paused, so nothing is asked of it."),
        _l("Resume the channel, then sync again."),
        _channel_settings,
    ),
    "RATE_LIMITED": _Entry(
        _l("asked to wait"),
        _l("%(channel)s asked us to slow down."),
        _l("Nothing to do: it goes on by itself."),
        _nothing,
    ),
    "SOURCE_DOWN": _Entry(
        _l("not answering"),
        _l("%(channel)s did not answer."),
        _l("Nothing to do: it is tried again by itself."),
        _nothing,
    ),
    "NOT_JSON": _Entry(
        _l("answers nothing readable"),
        _l("%(channel)s sent something that could not be read."),
        _l("Nothing to do: it is tried again by itself."),
        _nothing,
    ),
    "NO_SUCH_ROUTE": _Entry(
        _l("answers another language"),
        _l("%(channel)s has no place for what was asked of it."),
        _l("Look at the channel's address. If it is right, tell whoever runs this server."),
        _channel_settings,
    ),
    "UNREACHABLE": _Entry(
        _l("not reachable"),
        _l("No connection to %(channel)s could be made."),
        _l("It is tried again by itself. If it stays, look at the channel's address."),
        _channel_settings,
    ),
    "AUTH_EXPIRED": _Entry(
        _l("key not accepted"),
        _l("%(channel)s does not accept the stored key any more."),
        _l("Reconnect with a key that works; nothing was lost, and it goes on from where it stopped."),
        _reconnect,
    ),
    "MISCONFIGURED": _Entry(
        _l("setting to mend"),
        _l("A setting of %(channel)s does not work."),
        _l("Look at the channel's settings."),
        _channel_settings,
    ),
    "NOT_THIS_SYSTEM": _Entry(
        _l("another system answers"),
        _l("The address of %(channel)s answers, but it is not the system that was chosen."),
        _l("Look at the channel's address."),
        _channel_settings,
    ),
    "ADDRESS_REFUSED": _Entry(
        _l("address not allowed"),
        _l("We do not connect to the address of %(channel)s."),
        _l("Use the public https address of the shop."),
        _channel_settings,
    ),
    "CERTIFICATE": _Entry(
        _l("certificate trouble"),
        _l("The certificate of %(channel)s's address is not valid."),
        _l("Whoever runs that address must renew it; look at the channel's address meanwhile."),
        _channel_settings,
    ),
    "UNSUPPORTED": _Entry(
        _l("not offered"),
        _l("%(channel)s does not offer what was asked of it."),
        _l("Look at the channel's settings; if it stays, tell whoever runs this server."),
        _channel_settings,
    ),
    "INTERNAL": _Entry(
        _l("our mistake"),
        _l("Something on this server went wrong while it worked for %(channel)s."),
        _l("Try again. If it stays, tell whoever runs this server the reference."),
        _nothing,
    ),
    "TARGET_REJECTED": _Entry(
        _l("refused by the channel"),
        _l("%(channel)s refused it: “%(words)s”."),
        _l("Mend it on %(channel)s, then try again."),
        _check,
        _l("%(channel)s refused it; its own words stand on the order's page."),
    ),
}

_ORDER_REASONS: Final = (
    Reason.UNPAID,
    Reason.GATEWAY_UNMAPPED,
    Reason.TOTAL_MISMATCH,
    Reason.CURRENCY_UNSUPPORTED,
    Reason.DATE_MISSING,
    Reason.PARTLY_REFUNDED,
    Reason.ON_HOLD,
    Reason.STATUS_UNKNOWN,
    Reason.PAYMENT_STATUS_UNKNOWN,
    Reason.NO_LINES,
    Reason.BAD_PAYLOAD,
    Reason.CANCELLED,
    Reason.RETURNED,
    Reason.REFUNDED,
    Reason.PERIOD_LOCKED,
    Reason.DUPLICATE_SUSPECTED,
    Reason.SKU_NOT_FOUND,
    Reason.SKU_AMBIGUOUS,
    Reason.CREDITED,
    Reason.IGNORED,
)
