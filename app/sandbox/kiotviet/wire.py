"""KiotViet's routes, as the contract gives them; paths are matched whatever the case of their letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.sandbox.calling import Answer
from app.sandbox.kiotviet import customers, invoices, orders, others, products, webhooks
from app.sandbox.kiotviet.calling import Call, Refused, error
from app.sandbox.kiotviet.documents import gone
from app.sandbox.kiotviet.kinds import KINDS
from app.sandbox.kiotviet.listing import by_kind
from app.sandbox.kiotviet.shop import BadRecord, UnknownRecord

Handler = Callable[[Call], Answer]

_BY_CODE = ("product", "customer", "order", "invoice", "return")
_BY_ID = (*_BY_CODE, "purchaseorder", "branch", "supplier", "transfer")

# A path's `#` stands for digits, `*` for all that is left.
HANDLERS: Mapping[tuple[str, str], Handler] = {
    **{("GET", kind.path): by_kind(kind.name) for kind in KINDS.values()},
    **{("GET", f"{KINDS[name].path}/#"): others.by_id(name) for name in _BY_ID},
    **{("GET", f"{KINDS[name].path}/code"): others.by_code(name) for name in _BY_CODE},
    **{("GET", f"{KINDS[name].path}/code/*"): others.by_code(name) for name in _BY_CODE},
    ("POST", "products"): products.create,
    ("PUT", "products/#"): products.update,
    ("DELETE", "products/#"): others.remove("product"),
    ("POST", "listaddproducts"): products.create_many,
    ("PUT", "listupdatedproducts"): products.update_many,
    ("GET", "productonhands"): products.stock_list,
    ("GET", "attributes/allwithdistinctvalue"): products.attributes,
    ("GET", "pricebooks/#"): products.book_prices,
    ("POST", "pricebooks/detail"): products.set_price,
    ("POST", "customers"): customers.create,
    ("PUT", "customers/#"): customers.update,
    ("DELETE", "customers/#"): others.remove("customer"),
    ("POST", "listaddcutomers"): customers.create_many,
    ("POST", "listaddcustomers"): customers.create_many,
    ("PUT", "listupdatecustomers"): customers.update_many,
    ("POST", "orders"): orders.create,
    ("PUT", "orders/#"): orders.update,
    ("DELETE", "orders/#"): orders.cancel,
    ("POST", "invoices"): invoices.create,
    ("PUT", "invoices/#"): invoices.update,
    ("DELETE", "invoices"): invoices.cancel,
    ("DELETE", "invoices/#"): invoices.cancel,
    ("POST", "payments"): others.pay,
    ("GET", "categories"): others.list_categories,
    ("GET", "categories/#"): others.show_category,
    ("POST", "categories"): others.create_category,
    ("PUT", "categories/#"): others.update_category,
    ("DELETE", "categories/#"): others.remove_category,
    ("POST", "surchages"): others.create_surcharge,
    ("PUT", "surchages/#"): others.update_surcharge,
    ("POST", "surchages/#/activesurchage"): others.activate_surcharge,
    ("GET", "settings"): others.settings,
    ("POST", "webhooks"): webhooks.register,
    ("GET", "webhooks"): webhooks.listing,
    ("GET", "webhooks/#"): webhooks.show,
    ("DELETE", "webhooks/#"): webhooks.remove,
}

HEADS = tuple(sorted({path.partition("/")[0] for _, path in HANDLERS}))
"""The first parts of all paths, which name the routes of faults."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes: `names` are those under which faults find it, `label` the one in the log."""

    handler: Handler | None
    names: tuple[str, ...]
    label: str
    tail: str = ""


def route_of(method: str, path: str) -> Route:
    """The route of a path; one that leads nowhere has no handler."""
    head, *rest = path.strip("/").split("/")
    head = head.lower()
    shape, tail = "/".join([head, *(part.lower() for part in rest)]), ""
    if rest and rest[0].isascii() and rest[0].isdigit() and len(rest[0]) < 19:
        shape, tail = "/".join([head, "#", *(part.lower() for part in rest[1:])]), rest[0]
    elif len(rest) > 1 and rest[0].lower() == "code":
        shape, tail = f"{head}/code/*", "/".join(rest[1:])
    act = "write" if method != "GET" else "detail" if tail or shape.endswith("/code") else "list"
    names = ("records", act, head) if act == "write" else ("records", "read", act, head)
    return Route(HANDLERS.get((method, shape)), names, f"{head}.{act}", tail)


def handle(call: Call, route: Route) -> Answer:
    """Let the route answer; what it refuses is worded as the channel does."""
    if route.handler is None:
        return error(404, "NotFound", "Not found", call.dialect)
    try:
        return route.handler(call)
    except Refused as refused:
        return error(refused.status, refused.code, refused.message, call.dialect)
    except UnknownRecord:
        missing = gone(_kind_at(route), int(call.dialect["missing_record"]))
        return error(missing.status, missing.code, missing.message, call.dialect)
    except BadRecord as problem:
        return error(400, "SerializationException", str(problem), call.dialect)


def _kind_at(route: Route) -> str:
    """The kind of records that a route is about."""
    head = route.label.partition(".")[0]
    return next((kind.name for kind in KINDS.values() if kind.path == head), "order")
