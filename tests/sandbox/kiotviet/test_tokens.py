"""The way in: the token endpoint, what a token says, and what a call without a good one is told."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.sandbox.kiotviet.visiting import Visitor, claims
from tests.sandbox.running import Running


def test_a_form_with_the_right_client_gets_a_token_for_a_day(shop: Visitor) -> None:
    reply = shop.ask_token()
    assert reply.status_code == 200
    assert {name: reply.json()[name] for name in ("expires_in", "token_type")} == {
        "expires_in": 86_400,
        "token_type": "Bearer",
    }


def test_a_token_says_whose_it_is_and_how_long(shop: Visitor) -> None:
    told = claims(shop.sign_in())
    assert told["client_RetailerCode"] == shop.key
    assert told["client_id"] == shop.client_id
    assert told["scope"] == ["PublicApi.Access"]
    assert told["exp"] - told["iat"] == 86_400
    assert abs(told["iat"] - time.time()) < 60
    assert {"client_RetailerId", "client_UserId", "nbf", "iss"} <= told.keys()


def test_two_tokens_of_one_second_are_two(shop: Visitor) -> None:
    assert shop.sign_in() != shop.sign_in()


@pytest.mark.parametrize(
    "scope", [{"scopes": None}, {"scopes": None, "scope": "PublicApi.Access"}, {"scope": "PublicApi.Access"}]
)
def test_the_scope_goes_under_either_name_or_none(shop: Visitor, scope: dict[str, Any]) -> None:
    assert shop.ask_token(**scope).status_code == 200


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"scopes": "Everything"}, "invalid_scope"),
    ],
)
def test_a_wrong_form_fails_as_oauth_does(shop: Visitor, fields: dict[str, str], error: str) -> None:
    reply = shop.ask_token(**fields)
    assert (reply.status_code, reply.json()) == (400, {"error": error})


def test_credentials_as_json_or_basic_are_no_form(shop: Visitor) -> None:
    body = {"client_id": shop.client_id, "client_secret": shop.client_secret, "grant_type": "client_credentials"}
    url = f"{shop.sandbox.url}/connect/token"
    assert requests.post(url, json=body, timeout=10).status_code == 400
    auth = (shop.client_id, shop.client_secret)
    assert requests.post(url, data={"grant_type": "client_credentials"}, auth=auth, timeout=10).status_code == 400


def test_the_secret_is_not_in_the_log(shop: Visitor) -> None:
    shop.sign_in()
    assert shop.client_secret not in str(shop.log("token"))
    assert "client_id" in shop.log("token")[-1]["request"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic abc", "Bearer e30.e30.e30"])
def test_no_good_token_is_a_token_exception(shop: Visitor, header: str) -> None:
    code, _ = shop.refused("GET", "branches", 401, headers={"Authorization": header})
    assert code == "TokenException"


def test_a_token_that_somebody_changed_is_refused(shop: Visitor) -> None:
    head, middle, signature = shop.sign_in().split(".")
    shop.refused("GET", "branches", 401, headers={"Authorization": f"Bearer {head}.{middle[:-2]}AA.{signature}"})


def test_a_call_with_a_token_that_is_no_good_any_more_is_in_its_own_shops_log(
    shop: Visitor, first_shop: Visitor
) -> None:
    shop.fault("expired_token", times=1)
    shop.sign_in()
    before = shop.log("token")[-1]["call_id"]
    for _ in range(2):
        shop.refused("GET", "branches", 401)
    mine = {call["call_id"] for call in shop.log("branches.list") if call["call_id"] > before}
    assert len(mine) == 2
    assert not mine & {call["call_id"] for call in first_shop.log()}


@pytest.mark.parametrize("header", ["someoneelse", ""])
def test_a_token_serves_its_own_shop_alone(shop: Visitor, header: str) -> None:
    assert shop.refused("GET", "branches", 401, headers={"Retailer": header})[1] == "Shop's name is invalid"


def test_the_shops_name_may_be_in_other_letters(shop: Visitor) -> None:
    assert shop.call("GET", "branches", headers={"Retailer": shop.key.upper()}).status_code == 200


def test_a_token_survives_a_look_from_another_shop(shop: Visitor, first_shop: Visitor) -> None:
    token = first_shop.sign_in()
    shop.refused("GET", "branches", 401, headers={"Authorization": f"Bearer {token}"})
    assert first_shop.get("branches")["total"] == 3


@pytest.mark.parametrize("base", ["", "/sandbox/kiotviet"])
def test_one_address_serves_both_with_or_without_its_path(kiotviet: Running, base: str) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
    }
    root = kiotviet.root + base
    token = requests.post(f"{root}/Connect/Token", data=form, timeout=10).json()["access_token"]
    headers = {"Retailer": "cuahangsen", "Authorization": f"Bearer {token}"}
    assert requests.get(f"{root}/branches", headers=headers, timeout=10).json()["total"] == 3


def test_an_unknown_path_is_not_found_but_only_for_who_may_ask(shop: Visitor) -> None:
    assert shop.call("GET", "nowhere").status_code == 404
    assert shop.call("PATCH", "products").status_code == 404
    assert shop.call("GET", "nowhere", headers={"Authorization": ""}).status_code == 401
