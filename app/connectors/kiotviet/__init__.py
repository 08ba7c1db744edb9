"""KiotViet Retail over its public API."""

from app.connectors.kiotviet.connector import KiotViet

__all__ = ["KiotViet"]
