"""The control page: what to connect, what there is, the faults and the switches, for a person who rehearses."""

from __future__ import annotations

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.sandbox.kiotviet import desk, dialect
from app.sandbox.kiotviet.control import chosen_shop
from app.sandbox.kiotviet.faults import ROUTES
from app.sandbox.kiotviet.gate import PATH
from app.sandbox.kiotviet.state import sandbox
from app.sandbox.kiotviet.writes import writes
from app.sandbox.pages import back, pages_blueprint, tried

HOME = "/control/pages"
"""Beside the wire, whose paths are taken: it has webhooks of its own."""
SHOWN_WRITES = 25

pages = pages_blueprint(HOME, "KiotViet", {"switches": "Switches"})


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


def to_home() -> AnyResponse:
    """Lead who opens the sandbox's address in a browser to its page."""
    return redirect(HOME)
