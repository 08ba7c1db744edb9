"""A merchant as the site knows one: somebody with a store, and a channel that sells."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from tests.crash.books import ChannelSide
from tests.crash.house import House
from tests.crash.ledger import Finding, audit
from tests.crash.resident import Resident
from tests.sandbox.running import Visitor

ORDERS = 160  # of which a few more than a batch of 100 are to be booked
DAYS = 70  # further back than the sandbox's orders go
WINDOWS = 3  # of 31 days in DAYS


class Merchant(Resident):
    """One person with one store and one shop of the sandbox."""

    def __init__(self, house: House, name: str, *, orders: int = ORDERS, seed: int | None = None) -> None:
        super().__init__(house, name)
        self.shop = Visitor(house.sandbox, f"shop-{name}")
        self.channel_id = 0
        shop = {"key": self.shop.key, "name": name, "rate_limit": 100_000, "count": orders, "seed": seed or self.number}
        self.shop.steer("POST", "shops", params={"key": "sandbox-key"}, json=shop)

    def close(self) -> None:
        """Give the connections back."""
        super().close()
        self.shop.session.close()

    # -- pages

    def move_in(self) -> None:
        """Sign up and connect the shop, by the pages' own forms."""
        super().move_in()
        self.press(f"{self.channels}/add/sitegiant", self.connection_form)
        self.press(f"{self.channels}/add/sitegiant/options", self.options_form)
        self.learn_channel()

    @property
    def connection_form(self) -> dict[str, str]:
        """What the step that tests the connection sends."""
        return {"domain": self.shop.sandbox.url, "api_key": self.shop.key}

    @property
    def options_form(self) -> dict[str, str]:
        """What *Connect* sends."""
        start_on = (datetime.now(UTC) - timedelta(days=DAYS)).date()
        return {"name": "My shop", "start_on": start_on.isoformat(), "unmapped_gateway": "cash"}

    def learn_channel(self) -> None:
        """Find the one channel after connecting."""
        (row,) = self.house.query("select id from channels where store_id = %s", self.store_id)
        self.channel_id = row["id"]

    @property
    def channel(self) -> str:
        """The path of the channel's pages."""
        return f"{self.channels}/{self.channel_id}"

    def press_check(self) -> None:
        """Press *Check for updates*, twice at once as nervous people do."""
        self.press_twice(f"{self.channel}/check")

    def press_sync_now(self) -> None:
        """Press *Sync now*, which checks, books and writes back, twice at once."""
        self.press_twice(f"{self.channel}/sync-now")

    # -- what came of it

    def channel_side(self) -> ChannelSide:
        """What stands on the channel."""
        stats = self.shop.steer("GET", "stats")
        orders = self.shop.steer("GET", "orders", params={"limit": "1000"})
        assert orders["total"] == len(orders["orders"])
        currencies = {place["id"]: place["currency"] for place in stats["channels"]}
        return ChannelSide(orders["orders"], currencies, self.shop.writes())

    def audit(self, *, each_written_once: bool = True) -> list[Finding]:
        """What is wrong between the channel and our books."""
        return audit(self.channel_side(), self.our_side(), each_written_once=each_written_once)


def move_in(everybody: Iterable[Resident], checked: Collection[Merchant]) -> None:
    """Sign them up and connect what they sell on, and bring in the orders of those that are `checked`."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one.move_in(), everybody))
    for merchant in checked:
        merchant.press_check()
    for merchant in checked:
        merchant.wait_until_idle()


def finish(merchants: Sequence[Merchant]) -> None:
    """Book everything, for all of them at once, after whatever runs has ended."""
    for merchant in merchants:
        merchant.wait_until_idle()
        if merchant.rows("select 1 from orders where store_id = %s and state = 'ready' limit 1"):
            merchant.press_sync()
    for merchant in merchants:
        merchant.wait_until_idle()
