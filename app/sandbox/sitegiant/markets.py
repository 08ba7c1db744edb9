"""Where the made-up shop sells, and what can become of an order there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from random import Random

BLOCK = 50  # every run of this many orders holds the whole deck of fates, so that a small shop shows all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One channel: `marketplace` as its orders name it, `gateways` and `cod` as it spells ways to pay."""

    marketplace: str
    label: str
    type: str
    share: int
    gateways: tuple[str, ...]
    cod: str = ""
    currency: str = "MYR"
    tax: str = ""  # "", "inclusive" or "exclusive"
    signed_discounts: bool = False  # sends its discounts as negative amounts
    counter: bool = False  # sold over the counter: paid at once, nothing shipped, cash rounded to 5 sen


MARKETS: tuple[Market, ...] = (
    Market(
        marketplace="Shopee",
        label="Shopee",
        type="Shopee",
        share=30,
        gateways=("ShopeePay", "ShopeePay", "SPayLater", "Credit/Debit Card"),
        cod="COD",
    ),
    Market(
        marketplace="Lazada",
        label="Lazada",
        type="Lazada",
        share=18,
        gateways=("Lazada Wallet", "Lazada Wallet", "Credit/Debit Card", "Touch 'n Go eWallet"),
        cod="cod ",
        signed_discounts=True,
    ),
    Market(
        marketplace="TikTok Shop",
        label="TikTok Shop",
        type="TikTok",
        share=18,
        gateways=("TikTok Shop Pay", "Touch 'n Go eWallet", "Atome"),
        cod="Cash on Delivery",
    ),
    Market(
        marketplace="",
        label="Webstore",
        type="Webstore",
        share=12,
        gateways=("FPX", "FPX", "Credit/Debit Card", "Touch 'n Go eWallet", "Atome", "Bank Transfer"),
        tax="exclusive",
    ),
    Market(
        marketplace="POS",
        label="Counter 1",
        type="POS",
        share=8,
        gateways=("Cash", "Cash", "DuitNow QR", "Credit/Debit Card"),
        tax="inclusive",
        counter=True,
    ),
    Market(
        marketplace="Shopee SG",
        label="Shopee SG",
        type="Shopee",
        share=7,
        gateways=("ShopeePay", "PayNow", "Credit/Debit Card"),
        currency="SGD",
    ),
    Market(
        marketplace="Landing Page",
        label="Raya hampers",
        type="LandingPage",
        share=4,
        gateways=("FPX", "Bank Transfer"),
        cod="COD",
    ),
    Market(
        marketplace="Facebook Live",
        label="Live",
        type="SocialCommerce",
        share=3,
        gateways=("Bank Transfer", "DuitNow QR"),
        cod="COD",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of an order: its two statuses, and the oddity it carries, if any."""

    order_status: str
    payment_status: str = "Paid"
    cod: bool = False
    refund: str = ""  # "", "full" or "part"
    shipped: bool = False
    twist: str = ""  # "", "before midnight", "after midnight" or "does not foot"


_DECK: tuple[tuple[int, Fate], ...] = (
    (17, Fate(order_status="Completed", shipped=True)),
    (2, Fate(order_status="Completed", shipped=True, cod=True)),
    (5, Fate(order_status="Shipped", shipped=True)),
    (4, Fate(order_status="Ready To Ship")),
    (3, Fate(order_status="Processed")),
    (3, Fate(order_status="Pending Process")),
    (1, Fate(order_status="Open")),
    (3, Fate(order_status="Open", payment_status="Unpaid")),
    (2, Fate(order_status="Shipped", payment_status="Unpaid", cod=True, shipped=True)),
    (1, Fate(order_status="Processed", payment_status="Unpaid", cod=True)),
    (2, Fate(order_status="Cancelled", payment_status="Unpaid")),
    (1, Fate(order_status="Cancelled", payment_status="Refunded", refund="full")),
    (1, Fate(order_status="Returned", payment_status="Refunded", refund="full", shipped=True)),
    (1, Fate(order_status="Completed", refund="part", shipped=True)),
    (1, Fate(order_status="Completed", shipped=True, twist="before midnight")),
    (1, Fate(order_status="Completed", shipped=True, twist="after midnight")),
)
_RARE = (Fate(order_status="On Hold"), Fate(order_status="Partially Refunded", refund="part", shipped=True))
_PLAIN = Fate(order_status="Completed", shipped=True)
_OFF = Fate(order_status="Completed", shipped=True, twist="does not foot")
BLOCKS_OFF = 5  # the first so many blocks hold one order each whose total is wrong on purpose


@lru_cache(maxsize=64)
def fates(seed: int, block: int) -> tuple[Fate, ...]:
    """The shuffled deck for one block of orders: always `BLOCK` fates."""
    cards = [fate for copies, fate in _DECK for _ in range(copies)]
    cards += [_RARE[block % len(_RARE)], _OFF if block < BLOCKS_OFF else _PLAIN]
    Random(f"{seed}:fates:{block}").shuffle(cards)  # noqa: S311  # repeatable on purpose
    return tuple(cards)


def market_for(rnd: Random, fate: Fate) -> Market:
    """A channel where such an order can happen: COD needs a marketplace with COD, a counter only finished sales."""
    fit = [
        market
        for market in MARKETS
        if (market.cod or not fate.cod) and (not market.counter or fate.order_status == "Completed")
    ]
    return rnd.choices(fit, weights=[market.share for market in fit])[0]
