"""Reading orders in full: in batches of what the channel gives at once, and past the one order that it fails at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.connectors.base import Connector
from app.core.errors import FailedThere
from app.core.types import RemoteOrder, UnreadableOrder

Details = tuple[RemoteOrder | UnreadableOrder, ...]

PATIENCE = 3
"""How often a job comes back in vain before a batch is taken apart: most failures pass by themselves."""


def read_details(
    connector: Connector, wanted: Sequence[str], currencies: Mapping[str, str], *, attempts: int = 0
) -> Details:
    """The details of a page's orders; a channel may list more on a page than it was asked for.

    A channel may also fail whenever it is asked for one certain order. After some `attempts` the batch is taken apart,
    and the order that it fails at alone counts as unreadable: it must not stand in the way of all others for good.
    Raises ChannelError; a channel that fails at everything is down.
    """
    size = connector.page_size
    batches = [wanted[start : start + size] for start in range(0, len(wanted), size)]
    read = _read_stubbornly if attempts >= PATIENCE else _read
    return tuple(order for batch in batches for order in read(connector, batch, currencies))


def _read(connector: Connector, batch: Sequence[str], currencies: Mapping[str, str]) -> Details:
    return connector.get_orders(batch, currencies)


def _read_stubbornly(connector: Connector, batch: Sequence[str], currencies: Mapping[str, str]) -> Details:
    """The batch, taken apart if the channel fails at it but not at its first or its last order."""
    try:
        return connector.get_orders(batch, currencies)
    except FailedThere:
        if len(batch) == 1 or not any(_answers(connector, one, currencies) for one in (batch[0], batch[-1])):
            raise
    return _halved(connector, batch, currencies)


def _answers(connector: Connector, remote_id: str, currencies: Mapping[str, str]) -> bool:
    """Whether the channel answers when it is asked for this order alone."""
    try:
        connector.get_orders([remote_id], currencies)
    except FailedThere:
        return False
    return True


def _halved(connector: Connector, batch: Sequence[str], currencies: Mapping[str, str]) -> Details:
    """What can be read of a batch, half by half, down to the single orders that the channel fails at."""
    half = len(batch) // 2
    found: list[RemoteOrder | UnreadableOrder] = []
    for part in (batch[:half], batch[half:]):
        try:
            found += connector.get_orders(part, currencies)
        except FailedThere as error:
            failed = (UnreadableOrder(part[0], error.user_message, {}),)
            found += failed if len(part) == 1 else _halved(connector, part, currencies)
    return tuple(found)
