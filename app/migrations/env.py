"""Alembic's entry point: runs on the connection that `app.migrations.upgrade` opened."""

from alembic import context

import app.wiring  # noqa: F401 (every model is imported there)
from app.extensions import db

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=db.metadata,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
