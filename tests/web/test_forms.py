"""What people type is cleaned before rules look at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import PasswordField, StringField, TextAreaField
from wtforms.validators import DataRequired

from app.web.forms import Form


class Sample(Form):
    """One field of each kind of text."""

    name = StringField("Name", [DataRequired("Give a name.")], filters=[lambda text: text and text.upper()])
    note = TextAreaField("Note")
    password = PasswordField("Password")


@pytest.fixture(autouse=True)
def context(site: Flask) -> Iterator[None]:
    """Messages are translated, which needs a request."""
    with site.test_request_context("/"):
        yield


def sample(**values: str) -> Sample:
    return Sample(MultiDict({"name": "x", **values}))


def test_text_is_stripped_composed_and_then_filtered() -> None:
    form = sample(name="  Cafe\u0301 ")
    assert form.validate()
    assert form.name.data == "CAFÉ"


def test_nothing_typed_is_empty_text() -> None:
    assert sample().note.data is None
    assert sample(note="  ").note.data == ""


def test_paragraphs_keep_their_line_ends() -> None:
    assert sample(note=" one\r\ntwo\rthree\n").note.data == "one\ntwo\nthree"


def test_password_keeps_its_spaces() -> None:
    assert sample(password=" Cafe\u0301 ").password.data == " Café "


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "a\x7fb", "a\u202eb", "a\u2066b"])
def test_character_that_cannot_be_seen_is_a_mistake(name: str) -> None:
    form = sample(name=name)
    assert not form.validate()
    assert "cannot be seen" in str(form.name.errors)


def test_required_field_says_its_own_sentence() -> None:
    form = sample(name="")
    assert not form.validate()
    assert list(form.name.errors) == ["Give a name."]
