"""The store itself as a channel: the orders that are made here."""

from app.connectors.own.connector import Own

__all__ = ["Own"]
