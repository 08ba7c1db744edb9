"""A main store and its sub-stores during a run: who lives there, and what the sub-stores' programs were told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ClassVar

import requests

from tests.crash.house import House
from tests.crash.people import Crowd, Push
from tests.crash.schedule import Kindred

SKUS = ("KOPI-1", "TEH-2", "MILO-3", "ROTI-4")
TRACKED = "SERUM-9"
"""An item that nobody sells: a sub-store lets it be tracked by batch at times, which suspends its link."""
CODE = re.compile(r"\b[2-9A-HJ-NP-Z]{4}(?:-[2-9A-HJ-NP-Z]{4}){4}\b")
TOKEN = re.compile(r"cb_[\w-]{32}")
ACCEPTED = (200, 201)


@dataclass(slots=True)
class Promise:
    """An order that was asked for under a key: all that it was to be, and which orders the answers named."""

    by_program: bool
    asked: list[Mapping[str, Any]]
    """What it was to be at first, and whatever else since."""
    order_ids: set[int] = field(default_factory=set)


class Shopkeepers(Crowd):
    """Everybody of a store that makes orders of its own, and the program that makes some of them."""

    sells: ClassVar[tuple[str, ...]]
    """The SKUs of its items."""

    def __init__(self, house: House, name: str) -> None:
        super().__init__(house, name)
        self.token = ""
        self.items: dict[str, int] = {}
        self.promises: dict[str, Promise] = {}
        self._turn = Lock()

    def move_in(self) -> None:
        """Sign up, put the items in, and make a key for the store's own programs."""
        super().move_in()
        self.settle_in()
        for sku in self.sells:
            self.press(f"/{self.slug}/inventory/add", {"sku": sku, "name": sku.title(), "tracking": "none"})
        self.items = {row["sku"]: row["id"] for row in self.rows("select sku, id from items where store_id = %s")}
        form = {"name": "Our webshop", "reads": "y", "writes": "y"}
        page = self.browser.post(f"{self.house.url}/{self.slug}/settings/api-keys", data=form, timeout=30)
        self.token = TOKEN.findall(page.text)[0]

    def settle_in(self) -> None:
        """What comes before the first item."""

    def asking(self, key: str, document: Mapping[str, Any]) -> Push:
        """The store's program makes an order; what it is answered is remembered, however often it asks."""
        with self._turn:
            promise = self.promises.setdefault(key, Promise(by_program=True, asked=[]))
            if document not in promise.asked:
                promise.asked.append(document)
        headers = {**self.program, "Idempotency-Key": key}

        def heard(answer: requests.Response) -> None:
            if answer.status_code in ACCEPTED:
                with self._turn:
                    promise.order_ids.add(int(answer.json()["id"]))

        return Push("/api/v1/orders", body=json.dumps(document), headers=headers, heard=heard)

    @property
    def program(self) -> dict[str, str]:
        """What the store's program says of itself."""
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}


class Kin(Shopkeepers):
    """A store of a family and everybody in it."""

    sells = (*SKUS, TRACKED)

    def __init__(self, house: House, name: str) -> None:
        super().__init__(house, name)
        self.location_id = 0

    def settle_in(self) -> None:
        """Find the warehouse."""
        (place,) = self.rows("select min(id) as id from locations where store_id = %s")
        self.location_id = place["id"]

    def code(self) -> str | None:
        """The verification code as its owner reads it; None when the page does not come."""
        try:
            found = CODE.search(self.get(f"/{self.slug}/settings/general").text)
        except requests.RequestException:
            return None
        return found[0] if found else None

    def link_of(self, other: Kin, *states: str) -> dict[str, Any] | None:
        """The newest link with the other store, of those in these states."""
        sql = """select id, state, main_store_id = %s as leads from links
                 where %s in (main_store_id, sub_store_id) and %s in (main_store_id, sub_store_id)
                 and (state = any(%s) or %s) order by id desc limit 1"""
        rows = self.rows(sql, self.store_id, other.store_id, list(states), not states)
        return rows[0] if rows else None

    def channel_of(self, sub: Kin) -> int | None:
        """The channel that stands for a sub-store, unless it is removed."""
        sql = """select id from channels where store_id = %s and kind = 'store' and config->>'store' = %s
                 and status <> 'removed'"""
        rows = self.rows(sql, str(sub.store_id))
        return int(rows[0]["id"]) if rows else None


class Family:
    """A main store and the stores that may be its sub-stores."""

    def __init__(self, house: House, name: str, kindred: Kindred) -> None:
        self.house, self.kindred = house, kindred
        self.main = Kin(house, f"{name}-main")
        self.subs = [Kin(house, f"{name}-sub-{number}") for number in range(kindred.subs)]

    @property
    def kin(self) -> list[Kin]:
        """All of its stores."""
        return [self.main, *self.subs]

    def put_on_plan(self, plan: str) -> None:
        """What the operator does to the main store."""
        self.house.query("update stores set plan = %s where id = %s returning id", plan, self.main.store_id)
