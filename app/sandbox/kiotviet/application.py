"""The sandbox's web application: the wire, the control API and the control page over one database."""

from __future__ import annotations

from flask import Flask

from app.sandbox.kiotviet.control import control
from app.sandbox.kiotviet.database import Database
from app.sandbox.kiotviet.gate import PATH, wire
from app.sandbox.kiotviet.pages import pages, to_home
from app.sandbox.kiotviet.state import Sandbox
from app.sandbox.state import install


def create_app(db: Database) -> Flask:
    """Build the application over an open database that has a first shop."""
    app = Flask(__name__, static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # a code may have them
    install(app, Sandbox(db))
    for blueprint in (control, pages, wire):
        app.register_blueprint(blueprint)
    for path in ("/", PATH):
        app.add_url_rule(path, view_func=to_home)
    app.add_url_rule("/healthz", view_func=lambda: {"status": "ok"}, endpoint="health")
    return app
