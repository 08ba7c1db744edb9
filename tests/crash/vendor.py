"""A store in dong with a shop of KiotViet: who lives there, and how the shop is connected and set up by its pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.crash.family import Shopkeepers
from tests.crash.house import House
from tests.crash.people import Push
from tests.crash.schedule import Stall
from tests.sandbox.kiotviet.visiting import Visitor, a_product

SOLD: Final = ("SEN-1", "CHE-2", "COM-3")
"""What is sold here and there under one code."""
LATER: Final = "MUT-4"
"""What is called something else there, so that a person has to say what it is."""
NEVER: Final = "QUA-9"
"""What is not sold there."""
OTHERWISE: Final = "THUNG-MUT"
DAYS: Final = 120  # further back than the shop's sales go
BRANCHES: Final = (10_001, 10_002, 10_003)
SET_UP_WITHIN: Final = 60.0


class Vendor(Shopkeepers):
    """Everybody of the store, and the hand that steers its shop."""

    sells = (*SOLD, LATER, NEVER)

    def __init__(self, house: House, name: str, stall: Stall) -> None:
        super().__init__(house, name)
        self.shop = Visitor(house.kiotviet, name, f"client-of-{name}", f"secret-of-{name}")
        self.channel_id = 0
        self.products: dict[str, int] = {}
        """Their ids of what is sold here, by our SKU."""
        size = {"products": stall.products, "orders": stall.orders, "seed": stall.seed}
        self.shop.steer(
            "POST", "shops", params={"key": "cuahangsen"}, json={"key": name, "rate_limit": 100_000, **size}
        )
        codes = {**dict(zip(SOLD, SOLD, strict=True)), LATER: OTHERWISE}
        goods = [_product(code, 20_000 + 5_000 * number) for number, code in enumerate(codes.values())]
        self.products = dict(zip(codes, self.shop.add("product", *goods), strict=True))
        self.latency = stall.latency

    def close(self) -> None:
        """Give the connections back."""
        super().close()
        self.shop.session.close()

    def settle_in(self) -> None:
        """Keep the books in dong."""
        form = {"name": f"Hang {self.name}", "currency": "VND", "time_zone": "Asia/Ho_Chi_Minh", "language": "en"}
        self.press(f"/{self.slug}/settings/general", form)

    def move_in(self) -> None:
        """Sign up, connect the shop, say what flows which way, and link what both sell."""
        super().move_in()
        self.press(f"{self.channels}/add/kiotviet", self.connection_form)
        start_on = (datetime.now(UTC) - timedelta(days=DAYS)).date()
        form = {"name": "My shop", "start_on": start_on.isoformat(), "unmapped_gateway": "cash"}
        self.press(f"{self.channels}/add/kiotviet/options", form)
        (row,) = self.rows("select id from channels where store_id = %s and kind = 'kiotviet'")
        self.channel_id = row["id"]
        self.press(f"{self.channel}/set-up", self.set_up_form())
        self.wait_until_idle(SET_UP_WITHIN)
        push = self.accepting()
        self.press(push.path, push.form)
        self.shop.fault("slow", ms=self.latency)

    @property
    def connection_form(self) -> dict[str, str]:
        """What the step that tests the connection sends."""
        retailer = f"{self.shop.sandbox.url}/{self.shop.key}"
        return {"retailer": retailer, "client_id": self.shop.client_id, "client_secret": self.shop.client_secret}

    @property
    def channel(self) -> str:
        """The path of the channel's pages."""
        return f"{self.channels}/{self.channel_id}"

    def set_up_form(self, *without: str, **changed: str) -> dict[str, str]:
        """What *Finish* sends when everything flows, but for some of it."""
        places = self.rows("select id from marketplaces where store_id = %s and channel_id = %s", self.channel_id)
        form = {
            **dict.fromkeys(("takes_products", "takes_orders", "gives_orders", "announces"), "y"),
            "order_branch": str(BRANCHES[0]),
            "weight_unit": "g",
            "stock": "there",
            "prices": "there",
            **{f"place_{row['id']}": "new" for row in places},
            **changed,
        }
        return {name: value for name, value in form.items() if name not in without}

    def accepting(self) -> Push:
        """Accept all certain links, as many as there were when the page was made."""
        sql = """select count(*) from listings where store_id = %s and item_id is null and certainty = 'certain'"""
        (certain,) = self.rows(sql)
        return Push(f"{self.channel}/products/accept", {"count": str(certain["count"])})

    def linking(self, sku: str, act: str) -> Push | None:
        """Say what a product means, or that it means nothing."""
        sql = "select id, version from listings where store_id = %s and channel_id = %s and remote_id = %s"
        rows = self.rows(sql, self.channel_id, str(self.products[sku]))
        if not rows:
            return None
        form = {"act": act, "version": str(rows[0]["version"]), "item_id": str(self.items[sku])}
        return Push(f"{self.channel}/products/{rows[0]['id']}", form)


def _product(code: str, price: int) -> dict[str, Any]:
    made = a_product(code=code, name=code.title(), fullName=code.title(), basePrice=price)
    row = made["inventories"][0]
    return {**made, "inventories": [{**row, "productName": made["name"], "branchId": branch} for branch in BRANCHES]}
