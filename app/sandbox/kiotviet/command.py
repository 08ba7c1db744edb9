"""`kiotviet`: reads the command line, makes the data, serves it."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from app.sandbox.command import add_kind, run_kind, time_in
from app.sandbox.jsonl import load_jsonl
from app.sandbox.kiotviet import desk, dialect
from app.sandbox.kiotviet.application import create_app
from app.sandbox.kiotviet.clock import LOCAL, wall_of
from app.sandbox.kiotviet.database import Database
from app.sandbox.kiotviet.gate import PATH
from app.sandbox.kiotviet.kinds import KINDS
from app.sandbox.kiotviet.state import RATE_LIMIT, Sandbox

SHOP, CLIENT_ID, CLIENT_SECRET = "cuahangsen", "sandbox-client", "sandbox-secret"
SHOP_NAME = "Cửa hàng Sen"

DESCRIPTION = "A made-up shop that answers like KiotViet, with a control page to steer it and to make it fail."
EPILOG = f"""\
one address serves for both of KiotViet's: tokens at URL/connect/token, records at URL/products, URL/orders, …

the JSONL files: one record a line, UTF-8, in the shape that the detail route sends; --load KIND=FILE.jsonl

  {{"id":1000001,"code":"SP000001","name":"Trà sen","fullName":"Trà sen (Hộp)","categoryId":1000002,"type":2,
   "allowsSale":true,"isActive":true,"basePrice":120000,"unit":"Hộp","weight":250,
   "createdDate":"2026-10-01T08:00:00.000",
   "inventories":[{{"productId":1000001,"productCode":"SP000001","branchId":10001,"onHand":12,"reserved":0}}]}}

  Without a number, a code or a creation a record gets one; dates are Vietnam's wall clock, without an offset.
  A kind that is loaded is not made up. A bad line is named with its number, and then nothing is loaded.
  kinds: {", ".join(KINDS)}

switches where KiotViet's sources disagree (--dialect NAME=OPTION, the first option is the default):

{chr(10).join(f"  {name:<20} {' | '.join(choice.options)}" for name, choice in dialect.CHOICES.items())}

the control page is at http://HOST:PORT/, the control API under /control, both for whoever can reach the port.
"""


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kiotviet` to the sandboxes that the command line knows."""
    parser = add_kind(kinds, "kiotviet", description=DESCRIPTION, epilog=EPILOG, port=5502)
    parser.add_argument("--shop", default=SHOP, help="first shop's name, as in its address (default: %(default)s)")
    parser.add_argument("--client-id", default=CLIENT_ID, metavar="ID", help="its client id (default: %(default)s)")
    parser.add_argument("--client-secret", default=CLIENT_SECRET, metavar="SECRET", help="(default: %(default)s)")
    parser.add_argument("--rate-limit", type=int, metavar="N", help="reads an hour (default: %(default)s)")
    parser.add_argument("--dialect", type=_pair, action="append", metavar="NAME=OPTION", help="see below")
    parser.set_defaults(run=run, rate_limit=RATE_LIMIT, dialect=[], load=[])
    data = parser.add_argument_group("data", "what an empty shop is filled with; a data file keeps what it has")
    data.add_argument("--load", type=_file, action="append", metavar="KIND=FILE.jsonl", help="load these records")
    data.add_argument("--products", type=int, default=600, metavar="N", help="make N up (default: %(default)s)")
    data.add_argument("--orders", type=int, default=400, metavar="N", help="make N up (default: %(default)s)")
    data.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed, the same data")
    data.add_argument("--kilograms", action="store_true", help="goods are weighed in kilograms, not in grams")
    data.add_argument("--until", type=time_in(LOCAL), metavar="TIME", help="when the newest was made (default: now)")


def run(options: argparse.Namespace) -> int:
    """Fill the database if it is empty, then serve it until told to stop; returns the exit code."""
    return run_kind(options, kind="kiotviet", path=PATH, database=Database, prepare=prepare, create_app=create_app)


def prepare(db: Database, options: argparse.Namespace) -> None:
    """Make the first shop with its data, all or nothing, unless the database has it already."""
    box = Sandbox(db)
    with db.transaction():
        known = box.shop(options.shop)
        shop = box.keep_shop(
            options.shop,
            name=known.name if known else SHOP_NAME,
            client_id=options.client_id,
            client_secret=options.client_secret,
            rate_limit=options.rate_limit,
        )
        dialect.choose(db, shop.shop_id, dict(options.dialect))
        if shop.count("branch"):
            return
        files: dict[str, Path] = dict(options.load)
        size = desk.Size(
            products=0 if "product" in files else options.products,
            orders=0 if files.keys() & {"product", "order"} else options.orders,
            seed=options.seed,
            kilograms=options.kilograms,
        )
        desk.fill(shop, size, wall_of(options.until) if options.until else None, without=files.keys())
        for kind, path in files.items():
            load_jsonl(path, partial(desk.load, shop, kind))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or name not in dialect.CHOICES or value not in dialect.CHOICES[name].options:
        raise argparse.ArgumentTypeError(f"{text} is no NAME=OPTION")
    return name, value


def _file(text: str) -> tuple[str, Path]:
    kind, equals, path = text.partition("=")
    if not equals or kind not in KINDS:
        raise argparse.ArgumentTypeError(f"{text} is no KIND=FILE.jsonl")
    return kind, Path(path)
