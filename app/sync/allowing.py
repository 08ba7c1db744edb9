"""*Set Auto-generate D.O. to None*: the button that stands beside the advice wherever syncing was refused for it.

Then what was asked for is done: the hidden fields of the button's form say what that was.
"""

from __future__ import annotations

from flask import g, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.roles import Ability
from app.invoices.settings import stop_delivery_orders
from app.orders.filters import OrderFilter
from app.sync import services
from app.sync.nudge import nudge
from app.sync.routes import blueprint
from app.web.ids import row_id
from app.web.links import safe_next, url_if
from app.web.needs import needs
from app.web.respond import done


@blueprint.post("/delivery-orders/none")
@needs(Ability.SETTINGS)
def no_delivery_orders() -> Response:
    """Set it to None, and do again what it stood in the way of: a sync of orders, of a channel, or a job."""
    stop_delivery_orders()
    nudge(g.store.id, "orders", "jobs")
    said = _("Auto-generate D.O. is None now.")
    back = safe_next(request.form.get("next")) or url_if("orders.index") or url_for(".jobs")
    try:
        job_id = _do_again(g.membership.user_id)
    except services.ChannelNotReadyError:
        return done(back, said + " " + _("The channel is paused. Let it go on first."), category="warning")
    except services.NoSuchJobError:
        job_id = None
    if job_id is None:
        return done(back, said)
    again = _("What you asked for goes on now.")
    return done(url_for(".job", job_id=job_id), f"{said} {again}")


def _do_again(user_id: int) -> int | None:
    """The job that does what was asked for; None when nothing was, or nothing is left of it."""
    form = request.form
    if job := form.get("job", type=row_id):
        return services.retry_job(job, user_id).job_id
    if channel_id := form.get("channel", type=row_id):
        return services.request_sync_now(channel_id, user_id).job_id
    ids = [int(text) for text in form.get("ids", "").split(",") if text.isascii() and text.isdigit() and len(text) < 19]
    if ids:
        started = services.request_sync(user_id, order_ids=ids)
    elif "all" in form:
        started = services.request_sync(user_id, where=OrderFilter.from_query(form.get("filter", "")))
    else:
        return None
    return started.jobs[0].job_id if started.jobs else None
