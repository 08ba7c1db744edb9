"""Telling whose account a connection opens."""

from __future__ import annotations

import pytest

from app.channels.connecting import same_account, same_address
from app.core.types import ChannelFacts, RemoteMarketplace


@pytest.mark.parametrize("typed", ["shop.example", "https://shop.example", "HTTPS://Shop.Example/", " shop.example/ "])
def test_an_address_is_the_same_however_it_was_typed(typed: str) -> None:
    assert same_address({"domain": "shop.example"}, {"domain": typed})


@pytest.mark.parametrize("typed", ["shop.example.my", "https://shop.example/other", "https://shop.example:8443"])
def test_another_host_path_or_port_is_another_address(typed: str) -> None:
    assert not same_address({"domain": "shop.example"}, {"domain": typed})


def facts(*remote_ids: str) -> ChannelFacts:
    return ChannelFacts("Kedai", tuple(RemoteMarketplace(one, one, "Shopee", "MYR") for one in remote_ids))


def test_an_account_is_the_same_when_it_shows_a_marketplace_that_we_know() -> None:
    assert same_account(["1", "2"], facts("2", "9"))
    assert not same_account(["1", "2"], facts("8", "9"))


def test_without_marketplaces_nothing_speaks_against_it() -> None:
    assert same_account([], facts("1"))
    assert same_account(["1"], facts())
