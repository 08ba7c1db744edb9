"""A deterministic maker of orders: order i of merchant m is a pure function of (seed, m, i).

Any page can be made again without making the ones before it, so whatever is measured on "the same orders" really
gets the same orders. 15 marketplaces in three countries, 11 gateways (one is missing), 1 to 7 lines, names in many
scripts, 84 % paid and the rest unpaid, cancelled or refunded; no tax, so that totals do not hang on its rounding.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

SEED = 20261121
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_SECONDS_APART = 37
_CUSTOMERS = 2000
_PRODUCTS = 500

MARKETPLACES = (
    ("Shopee MY", 30), ("Lazada MY", 18), ("TikTok Shop MY", 16), ("Webstore", 12), ("Shopee SG", 5),
    ("Lazada SG", 4), ("Zalora", 3), ("PG Mall", 2), ("Amazon SG", 2), ("eBay", 1), ("Facebook Live", 2),
    ("SGPOS", 2), ("Landing Page", 1), ("Tiki VN", 1), ("Sendo VN", 1),
)  # fmt: skip
GATEWAYS = (
    ("ShopeePay", 26), ("COD", 18), ("iPay88 FPX", 14), ("Lazada Wallet", 12), ("Touch 'n Go eWallet", 9),
    ("GrabPay", 6), ("Credit Card", 6), ("Bank Transfer", 5), ("Atome BNPL", 2), ("Thẻ ngân hàng", 1), ("", 1),
)  # fmt: skip
STATUSES = (("paid", 84), ("unpaid", 7), ("cancelled", 5), ("refunded", 3), ("partially_refunded", 1))
_LINE_COUNTS = ((1, 30), (2, 28), (3, 20), (4, 12), (5, 6), (6, 3), (7, 1))
_GIVEN = (
    "Nur Aisyah", "Ahmad Faiz", "陈伟强", "李美玲", "Siti Nurhaliza", "முருகன்", "Priya", "Nguyễn Thị Hoa",
    "Trần Văn Đức", "John", "José", "Zoë", "Muhd Haziq", "林志明", "Anand Raj", "Đặng Lan",
)  # fmt: skip
_FAMILY = (
    "binti Rahman", "bin Abdullah", "(Penang)", "Tan", "a/l Subramaniam", "Lim & Sons", "O'Brien", "Wong", "🌸",
    "Sdn. Bhd.", "Lê", "Ng",
)  # fmt: skip
_PRODUCT_NAMES = (
    "Baju Kurung Moden", "Kopi Ipoh 怡保白咖啡", "Áo dài lụa", 'Phone case <clear> "slim"', "Tudung Bawal",
    "Nước mắm Phú Quốc", "Durian Crisps 榴莲脆片", "USB-C cable 2 m", "Sambal Nyet", "Kuih Raya Set ✨",
    "Running shoes", "Batik shirt", "Rice cooker",
)  # fmt: skip
_COLOURS = ("Red", "Đen", "蓝色", "Hijau")
_LONG_NOTE = "Tolong bungkus elok2 🙏 请小心包装 " * 40


@dataclass(frozen=True, slots=True)
class Product:
    """One variant of the catalogue."""

    sku: str
    name: str
    variant: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Customer:
    """A buyer."""

    name: str
    email: str
    phone: str
    address: str
    city: str
    postcode: str
    country: str


@dataclass(frozen=True, slots=True)
class Line:
    """So many of a product; `discount` is of one piece."""

    product: Product
    quantity: int
    discount: Decimal

    @property
    def net(self) -> Decimal:
        """What the line adds to the total."""
        return (self.product.price - self.discount) * self.quantity


@dataclass(frozen=True, slots=True)
class MadeOrder:
    """One order; `status` is one of STATUSES. Order `index` + 1 of the merchant."""

    id: int
    remote_number: str
    marketplace: str
    gateway: str
    status: str
    created_at: datetime
    updated_at: datetime
    customer: Customer
    note: str
    lines: tuple[Line, ...]
    shipping: Decimal

    @property
    def total(self) -> Decimal:
        """What was charged."""
        return sum((line.net for line in self.lines), self.shipping)

    @property
    def refunded(self) -> Decimal:
        """What was paid back: all of it, the first line, or nothing."""
        return {"refunded": self.total, "partially_refunded": self.lines[0].net}.get(self.status, Decimal(0))


class _Choice:
    """A table of weights, added up once."""

    def __init__(self, weighted: Sequence[tuple[T, int]]) -> None:
        self._values = [value for value, _ in weighted]
        self._weights = list(itertools.accumulate(weight for _, weight in weighted))

    def pick(self, rnd: random.Random) -> object:
        return rnd.choices(self._values, cum_weights=self._weights)[0]


_MARKETPLACE, _GATEWAY, _STATUS = map(_Choice, (MARKETPLACES, GATEWAYS, STATUSES))
_LINES = _Choice(_LINE_COUNTS)


@lru_cache(maxsize=4)
def products(seed: int = SEED) -> tuple[Product, ...]:
    """The catalogue: products of 1 to 4 variants; a few SKUs differ from another by case alone."""
    rnd = random.Random(f"p{seed}")
    made = []
    for number in range(_PRODUCTS):
        name = f"{rnd.choice(_PRODUCT_NAMES)} {number:03d}"
        variants = rnd.choice((1, 1, 2, 3, 4))
        price = Decimal(rnd.randrange(390, 39990, 10)) / 100
        for variant in range(variants):
            sku = f"SKU{number:04d}" + (f"-{variant}" if variants > 1 else "")
            if number % 97 == 96 and variant == 1:
                sku = f"sku{number:04d}-0"
            made.append(Product(sku, name, _COLOURS[variant] if variants > 1 else "", price + variant))
    return tuple(made)


@lru_cache(maxsize=_CUSTOMERS)
def customer(number: int) -> Customer:
    """One of the buyers."""
    return Customer(
        name=f"{_GIVEN[number % len(_GIVEN)]} {_FAMILY[number // 16 % len(_FAMILY)]} {number}",
        email=f"buyer{number}@example.com",
        phone=f"+601{number:08d}",
        address=f"No. {number % 90 + 1}, Jalan Đông 东路 {number % 37}",
        city=("Ipoh", "Kuala Lumpur", "Đà Nẵng")[number % 3],
        postcode=f"{30000 + number % 9999}",
        country=("MY", "MY", "VN")[number % 3],
    )


def order(index: int, merchant: int = 1, seed: int = SEED) -> MadeOrder:
    """The order at this place, from 0 on."""
    rnd = random.Random((seed * 1009 + merchant) * 100_000_007 + index)
    created = EPOCH + timedelta(seconds=_SECONDS_APART * index + rnd.randrange(30))
    status, marketplace, gateway = (str(table.pick(rnd)) for table in (_STATUS, _MARKETPLACE, _GATEWAY))
    catalogue = products(seed)
    lines = []
    for _place in range(int(str(_LINES.pick(rnd)))):
        product = catalogue[int(len(catalogue) * rnd.random() ** 2)]
        quantity = rnd.choice((1, 1, 1, 1, 2, 2, 3, 5, 10))
        discount = (product.price * rnd.choice((0, 0, 0, 5, 10, 20)) / 100).quantize(Decimal("0.01"))
        lines.append(Line(product, quantity, discount))
    return MadeOrder(
        id=merchant * 100_000_000 + index + 1,
        remote_number=f"{rnd.getrandbits(48):015d}",
        marketplace=marketplace,
        gateway=gateway,
        status=status,
        created_at=created,
        shipping=Decimal(rnd.choice((0, 0, 0, 490, 690, 990))) / 100,
        updated_at=created + timedelta(minutes=rnd.randrange(600)),
        customer=customer(int(_CUSTOMERS * rnd.random() ** 1.5)),
        note=_LONG_NOTE if index % 251 == 250 else ("gift" if index % 13 == 0 else ""),
        lines=tuple(lines),
    )


def orders(count: int, merchant: int = 1, *, paid_only: bool = False) -> Iterator[MadeOrder]:
    """The first orders of a merchant, or the first of those that can be invoiced."""
    made = (order(index, merchant) for index in itertools.count())
    return itertools.islice((one for one in made if one.status == "paid" or not paid_only), count)
