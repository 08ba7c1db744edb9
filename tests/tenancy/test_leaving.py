"""A store goes: everything of it is taken out, then erased, and nothing of any other store is touched."""

from __future__ import annotations

import csv
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from sqlalchemy import Connection, create_engine, text

from app.config import Settings
from app.extensions import db
from app.leaving import erasing
from app.leaving.erasing import CannotErase, Erased, erase_store
from app.leaving.exporting import MANIFEST, CannotExport, Exported, digest_of, export_store
from app.leaving.sheets import SHEETS
from app.leaving.tables import OF_NO_STORE, owned, shared, to_erase
from app.links import services as links
from app.sealing import seal
from app.tenancy.scope import store_scope
from tests.links.pairs import pair_with
from tests.orders.factories import Books
from tests.setup.test_cli import as_env, run
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.tenancy.test_every_route import samples

SECRET = "kept-to-itself-4711"


@pytest.fixture
def owner(settings: Settings) -> Iterator[Connection]:
    """A connection as the owner of the tables, who sees all stores."""
    engine = create_engine(settings.database_owner_url or "")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def owner_url(app: Flask) -> str:
    return str(app.extensions["settings"].database_owner_url)


def take_out(app: Flask, store: SomeStore, folder: Path) -> Exported:
    with app.app_context():
        return export_store(owner_url(app), store.slug, folder)


def erase(app: Flask, store: SomeStore, export: Path | None = None, **more: Any) -> Erased:
    known = {"typed": store.slug, "export": export, "by": "ops"} | more
    return erase_store(owner_url(app), app.extensions["settings"].redis_url, store.slug, **known)


def furnished(app: Flask, store: SomeStore) -> int:
    """Fill a store with one row of each kind; the link that it has then."""
    values = samples(app, store)
    with app.app_context(), store_scope(store.id):
        sealed = {"sealed": seal({"api_key": SECRET}), "id": values["channel_id"]}
        db.session.execute(text("update channels set credentials = :sealed where id = :id"), sealed)
        db.session.commit()
    return int(values["link_id"])


def end_link(app: Flask, store: SomeStore, link_id: int) -> None:
    with app.app_context(), store_scope(store.id):
        links.end(link_id, store.owner.name, "keep")


def digest(owner: Connection, store_id: int) -> dict[str, str]:
    """What each table says of a store, in one value each."""
    found = {}
    for table in owned():
        query = f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table.name} t"
        found[table.name] = owner.execute(text(f"{query} where store_id = :id"), {"id": store_id}).scalar_one()
    owner.rollback()
    return found


def rows_of(owner: Connection, store_id: int) -> dict[str, int]:
    """How many rows each table holds of a store."""
    found = {}
    for table in owned():
        query = text(f"select count(*) from {table.name} where store_id = :id")
        found[table.name] = owner.execute(query, {"id": store_id}).scalar_one()
    owner.rollback()
    return {name: count for name, count in found.items() if count}


def test_every_table_is_of_a_store_of_two_or_of_none_on_purpose(owner: Connection) -> None:
    query = (
        "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
    )
    there = set(owner.execute(text(query)).scalars())
    known = {table.name for table in (*owned(), *shared())}
    assert there - {"alembic_version", "stores"} == known | OF_NO_STORE
    assert not known & OF_NO_STORE
    assert {table.name for table in to_erase()} == {table.name for table in owned()}


