"""Changing the keys while the portal runs: nothing is lost, nothing waits, and it is said when the old ones may go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import LargeBinary, create_engine, insert, text

import app.wiring  # noqa: F401  # every model
from app import rotating
from app.channels.models import Channel, Webhook
from app.config import Settings
from app.extensions import Base, db
from app.links.codes import ensure_code, own_code
from app.rotating import rotate
from app.sealing import BrokenSeal, open_sealed, seal, sealed_at
from app.secrecy import PLAIN, PROOFS, SEALED
from app.tenancy.scope import store_scope
from tests.setup.test_cli import as_env, run
from tests.support.factories import SomeStore

NEW = Fernet.generate_key().decode()
_LONG_AGO = 1_700_000_000


@pytest.fixture
def old(settings: Settings) -> str:
    return settings.credential_keys[0]


@pytest.fixture
def owner_url(app: Flask, settings: Settings, old: str) -> Iterator[str]:
    """The owner's address, of a database in which nothing is sealed with a key that nobody has; set back afterwards."""
    url = settings.database_owner_url or ""
    _forget_broken(url, old)
    yield url
    app.extensions["settings"] = settings
    rotate(url, [old, NEW])


def _forget_broken(url: str, key: str) -> None:
    """Other tests leave values behind that no key opens."""
    engine = create_engine(url)
    box = Fernet(key)
    with engine.begin() as owner:
        for table, column in sorted(SEALED):
            rows = owner.execute(text(f"select distinct {column} from {table} where {column} is not null")).scalars()
            for value in [bytes(value) for value in rows]:
                if not rotating._opens(box, value):
                    fresh = {"fresh": box.encrypt(b"{}"), "value": value}
                    owner.execute(text(f"update {table} set {column} = :fresh where {column} = :value"), fresh)
    engine.dispose()


def with_keys(app: Flask, *keys: str) -> None:
    """The application as a process that was started with these keys."""
    app.extensions["settings"] = replace(app.extensions["settings"], credential_keys=keys)


def add_channel(app: Flask, store: SomeStore, secret: str) -> int:
    with app.app_context(), store_scope(store.id):
        start = datetime(2026, 1, 1, tzinfo=UTC)
        sealed = seal({"api_key": secret})
        channel = Channel(store_id=store.id, kind="sitegiant", name="Shop", start_at=start, credentials=sealed)
        db.session.add(channel)
        db.session.flush()
        token = f"token of {store.id} {channel.id}".encode()
        hook = {"channel_id": channel.id, "token_hash": token, "secret": seal({"secret": secret})}
        db.session.execute(insert(Webhook).values(store_id=store.id, **hook))
        db.session.commit()
        return channel.id


def secret_of(app: Flask, store: SomeStore, channel_id: int) -> str:
    with app.app_context(), store_scope(store.id):
        return open_sealed(db.session.get_one(Channel, (store.id, channel_id)).credentials or b"")["api_key"]


def set_secret(app: Flask, store: SomeStore, channel_id: int, secret: str) -> None:
    with app.app_context(), store_scope(store.id):
        db.session.get_one(Channel, (store.id, channel_id)).credentials = seal({"api_key": secret})
        db.session.commit()


def test_everything_of_every_store_opens_with_the_new_key_alone(
    app: Flask, owner_url: str, old: str, store: SomeStore, other_store: SomeStore
) -> None:
    both = [(one, add_channel(app, one, f"secret of {one.name}")) for one in (store, other_store)]
    with app.app_context(), store_scope(store.id):
        ensure_code(store.owner.id)
        code = own_code()
    with app.app_context():
        sealed = Fernet(old).encrypt_at_time(b'{"secret": "JBSWY3DPEHPK3PXP"}', _LONG_AGO)
        values = {"id": store.owner.id, "sealed": sealed}
        db.session.execute(text("insert into two_step_secrets (user_id, sealed) values (:id, :sealed)"), values)
        db.session.commit()
    assert rotate(owner_url, [NEW, old], batch=2).anew >= 6
    with_keys(app, NEW)
    for one, channel_id in both:
        assert secret_of(app, one, channel_id) == f"secret of {one.name}"
        with app.app_context(), store_scope(one.id):
            hook = db.session.get_one(Webhook, (one.id, channel_id))
            assert open_sealed(hook.secret) == {"secret": f"secret of {one.name}"}
    with app.app_context(), store_scope(store.id):
        assert (again := own_code()) and code and again.text == code.text
        theirs = text("select sealed from two_step_secrets where user_id = :id")
        found = db.session.execute(theirs, {"id": store.owner.id}).scalar_one()
        assert open_sealed(bytes(found)) == {"secret": "JBSWY3DPEHPK3PXP"}
        assert (dated := sealed_at(bytes(found))) and dated.timestamp() == _LONG_AGO, "when it was set stays known"


