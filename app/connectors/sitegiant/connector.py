"""The port over SiteGiant: pages of orders in, invoice numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.connectors.addresses import parse_base_url
from app.connectors.base import Capability, ConfigField, Connector, ConnectorOptions, GoAhead, Words, always
from app.connectors.fields import has, text, whole
from app.connectors.http import NoSuchRoute, NotJson, TooMuch
from app.connectors.sitegiant import parse
from app.connectors.sitegiant.client import LABEL, Client
from app.connectors.sitegiant.fields import is_cut, order_id_of, wire_time
from app.connectors.sitegiant.products import parse_listing
from app.connectors.sitegiant.webhooks import announced
from app.connectors.turns import reading
from app.core.errors import (
    BadPayload,
    ChannelError,
    Misconfigured,
    NotThisSystem,
    Rejected,
    Unavailable,
    Unsupported,
)
from app.core.types import (
    Announcement,
    ChannelFacts,
    InvoiceNumberWrite,
    OrderPage,
    OrderWindow,
    Receipt,
    RemoteMarketplace,
    RemoteOrder,
    RemoteProductPage,
    UnreadableOrder,
    WindowAxis,
    WriteOutcome,
)


class SiteGiant(Connector):
    """One SiteGiant shop, by its domain and API key."""

    kind: ClassVar[str] = "sitegiant"
    label: ClassVar[str] = LABEL
    description: ClassVar[Words] = lazy_gettext("Orders of your webstore and marketplaces, booked as sales invoices.")
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.ORDERS,
            Capability.INVOICE_WRITEBACK,
            Capability.ORDERS_BY_UPDATE,
            Capability.PRODUCTS,
            Capability.WEBHOOKS,
        }
    )
    config_fields: ClassVar[tuple[ConfigField, ...]] = (
        ConfigField(
            name="domain",
            label=lazy_gettext("Store domain"),
            help=lazy_gettext("The address of your SiteGiant store, as you open it in the browser."),
            placeholder="shop.example",
        ),
        ConfigField(
            name="api_key",
            label=lazy_gettext("API key"),
            help=lazy_gettext("From SiteGiant: Settings → API. We store it encrypted and never show it again."),
            secret=True,
        ),
    )

    def __init__(self, config: Mapping[str, str], options: ConnectorOptions) -> None:
        domain, api_key = config.get("domain", "").strip(), config.get("api_key", "").strip()
        if not domain:
            raise Misconfigured(_("Enter the store's domain, like shop.example."))
        if not api_key:
            raise Misconfigured(_("Enter the API key from your SiteGiant settings."))
        self._host = urlsplit(parse_base_url(domain, allow_sandboxes=options.allow_sandboxes)).hostname or ""
        self._client = Client(domain, api_key, allow_sandboxes=options.allow_sandboxes)

    def check(self) -> ChannelFacts:
        """Read the list of marketplaces; whatever answers differently is not SiteGiant."""
        try:
            marketplaces = tuple(parse.parse_marketplace(row) for row in self._client.channels())
        except (NotJson, NoSuchRoute, BadPayload) as error:
            detail = error.detail
        else:
            return ChannelFacts(_account_name(marketplaces, self._host), marketplaces)
        raise NotThisSystem(
            _(
                "There is a website at %(host)s, but it does not answer as SiteGiant does. Check the domain.",
                host=self._host,
            ),
            detail=detail,
        )

    def list_orders(self, window: OrderWindow, page: int, currencies: Mapping[str, str]) -> OrderPage:
        """One page of a window. Without a total that can be true, a page that is not full is the last."""
        if window.until - window.since > timedelta(days=self.window_days):
            raise ValueError(f"a window is at most {self.window_days} days")
        rows, total = self._listed(window, page)
        try:
            stubs = tuple(parse.parse_stub(row, window.list_id) for row in rows)
        except BadPayload:
            stubs = None
        if stubs is None:
            raise Unavailable(_("SiteGiant sent a list with an order that has no number. Try again later."))
        if total is None:
            is_last = len(rows) < self.page_size
        else:
            seen = (page - 1) * self.page_size + len(rows)
            # A count that the rows themselves disprove says nothing about how many are still to come.
            is_last = not rows or seen == total or (seen > total and len(rows) < self.page_size)
        return OrderPage(window, page, stubs, total, is_last)

    def get_orders(
        self, remote_ids: Sequence[str], currencies: Mapping[str, str]
    ) -> tuple[RemoteOrder | UnreadableOrder, ...]:
        """Orders in full, in the order asked for."""
        answer = self._details(remote_ids)
        orders: list[RemoteOrder | UnreadableOrder] = []
        with reading() as give_way:
            for order_id in dict.fromkeys(remote_ids):
                give_way()
                if order_id in answer.rows:
                    orders.append(parse.parse_order(answer.rows[order_id], currencies))
                elif order_id in answer.problems:
                    orders.append(UnreadableOrder(order_id, answer.problems[order_id], {}))
                elif answer.nameless:
                    # Perhaps this one is theirs: it must not count as unknown to the channel.
                    problem = _("SiteGiant sent an order without its number, perhaps this one.")
                    orders.append(UnreadableOrder(order_id, problem, {}))
        return tuple(orders)

    def list_products(self, page: int) -> RemoteProductPage:
        """One page of the items. Without a total that can be true, a page that is not full is the last."""
        rows, total = self._client.items({"page": str(page), "limit": str(self.page_size)})
        found = [parse_listing(row) for row in rows]
        listings = tuple(listing for listing in found if listing is not None)
        seen = (page - 1) * self.page_size + len(rows)
        is_last = not rows or (len(rows) < self.page_size if total is None or seen > total else seen == total)
        return RemoteProductPage(page, listings, total, is_last, nameless=len(found) - len(listings))

    def write_invoice_numbers(
        self, writes: Sequence[InvoiceNumberWrite], go_ahead: GoAhead = always
    ) -> tuple[Receipt, ...]:
        """Read what stands there, write the numbers that may be written in one call, and say what became of each."""
        standing = self._standing_numbers([write.remote_id for write in writes])
        receipts: dict[str, Receipt] = {}
        to_send: dict[str, InvoiceNumberWrite] = {}
        for write in writes:
            settled = _settled_before_sending(write, standing, to_send)
            if settled is None:
                to_send[write.remote_id] = write
            else:
                receipts[write.key] = settled
        if to_send:
            go_ahead()
            receipts.update(self._send(to_send))
        return tuple(receipts[write.key] for write in writes)

    def register_webhook(self, url: str, secret: str) -> str:
        """Ask for a call on each change of an order; without an id in the answer it could never be taken away."""
        answer = self._client.register_webhook(url, secret)
        remote_id = text(answer, "id", "webhook_id") if isinstance(answer, Mapping) else ""
        if not remote_id:
            words = _("SiteGiant sent something that we cannot read. Try again later.")
            raise NotJson(words, detail="/webhooks: no id", maybe_done=True)
        return remote_id

    def remove_webhook(self, remote_id: str) -> None:
        """Take the registration away."""
        with suppress(NoSuchRoute):
            self._client.remove_webhook(remote_id)

    @classmethod
    def read_webhook(cls, headers: Mapping[str, str], body: bytes, secret: str) -> Announcement:
        """Signed in `Authorization` over the raw body, by an HMAC whose hash and spelling are our assumption."""
        return announced(headers, body, secret)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _listed(self, window: OrderWindow, page: int) -> tuple[list[Any], int | None]:
        """The rows of a page as they came, and the total when it is told.

        That orders can be listed by their last change is our assumption: a shop that refuses to, or that shows orders
        which did not change in the window, cannot.
        """
        by_update = window.axis is WindowAxis.UPDATED
        asked = {
            "channel_id": window.list_id,
            "date_from": wire_time(window.since),
            "date_to": wire_time(window.until),
            "page": str(page),
            "limit": str(self.page_size),
            **({"date_type": "updated"} if by_update else {}),
        }
        try:
            rows, total = self._client.orders(asked)
        except Rejected as refusal:
            if not by_update:
                raise
            why = refusal.detail
        else:
            if not by_update or all(parse.updated_between(row, window.since, window.until) for row in rows):
                return rows, total
            why = "it lists orders that were changed at other times"
        raise Unsupported(_("SiteGiant cannot list the orders of this shop by their last change."), detail=why)

    def _send(self, to_send: Mapping[str, InvoiceNumberWrite]) -> dict[str, Receipt]:
        """One PUT. A row that its answer leaves open is looked up at once."""
        rows = self._client.write_invoice_numbers({one.remote_id: one.invoice_no for one in to_send.values()})
        results = {order_id_of(row, *parse.ORDER_ID): row for row in rows if isinstance(row, Mapping)}
        receipts: dict[str, Receipt] = {}
        open_ones: list[InvoiceNumberWrite] = []
        for order_id, write in to_send.items():
            receipt = self._receipt(write, results.get(order_id, {}))
            if receipt is None:
                open_ones.append(write)
            else:
                receipts[write.key] = receipt
        if open_ones:
            standing = self._standing_after_write([write.remote_id for write in open_ones])
            receipts.update({write.key: _looked_up(write, standing) for write in open_ones})
        return receipts

    def _standing_after_write(self, remote_ids: Sequence[str]) -> dict[str, str | None]:
        """The numbers after a write whose answer was incomplete; if they cannot be read, that answer counts as lost."""
        try:
            return self._standing_numbers(remote_ids)
        except ChannelError as error:
            words = error.user_message
        raise Unavailable(words, detail="the answer to a write was incomplete", maybe_done=True)

    def _receipt(self, write: InvoiceNumberWrite, row: Mapping[str, Any]) -> Receipt | None:
        """What the row of the answer says, or None when it leaves open whether the number stands there."""
        code, words = whole(row.get("code")), self._client.words(text(row, "message"))
        if code is None or code >= 500:
            return None
        if 200 <= code < 300:
            return Receipt(write.key, WriteOutcome.DONE, found=write.invoice_no, words=words)
        if code == 404:
            return Receipt(write.key, WriteOutcome.MISSING, words=words)
        if code == 429:
            return Receipt(write.key, WriteOutcome.UNSENT, words=words)
        return Receipt(write.key, WriteOutcome.REJECTED, words=words)

    def _standing_numbers(self, remote_ids: Sequence[str]) -> dict[str, str | None]:
        """Order id → its invoice number, None when the order does not show that field. Unknown orders are absent."""
        answer = self._details(remote_ids)
        standing: dict[str, str | None] = dict.fromkeys(answer.problems)
        for order_id, row in answer.rows.items():
            standing[order_id] = text(row, *parse.INVOICE_NO) if has(row, *parse.INVOICE_NO) else None
        return standing

    def _details(self, remote_ids: Sequence[str]) -> _Details:
        """What the channel says of these orders."""
        wanted = list(dict.fromkeys(remote_ids))
        if len(wanted) > self.page_size:
            raise ValueError(f"at most {self.page_size} orders at once")
        problems = {order_id: parse.id_too_long() for order_id in wanted if is_cut(order_id)}
        rows = self._rows_of([order_id for order_id in wanted if order_id not in problems], problems)
        named = {order_id_of(row, *parse.ORDER_ID): row for row in rows if isinstance(row, Mapping)}
        nameless = "" in named or any(not isinstance(row, Mapping) for row in rows)
        return _Details({order_id: named[order_id] for order_id in wanted if order_id in named}, problems, nameless)

    def _rows_of(self, wanted: Sequence[str], problems: dict[str, str]) -> list[Any]:
        """The rows of these orders. When they are too much for one answer, it is asked for half of them at a time,
        down to the one order that is too much by itself, so that it does not stand in the way of the others."""
        if not wanted:
            return []
        try:
            return self._client.order_details(wanted)
        except TooMuch as error:
            if len(wanted) == 1:
                problems[wanted[0]] = error.user_message
                return []
        half = len(wanted) // 2
        return self._rows_of(wanted[:half], problems) + self._rows_of(wanted[half:], problems)


@dataclass(frozen=True, slots=True)
class _Details:
    """Payloads by order id, what is wrong with those that have none, and whether there were rows without an id."""

    rows: dict[str, Mapping[str, Any]]
    problems: dict[str, str]
    nameless: bool


def _settled_before_sending(
    write: InvoiceNumberWrite, standing: Mapping[str, str | None], to_send: Mapping[str, InvoiceNumberWrite]
) -> Receipt | None:
    """The outcome of a write that needs no sending, or None when it must be sent."""
    if write.remote_id not in standing:
        return Receipt(write.key, WriteOutcome.MISSING)
    found = standing[write.remote_id]
    if found is None:
        words = _("The order does not show its invoice number, so we did not overwrite it.")
        return Receipt(write.key, WriteOutcome.REJECTED, words=words)
    if found == write.invoice_no:
        return Receipt(write.key, WriteOutcome.DONE, found=found)
    if found and found not in write.expected:
        return Receipt(write.key, WriteOutcome.FOREIGN, found=found)
    if write.remote_id in to_send:
        return Receipt(write.key, WriteOutcome.UNSENT, found=found)
    return None


def _looked_up(write: InvoiceNumberWrite, standing: Mapping[str, str | None]) -> Receipt:
    """The outcome of a write by what stands there afterwards."""
    if write.remote_id not in standing:
        return Receipt(write.key, WriteOutcome.MISSING)
    found = standing[write.remote_id] or ""
    if found == write.invoice_no:
        return Receipt(write.key, WriteOutcome.DONE, found=found)
    if found and found not in write.expected:
        return Receipt(write.key, WriteOutcome.FOREIGN, found=found)
    return Receipt(write.key, WriteOutcome.UNSENT, found=found)


def _account_name(marketplaces: Sequence[RemoteMarketplace], host: str) -> str:
    """'My Shop' when every marketplace is called 'My Shop - Something', else the host."""
    shops = {name for name, dash, _rest in (place.name.partition(" - ") for place in marketplaces) if dash}
    return shops.pop().strip() if len(shops) == 1 else host
