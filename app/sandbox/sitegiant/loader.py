"""Loads orders from a JSONL file: one order in the wire's shape a line."""

from __future__ import annotations

import json
from pathlib import Path

from app.sandbox.sitegiant.catalogue import rows_sold
from app.sandbox.sitegiant.orders import checked_order
from app.sandbox.sitegiant.shop import BadOrders, Shop

SHOWN_PROBLEMS = 20


class LoadError(Exception):
    """A file that cannot be loaded; the text has a line for each bad line of the file, and nothing was kept."""


def load_jsonl(shop: Shop, path: Path) -> list[int]:
    """Add the file's orders to the shop, all or none, and make its items from what they sold."""
    lines: list[int] = []
    raws: list[object] = []
    bad: list[tuple[int, str]] = []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise LoadError(f"{path}: {problem}") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                raws.append(json.loads(line))
                lines.append(number)
            except ValueError as problem:
                bad.append((number, f"not JSON: {problem}"))
    if not bad:
        try:
            with shop.db.transaction():
                added = shop.add_orders(raws)
                shop.keep_items(rows_sold(checked_order(raw) for raw in raws))
                return added
        except BadOrders as problems:
            bad = [(lines[place], sentence) for place, sentence in problems.problems]
    raise LoadError(_listed(path, bad))


def _listed(path: Path, bad: list[tuple[int, str]]) -> str:
    shown = [f"{path}: line {number}: {sentence}" for number, sentence in bad[:SHOWN_PROBLEMS]]
    rest = len(bad) - len(shown)
    return "\n".join([*shown, *([f"{path}: and {rest} more bad lines"] if rest else [])])
