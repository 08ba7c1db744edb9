"""The list endpoints, which all page, sort, filter and read changes in one way.

Statements are put together of names that stand in our own tables; what a caller sends is always a parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from app.sandbox.calling import Answer, wire_text
from app.sandbox.kiotviet.calling import Call, Refused, truth
from app.sandbox.kiotviet.clock import DAY, now, offset_stamp, stamp
from app.sandbox.kiotviet.dressing import dresser
from app.sandbox.kiotviet.kinds import KINDS, Filter, Kind

PAGE = 20
LARGEST = 100

_COLUMNS = {"createddate": "created_us", "modifieddate": "changed_us", "code": "code", "name": "name"}
_SORTED = (
    "fullName", "basePrice", "purchaseDate", "customerName", "customerCode", "total", "totalPayment", "status",
    "branchName", "categoryName", "productCode", "returnDate", "contactNumber", "givenName", "userName", "bankName",
    "surchargeName", "supplierName", "debt", "weight", "branchId",
)  # fmt: skip


@dataclass(slots=True)
class Pick:
    """Which records a list shows, as the end of a statement and its parameters."""

    conditions: list[str] = field(default_factory=lambda: ["shop_id = :shop_id", "kind = :kind"])
    parameters: dict[str, Any] = field(default_factory=dict)

    def narrow(self, condition: str, **parameters: Any) -> None:
        """Show only what meets this as well."""
        self.conditions.append(condition)
        self.parameters.update(parameters)

    @property
    def where(self) -> str:
        """The conditions, all of which are met."""
        return f"WHERE {' AND '.join(self.conditions)}"


def list_records(call: Call, kind: Kind) -> Answer:
    """One page of a kind, counted, with the ids that were deleted if they are asked for."""
    pick = picked(call, kind)
    body = _body_sql(call, kind)
    total, size, texts = page_of(call, pick, f"SELECT {body} FROM records", order_sql(call, kind))  # noqa: S608
    dress = dresser(call, kind, detail=False)
    rows = [dress(text) for text in texts] if dress else texts
    return listed(call, total, size, rows, removed=_removed(call, kind))


def page_of(call: Call, pick: Pick, select: str, order: str) -> tuple[int, int, list[str]]:
    """How many rows there are, how many a page holds, and the texts of one page; `select` has one column."""
    db = call.shop.db
    size, offset = page_size(call), max(call.number("currentitem", 0), 0)
    with db.transaction():
        if offset and call.moving:
            _move_rows(call, pick, order)
        (count,) = db.rows(f"SELECT count(*) FROM records {pick.where}", pick.parameters)  # noqa: S608
        # The rows of the page are found first, so that no body is carried through the sorting.
        page = f"SELECT rowid FROM records {pick.where} ORDER BY {order} LIMIT :limit OFFSET :offset"  # noqa: S608
        found = db.rows(
            f"{select} WHERE rowid IN ({page}) ORDER BY {order}",
            {**pick.parameters, "limit": size, "offset": call.slid(offset)},
        )
    return int(count[0]), size, [row[0] for row in found]


def _move_rows(call: Call, pick: Pick, order: str) -> None:
    """Edit the first rows of a list, as somebody does while it is read."""
    found = call.shop.db.rows(
        f"SELECT record_id FROM records {pick.where} ORDER BY {order} LIMIT :limit",  # noqa: S608
        {**pick.parameters, "limit": call.moving},
    )
    for (record_id,) in found:
        call.shop.change(pick.parameters["kind"], record_id, lambda body: body, quiet=True)


def page_size(call: Call) -> int:
    """How many rows a page holds: 20 unless told otherwise, and 100 at most."""
    size = call.number("pagesize", PAGE)
    if size < 1:
        return PAGE
    if size <= LARGEST or call.dialect["large_page"] == "all":
        return size
    if call.dialect["large_page"] == "420":
        raise Refused(f"pageSize không được lớn hơn {LARGEST}")
    return LARGEST


def listed(call: Call, total: int, size: int, rows: list[str], removed: tuple[str, list[int]] | None = None) -> Answer:
    """The usual envelope around rows that are JSON texts already."""
    data = f'"data":[{",".join(rows)}],' if rows or call.dialect["empty_page"] == "list" else ""
    gone = f"{wire_text(removed[0])}:{wire_text(removed[1])}," if removed else ""
    text = f'{{"total":{total},"pageSize":{size},{data}{gone}"timestamp":"{offset_stamp(now())}"}}'
    return Answer(200, text.encode(), content_type="application/json; charset=utf-8")


def picked(call: Call, kind: Kind, *, by_stock: bool = False) -> Pick:
    """The records that the call asks for; `by_stock` counts a movement of stock as a change."""
    pick = Pick(parameters={"shop_id": call.shop.shop_id, "kind": kind.name})
    since = call.moment("lastmodifiedfrom")
    if since is not None:
        changed = "max(changed_us, stock_us)" if by_stock else "changed_us"
        pick.narrow(f"{changed} >= :since", since=since)
        if call.dialect["never_edited"] == "unseen" and not by_stock:
            pick.narrow("json_extract(body, '$.modifiedDate') IS NOT NULL")
    created = call.moment("createddate") if kind.name in ("order", "invoice") else None
    if created is not None:
        pick.narrow("created_us >= :created", created=created)
        if call.dialect["created_date"] == "day":
            pick.narrow("created_us < :next_day", created=created // DAY * DAY, next_day=created // DAY * DAY + DAY)
    for name, rule in kind.filters.items():
        if call.query.get(name, "").strip() or any(call.lists.get(name, ())):
            _filter(call, pick, name, rule)
    return pick


def order_sql(call: Call, kind: Kind) -> str:
    """How rows are sorted: by number, or by a field of which a later edit may change the place of a row."""
    descending = call.query.get("orderdirection", "").strip().lower() == "desc"
    direction = "DESC" if descending else "ASC"
    wanted = call.query.get("orderby", "").strip().lower()
    column = _COLUMNS.get(wanted)
    if column is None:
        known = next((name for name in _SORTED if name.lower() == wanted), None)
        column = f"json_extract(body, '$.{known}')" if known else None
    return f"{column} {direction}, record_id {direction}" if column else f"record_id {direction}"


def _filter(call: Call, pick: Pick, name: str, rule: Filter) -> None:
    member = f"json_extract(body, '$.{rule.field}')"
    if rule.how == "ids":
        wanted = f"(SELECT value FROM json_each(:{name}))"  # noqa: S608
        pick.narrow(f"{member} IN {wanted}", **{name: wire_text(call.numbers(name))})
    elif rule.how == "flag":
        pick.narrow(f"coalesce({member}, 0) = :{name}", **{name: int(truth(call.query[name]))})
    elif rule.how == "equal":
        pick.narrow(f"{member} = :{name}", **{name: call.query[name].strip()})
    elif rule.how == "has":
        column = "code" if rule.field == "code" else "name"
        pick.narrow(f"instr({column}, :{name}) > 0", **{name: call.query[name].strip().casefold()})
    else:
        moment, sign = call.moment(name), ">=" if rule.how == "since" else "<="
        if rule.field == "changed_us":
            pick.narrow(f"changed_us {sign} :{name}", **{name: moment})
        else:  # texts of one clock are in the order of their moments
            pick.narrow(f"{member} {sign} :{name}", **{name: stamp(moment or 0, 0 if sign == ">=" else 7)})


def _body_sql(call: Call, kind: Kind) -> str:
    """The record without what was not asked for."""
    left_out = [f"'$.{member}'" for member, flag in kind.optional.items() if not call.flag(flag)]
    return f"json_remove(body, {', '.join(left_out)})" if left_out else "body"


def _removed(call: Call, kind: Kind) -> tuple[str, list[int]] | None:
    """The ids that were deleted since the time that the call names; without one the channel tells none."""
    since = call.moment("lastmodifiedfrom")
    if not call.flag("includeremoveids") or since is None:
        return None
    found = call.shop.db.rows(
        "SELECT record_id FROM removals WHERE shop_id = ? AND kind = ? AND removed_us >= ? ORDER BY record_id",
        (call.shop.shop_id, kind.name, since),
    )
    key = call.dialect["removed_key"]
    return kind.removed if key == "own" else key, [row[0] for row in found]


def few(call: Call, rows: Iterable[Any]) -> Answer:
    """A page of rows that no table holds as they are sent."""
    texts = [wire_text(row) for row in rows]
    size, offset = page_size(call), max(call.number("currentitem", 0), 0)
    return listed(call, len(texts), size, texts[offset : offset + size])


def by_kind(name: str) -> Callable[[Call], Answer]:
    """The list endpoint of a kind."""
    return lambda call: list_records(call, KINDS[name])
