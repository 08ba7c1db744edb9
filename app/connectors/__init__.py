"""The kinds of systems we can connect. A new one is a folder beside this file and a line in `REGISTRY`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.connectors.base import Connector, ConnectorOptions
from app.connectors.kiotviet import KiotViet
from app.connectors.own import Own
from app.connectors.sitegiant import SiteGiant
from app.connectors.store import LinkedStore

REGISTRY: Mapping[str, type[Connector]] = MappingProxyType(
    {one.kind: one for one in (SiteGiant, KiotViet, LinkedStore, Own)}
)


def connect(kind: str, config: Mapping[str, str], options: ConnectorOptions) -> Connector:
    """A connector of this kind for one account; does no I/O. KeyError for an unknown kind, Misconfigured for nonsense.

    Close it when done: it holds connections.
    """
    return REGISTRY[kind](config, options)
