"""The plan of a store, which whoever runs the portal decides."""

from __future__ import annotations

from sqlalchemy import create_engine, update

from app.core.linking import Plan
from app.tenancy.models import Store


def put_on_plan(owner_url: str, slug: str, plan: Plan) -> str | None:
    """Put a store on a plan, as the owner of the tables; its name, or None when there is no store of that slug."""
    engine = create_engine(owner_url)
    try:
        with engine.begin() as connection:
            statement = update(Store).where(Store.slug == slug).values(plan=plan.value).returning(Store.name)
            name: str | None = connection.execute(statement).scalar_one_or_none()
    finally:
        engine.dispose()
    return name
