"""How a record is sent where it is not sent as it is kept: what the call asks for, and the spelling of the shop."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from app.sandbox.calling import wire_text
from app.sandbox.kiotviet.calling import Call, truth
from app.sandbox.kiotviet.kinds import Kind

Body = dict[str, Any]
Edit = Callable[[Body], None]


def dresser(call: Call, kind: Kind, *, detail: bool) -> Callable[[str], str] | None:
    """What makes a record's text ready to be sent, or None where it is ready as it is."""
    edits = _edits(call, kind, detail)
    if not edits:
        return None

    def dress(text: str) -> str:
        body = json.loads(text)
        for edit in edits:
            edit(body)
        return wire_text(body)

    return dress


def dressed(call: Call, kind: Kind, body: Body) -> Body:
    """One record ready to be sent alone."""
    for edit in _edits(call, kind, detail=True):
        edit(body)
    return body


def _edits(call: Call, kind: Kind, detail: bool) -> list[Edit]:
    return _EDITS[kind.name](call, detail) if kind.name in _EDITS else []


def _product_edits(call: Call, detail: bool) -> list[Edit]:
    edits: list[Edit] = []
    if not truth(call.query.get("includesoftdeletedattribute", True)):
        edits.append(_without_deleted_attributes)
    branches = call.numbers("branchids")
    if branches and not detail:
        edits.append(lambda body: _only_branches(body, branches))
    if call.dialect["images"] == "objects" and not detail:
        edits.append(_image_objects)
    if call.dialect["stock_limits"] == "quality":
        edits.append(_misspelt_limits)
    return edits


def _document_edits(call: Call, detail: bool) -> list[Edit]:
    edits: list[Edit] = []
    if call.dialect["sale_channel_key"] == "SaleChannelId":
        edits.append(lambda body: _renamed(body, "saleChannelId", "SaleChannelId"))
    if call.flag("salechannel"):
        channels = {channel["id"]: channel for channel in call.shop.every("salechannel")}
        edits.append(lambda body: _with_channel(body, channels))
    if call.dialect["order_delivery"] == "array":
        edits.append(_delivery_array)
    return edits


_EDITS: dict[str, Callable[[Call, bool], list[Edit]]] = {
    "product": _product_edits,
    "order": _document_edits,
    "invoice": _document_edits,
}


def _without_deleted_attributes(body: Body) -> None:
    attributes = [one for one in body.get("attributes", []) if not one["attributeName"].endswith(DELETED)]
    if "attributes" in body:
        body["attributes"] = attributes


DELETED = "{DEL}"
"""Ends the name of an attribute that was deleted, which lists and details have all the same unless told otherwise."""


def _only_branches(body: Body, branches: list[int]) -> None:
    if "inventories" in body:
        body["inventories"] = [stock for stock in body["inventories"] if stock["branchId"] in branches]


def _image_objects(body: Body) -> None:
    if "images" in body:
        body["images"] = [{"Image": image} for image in body["images"]]


def _misspelt_limits(body: Body) -> None:
    for stock in body.get("inventories", []):
        _renamed(stock, "minQuantity", "minQuality")
        _renamed(stock, "maxQuantity", "maxQuality")


def _delivery_array(body: Body) -> None:
    if "orderDelivery" in body:
        body["orderDelivery"] = [body["orderDelivery"]]


def _with_channel(body: Body, channels: dict[int, Body]) -> None:
    channel = channels.get(body.get("saleChannelId") or body.get("SaleChannelId") or 0)
    if channel:
        body["SaleChannel"] = {name[:1].upper() + name[1:]: value for name, value in channel.items()}


def _renamed(body: Body, old: str, new: str) -> None:
    if old in body:
        body[new] = body.pop(old)
