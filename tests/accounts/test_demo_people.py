"""The demo's people: made once, never reset, and each where they say they are."""

from __future__ import annotations

from flask import Flask

from app import demo
from app.config import Settings
from app.extensions import db
from tests.support.fixtures import new_client


def test_seeding_twice_makes_everybody_once(app: Flask, settings: Settings) -> None:
    people = demo.seed(settings)
    client = new_client(app)
    client.post("/signin", data={"email": demo.OWNER.email, "password": demo.OWNER.password})
    home = client.get("/").location
    assert home is not None
    renamed = {"name": "Kedai Serai Wangi", "currency": "MYR", "time_zone": "Asia/Kuala_Lumpur", "language": "en"}
    assert client.post(f"{home}settings/general", data=renamed).status_code == 303
    assert demo.seed(settings) == people
    assert client.get("/").location == home
    page = client.get("/stores").text
    assert page.count("Kedai Serai") == 1
    assert "Kedai Serai Wangi" in page
    assert "Batik Borneo" in page


def test_everybody_sees_their_own_stores(app: Flask, settings: Settings) -> None:
    seen = {}
    for person in demo.seed(settings):
        client = new_client(app)
        assert client.post("/signin", data={"email": person.email, "password": person.password}).status_code == 303
        page = client.get("/stores").text
        seen[person.email] = ("Kedai Serai" in page, "Batik Borneo" in page)
        shown = page.lower().count(f">{person.role}<")
        assert shown == (0 if person.role == "owner" else 1), person.email
    assert seen == {
        demo.OWNER.email: (True, True),
        demo.MANAGER.email: (True, False),
        demo.BOOKKEEPER.email: (True, False),
        demo.ORDER_DESK.email: (True, False),
        demo.READER.email: (True, False),
        demo.NEIGHBOUR.email: (False, True),
        demo.PARTNER.email: (False, False),
    }
    with app.app_context():
        db.session.remove()


def test_the_first_store_has_one_linked_store_and_one_that_is_asked(app: Flask, settings: Settings) -> None:
    demo.seed(settings)
    client = new_client(app)
    client.post("/signin", data={"email": demo.OWNER.email, "password": demo.OWNER.password})
    page = client.get("/kedai-serai/channels/").text
    assert "Kopi Utara" in page
    assert "Batik Borneo" in page
    asked = client.get("/batik-borneo/channels/authorized").text
    assert "Kedai Serai" in asked
    assert "Grant Access" in asked
    with app.app_context():
        db.session.remove()
