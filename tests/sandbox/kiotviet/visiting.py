"""One shop of the KiotViet sandbox seen from both sides: the wire with its token, the control API with its name."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.sandbox.running import Running

BRANCH, OTHER_BRANCH = 10_001, 10_002


@dataclass
class Visitor:
    """A client that knows its shop's credentials, and the hand that steers the shop."""

    sandbox: Running
    key: str
    client_id: str = ""
    client_secret: str = ""
    session: requests.Session = field(default_factory=requests.Session)
    token: str = ""

    def ask_token(self, **fields: Any) -> requests.Response:
        """Ask for a token as clients do, with these fields instead."""
        form = {
            "scopes": "PublicApi.Access",
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            **fields,
        }
        return self.session.post(f"{self.sandbox.url}/connect/token", data=form, timeout=10)

    def sign_in(self) -> str:
        """Get a token and keep it."""
        reply = self.ask_token()
        assert reply.status_code == 200, reply.text
        self.token = reply.json()["access_token"]
        return self.token

    def call(self, method: str, path: str, **given: Any) -> requests.Response:
        """Call the API as a connector would."""
        if not self.token:
            self.sign_in()
        headers = {"Retailer": self.key, "Authorization": f"Bearer {self.token}"} | given.pop("headers", {})
        return self.session.request(method, f"{self.sandbox.url}/{path}", headers=headers, timeout=10, **given)

    def answer(self, method: str, path: str, **given: Any) -> Any:
        """Call the API and return the JSON of an answer that must be a success."""
        reply = self.call(method, path, **given)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def get(self, path: str, **query: Any) -> Any:
        """Read, and return what must be a success."""
        return self.answer("GET", path, params=query)

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """The rows of one page."""
        return list(self.get(path, **query).get("data", []))

    def ids(self, path: str, **query: Any) -> list[int]:
        """The numbers on one page."""
        return [row["id"] for row in self.rows(path, **query)]

    def walked(self, path: str, size: int, **query: Any) -> list[int]:
        """The numbers on all pages, read as a careful client does: it goes on by what it received."""
        found: list[int] = []
        while page := self.ids(path, pageSize=size, currentItem=len(found), **query):
            found += page
        return found

    def refused(self, method: str, path: str, status: int = 420, **given: Any) -> tuple[str, str]:
        """The class and the sentence of a refusal."""
        reply = self.call(method, path, **given)
        assert reply.status_code == status, reply.text
        told = reply.json()["responseStatus"]
        return str(told["errorCode"]), str(told["message"])

    def control(self, method: str, path: str, **given: Any) -> requests.Response:
        """Call the control API for this shop."""
        params = {"key": self.key} | given.pop("params", {})
        return self.session.request(method, f"{self.sandbox.root}/control/{path}", params=params, timeout=20, **given)

    def steer(self, method: str, path: str, **given: Any) -> Any:
        """Call the control API and return the JSON of an answer that must be a success."""
        reply = self.control(method, path, **given)
        assert reply.ok, reply.text
        return reply.json()

    def add(self, kind: str, *bodies: dict[str, Any]) -> list[int]:
        """Add records and return their numbers."""
        return list(self.steer("POST", f"records/{kind}", json=list(bodies))["ids"])

    def fault(self, name: str, **settings: Any) -> None:
        """Switch a fault on."""
        self.steer("POST", f"faults/{name}", json=settings)

    def speak(self, **choices: str) -> None:
        """Choose what the sources disagree about."""
        self.steer("PUT", "dialect", json=choices)

    def log(self, route: str = "") -> list[dict[str, Any]]:
        """The calls of this shop."""
        return list(self.steer("GET", "log", params={"route": route})["calls"])

    def writes(self, **query: str) -> list[dict[str, Any]]:
        """What took effect through the API."""
        return list(self.steer("GET", "writes", params=query)["writes"])


def claims(token: str) -> dict[str, Any]:
    """What a token says of itself."""
    part = token.split(".")[1]
    found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert isinstance(found, dict)
    return found


def a_product(**fields: Any) -> dict[str, Any]:
    """A product in the wire's shape with ten pieces in the first branch, with the given fields instead."""
    return {
        "name": "Trà sen",
        "fullName": "Trà sen",
        "categoryId": 1_000_002,
        "categoryName": "Đồ uống",
        "type": 2,
        "allowsSale": True,
        "isActive": True,
        "basePrice": 100_000,
        "createdDate": "2026-11-20T08:00:00.000",
        "inventories": [
            {
                "productId": fields.get("id"),
                "productCode": fields.get("code"),
                "productName": "Trà sen",
                "branchId": branch,
                "branchName": "Chi nhánh",
                "onHand": 10,
                "cost": 60_000,
                "reserved": 0,
            }
            for branch in (BRANCH, OTHER_BRANCH)
        ],
        **fields,
    }


def an_order(*lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An order as a client sends it, with the given fields instead."""
    return {"branchId": BRANCH, "orderDetails": list(lines), **fields}


def a_line(product_id: int, **fields: Any) -> dict[str, Any]:
    """A line of two pieces at 100,000."""
    return {"productId": product_id, "quantity": 2, "price": 100_000, **fields}
