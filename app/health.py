"""What a load balancer and an operator ask: does the process live, and is everything there that it needs?"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify
from werkzeug.wrappers import Response as AnyResponse

from app.checks import run_checks
from app.web.needs import public

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """200 as long as this process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def readyz() -> AnyResponse:
    """200 when database, migrations, queue, keys, a worker and the tick are there; 503 and what fails otherwise."""
    checks = run_checks(current_app.extensions["settings"])
    ready = all(check.ok for check in checks)
    body = jsonify(status="ready" if ready else "not ready", checks={check.name: check.ok for check in checks})
    body.status_code = 200 if ready else 503
    return body
