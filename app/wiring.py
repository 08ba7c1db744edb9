"""Puts the rooms together: every model, every blueprint and every extension is named here once."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import app.accounts.code_pages
import app.accounts.device_pages
import app.accounts.invitation_pages
import app.accounts.language_pages
import app.accounts.models
import app.accounts.security_pages
import app.accounts.staff_pages
import app.accounts.strength_pages
import app.accounts.two_step_pages
import app.api.key_pages
import app.api.models
import app.audit.models
import app.audit.pages
import app.catalog.file_pages
import app.catalog.models
import app.catalog.stock_pages
import app.channels.adding
import app.channels.announcing_pages
import app.channels.models
import app.completeness.models
import app.fulfilment.routes
import app.hooks.models
import app.hooks.pages
import app.invoices.credit_pages
import app.invoices.models
import app.invoices.register_pages
import app.leaving.models
import app.links.models
import app.mappings.marketplaces
import app.mappings.models
import app.mappings.payment_batches
import app.mappings.product_batches
import app.mappings.product_files
import app.mappings.product_pages
import app.mappings.routes
import app.notices.models
import app.orders.find_pages
import app.orders.models
import app.orders.packages
import app.own_orders.file_pages
import app.own_orders.models
import app.own_orders.routes
import app.reports.marketplace_channels_pages
import app.reports.models
import app.sync.allowing
import app.sync.credit_pages
import app.sync.failing
import app.sync.models
import app.sync.move_pages
import app.sync.refresh_pages
import app.sync.reissue_pages
import app.sync.same_sale
import app.sync.setup_pages
import app.tenancy.models  # noqa: F401 (imported for their tables and views)
from app import health, help, logs, pool, web
from app.accounts import access, decisions, languages
from app.accounts import routes as accounts_routes
from app.api import routes as api_routes
from app.audit import taking
from app.catalog import routes as inventory_routes
from app.catalog.adjusting import tell_adjustments
from app.channels import routes as channels_routes
from app.checks import require_isolation
from app.completeness import routes as completeness_routes
from app.config import Settings, load_settings
from app.extensions import babel, db, htmx, limiter, login_manager
from app.help import routes as help_routes
from app.invoices import routes as invoices_routes
from app.links import routes as links_routes
from app.links.adjusting import stays_here
from app.links.peer import open_peer
from app.mappings.counted import counted_by_channel
from app.notices import routes as notices_routes
from app.orders import routes as orders_routes
from app.reports import routes as reports_routes
from app.sync import routes as sync_routes
from app.sync import webhooks as hooks
from app.tenancy import routes as settings_routes

tell_adjustments(stays_here)
tell_adjustments(counted_by_channel)

ROOT = Path(__file__).resolve().parent.parent

BLUEPRINTS = (
    health.blueprint,
    help_routes.blueprint,
    accounts_routes.blueprint,
    settings_routes.blueprint,
    channels_routes.blueprint,
    orders_routes.blueprint,
    invoices_routes.blueprint,
    inventory_routes.blueprint,
    links_routes.blueprint,
    sync_routes.blueprint,
    hooks.blueprint,
    completeness_routes.blueprint,
    reports_routes.blueprint,
    notices_routes.blueprint,
    api_routes.blueprint,
)


def build(settings: Settings | None = None) -> Flask:
    """A configured application. Connections are opened on first use, so it may be built before a fork.

    Without `settings` it is built to serve: from the environment, and only when the database keeps stores apart.
    SettingError or UnsoundError otherwise.
    """
    if settings is None:
        settings = load_settings(os.environ)
        require_isolation(settings)
    app = Flask("app", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.config.from_mapping(flask_config(settings))
    app.extensions["settings"] = settings
    app.extensions["peer"] = open_peer
    if hops := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    logs.init_app(app)
    db.init_app(app)
    with app.app_context():
        pool.watch(db.engine)
    login_manager.init_app(app)
    htmx.init_app(app)
    babel.init_app(app, locale_selector=languages.choose_locale, timezone_selector=access.choose_time_zone)
    limiter.init_app(app)
    web.init_app(app)
    access.init_app(app)
    decisions.init_app(app)
    taking.init_app(app)
    languages.init_app(app)
    help.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def flask_config(settings: Settings) -> dict[str, object]:
    """The settings in the words of Flask and its extensions."""
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": pool.OPTIONS,
        "SESSION_COOKIE_NAME": "__Host-channelbook" if settings.cookies_secure else "channelbook",
        "SESSION_COOKIE_SECURE": settings.cookies_secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": 2 * 1024 * 1024,
        "MAX_FORM_PARTS": 5000,
        "PREFERRED_URL_SCHEME": "https" if settings.cookies_secure else "http",
        "RATELIMIT_STORAGE_URI": limits_storage(settings.redis_url),
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        "RATELIMIT_KEY_PREFIX": "channelbook",
        "BABEL_DEFAULT_LOCALE": "en",
        "TEMPLATES_AUTO_RELOAD": False,
    }


def limits_storage(redis_url: str) -> str:
    """The queue server's address as the rate limiter spells it: a socket is `redis+unix://…` there."""
    return redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
