"""A channel in memory whose branches count their stock, and which tells what changed; and a merchant who has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, ClassVar, cast

from flask import Flask

from app.channels.services import NewChannel, UnmappedGateway, connect_channel
from app.connectors.base import Capability
from app.core.types import BranchStock, RemoteListing, RemoteMarketplace, RemoteProductPage, UnreadableListing
from app.orders import linking
from app.orders.linking import Linked
from app.sync.services import request_products
from tests.connectors.fake import KEY, SHOPS, FakeConnector, FakeShop, a_listing
from tests.support.factories import SomeStore
from tests.sync.merchant import Merchant

HANOI, SAIGON = "11", "12"
BRANCHES = (RemoteMarketplace(HANOI, "Hà Nội", "branch", "MYR"), RemoteMarketplace(SAIGON, "Sài Gòn", "branch", "MYR"))
_domains = count(1)


def stock(hanoi: object, saigon: object | None = None, reserved: object = 0) -> dict[str, Any]:
    """The fields of a listing that branches count."""
    told = {HANOI: hanoi} | ({} if saigon is None else {SAIGON: saigon})
    branches = tuple(BranchStock(one, Decimal(str(n)), Decimal(str(reserved))) for one, n in told.items())
    return {"branches": branches, "stock": sum((one.on_hand for one in branches), Decimal(0))}


@dataclass
class BranchShop(FakeShop):
    """`touched` is when each listing was last changed; `asked` are the ids that were read by id, in order."""

    touched: dict[str, datetime] = field(default_factory=dict)
    removed: dict[str, datetime] = field(default_factory=dict)
    counted: dict[str, tuple[datetime, tuple[BranchStock, ...]]] = field(default_factory=dict)
    since: list[datetime] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    repeats: bool = False
    """Whether the last row of each page of changes comes again on the next one."""
    swallows: int = 0
    """How many changed rows are counted and not given."""

    def sell(self, *listings: RemoteListing | UnreadableListing, at: datetime | None = None) -> None:
        """Add listings, or change them, now unless another moment is given."""
        for one in listings:
            self.listings[one.remote_id] = one
            self.touched[one.remote_id] = at or datetime.now(UTC)

    def change(self, remote_id: str, **changes: Any) -> None:
        """Change a listing now."""
        self.sell(a_listing(**{**_fields(self.listings[remote_id]), **changes}))

    def move(self, remote_id: str, branches: tuple[BranchStock, ...]) -> None:
        """Let the stock of a listing move, which is no change of it."""
        found = replace(cast(RemoteListing, self.listings[remote_id]), branches=branches)
        self.listings[remote_id] = found
        self.counted[remote_id] = (datetime.now(UTC), branches)

    def delete(self, remote_id: str) -> None:
        """Sell it no longer."""
        del self.listings[remote_id], self.touched[remote_id]
        self.removed[remote_id] = datetime.now(UTC)

    def forget(self) -> None:
        """Let all that happened be long ago."""
        ago = datetime.now(UTC) - timedelta(days=2)
        self.touched = dict.fromkeys(self.touched, ago)
        self.removed.clear()
        self.counted.clear()
        self.calls.clear()


def _fields(listing: RemoteListing | UnreadableListing) -> dict[str, Any]:
    names = [name for name in RemoteListing.__dataclass_fields__ if name != "digest"]
    return {name: getattr(listing, name) for name in names}


class BranchConnector(FakeConnector):
    """Speaks for a BranchShop."""

    capabilities: ClassVar[frozenset[Capability]] = FakeConnector.capabilities | {
        Capability.PRODUCTS_BY_UPDATE,
        Capability.BRANCHES,
    }

    def changed_products(self, since: datetime, page: int) -> RemoteProductPage:
        shop = self._branch_shop("changed_products")
        shop.since.append(since)
        found = [shop.listings[one] for one in sorted(shop.listings, key=int) if shop.touched[one] >= since]
        step = self.page_size - int(shop.repeats)
        first = (page - 1) * step
        kept = found[: len(found) - shop.swallows]
        shown = tuple(kept[first : first + self.page_size])
        removed = tuple(one for one, at in shop.removed.items() if at >= since)
        counted = {one: told for one, (at, told) in shop.counted.items() if at >= since}
        is_last = first + self.page_size >= len(kept)
        return RemoteProductPage(page, shown, len(found), is_last, removed=removed, counted=counted)

    def get_products(self, remote_ids: Sequence[str]) -> tuple[RemoteListing | UnreadableListing, ...]:
        shop = self._branch_shop("get_products")
        asked = self._at_most_a_page(remote_ids)
        shop.asked += asked
        return tuple(shop.listings[one] for one in asked if one in shop.listings)

    def _branch_shop(self, method: str) -> BranchShop:
        return cast(BranchShop, self._shop(method))


class BranchMerchant(Merchant):
    """Has such a channel; `sold` is the shop, `shelf` a warehouse."""

    def __init__(self, app: Flask, store: SomeStore) -> None:
        domain = f"branches-{next(_domains)}.example"
        self.sold = BranchShop(domain=domain, api_key=KEY, places=BRANCHES)
        SHOPS[domain] = self.sold
        self.shelf = 0
        super().__init__(app, store, cast(Any, None))

    def connect(
        self, *, start_on: date = date(2026, 1, 1), unmapped_gateway: UnmappedGateway = "cash", domain: str = ""
    ) -> None:
        new = NewChannel("fake", self.sold.config, "KiotViet", start_on, unmapped_gateway)
        with self.acting():
            self.channel_id = connect_channel(new)
        self.switch(takes_products=True)

    def press(self, *, everything: bool = False) -> int:
        with self.acting():
            start = request_products(self.channel_id, self.store.owner.id, everything=everything)
        return start.job_id

    def refresh(self, *, everything: bool = False) -> Any:
        """Read the products to the end; the job."""
        self.press(everything=everything)
        self.work()
        return self.job()

    def switch(self, **columns: object) -> None:
        """Set switches of the channel."""
        for name, value in columns.items():
            self.execute(f"update channels set {name} = :v where id = :c", v=value, c=self.channel_id)

    def map_branch(self, remote_id: str, location_id: int | None) -> None:
        """Let a warehouse stand for a branch."""
        where = "channel_id = :c and remote_id = :r"
        self.execute(
            f"update marketplaces set location_id = :l where {where}", l=location_id, c=self.channel_id, r=remote_id
        )

    def link(self, remote_id: str, item_id: int | None) -> Any:
        """Say which item a listing means."""
        ((listing_id, version),) = self.rows("select id, version from listings where remote_id = :r", r=remote_id)
        with self.acting():
            return linking.link_listing(self.channel_id, listing_id, item_id, version, self.store.owner.id)

    def linked(self, remote_id: str, item_id: int | None) -> Linked:
        """The same, where nothing stands against it."""
        saved = self.link(remote_id, item_id)
        assert isinstance(saved, Linked)
        return saved

    def levels(self) -> Mapping[tuple[int, int], int]:
        """Pieces on hand by item and warehouse."""
        return {(row[0], row[1]): row[2] for row in self.rows("select item_id, location_id, on_hand from stock_levels")}