def test_an_export_holds_every_row_no_secret_and_proves_itself(
    app: Flask, store: SomeStore, owner: Connection, tmp_path: Path
) -> None:
    furnished(app, store)
    expected = rows_of(owner, store.id)
    done = take_out(app, store, tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text("utf-8"))
    files = manifest["files"]
    assert {name: files[f"{name}.jsonl"]["rows"] for name in expected} == expected
    assert {path.name for path in (tmp_path / "out").iterdir()} == {MANIFEST, *files}
    for name, file in files.items():
        path = tmp_path / "out" / name
        assert (digest_of(path), path.stat().st_size, path.stat().st_mode & 0o777) == (
            *(file["sha256"], file["bytes"]),
            0o600,
        )
    assert done.manifest == digest_of(tmp_path / "out" / MANIFEST)
    assert manifest["store"] == {"id": store.id, "slug": store.slug, "name": store.name}
    (invoices,) = manifest["sums"]["invoices"]
    assert (invoices["currency"], invoices["count"]) == ("MYR", expected["invoices"])
    assert manifest["left_out"]["channels"] == ["credentials"]
    channels = [json.loads(line) for line in (tmp_path / "out" / "channels.jsonl").read_text().splitlines()]
    assert all("credentials" not in row and row["store_id"] == store.id for row in channels)
    keys = json.loads((tmp_path / "out" / "api_keys.jsonl").read_text().splitlines()[0])
    assert "token_hash" not in keys
    people = [json.loads(line) for line in (tmp_path / "out" / "users.jsonl").read_text().splitlines()]
    assert {row["email"] for row in people} == {store.owner.email, store.reader.email}
    assert all(set(row) == {"id", "email", "name", "created_at"} for row in people)


def test_the_books_are_written_as_a_bookkeeper_reads_them(app: Flask, store: SomeStore, tmp_path: Path) -> None:
    furnished(app, store)
    books = Books(app, store)
    channel = books.channel("Till 9")
    order_id = books.order(channel, number="=1+1", total=3990, buyer={"name": "Tan Ah Kow", "phone": "012-3456789"})
    books.invoice(order_id)
    take_out(app, store, tmp_path / "out")
    sheets = {
        sheet.name: list(csv.reader((tmp_path / "out" / f"{sheet.name}.csv").read_text("utf-8-sig").splitlines()))
        for sheet in SHEETS
    }
    heading, *rows = sheets["orders"]
    order = dict(zip(heading, next(row for row in rows if "Till 9" in row), strict=True))
    assert (order["Order"], order["Total"], order["Currency"], order["Buyer"]) == (
        *("'=1+1", "39.90"),
        *("MYR", "Tan Ah Kow"),
    )
    assert order["Invoice"].startswith("INV")
    assert "Placed (Asia/Kuala_Lumpur)" in heading
    notes = [dict(zip(sheets["credit_notes"][0], row, strict=True)) for row in sheets["credit_notes"][1:]]
    assert notes[0]["Total"].startswith("-")
    customers = [dict(zip(sheets["customers"][0], row, strict=True)) for row in sheets["customers"][1:]]
    tan = next(row for row in customers if row["Name"] == "Tan Ah Kow")
    assert (tan["Orders"], tan["Total"], tan["Phone"]) == ("1", "39.90", "012-3456789")
    assert [row[0] for row in sheets["items"][1:]] == ["SAMPLE"]
    assert len(sheets["invoice_lines"]) >= 1


def test_an_export_says_one_moment_and_holds_nothing_of_others(
    app: Flask, store: SomeStore, other_store: SomeStore, tmp_path: Path
) -> None:
    furnished(app, store)
    Books(app, other_store).channel("Somebody else's")
    late = Books(app, store)

    def came_meanwhile(words: str) -> None:
        if words.startswith("stores.jsonl"):
            late.channel("Came too late")

    with app.app_context():
        export_store(owner_url(app), store.slug, tmp_path / "out", came_meanwhile)
    everything = "".join(path.read_text("utf-8") for path in (tmp_path / "out").iterdir())
    assert "Came too late" not in everything
    assert other_store.name not in everything
    assert "Somebody else's" not in everything
    assert SECRET not in everything


