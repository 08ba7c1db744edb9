"""What KiotViet does differently according to whom one asks: one switch for each disagreement and each open question.

The first choice of each is what the sandbox does unless it is told otherwise. A switch belongs to a shop and is kept
with it, since it says what the shop is like; what goes wrong for a while is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.sandbox.database import Database


class BadDialect(ValueError):
    """There is no such switch or choice; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One switch: what it is about, and what can be chosen."""

    about: str
    options: tuple[str, ...]


_ON = ("on", "off")
CHOICES: Mapping[str, Choice] = {
    "empty_page": Choice("Whether a page without rows has `data`.", ("omitted", "list")),
    "large_page": Choice("What a pageSize above 100 gets: 100 rows, HTTP 420, or what it asks.", ("100", "420", "all")),
    "removed_key": Choice(
        "Under which name deleted ids come: each resource's own, or one for all.",
        ("own", "removedIds", "removeId", "removeIds", "removedId"),
    ),
    "created_date": Choice("What createdDate picks: since that time, or on that day.", ("since", "day")),
    "never_edited": Choice("Whether lastModifiedFrom sees rows without modifiedDate.", ("seen", "unseen")),
    "stock_edits": Choice("Whether a movement of stock alone changes a product's modifiedDate.", ("no", "yes")),
    "customer_answer": Choice("How a customer that was written is answered.", ("wrapped", "flat")),
    "webhook_answer": Choice("How a new webhook is answered.", ("flat", "wrapped")),
    "delete_answer": Choice("What a deletion answers.", ("message", "true")),
    "repeated_lines": Choice(
        "What lines that repeat a product become: one line, HTTP 420, or what they are.", ("merged", "420", "kept")
    ),
    "offset_dates": Choice(
        "What a document's date with an offset gets: HTTP 420 as if it lay in the future, or its digits are taken.",
        ("420", "digits"),
    ),
    "missing_record": Choice("The status for a record that is not there.", ("420", "404")),
    "wrong_shop": Choice("The status for a Retailer header that is not the token's.", ("401", "420")),
    "error_place": Choice("Where an error's text stands.", ("responseStatus", "message")),
    "images": Choice("What images are.", ("strings", "objects")),
    "stock_limits": Choice("How the least and the most to keep are spelt.", ("quantity", "quality")),
    "onhand_key": Choice("How productOnHands spells its figure.", ("onhand", "onHand")),
    "sale_channel_key": Choice("How orders and invoices spell the channel.", ("saleChannelId", "SaleChannelId")),
    "order_delivery": Choice("What orderDelivery is.", ("object", "array")),
    "action_suffix": Choice("Whether a webhook's Action has a third part.", ("none", "retailer")),
    "delete_body": Choice("How deletions are called out.", ("notifications", "RemoveId")),
    "signature": Choice("How the signature is written.", ("sha1=", "bare", "sha256=")),
    "retry_after": Choice("Whether a 429 says when to come back.", ("sent", "absent")),
    "ordering": Choice("The shop's setting: orders may be taken.", _ON),
    "delivery": Choice("The shop's setting: goods are delivered.", _ON),
    "cod": Choice("The shop's setting: money is collected on delivery.", _ON),
    "surcharges": Choice("The shop's setting: surcharges are used.", _ON),
    "sale_time": Choice("The shop's setting: the time of a sale may be chosen.", _ON),
    "sell_out_of_stock": Choice("The shop's setting: what is out of stock may be sold.", _ON),
    "order_out_of_stock": Choice("The shop's setting: what is out of stock may be ordered.", _ON),
    "customers_by_branch": Choice("The shop's setting: a customer belongs to one branch.", _ON[::-1]),
}


def spoken(db: Database, shop_id: int) -> dict[str, str]:
    """What is chosen in a shop, for every switch."""
    chosen = db.pairs("SELECT name, value FROM dialects WHERE shop_id = ?", (shop_id,))
    return {name: chosen.get(name, choice.options[0]) for name, choice in CHOICES.items()}


def choose(db: Database, shop_id: int, wanted: Mapping[str, object]) -> None:
    """Choose for a shop; raises BadDialect, and then nothing is changed."""
    for name, value in wanted.items():
        if name not in CHOICES:
            raise BadDialect(f"There is no switch {name}; there are {', '.join(CHOICES)}.")
        if value not in CHOICES[name].options:
            raise BadDialect(f"{name} is one of {', '.join(CHOICES[name].options)}.")
    with db.transaction():
        db.run_many(
            "INSERT OR REPLACE INTO dialects (shop_id, name, value) VALUES (?, ?, ?)",
            [(shop_id, name, str(value)) for name, value in wanted.items()],
        )
