"""SiteGiant: marketplaces and webstores of one shop behind one key."""

from app.connectors.sitegiant.connector import SiteGiant

__all__ = ["SiteGiant"]
