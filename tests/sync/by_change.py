"""A channel in memory that lists all its branches' sales together, in full and by their last change; and a merchant
who has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Any, ClassVar, cast

from flask import Flask

from app.channels.services import NewChannel, UnmappedGateway, connect_channel
from app.connectors.base import Words
from app.core.types import (
    OrderPage,
    OrderStub,
    OrderWindow,
    RemoteMarketplace,
    RemoteOrder,
    UnreadableOrder,
    WindowAxis,
)
from tests.connectors.fake import KEY, SHOPS, FakeConnector, FakeShop, an_order
from tests.orders.factories import Books
from tests.support.factories import SomeStore
from tests.sync.merchant import Merchant

BRANCHES = (RemoteMarketplace("11", "Hà Nội", "branch", "MYR"), RemoteMarketplace("12", "Sài Gòn", "branch", "MYR"))
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
_domains = count(1)


def a_sale(remote_id: str, **changes: Any) -> RemoteOrder:
    """A paid order such as `orders/7`, or a sale by invoice such as `invoices/7`, of the first branch."""
    return an_order(remote_id, **{"number": _code(remote_id), "marketplace_id": "11", "updated_at": NOW, **changes})


def _code(remote_id: str) -> str:
    paper, _slash, number = remote_id.partition("/")
    return f"{'DH' if paper == 'orders' else 'HD'}{int(number):06d}"


@dataclass
class ChangeShop(FakeShop):
    """Pages are of the rows as they are when they are asked for; `meanwhile` is called before each is made."""

    meanwhile: Callable[[str, int], None] = lambda _list, _page: None
    swallows: set[str] = field(default_factory=set)
    """Ids that are counted and not given."""
    asked: list[str] = field(default_factory=list)
    """The ids that were read by id, in order."""
    windows: list[OrderWindow] = field(default_factory=list)

    def edit(self, remote_id: str, at: datetime | None = None, **changes: Any) -> None:
        """Change a sale; its last change is at a moment, or a minute later than it was."""
        self.change(remote_id, **({"updated_at": at} if at else {}), **changes)


class ChangeConnector(FakeConnector):
    """Speaks for a ChangeShop."""

    window_axis: ClassVar[WindowAxis] = WindowAxis.UPDATED
    window_days: ClassVar[int] = 36_500
    list_names: ClassVar[Mapping[str, Words]] = {"orders": "Orders", "invoices": "Invoices"}

    def order_lists(self, marketplace_ids: Sequence[str]) -> tuple[str, ...]:
        return tuple(self.list_names)

    def list_orders(self, window: OrderWindow, page: int, currencies: Mapping[str, str]) -> OrderPage:
        assert window.axis is WindowAxis.UPDATED
        shop = self._change_shop("list_orders")
        with shop.lock:
            shop.windows.append(window)
            shop.meanwhile(window.list_id, page)
            found = [one for one in self._by_number(shop, window.list_id) if self._moment(shop, one) >= window.since]
            given = [one for one in found if one not in shop.swallows]
            first = (page - 1) * self.page_size
            shown = [shop.orders[one] for one in given[first : first + self.page_size]]
        stubs = tuple(_stub(order) for order in shown)
        full = {order.remote_id: order for order in shown if not isinstance(order, RemoteOrder) or not order.part_of}
        return OrderPage(window, page, stubs, len(found), first + len(shown) >= len(given), full)

    def get_orders(
        self, remote_ids: Sequence[str], currencies: Mapping[str, str]
    ) -> tuple[RemoteOrder | UnreadableOrder, ...]:
        self._change_shop("get_orders").asked += remote_ids
        return super().get_orders(remote_ids, currencies)

    def _change_shop(self, method: str) -> ChangeShop:
        return cast(ChangeShop, self._shop(method))

    @staticmethod
    def _by_number(shop: ChangeShop, list_id: str) -> list[str]:
        return sorted(
            (one for one in shop.orders if one.startswith(f"{list_id}/")),
            key=lambda one: int(one[-7:].rpartition("/")[2]),
        )

    @staticmethod
    def _moment(shop: ChangeShop, remote_id: str) -> datetime:
        order = shop.orders[remote_id]
        return (order.updated_at if isinstance(order, RemoteOrder) else None) or shop.created_at[remote_id]


def _stub(order: RemoteOrder | UnreadableOrder) -> OrderStub:
    if isinstance(order, UnreadableOrder):
        return OrderStub(order.remote_id, "11", "", "", None, None, number=_code(order.remote_id))
    return replace(order.stub, digest=f"{order.digest}{order.updated_at}")


class ChangeMerchant(Merchant):
    """Has such a channel; `sold` is the shop."""

    def __init__(self, app: Flask, store: SomeStore) -> None:
        domain = f"by-change-{next(_domains)}.example"
        self.sold = ChangeShop(domain=domain, api_key=KEY, places=BRANCHES)
        SHOPS[domain] = self.sold
        super().__init__(app, store, cast(Any, None))
        self.books = Books(app, store)

    def connect(
        self, *, start_on: date = date(2026, 1, 1), unmapped_gateway: UnmappedGateway = "cash", domain: str = ""
    ) -> None:
        with self.acting():
            self.channel_id = connect_channel(
                NewChannel("fake", self.sold.config, "KiotViet", start_on, unmapped_gateway)
            )
        self.execute("update channels set takes_orders = true where id = :c", c=self.channel_id)

    def made_there(self, mark: str, *, remote_id: str = "", number: str = "") -> int:
        """An order of ours that the channel has, or that was sent and whose answer never came; its id here."""
        order_id = self.books.order(self.books.channel("Here"), number="SO-1", remote_id=mark)
        self.execute(
            "insert into order_copies (store_id, order_id, channel_id, mark, remote_id, number, tried_at) "
            "values (:s, :o, :c, :m, :r, :n, now())",
            s=self.store.id, o=order_id, c=self.channel_id, m=mark, r=remote_id, n=number,
        )  # fmt: skip
        return order_id

    def ledger(self) -> dict[str, tuple[str, str | None]]:
        """State and reason of every id that the channel listed."""
        query = "select remote_id, state, reason from seen_orders where channel_id = :c"
        return {row[0]: (row[1], row[2]) for row in self.rows(query, c=self.channel_id)}

    def orders(self) -> list[str]:
        """The ids of the channel's orders that are in."""
        return [
            row[0]
            for row in self.rows("select remote_id from orders where channel_id = :c order by id", c=self.channel_id)
        ]