def test_a_run_that_was_killed_goes_on(
    app: Flask, owner_url: str, old: str, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        add_channel(app, store, f"secret {number}")
    looked, opens = 0, rotating._opens

    def killed(box: Fernet, value: bytes) -> bool:
        nonlocal looked
        looked += 1
        if looked > 5:
            raise KeyboardInterrupt
        return opens(box, value)

    with monkeypatch.context() as patch:
        patch.setattr(rotating, "_opens", killed)
        with pytest.raises(KeyboardInterrupt):
            rotate(owner_url, [NEW, old], batch=1)
    on_the_way = rotate(owner_url, [NEW, old], batch=1)
    assert on_the_way.already >= 1
    assert rotate(owner_url, [NEW, old]).anew == 0


def test_who_was_started_with_the_old_order_goes_on_reading_and_sealing_meanwhile(
    app: Flask, owner_url: str, old: str, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = add_channel(app, store, "one"), add_channel(app, store, "two")
    with_keys(app, old, NEW)
    opens, is_saved = rotating._opens, False

    def saving_meanwhile(box: Fernet, value: bytes) -> bool:
        """Between the reading of a batch and its writing, and behind what was gone through, somebody saves."""
        nonlocal is_saved
        if not is_saved and b"two" in Fernet(old).decrypt(value):
            is_saved = True
            set_secret(app, store, first, "one anew")
            set_secret(app, store, last, "two anew")
        return opens(box, value)

    monkeypatch.setattr(rotating, "_opens", saving_meanwhile)
    monkeypatch.setattr(rotating, "SEALED", frozenset({("channels", "credentials")}))
    rotate(owner_url, [NEW, old], batch=1)
    assert is_saved
    assert [secret_of(app, store, one) for one in (first, last)] == ["one anew", "two anew"]
    with_keys(app, NEW)
    assert [secret_of(app, store, one) for one in (first, last)] == ["one anew", "two anew"]


def test_the_command_says_when_the_old_key_may_go(
    app: Flask, settings: Settings, owner_url: str, old: str, store: SomeStore
) -> None:
    add_channel(app, store, "secret")
    env = as_env(replace(settings, credential_keys=(NEW, old)))
    first = run("rotate-keys", env=env)
    assert first.exit_code == 0
    assert "Keep the older keys for now" in first.output
    second = run("rotate-keys", env=env)
    assert second.output.startswith("0 secrets were sealed")
    assert "all but the first may be dropped" in second.output
    assert "DATABASE_OWNER_URL" in run("rotate-keys", env={**env, "DATABASE_OWNER_URL": None}).output


def test_what_no_key_opens_is_left_as_it_is_and_said(
    app: Flask, settings: Settings, owner_url: str, old: str, store: SomeStore
) -> None:
    channel_id = add_channel(app, store, "secret")
    with_keys(app, Fernet.generate_key().decode())
    set_secret(app, store, channel_id, "nobody can read this")
    result = run("rotate-keys", env=as_env(replace(settings, credential_keys=(NEW, old))))
    assert result.exit_code == 1
    assert "1 secrets are sealed with a key that is not in CREDENTIAL_KEYS" in result.output
    with_keys(app, old, NEW)
    with pytest.raises(BrokenSeal):
        secret_of(app, store, channel_id)


def test_every_column_of_bytes_is_sealed_a_proof_or_no_secret() -> None:
    """A new column of bytes must be put into one of the lists of `app.secrecy`."""
    found = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.c
        if isinstance(column.type, LargeBinary)
    }
    assert found == SEALED | PROOFS | PLAIN
    assert not SEALED & PROOFS