def test_an_export_of_much_takes_no_more_memory_than_one_of_little(
    app: Flask, store: SomeStore, tmp_path: Path
) -> None:
    with app.app_context(), store_scope(store.id):
        db.session.execute(
            text(
                "insert into journal (store_id, kind, detail) select :id, 'imported', "
                "jsonb_build_object('words', repeat('x', 500)) from generate_series(1, 20000)"
            ),
            {"id": store.id},
        )
        db.session.commit()
    take_out(app, store, tmp_path / "once")  # what is loaded once is loaded
    tracemalloc.start()
    try:
        take_out(app, store, tmp_path / "out")
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    written = (tmp_path / "out" / "journal.jsonl").stat().st_size
    assert written > 10_000_000
    assert peak < written / 2


def test_an_export_refuses_what_it_would_mix_up(
    app: Flask, settings: Settings, store: SomeStore, tmp_path: Path
) -> None:
    (tmp_path / "something.txt").write_text("mine")
    with pytest.raises(CannotExport, match="not empty"):
        take_out(app, store, tmp_path)
    result = run("export-store", "no-such-store", "--to", str(tmp_path / "new"), env=as_env(settings))
    assert (result.exit_code, "there is no store at /no-such-store" in result.output) == (1, True)
    assert not (tmp_path / "new").exists()


def test_a_store_is_erased_whole_and_nothing_of_another(
    app: Flask, store: SomeStore, make: Make, owner: Connection, tmp_path: Path
) -> None:
    other = make.store()
    furnished(app, other)
    make.member(other, store.reader, role="read_only")  # type: ignore[arg-type]
    link_id = furnished(app, store)
    end_link(app, store, link_id)
    before = digest(owner, other.id)
    memory = redis.Redis.from_url(app.extensions["settings"].redis_url)
    memory.set(f"channelbook:token:{store.id}:7:abc", "x")
    memory.set(f"channelbook:reads:{store.id}:7", "x")
    memory.set(f"channelbook:reads:{other.id}:7", "x")
    take_out(app, store, tmp_path / "out")
    expected = sum(rows_of(owner, store.id).values())
    erased = erase(app, store, tmp_path / "out", batch=3)
    assert rows_of(owner, store.id) == {}
    assert erased.rows >= expected
    assert erased.without_store == 1
    assert digest(owner, other.id) == before
    assert [key for key in memory.keys() if f":{store.id}".encode() in key and b"channelbook" in key] == []  # noqa: SIM118
    assert memory.exists(f"channelbook:reads:{other.id}:7")
    tomb = owner.execute(text("select * from erased_stores where id = :id"), {"id": store.id}).one()
    assert (tomb.slug, tomb.erased_by, tomb.manifest) == (store.slug, "ops", digest_of(tmp_path / "out" / MANIFEST))
    assert tomb.finished_at is not None
    assert sum(tomb.rows.values()) == erased.rows
    assert store.owner.name not in str(tomb)
    assert owner.execute(text("select count(*) from stores where id = :id"), {"id": store.id}).scalar_one() == 0
    assert signed_in(new_client(app), store.owner).get(f"/{store.slug}/").status_code == 404
    assert signed_in(new_client(app), store.owner).get("/stores").status_code == 200


def test_the_other_side_of_an_ended_link_keeps_its_history_without_our_people(
    app: Flask, make: Make, owner: Connection
) -> None:
    main = make.store()
    pair = pair_with(app, main)
    link_id = pair.connected()
    end_link(app, main, link_id)
    story = len(pair.story(link_id))
    erase(app, main)
    with app.app_context(), store_scope(pair.sub.id):
        events = db.session.execute(
            text("select side, person from link_events where link_id = :id"), {"id": link_id}
        ).all()
    assert len(events) == story
    assert {event.person for event in events if event.side == "main"} <= {""}
    assert any(event.person for event in events if event.side == "sub")
    erase(app, pair.sub)
    assert owner.execute(text("select count(*) from links where id = :id"), {"id": link_id}).scalar_one() == 0


