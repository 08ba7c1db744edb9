"""Sealing, opening and changing keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from flask import Flask

from app.config import Settings
from app.sealing import BrokenSeal, open_sealed, seal, sealed_at

SECRETS = {"api_key": "kunci-rahsia ключ 钥匙"}


@pytest.fixture
def app(settings: Settings) -> Flask:
    """As little of an application as sealing needs, with keys of its own."""
    app = Flask(__name__)
    app.extensions["settings"] = settings
    return app


def with_keys(app: Flask, *keys: str) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], credential_keys=keys)


def a_key() -> str:
    return Fernet.generate_key().decode()


def test_what_was_sealed_opens_again(app: Flask) -> None:
    with app.app_context():
        assert open_sealed(seal(SECRETS)) == SECRETS


def test_sealed_secrets_cannot_be_read(app: Flask) -> None:
    with app.app_context():
        assert b"kunci" not in seal(SECRETS)


def test_an_old_key_still_opens_and_the_newest_seals(app: Flask) -> None:
    old, new = a_key(), a_key()
    with app.app_context():
        with_keys(app, old)
        sealed = seal(SECRETS)
        with_keys(app, new, old)
        assert open_sealed(sealed) == SECRETS
        sealed_anew = seal(SECRETS)
        with_keys(app, new)
        assert open_sealed(sealed_anew) == SECRETS
        with pytest.raises(BrokenSeal):
            open_sealed(sealed)


def test_a_seal_says_when_the_key_was_set(app: Flask) -> None:
    old, new = a_key(), a_key()
    with app.app_context():
        with_keys(app, new, old)
        moment = datetime.now(UTC) - timedelta(days=30)
        sealed = Fernet(old).encrypt_at_time(b'{"api_key": "x"}', int(moment.timestamp()))
        assert sealed_at(sealed) == moment.replace(microsecond=0)


def test_a_foreign_or_altered_seal_is_broken_and_has_no_date(app: Flask) -> None:
    with app.app_context():
        foreign = Fernet(a_key()).encrypt(b"{}")
        altered = seal(SECRETS)[:-4] + b"AAA="
        for sealed in (foreign, altered, b"", b"no seal"):
            with pytest.raises(BrokenSeal):
                open_sealed(sealed)
            assert sealed_at(sealed) is None


def test_a_seal_that_is_too_old_is_broken(app: Flask) -> None:
    with app.app_context():
        key = app.extensions["settings"].credential_keys[0]
        an_hour_ago = int((datetime.now(UTC) - timedelta(hours=1)).timestamp())
        sealed = Fernet(key).encrypt_at_time(b'{"api_key": "x"}', an_hour_ago)
        assert open_sealed(sealed, max_age_seconds=3700) == {"api_key": "x"}
        with pytest.raises(BrokenSeal):
            open_sealed(sealed, max_age_seconds=3500)
