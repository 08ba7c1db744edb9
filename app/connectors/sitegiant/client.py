"""SiteGiant over HTTP: routes, envelope and the failures hidden inside good answers; JSON in, JSON out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from flask_babel import gettext as _

from app.connectors.addresses import parse_base_url
from app.connectors.fields import whole
from app.connectors.http import Door, NotJson
from app.core.errors import Unavailable

LABEL = "SiteGiant"
TOPIC = "order.status"
_ROOT = "/api/v1"


class Client:
    """The routes we use. An answer that is not what the route promises raises Unavailable: it is never 'nothing'."""

    def __init__(self, domain: str, api_key: str, *, allow_sandboxes: bool) -> None:
        base = parse_base_url(domain, allow_sandboxes=allow_sandboxes)
        self._door = Door(
            base.removesuffix(_ROOT) + _ROOT,
            label=LABEL,
            headers={"Access-Token": api_key},
            allow_sandboxes=allow_sandboxes,
        )

    def channels(self) -> list[Any]:
        """The marketplaces of the shop."""
        return self._rows(self._response("GET", "/channels"), "channel_list", "/channels")

    def orders(self, params: Mapping[str, str]) -> tuple[list[Any], int | None]:
        """One page of the order list, and the total when it is told (a bare list tells none)."""
        response = self._response("GET", "/orders", params=params)
        total = response.get("total") if isinstance(response, Mapping) else None
        count = whole(total)
        return self._rows(response, "order_list", "/orders"), count if count is None or count >= 0 else None

    def order_details(self, order_ids: Sequence[str]) -> list[Any]:
        """Orders in full; unknown ids are absent."""
        path = "/order/multipleOrder"
        return self._rows(self._response("POST", path, payload={"order_id": _ids(order_ids)}), "order_list", path)

    def write_invoice_numbers(self, numbers: Mapping[str, str]) -> list[Any]:
        """Set order id → invoice number; one result row an order. A lost answer is maybe done."""
        path = "/order/list"
        payload = [
            {"order_id": order_id, "invoice_no": number}
            for order_id, number in zip(_ids(tuple(numbers)), numbers.values(), strict=True)
        ]
        return self._rows(self._response("PUT", path, payload=payload, effect=True), "order_list", path, effect=True)

    def items(self, params: Mapping[str, str]) -> tuple[list[Any], int | None]:
        """One page of the item list, and the total when it is told."""
        response = self._response("GET", "/items", params=params)
        count = whole(response.get("total")) if isinstance(response, Mapping) else None
        return self._rows(response, "item_list", "/items"), count if count is None or count >= 0 else None

    def register_webhook(self, url: str, secret: str) -> Any:
        """Have it call `url` on each change of an order; the `response` says under which id."""
        payload = {"topic": TOPIC, "url": url, "secret": secret}
        return self._response("POST", "/webhooks", payload=payload, effect=True)

    def remove_webhook(self, remote_id: str) -> None:
        """Have it call no more. That there is such a route is our assumption."""
        self._response("DELETE", f"/webhooks/{quote(remote_id, safe='')}", effect=True)

    def words(self, text: str) -> str:
        """Their words, fit to be kept and shown."""
        return self._door.redact(text)

    def close(self) -> None:
        """Give the connections back."""
        self._door.close()

    def _response(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        payload: Any = None,
        effect: bool = False,
    ) -> Any:
        """What the answer carries: the `response` of an envelope whose code is good, or a bare list."""
        found, headers = self._door.json(method, path, params=params, payload=payload, effect=effect)
        if isinstance(found, list):
            return found
        code = whole(found.get("code")) if isinstance(found, Mapping) else None
        if code is not None and not 200 <= code < 300:
            words = found.get("message")
            raise self._door.refusal(
                code,
                words if isinstance(words, str) else "",
                detail=f"{method} {path}: code {code} inside HTTP 200",
                effect=effect,
                headers=headers,
            )
        if code is None or "response" not in found:
            raise self._unlike(path, effect=effect)
        return found["response"]

    def _rows(self, response: Any, name: str, path: str, *, effect: bool = False) -> list[Any]:
        rows = response.get(name) if isinstance(response, Mapping) else response
        if not isinstance(rows, list):
            raise self._unlike(path, effect=effect)
        return rows

    def _unlike(self, path: str, *, effect: bool) -> Unavailable:
        return NotJson(
            _("%(label)s sent something that we cannot read. Try again later.", label=LABEL),
            detail=f"{path}: not the shape we know",
            maybe_done=effect,
        )


def _ids(order_ids: Sequence[str]) -> list[int | str]:
    """Ids as the wire has them: numbers, unless that would change them."""
    return [int(one) if one.isascii() and one.isdigit() and str(int(one)) == one else one for one in order_ids]
