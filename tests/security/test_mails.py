"""Mails with the names of strangers in them."""

from __future__ import annotations

from flask import Flask

from app.core.noticing import NoticeKind
from app.extensions import db
from app.notices.mailing import write_letter
from app.notices.models import Notice
from app.tenancy.scope import store_scope
from tests.security.hostile import WORD, faults_of
from tests.support.factories import Make


def test_name_is_no_markup_in_a_mail(app: Flask, make: Make) -> None:
    store = make.store(WORD)
    detail = {"channel": WORD, "channel_id": 1}
    with app.app_context(), store_scope(store.id):
        notice = Notice(store_id=store.id, kind=NoticeKind.CHANNEL_PAUSED, key="hostile", detail=detail)
        db.session.add(notice)
        db.session.commit()
        notice_id = notice.id
    with app.app_context():
        letter = write_letter(store.id, notice_id, store.owner.id)
    assert letter is not None
    base = app.extensions["settings"].base_url
    assert faults_of(letter.html.replace(f'href="{base}/', 'href="/')) == []
    assert "&lt;script&gt;alert(1)" in letter.html
    assert "<script" not in letter.html
    assert WORD in letter.text
    assert "\n" not in letter.subject
