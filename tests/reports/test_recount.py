"""The operator can have all orders counted again, learns where the sums differ, and can put them right."""

from __future__ import annotations

import psycopg
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import text

from app import cli
from app.config import Settings
from app.extensions import db
from app.reports.recount import wrong_stores
from tests.orders.factories import NOON, Books
from tests.support.factories import SomeStore


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    made = Books(app, store)
    channel = made.channel()
    made.orders(channel, [{"placed_at": NOON, **one} for one in ({}, {"status": "cancelled"}, {"total": 1})])
    made.set(made.order(channel, placed_at=NOON.replace(year=2025)), placed_at=NOON)  # leaves a day of zeros behind
    return made


def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(cli, "_settings", lambda: settings)
    done = CliRunner().invoke(cli.main, ["check-reports", *arguments])
    return done.exit_code, done.output


def wrong(settings: Settings) -> set[int]:
    """The stores whose sums are not those of their orders."""
    assert settings.database_owner_url
    return {store.id for store in wrong_stores(settings.database_owner_url)}


def test_sums_that_nobody_touched_are_right(books: Books, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert books.store.id not in wrong(settings)
    run(settings, monkeypatch, "--mend")  # what other tests left behind
    assert run(settings, monkeypatch) == (0, "The sums of all reports equal the orders.\n")


@pytest.mark.parametrize(
    "damage", ["update order_days set gross = gross + 1 where orders > 0", "delete from order_days where orders > 0"]
)
def test_wrong_sums_are_told_and_mended(
    books: Books, settings: Settings, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    with books.scope():
        db.session.execute(text(damage))
        db.session.commit()
    code, words = run(settings, monkeypatch)
    assert code == 1
    assert f"/{books.store.slug}: 1 days differ from their orders, the first on 2026-11-20" in words
    assert run(settings, monkeypatch, "--mend")[0] == 0
    assert run(settings, monkeypatch)[0] == 0


def test_store_cannot_have_the_sums_of_another_counted(
    books: Books, settings: Settings, other_store: SomeStore
) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("select set_config('app.store_id', %s, false)", [str(other_store.id)])
        connection.execute("select recount_order_days(%s)", [books.store.id])
        counted = connection.execute("select count(*) from order_days_of(%s)", [books.store.id]).fetchone()
    assert counted == (0,)
    assert books.store.id not in wrong(settings)
