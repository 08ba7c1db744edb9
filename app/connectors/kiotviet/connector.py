"""KiotViet Retail behind the port: shop, branches, sales, products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.connectors.base import Capability, ConfigField, Connector, ConnectorOptions, GoAhead, Words, always
from app.connectors.fields import NAME_LENGTH, remote_id, text
from app.connectors.http import NoSuchRoute, NotJson
from app.connectors.kiotviet.address import parse_place
from app.connectors.kiotviet.client import LABEL, MISSING, Client, WrongShop
from app.connectors.kiotviet.fields import CURRENCY, wire_time
from app.connectors.kiotviet.paging import SIZE, Changes, Page, full_page
from app.connectors.kiotviet.products import parse_counted, parse_listing, removed_ids
from app.connectors.kiotviet.sales import PAPERS, Paper, is_part, parse_sale, parse_stub
from app.connectors.kiotviet.subscribing import is_subscribed, subscribe, unsubscribe
from app.connectors.kiotviet.webhooks import announced
from app.connectors.kiotviet.writing import Writer
from app.connectors.turns import reading
from app.core.errors import BadPayload, Misconfigured, NotThisSystem, Unavailable, Unsupported
from app.core.types import (
    Announcement,
    BranchStock,
    ChannelFacts,
    OrderPage,
    OrderReceipt,
    OrderWindow,
    OrderWrite,
    RemoteListing,
    RemoteMarketplace,
    RemoteOrder,
    RemoteProductPage,
    UnreadableListing,
    UnreadableOrder,
    WindowAxis,
)

_MOST_BRANCHES = 1_000
_PRODUCT_OPTIONS = {"includeInventory": "true", "includeSoftDeletedAttribute": "false"}


class KiotViet(Connector):
    """One shop of KiotViet, by its name and an API client of it."""

    kind: ClassVar[str] = "kiotviet"
    label: ClassVar[str] = LABEL
    description: ClassVar[Words] = lazy_gettext("Products, stock and sales of your shop's branches in Vietnam.")
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.ORDERS,
            Capability.ORDERS_BY_UPDATE,
            Capability.PRODUCTS,
            Capability.PRODUCTS_BY_UPDATE,
            Capability.BRANCHES,
            Capability.WEBHOOKS,
            Capability.ORDER_CREATION,
        }
    )
    config_fields: ClassVar[tuple[ConfigField, ...]] = (
        ConfigField(
            name="retailer",
            label=lazy_gettext("Shop name"),
            help=lazy_gettext("The first part of your shop's address: cuahang of cuahang.kiotviet.vn."),
            placeholder="cuahang",
        ),
        ConfigField(
            name="client_id",
            label=lazy_gettext("Client ID"),
            help=lazy_gettext("From KiotViet: Store settings → API connection."),
        ),
        ConfigField(
            name="client_secret",
            label=lazy_gettext("Client secret"),
            help=lazy_gettext("It stands beside the client ID. We store it encrypted and never show it again."),
            secret=True,
        ),
    )
    page_size: ClassVar[int] = SIZE
    window_days: ClassVar[int] = 36_500
    window_axis: ClassVar[WindowAxis] = WindowAxis.UPDATED
    list_names: ClassVar[Mapping[str, Words]] = MappingProxyType(
        {"orders": lazy_gettext("Orders"), "invoices": lazy_gettext("Invoices")}
    )
    refused_status: ClassVar[int] = 422
    reads_an_hour: ClassVar[int | None] = 4_800
    asks_weight_unit: ClassVar[bool] = True

    def __init__(self, config: Mapping[str, str], options: ConnectorOptions) -> None:
        place = parse_place(config.get("retailer", ""), allow_sandboxes=options.allow_sandboxes)
        client_id, secret = config.get("client_id", "").strip(), config.get("client_secret", "").strip()
        if not client_id:
            raise Misconfigured(_("Enter the client ID from your KiotViet settings."))
        if not secret:
            raise Misconfigured(_("Enter the client secret from your KiotViet settings."))
        self._client = Client(place, client_id, secret, options)
        self._changes = Changes(self._client)
        self._writer = Writer(self._client)
        self._weight_unit = config.get("weight_unit", "")

    def check(self) -> ChannelFacts:
        """Get a token, see that it is this shop's, and read its branches; what answers otherwise is not KiotViet."""
        try:
            self._refuse_other_shop()
            branches = self._branches()
        except (NotJson, NoSuchRoute, BadPayload) as error:
            detail = error.detail
        else:
            if not branches:
                raise Misconfigured(_("KiotViet shows no branch to this client. Give the API connection its branches."))
            return ChannelFacts(self._client.place.shop, branches)
        raise NotThisSystem(_("What answers there does not answer as KiotViet does. Try again later."), detail=detail)

    def order_lists(self, marketplace_ids: Sequence[str]) -> tuple[str, ...]:
        """Two for the whole shop: asking each branch for its own would cost as many reads as there are branches."""
        return tuple(PAPERS)

    def list_orders(self, window: OrderWindow, page: int, currencies: Mapping[str, str]) -> OrderPage:
        """One full page of what changed since the window's beginning, by number. What changed after its end may be
        among it; that two rows change places is not possible."""
        if window.until - window.since > timedelta(days=self.window_days):
            raise ValueError(f"a window is at most {self.window_days} days")
        if window.axis is not WindowAxis.UPDATED:
            raise Unsupported(_("KiotViet lists orders by their last change only."))
        paper = PAPERS[window.list_id]
        found = self._changes.page(paper.path, page, window.since, paper.options)
        orders: list[RemoteOrder | UnreadableOrder | None] = []
        with reading() as give_way:
            for row in found.rows:
                give_way()
                orders.append(None if is_part(row) else parse_sale(paper, row))
        try:
            stubs = tuple(parse_stub(paper, row, order) for row, order in zip(found.rows, orders, strict=True))
        except BadPayload:
            stubs = None
        if stubs is None:
            raise Unavailable(_("KiotViet sent a list with an order that has no number. Try again later."))
        full = {order.remote_id: order for order in orders if order is not None}
        return OrderPage(window, page, stubs, found.total, found.is_last, full)

    def get_orders(
        self, remote_ids: Sequence[str], currencies: Mapping[str, str]
    ) -> tuple[RemoteOrder | UnreadableOrder, ...]:
        """Orders in full, in the order asked for; each is a read."""
        found = [self._sale(one) for one in self._at_most_a_page(remote_ids)]
        return tuple(one for one in found if one is not None)

    def find_order(self, number: str, currencies: Mapping[str, str]) -> RemoteOrder | UnreadableOrder | None:
        """The order of this code, else the invoice of it; either is a read."""
        if not number.strip("."):
            return None  # an address would lead elsewhere by it
        for paper in PAPERS.values():
            row = self._one(f"{paper.path}/code/{quote(number, safe='')}")
            if row is not None:
                return parse_sale(paper, row)
        return None

    def list_products(self, page: int) -> RemoteProductPage:
        """One full page of the products by number."""
        found = full_page(self._client, "products", page, {"orderBy": "id", **_PRODUCT_OPTIONS})
        return self._product_page(page, found, {}, is_last=found.is_last)

    def changed_products(self, since: datetime, page: int) -> RemoteProductPage:
        """One page of what was edited, and beside it one of what the stock moved: a movement is no edit there."""
        asked = {**_PRODUCT_OPTIONS, "includeRemoveIds": "true"}
        found = self._changes.page("products", page, since, asked)
        moved = full_page(self._client, "productOnHands", page, {"lastModifiedFrom": wire_time(since), "orderBy": "id"})
        counted = dict(row for row in map(parse_counted, moved.rows) if row is not None)
        return self._product_page(page, found, counted, is_last=found.is_last and moved.is_last)

    def get_products(self, remote_ids: Sequence[str]) -> tuple[RemoteListing | UnreadableListing, ...]:
        """Products as they are now; each is a read."""
        rows = [self._one(f"products/{one}") for one in self._at_most_a_page(remote_ids) if one.isdigit()]
        found = [parse_listing(row, self._weight_unit) for row in rows if row is not None]
        return tuple(listing for listing in found if listing is not None)

    def write_order(self, write: OrderWrite, go_ahead: GoAhead = always) -> OrderReceipt:
        """Make an order there, or let it follow ours."""
        return self._writer.write(write, go_ahead)

    def register_webhook(self, url: str, secret: str) -> str:
        """Ask for a call on each kind of change; our id for them is theirs joined."""
        return subscribe(self._client, url, secret)

    def remove_webhook(self, remote_id: str) -> None:
        """Take the registrations away."""
        unsubscribe(self._client, remote_id)

    def keeps_webhook(self, remote_id: str) -> bool:
        """KiotViet ends a registration by itself after an answer it did not like."""
        return is_subscribed(self._client, remote_id)

    @classmethod
    def read_webhook(cls, headers: Mapping[str, str], body: bytes, secret: str) -> Announcement:
        """Signed in `X-Hub-Signature` over the raw body."""
        return announced(headers, body, secret)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _refuse_other_shop(self) -> None:
        ours, theirs = self._client.place.shop, text(self._client.claims(), "client_RetailerCode")
        if theirs and theirs.casefold() != ours:
            raise WrongShop(
                _(
                    "This client ID belongs to the shop “%(theirs)s”, not to “%(ours)s”. Check the shop's name.",
                    theirs=theirs[:NAME_LENGTH],
                    ours=ours,
                )
            )

    def _branches(self) -> tuple[RemoteMarketplace, ...]:
        found: dict[str, RemoteMarketplace] = {}
        page = 1
        while len(found) < _MOST_BRANCHES:
            answer = full_page(self._client, "branches", page, {})
            for row in answer.rows:
                branch = remote_id(row, "id") if isinstance(row, Mapping) else ""
                if branch:
                    name = text(row, "branchName")[:NAME_LENGTH] or branch
                    found[branch] = RemoteMarketplace(branch, name, "branch", CURRENCY)
            if answer.is_last:
                break
            page += 1
        return tuple(found.values())

    def _product_page(
        self, page: int, found: Page, counted: Mapping[str, tuple[BranchStock, ...]], *, is_last: bool
    ) -> RemoteProductPage:
        rows = [parse_listing(row, self._weight_unit) for row in found.rows]
        listings = tuple(row for row in rows if row is not None)
        return RemoteProductPage(
            page,
            listings,
            found.total,
            is_last,
            nameless=len(rows) - len(listings),
            removed=removed_ids(found.answer),
            counted=counted,
        )

    def _sale(self, order_id: str) -> RemoteOrder | UnreadableOrder | None:
        paper, number = _paper_of(order_id)
        row = self._one(f"{paper.path}/{number}") if paper else None
        return parse_sale(paper, row) if paper and row is not None else None

    def _one(self, path: str) -> Mapping[str, Any] | None:
        """One record, None where there is none."""
        try:
            found = self._client.get(f"/{path}")
        except MISSING:
            return None
        if not isinstance(found, Mapping) or not remote_id(found, "id"):
            raise self._client.unlike(path)
        return found

    def _at_most_a_page(self, remote_ids: Sequence[str]) -> list[str]:
        wanted = list(dict.fromkeys(remote_ids))
        if len(wanted) > self.page_size:
            raise ValueError(f"at most {self.page_size} at once")
        return wanted


def _paper_of(order_id: str) -> tuple[Paper | None, str]:
    """Which paper an id names and its number there; None for an id that is none of theirs."""
    path, _slash, number = order_id.partition("/")
    return (PAPERS.get(path) if number.isascii() and number.isdigit() else None), number