def test_a_run_that_was_interrupted_goes_on(
    app: Flask, store: SomeStore, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_link(app, store, furnished(app, store))
    expected = sum(rows_of(owner, store.id).values())
    emptied, empty = 0, erasing._empty

    def killed(*args: Any) -> int:
        nonlocal emptied
        emptied += 1
        if emptied > 25:
            raise KeyboardInterrupt
        return empty(*args)

    with monkeypatch.context() as patch:
        patch.setattr(erasing, "_empty", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(app, store)
    assert signed_in(new_client(app), store.owner).get(f"/{store.slug}/").status_code == 404
    assert erase(app, store).rows >= expected
    assert rows_of(owner, store.id) == {}


def test_what_comes_late_does_not_stop_it(
    app: Flask, store: SomeStore, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, is_late = erasing._finish, False

    def late(*args: Any) -> Erased:
        nonlocal is_late
        if not is_late:
            is_late = True
            with app.app_context(), store_scope(store.id):
                db.session.execute(
                    text("insert into locations (store_id, name) values (:id, 'Late')"), {"id": store.id}
                )
                db.session.commit()
        return finish(*args)

    monkeypatch.setattr(erasing, "_finish", late)
    erase(app, store)
    assert rows_of(owner, store.id) == {}


def test_it_refuses_without_the_name_with_links_with_jobs_and_without_an_export(
    app: Flask, settings: Settings, store: SomeStore, other_store: SomeStore, tmp_path: Path
) -> None:
    link_id = furnished(app, store)
    with pytest.raises(CannotErase, match=f"--yes {store.slug}"):
        erase(app, store, typed="another-store")
    with pytest.raises(CannotErase, match="end the link"):
        erase(app, store)
    end_link(app, store, link_id)
    with app.app_context(), store_scope(store.id):
        db.session.execute(text("update sync_jobs set state = 'queued'"))
        db.session.commit()
    with pytest.raises(CannotErase, match="jobs wait or run"):
        erase(app, store)
    with app.app_context(), store_scope(store.id):
        db.session.execute(text("update sync_jobs set state = 'cancelled'"))
        db.session.commit()
    with pytest.raises(CannotErase, match="no finished export"):
        erase(app, store, tmp_path / "nothing")
    take_out(app, other_store, tmp_path / "other")
    with pytest.raises(CannotErase, match="not of"):
        erase(app, store, tmp_path / "other")
    take_out(app, store, tmp_path / "out")
    Books(app, store).order(Books(app, store).channel("New"))
    with pytest.raises(CannotErase, match="orders or documents came since"):
        erase(app, store, tmp_path / "out")
    take_out(app, store, tmp_path / "anew")
    with (tmp_path / "anew" / "invoices.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(CannotErase, match="not as it was exported"):
        erase(app, store, tmp_path / "anew")
    assert signed_in(new_client(app), store.owner).get(store.url("/settings/general")).status_code == 200


def test_the_commands_say_what_the_law_keeps(app: Flask, settings: Settings, store: SomeStore, tmp_path: Path) -> None:
    env, folder = as_env(settings), str(tmp_path / "out")
    refused = run("delete-store", store.slug, "--yes", store.slug, env=env)
    assert refused.exit_code == 1
    assert "The law keeps tax documents" in refused.output
    assert run("delete-store", store.slug, "--without-export", env=env).exit_code == 1
    taken = run("export-store", store.slug, "--to", folder, env=env)
    assert taken.exit_code == 0, taken.output
    assert f"are in {folder}" in taken.output
    erased = run("delete-store", store.slug, "--yes", store.slug, "--export", folder, env=env)
    assert erased.exit_code == 0, erased.output
    assert f"/{store.slug} is erased" in erased.output
    assert "2 of its members have no store any more" in erased.output
    gone = run("delete-store", store.slug, "--yes", store.slug, "--without-export", env=env)
    assert "there is no store" in gone.output


def test_the_application_may_not_read_tombstones(app: Flask) -> None:
    with app.app_context():
        query = text("select has_table_privilege(current_user, 'erased_stores', 'select')")
        assert db.session.execute(query).scalar_one() is False
