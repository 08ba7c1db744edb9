"""A store's verification code: made once, kept sealed, found by its hash alone."""

from __future__ import annotations

from dataclasses import replace

from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import text

from app.config import Settings
from app.core.linking import code_hash, is_code, letters_of
from app.extensions import db
from app.links import codes
from tests.links.pairs import Pair, code_of


def test_the_code_is_made_once_and_lies_nowhere_as_it_is_read(pair: Pair) -> None:
    code = pair.code()
    assert is_code(letters_of(code))
    assert pair.code() == code
    with pair.as_sub():
        row = db.session.execute(text("select code_hash, sealed from verification_codes")).one()
        assert bytes(row.code_hash) == code_hash(letters_of(code))
        stored = bytes(row.code_hash) + bytes(row.sealed)
    assert code.encode() not in stored
    assert letters_of(code).encode() not in stored


def test_stores_have_codes_of_their_own(app: Flask, pair: Pair) -> None:
    assert pair.code() != code_of(app, pair.main)


def test_a_store_without_a_code_has_none(pair: Pair) -> None:
    with pair.as_sub():
        assert codes.own_code() is None
        assert codes.current_hash() is None


def test_a_code_that_no_key_opens_can_be_changed(app: Flask, pair: Pair, settings: Settings) -> None:
    pair.code()
    try:
        app.extensions["settings"] = replace(settings, credential_keys=(Fernet.generate_key().decode(),))
        with pair.as_sub():
            own = codes.own_code()
            assert own is not None
            assert own.text == ""
    finally:
        app.extensions["settings"] = settings
