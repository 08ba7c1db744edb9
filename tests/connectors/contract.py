"""The rigs that the contract of `app.connectors.base.Connector` runs over, and what its tests say time and again.

A test runs over every rig, or by `needs` over those of the connectors that have a capability. A new connector adds its
rig to `RIGS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

import pytest

from app.connectors.base import Capability, Connector
from app.core.types import InvoiceNumberWrite, OrderPage, OrderStub, OrderWindow, RemoteOrder, WindowAxis
from tests.connectors.fake import FakeConnector, open_shop
from tests.connectors.rigs import NOON, FakeRig, KiotVietRig, Rig, Sale, SiteGiantRig

HOUR = timedelta(hours=1)
PLACES = ("Shopee", "Shopee SG")


@dataclass(frozen=True, slots=True)
class Entry:
    """One rig: the connector it is for, and how a test comes by it."""

    kind: type[Connector]
    make: Callable[[pytest.FixtureRequest], Rig]


RIGS: Mapping[str, Entry] = MappingProxyType(
    {
        "fake": Entry(FakeConnector, lambda _request: FakeRig(open_shop())),
        "sitegiant": Entry(SiteGiantRig.kind, lambda request: SiteGiantRig(request.getfixturevalue("sandbox_shop"))),
        "kiotviet": Entry(KiotVietRig.kind, lambda request: KiotVietRig(request.getfixturevalue("kiotviet_shop"))),
    }
)


def needs(*capabilities: Capability) -> pytest.MarkDecorator:
    """Run the test over the rigs of the connectors that can do all of this."""
    able = [name for name, entry in RIGS.items() if set(capabilities) <= entry.kind.capabilities]
    return pytest.mark.parametrize("rig", able, indirect=True)


def currencies(channel: Connector) -> dict[str, str]:
    return {place.remote_id: place.currency for place in channel.check().marketplaces}


def place_id(rig: Rig, channel: Connector, place: str) -> str:
    """The channel's id of one of a rig's places."""
    (found,) = (one.remote_id for one in channel.check().marketplaces if one.name == rig.places[place][0])
    return found


def list_id(rig: Rig, channel: Connector, place: str = "Shopee") -> str:
    """The first of the lists that hold the orders of a place."""
    return channel.order_lists([place_id(rig, channel, place)])[0]


def window(
    rig: Rig, channel: Connector, place: str = "Shopee", *, hours: float = 24, axis: WindowAxis | None = None
) -> OrderWindow:
    """So many hours around noon, by which checks of the channel read."""
    return OrderWindow(
        list_id(rig, channel, place),
        NOON - timedelta(hours=hours),
        NOON + timedelta(hours=hours),
        axis or channel.window_axis,
    )


def walk(channel: Connector, within: OrderWindow) -> list[OrderPage]:
    pages: list[OrderPage] = []
    for number in range(1, 50):
        pages.append(channel.list_orders(within, number, {}))
        if pages[-1].is_last:
            return pages
    raise AssertionError("no page was the last")


def listed(rig: Rig, channel: Connector, within: OrderWindow, place: str = "Shopee") -> list[str]:
    """The ids of a place's orders that a window shows."""
    wanted = place_id(rig, channel, place)
    return [stub.remote_id for page in walk(channel, within) for stub in page.stubs if stub.marketplace_id == wanted]


def only_stub(rig: Rig, channel: Connector) -> OrderStub:
    ((found,),) = (page.stubs for page in walk(channel, window(rig, channel)))
    return found


def read(rig: Rig, channel: Connector, *sales: Sale) -> list[RemoteOrder]:
    found = channel.get_orders([rig.remote_id(sale) for sale in sales], currencies(channel))
    orders = [order for order in found if isinstance(order, RemoteOrder)]
    assert len(orders) == len(found)
    return orders


def numbered(rig: Rig, sale: Sale, invoice_no: str, *expected: str) -> InvoiceNumberWrite:
    """The write of an invoice number."""
    return InvoiceNumberWrite(f"write-back:{sale.number}", rig.remote_id(sale), invoice_no, frozenset(expected))
