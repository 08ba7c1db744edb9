"""The control page: what to connect, what there is, the faults and the switches, for a person who rehearses."""

from __future__ import annotations

import json
from decimal import Decimal

from flask import abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.sandbox.kiotviet import desk, dialect
from app.sandbox.kiotviet.calling import Refused
from app.sandbox.kiotviet.control import chosen_shop, kind_of
from app.sandbox.kiotviet.faults import ROUTES
from app.sandbox.kiotviet.gate import PATH
from app.sandbox.kiotviet.kinds import KINDS
from app.sandbox.kiotviet.reading import amount
from app.sandbox.kiotviet.shop import BadRecord, UnknownRecord
from app.sandbox.kiotviet.state import sandbox
from app.sandbox.kiotviet.stock import set_on_hand
from app.sandbox.kiotviet.writes import writes
from app.sandbox.pages import back, pages_blueprint, tried

HOME = "/control/pages"
"""Beside the wire, whose paths are taken: it has webhooks of its own."""
SHOWN_WRITES = 25
SHOWN_RECORDS = 25

pages = pages_blueprint(HOME, "KiotViet", {"records": "Records", "switches": "Switches"})


@pages.get("")
def home() -> str:
    """What this is, what to connect, what there is, the faults and the switches."""
    shop = chosen_shop()
    return render_template(
        "kiotviet/home.html",
        shop=shop,
        shops=sandbox().shops(),
        url=f"{request.host_url.rstrip('/')}{PATH}",
        stats=desk.stats(shop),
        kinds=KINDS,
        writes=writes(shop)[-SHOWN_WRITES:][::-1],
        choices=dialect.CHOICES,
        spoken=dialect.spoken(shop.db, shop.shop_id),
        faults=sandbox().faults(shop).as_json(),
        routes=ROUTES,
        said=request.args.get("said", ""),
    )


@pages.post("/dialect")
def choose() -> AnyResponse:
    """Choose what the sources disagree about."""
    shop = chosen_shop()
    _, problem = tried(lambda: dialect.choose(shop.db, shop.shop_id, request.form.to_dict()), dialect.BadDialect)
    return back(shop, "", problem or "Saved.")


@pages.get("/records/<kind>")
def list_records(kind: str) -> str:
    """Records of a kind, newest first, found by words of their code or name."""
    shop, rule = chosen_shop(), kind_of(kind)
    words, page = request.args.get("q", ""), max(request.args.get("page", 1, type=int), 1)
    count, found = desk.search(shop, kind, words, limit=SHOWN_RECORDS, offset=(page - 1) * SHOWN_RECORDS)
    return render_template(
        "kiotviet/records.html",
        shop=shop,
        rule=rule,
        records=found,
        count=count,
        words=words,
        page=page,
        more=page * SHOWN_RECORDS < count,
        said=request.args.get("said", ""),
    )


@pages.get("/records/<kind>/<int:record_id>")
def show_record(kind: str, record_id: int) -> str:
    """One record as it is kept, to be edited; a product's stock can be counted anew."""
    shop, rule = chosen_shop(), kind_of(kind)
    try:
        record = shop.find(kind, record_id)
    except UnknownRecord as problem:
        abort(404, str(problem))
    return render_template(
        "kiotviet/record.html",
        shop=shop,
        rule=rule,
        record=record,
        record_id=record_id,
        text=json.dumps(record, ensure_ascii=False, indent=1),
        branches=shop.every("branch"),
        said=request.args.get("said", ""),
    )


@pages.post("/records/<kind>/<int:record_id>")
def edit_record(kind: str, record_id: int) -> AnyResponse:
    """Store the edited JSON of a record, or delete it; members left alone stay, those taken out go."""
    shop, rule = chosen_shop(), kind_of(kind)
    if "delete" in request.form:
        _, problem = tried(lambda: shop.remove(kind, record_id), UnknownRecord)
        return back(shop, f"/records/{rule.name}", problem or "Deleted.")

    def edit() -> None:
        fields, before = json.loads(request.form.get("json", "")), shop.find(kind, record_id)
        if not isinstance(fields, dict):
            raise BadRecord("a record is a JSON object")
        desk.edit(shop, kind, record_id, dict.fromkeys(before) | fields)

    _, problem = tried(edit, BadRecord, UnknownRecord)
    return back(shop, f"/records/{kind}/{record_id}", problem or "Saved.")


@pages.post("/stock/<int:product_id>")
def count_stock(product_id: int) -> AnyResponse:
    """Count a product anew in one branch."""
    shop = chosen_shop()

    def count() -> None:
        on_hand = amount(request.form.to_dict(), "on_hand")
        set_on_hand(shop, product_id, request.form.get("branch", 0, type=int), on_hand or Decimal(0))

    _, problem = tried(count, UnknownRecord, Refused)
    return back(shop, f"/records/product/{product_id}", problem or "Counted.")


def to_home() -> AnyResponse:
    """Lead who opens the sandbox's address in a browser to its page."""
    return redirect(HOME)
