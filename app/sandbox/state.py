"""What one running sandbox holds, whatever it plays: its shops, their faults, the log, the postman."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from flask import Flask, Response, abort, current_app, request

from app.sandbox.calls import CallLog
from app.sandbox.database import Database
from app.sandbox.postman import Postman
from app.sandbox.switches import FaultBoard

_NAME = "sandbox"


class AnyShop(Protocol):
    """A shop of any kind: `key` is what names it to the control API."""

    @property
    def shop_id(self) -> int:
        """Its number in the database."""

    @property
    def key(self) -> str:
        """Its name to the control API."""


S = TypeVar("S", bound=AnyShop)


class Box(Protocol[S]):
    """A running sandbox."""

    @property
    def db(self) -> Database:
        """Where everything lasting is."""

    @property
    def calls(self) -> CallLog:
        """The log of every call."""

    @property
    def postman(self) -> Postman:
        """Who calls out."""

    def shops(self) -> list[S]:
        """Every shop, the first one first."""

    def shop(self, key: str) -> S | None:
        """The shop of this key."""

    def faults(self, shop: S) -> FaultBoard[Any]:
        """The shop's fault switches."""

    def standing(self, shop: S) -> dict[str, Any]:
        """What is registered to be called, what waits to be sent, and what was posted and answered."""


def install(app: Flask, box: Box[Any]) -> None:
    """Make this the sandbox that the app's routes steer, and let it call out what a request made it tell."""
    app.extensions[_NAME] = box

    @app.after_request
    def _call_out(response: Response) -> Response:
        """Send what this request made to be called out, and what a sandbox before us did not get to."""
        if box.db.posting.is_set():
            box.postman.go()
        return response


def current_box() -> Any:
    """The sandbox of the running app; each kind says of what type its own is."""
    return current_app.extensions[_NAME]


def chosen(shops: Sequence[S]) -> S:
    """The shop whose key stands in the query as `key`, or else the first."""
    key = request.args.get("key")
    found = next((shop for shop in shops if key is None or shop.key == key), None)
    if found is None:
        abort(404, "No shop has this key.")
    return found
