"""A program of a store, with its key."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api.keys import Scope, make_key
from tests.orders.factories import Books
from tests.support.factories import SomeStore
from tests.support.fixtures import new_client

_keys = itertools.count(1)


@dataclass
class Program:
    """Calls as a store's own program does; every POST takes a new Idempotency-Key unless one is given."""

    client: FlaskClient
    token: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        sent["Authorization"] = f"Bearer {self.token}"
        kind = sent.pop("Content-Type", "application/json")
        return self.client.open(f"/api/v1{path}", method=method, data=data, headers=sent, content_type=kind)

    def make(self, body: Any, key: str = "") -> TestResponse:
        return self.call("POST", "/orders", body, Idempotency_Key=key or f"key-{next(_keys)}")


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    return Books(app, store)


@pytest.fixture
def new_program(app: Flask, store: SomeStore) -> Callable[..., Program]:
    def new(scopes: Sequence[Scope] = tuple(Scope), of: SomeStore = store) -> Program:
        with Books(app, of).scope():
            token = make_key(f"Program {next(_keys)}", scopes, of.owner.id)
        return Program(new_client(app), token)

    return new


@pytest.fixture
def program(new_program: Callable[..., Program]) -> Program:
    return new_program()
