"""`sitegiant`: reads the command line, makes the data, serves it."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.sandbox.command import add_kind, run_kind, time_in
from app.sandbox.jsonl import load_jsonl
from app.sandbox.sitegiant import desk
from app.sandbox.sitegiant.application import create_app
from app.sandbox.sitegiant.clock import LOCAL
from app.sandbox.sitegiant.database import Database
from app.sandbox.sitegiant.gate import DEFAULT_RATE_LIMIT
from app.sandbox.sitegiant.pages import PATH
from app.sandbox.sitegiant.state import Sandbox

DEFAULT_KEY = "sandbox-key"
SHOP_NAME = "Serai & Pandan"

DESCRIPTION = "A made-up shop that answers like SiteGiant, with a control page to steer it and to make it fail."
EPILOG = """\
the JSONL file: one order a line, UTF-8, in the shape that the detail route sends:

  {"order_id":1001,"marketplace_order_id":"2611ABC","channel_id":7,"marketplace":"Shopee",
   "order_status":"Completed","payment_status":"Paid","billing_method":"ShopeePay","invoice_no":"",
   "order_creation_date":"2026-11-20T23:58:10+08:00","paid_time":"2026-11-20T23:59:00+08:00",
   "shipped_time":null,"updated_at":"2026-11-21T00:03:00+08:00",
   "billing_firstname":"Nur","billing_lastname":"Aisyah","billing_company":"","billing_phone":"","billing_email":"",
   "billing_address":"","billing_city":"Ipoh","billing_state":"Perak","billing_postcode":"30000",
   "billing_country":"MY","note":"",
   "order_items":[{"order_item_id":1,"product_sku":"A-1","isku":"A1","product_name":"Kopi","variant":"",
     "product_price":"21.00","product_quantity":2,"product_total":"42.00","discount_amount":"2.00","tax_amount":"0.00"}],
   "shipping_fee":"4.90","coupon_amount":"5.00","other_adjustment_total":"0.00","tax_total":"0.00",
   "tax_inclusive":0,"refunded_amount":"0.00","total":"39.90"}

  needed: order_id, order_status, payment_status, order_creation_date (with an offset), total, and order_items,
  each with product_price and product_quantity. The rest may be left out. Amounts are decimal strings or numbers.
  Without channel_id the order goes to the channel of its marketplace ("" is the own webstore), which is made when
  it is new; "currency":"SGD" on a line sets its channel's currency (default MYR).
  An order foots when  sum(product_total - |discount_amount|) + shipping_fee - |coupon_amount|
  + other_adjustment_total + (tax_total unless tax_inclusive) = total;  one that does not is taken all the same.
  A bad line is named with its number, and then nothing is loaded.

the control page is at http://HOST:PORT/, the control API under /control, both for whoever can reach the port.
"""


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `sitegiant` to the sandboxes that the command line knows."""
    parser = add_kind(kinds, "sitegiant", description=DESCRIPTION, epilog=EPILOG, port=5501)
    parser.add_argument("--api-key", default=DEFAULT_KEY, metavar="KEY", help="first shop's key (default: %(default)s)")
    parser.add_argument("--rate-limit", type=int, metavar="N", help="calls a minute (default: %(default)s)")
    parser.set_defaults(run=run, rate_limit=DEFAULT_RATE_LIMIT)
    orders = parser.add_argument_group("orders", "what an empty shop is filled with; a data file keeps what it has")
    source = orders.add_mutually_exclusive_group()
    source.add_argument("--orders", type=Path, metavar="FILE.jsonl", help="load these orders")
    source.add_argument("--count", type=int, default=200, metavar="N", help="make N up (default: %(default)s)")
    orders.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed, the same orders")
    orders.add_argument("--until", type=time_in(LOCAL), metavar="TIME", help="when the newest was made (default: now)")


def run(options: argparse.Namespace) -> int:
    """Fill the database if it is empty, then serve it until told to stop; returns the exit code."""
    return run_kind(options, kind="sitegiant", path=PATH, database=Database, prepare=prepare, create_app=create_app)


def prepare(db: Database, options: argparse.Namespace) -> None:
    """Make the first shop with its orders, all or nothing, unless the database has them already."""
    box = Sandbox(db)
    with db.transaction():
        known = box.shop(options.api_key)
        shop = box.keep_shop(options.api_key, known.name if known else SHOP_NAME, options.rate_limit)
        if desk.stats(shop)["orders"]:
            return
        if options.orders:
            load_jsonl(options.orders, lambda raws: desk.load(shop, raws))
        else:
            desk.fill(shop, count=options.count, seed=options.seed, until=options.until)
