"""The sandbox's web application: the wire, the control API and the control page over one database."""

from __future__ import annotations

from flask import Flask, redirect

from app.sandbox.sitegiant.control import control
from app.sandbox.sitegiant.database import Database
from app.sandbox.sitegiant.gate import wire
from app.sandbox.sitegiant.pages import PATH, pages
from app.sandbox.sitegiant.state import Sandbox
from app.sandbox.state import install


def create_app(db: Database) -> Flask:
    """Build the application over an open database that has a first shop."""
    app = Flask(__name__, static_folder=None)
    app.url_map.strict_slashes = False
    install(app, Sandbox(db))
    for blueprint in (wire, control, pages):
        app.register_blueprint(blueprint)
    app.add_url_rule("/", view_func=lambda: redirect(PATH), endpoint="front")
    app.add_url_rule("/healthz", view_func=lambda: {"status": "ok"}, endpoint="health")
    return app
