"""A channel whose marketplaces are branches that count stock, over the shop in memory, with goods that weigh much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from app.connectors.base import Capability, ConnectorOptions
from app.core.types import RemoteListing, RemoteMarketplace, RemoteProductPage
from tests.connectors.fake import FakeConnector, FakeShop, a_listing, open_shop

BRANCHES = (
    RemoteMarketplace("11", "Chi nhánh Hoàn Kiếm", "branch", "MYR"),
    RemoteMarketplace("12", "Kho Long Biên", "branch", "MYR"),
)
GOODS = {"501": ("Cà phê", "500 g", 500), "502": ("Trà sen", "Hộp", 250), "503": ("Quà tặng", "", 0)}


class Branched(FakeConnector):
    """A fake that has to be set up."""

    kind: ClassVar[str] = "branched"
    label: ClassVar[str] = "Branchy"
    capabilities: ClassVar[frozenset[Capability]] = FakeConnector.capabilities | {
        Capability.BRANCHES,
        Capability.ORDER_CREATION,
        Capability.WEBHOOKS,
    }
    asks_weight_unit: ClassVar[bool] = True

    def __init__(self, config: Mapping[str, str], options: ConnectorOptions) -> None:
        super().__init__(config, options)
        self._divisor = {"g": 1000, "kg": 1}.get(config.get("weight_unit", ""))

    def list_products(self, page: int) -> RemoteProductPage:
        """The shop's listings, with weights in kilograms as far as the unit is known."""
        told = super().list_products(page)
        listings = tuple(self._weighed(one) if isinstance(one, RemoteListing) else one for one in told.listings)
        return replace(told, listings=listings)

    def register_webhook(self, url: str, secret: str) -> str:
        """Note the address."""
        self._shop("register_webhook").hooks.append(url)  # type: ignore[attr-defined]
        return "hook-1"

    def remove_webhook(self, remote_id: str) -> None:
        """Forget them all."""
        self._shop("remove_webhook").hooks.clear()  # type: ignore[attr-defined]

    def keeps_webhook(self, remote_id: str) -> bool:
        """Whether there is any."""
        return bool(self._shop("keeps_webhook").hooks)  # type: ignore[attr-defined]

    def _weighed(self, listing: RemoteListing) -> RemoteListing:
        number = GOODS.get(listing.remote_id, ("", "", 0))[2]
        weight = Decimal(number) / self._divisor if self._divisor and number else None
        return replace(listing, weight=weight, digest=f"{listing.digest}/{weight}")


def open_branches() -> FakeShop:
    """A shop of two branches that sells coffee, tea, and a gift that weighs nothing."""
    shop = open_shop(places=BRANCHES)
    for remote_id, (name, variant, _weight) in GOODS.items():
        shop.listings[remote_id] = a_listing(remote_id, name=name, variant=variant)
    shop.hooks = []  # type: ignore[attr-defined]
    return shop
