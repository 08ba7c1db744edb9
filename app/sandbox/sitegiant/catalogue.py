"""The goods of the made-up shop: a fixed catalogue, so that order lines and the items route tell one story."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.sandbox.sitegiant.orders import Order


@dataclass(frozen=True, slots=True)
class Item:
    """One variant: `price` in sen; `tax_percent` is the SST rate where the shop charges it."""

    item_id: int
    isku: str
    product_sku: str
    name: str
    variant: str
    price: int
    tax_percent: int


# name, SKU stem, price in sen, SST percent, variants
_GOODS: tuple[tuple[str, str, int, int, tuple[str, ...]], ...] = (
    ("Kopi O Kaw 20 sachets", "KOPI-O", 1690, 0, ("",)),
    ("Teh Tarik 3-in-1 拉茶", "TEH-3IN1", 1490, 0, ("12 s", "30 s")),
    ("Serunding Daging Kelantan", "SRD-DGG", 2850, 0, ("100 g", "250 g")),
    ("Sambal Hijau Pedas 🌶️", "SBL-HJU", 1290, 0, ("",)),
    ("白咖啡糖 White Coffee Candy", "CDY-WC", 690, 0, ("",)),
    ("Gula Melaka Asli", "GLM-500", 1150, 0, ("500 g", "1 kg")),
    ("முறுக்கு Murukku Pedas", "MRK-PDS", 890, 0, ("",)),
    ("Bánh phồng tôm Sa Giang", "BPT-SG", 1050, 0, ("",)),
    ("Keropok Lekor Kering", "KRP-LKR", 1390, 0, ("",)),
    ("Tikar Mengkuang (large)", "TKR-MKG", 8900, 10, ("Natural", "Green")),
    ("Songket cushion cover", "SGK-CSH", 5990, 10, ("Maroon", "Royal blue", "Black")),
    ("Batik sarong lelaki", "BTK-SRG", 4500, 10, ("Indigo", "Coklat")),
    ("Baju Melayu Teluk Belanga", "BJM-TB", 13900, 10, ("S", "M", "L", "XL")),
    ("旗袍 Cheongsam modern cut", "CSM-MOD", 16800, 10, ("S", "M", "L")),
    ("Kanchipuram style saree பட்டு", "SRE-KCP", 23900, 10, ("Gold", "Teal")),
    ("Nón lá – conical hat", "NON-LA", 3290, 10, ("",)),
    ("Labu Sayong water jar", "LBU-SYG", 7650, 10, ("",)),
    ("Wau Bulan wall kite 🪁", "WAU-BLN", 11900, 10, ("",)),
    ("Rattan basket 'Rotan Kampung'", "RTN-BSK", 6490, 10, ("S", "M")),
    ("Pewter bookmark, hibiscus", "PWT-BMK", 3900, 10, ("",)),
    ("Pandan reed diffuser 100 ml", "DFS-PDN", 4290, 10, ("",)),
    ("Minyak kelapa dara 500 ml", "VCO-500", 2990, 5, ("",)),
    ("Madu Tualang", "MDU-TLG", 8800, 5, ("500 g", "1 kg")),
    ("Durian crunch <Musang King>", "DRN-MK", 3690, 5, ("",)),
    ('Enamel mug "Kopitiam" 350 ml', "MUG-KPT", 1890, 10, ("White", "Green", "Blue")),
    ("Lampu pelita set of 6", "PLT-006", 2400, 10, ("",)),
    ("Gift wrapping service", "SVC-WRAP", 500, 8, ("",)),
    ("Furniture assembly (Klang Valley)", "SVC-ASM", 15000, 8, ("",)),
    ("Ceremonial hamper, 18 pieces", "HMP-018", 128800, 5, ("",)),
    ("Solid meranti dining table", "TBL-MRT", 1189000, 10, ("",)),
)


@lru_cache(maxsize=1)
def catalogue() -> tuple[Item, ...]:
    """Every variant of every good; each seventh has no SKU of the channel, only the inventory's."""
    found: list[Item] = []
    for name, stem, price, tax_percent, variants in _GOODS:
        for number, variant in enumerate(variants):
            sku = f"{stem}-{number + 1}" if len(variants) > 1 else stem
            item_id = 501 + len(found)
            channel_sku = "" if item_id % 7 == 0 else sku.lower()
            found.append(Item(item_id, sku, channel_sku, name, variant, price + 300 * number, tax_percent))
    return tuple(found)


def catalogue_rows(updated_at: str) -> list[dict[str, Any]]:
    """The catalogue as rows of the items route."""
    return [
        item_row(
            item.item_id,
            isku=item.isku,
            product_sku=item.product_sku,
            name=item.name,
            variant=item.variant,
            price=f"{item.price // 100}.{item.price % 100:02d}",
            barcode=f"955{item.item_id:09d}",
            stock=item.item_id * 37 % 240,
            updated_at=updated_at,
        )
        for item in catalogue()
    ]


def rows_sold(orders: Iterable[Order]) -> list[dict[str, Any]]:
    """Rows of the items route for orders that came without a catalogue: one a SKU, as last sold."""
    sold: dict[str, dict[str, Any]] = {}
    for order in orders:
        for line in order["order_items"]:
            sku = str(line["isku"] or line["product_sku"])
            if sku:
                sold[sku] = {"line": line, "updated_at": order["updated_at"]}
    return [
        item_row(
            number,
            isku=str(seen["line"]["isku"]),
            product_sku=str(seen["line"]["product_sku"]),
            name=str(seen["line"]["product_name"]),
            variant=str(seen["line"]["variant"]),
            price=str(seen["line"]["product_price"]),
            updated_at=str(seen["updated_at"]),
        )
        for number, seen in enumerate(sold.values(), start=501)
    ]


def item_row(
    item_id: int,
    *,
    isku: str,
    product_sku: str,
    name: str,
    variant: str,
    price: str,
    updated_at: str,
    barcode: str = "",
    stock: int = 0,
) -> dict[str, Any]:
    """One row of the items route; its picture is an address that nobody answers at."""
    return {
        "item_id": item_id,
        "isku": isku,
        "product_sku": product_sku,
        "name": name,
        "variant": variant,
        "barcode": barcode,
        "price": price,
        "currency": "MYR",
        "stock": stock,
        "image": f"https://pictures.example/{item_id}.jpg",
        "updated_at": updated_at,
    }
