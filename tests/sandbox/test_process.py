"""The process: its one line, its data over restarts, its files, its way to stop."""

from __future__ import annotations

import ast
import json
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.sandbox.running import ENVIRONMENT, ROOT, Visitor, an_order, command, running

pytestmark = pytest.mark.processes


def refused(*arguments: str) -> str:
    """What a start that must fail says."""
    done = subprocess.run(
        command("--port", "0", *arguments), cwd=ROOT, env=ENVIRONMENT, capture_output=True, timeout=30, check=False
    )
    assert done.returncode != 0
    assert done.stdout == b""
    return done.stderr.decode()


def test_data_survives_a_killed_process_and_a_second_start(tmp_path: Path) -> None:
    data = str(tmp_path / "shop.sqlite")
    with running("--data", data, "--count", "20", "--api-key", "mine") as first:
        shop = Visitor(first, "mine")
        with shop.session:
            shop.answer("PUT", "order/list", json=[{"order_id": 1001, "invoice_no": "INV1"}])
            before = shop.order(1001)
        first.stop(signal.SIGKILL)
    with running("--data", data, "--count", "99", "--api-key", "mine") as second:
        shop = Visitor(second, "mine")
        with shop.session:
            assert shop.steer("GET", "stats")["orders"] == 20
            assert shop.order(1001) == before
            assert [write["invoice_no"] for write in shop.writes()] == ["INV1"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_promptly_even_with_calls_hanging(how: signal.Signals) -> None:
    with running("--count", "0") as started, requests.Session() as session:
        shop = Visitor(started, "sandbox-key", session)
        shop.fault("timeout", seconds=60)
        with pytest.raises(requests.ReadTimeout):
            session.get(f"{started.url}/api/v1/channels", headers={"Access-Token": shop.key}, timeout=(5, 0.1))
        begun = time.monotonic()
        assert started.stop(how) == 0
        assert time.monotonic() - begun < 5


def test_ten_thousand_orders_load_in_seconds_and_make_their_channels_and_items(tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    orders = (
        an_order(order_id=number, marketplace=("Shopee", "Shopee SG", "")[number % 3]) for number in range(1, 10_001)
    )
    lines = [
        json.dumps(order | ({"currency": "SGD"} if order["marketplace"] == "Shopee SG" else {})) for order in orders
    ]
    file.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    begun = time.monotonic()
    with running("--orders", str(file)) as started, requests.Session() as session:
        took = time.monotonic() - begun
        shop = Visitor(started, "sandbox-key", session)
        channels = shop.steer("GET", "stats")["channels"]
        assert {(channel["name"].split(" - ")[1], channel["type"], channel["currency"]) for channel in channels} == {
            ("Shopee", "Shopee", "MYR"),
            ("Shopee SG", "Shopee", "SGD"),
            ("Webstore", "Webstore", "MYR"),
        }
        assert sum(channel["orders"] for channel in channels) == 10_000
        assert [item["isku"] for item in shop.answer("GET", "items")["item_list"]] == ["A1"]
    assert took < 15  # typically 2 s; the machine is shared


def test_bad_lines_are_named_and_nothing_is_loaded(tmp_path: Path) -> None:
    file, data = tmp_path / "orders.jsonl", tmp_path / "shop.sqlite"
    good = json.dumps(an_order(order_id=1))
    file.write_text(f"{good}\n\n{json.dumps(an_order(order_id=2, total='x'))}\n{good}\n", encoding="utf-8")
    said = refused("--orders", str(file), "--data", str(data))
    assert f"{file}: line 3: total 'x' is not an amount" in said
    assert f"{file}: line 4: order_id 1 is taken already" in said
    assert "Nothing was loaded." in said
    with closing(sqlite3.connect(data)) as kept:
        assert kept.execute("SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM shops)").fetchone() == (0,)


def test_lines_that_are_not_json_are_named_up_to_twenty(tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text("{\n" * 25, encoding="utf-8")
    said = refused("--orders", str(file))
    assert said.count("not JSON") == 20
    assert "and 5 more bad lines" in said


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "nowhere.jsonl" in refused("--orders", str(tmp_path / "nowhere.jsonl"))


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, " * 100, encoding="utf-8")
    assert f"{tmp_path / 'notes.txt'}: file is not a database" in refused("--data", str(tmp_path / "notes.txt"))


def test_help_documents_the_file(tmp_path: Path) -> None:
    done = subprocess.run(command("--help"), cwd=ROOT, capture_output=True, timeout=30, check=True)
    text = done.stdout.decode()
    assert "order_creation_date" in text
    example = text[text.index('{"order_id"') : text.index("needed:")]
    file = tmp_path / "orders.jsonl"
    file.write_text(json.dumps(json.loads(example)), encoding="utf-8")
    with running("--orders", str(file)) as started:
        stats = requests.get(f"{started.root}/control/stats", timeout=10).json()
    assert (stats["orders"], stats["not_footing"]) == (1, 0)


def test_the_sandbox_imports_nothing_of_the_portal() -> None:
    for path in (ROOT / "app" / "sandbox").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.split(".")[0] == "app" and not name.startswith("app.sandbox")]
