"""Why packages stay as they are, and what an order's next step is called, in words."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.packing import MOST_PACKAGES, CannotPack, Refusal
from app.core.types import OrderStatus

ACTS: Final[dict[OrderStatus, tuple[Any, str]]] = {
    OrderStatus.OPEN: (_l("Back to Open"), "back"),
    OrderStatus.PROCESSING: (_l("Start processing"), "play"),
    OrderStatus.READY_TO_SHIP: (_l("Ready to ship"), "box"),
    OrderStatus.SHIPPED: (_l("Ship…"), "arrow"),
    OrderStatus.COMPLETED: (_l("Done"), "check"),
    OrderStatus.ON_HOLD: (_l("Put on hold"), "pause"),
    OrderStatus.CANCELLED: (_l("Cancel order…"), "x"),
    OrderStatus.RETURNED: (_l("Came back…"), "back"),
}
"""What the button of each move says, and its drawing; three dots where a question follows."""

ASKING: Final = frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED, OrderStatus.RETURNED})
"""The moves that a page asks about first."""
MOVED: Final[dict[OrderStatus, Any]] = {
    OrderStatus.OPEN: _l("It is open again."),
    OrderStatus.PROCESSING: _l("It is being processed."),
    OrderStatus.READY_TO_SHIP: _l("It is ready to ship."),
    OrderStatus.SHIPPED: _l("It was sent."),
    OrderStatus.COMPLETED: _l("It is done."),
    OrderStatus.ON_HOLD: _l("It is on hold."),
    OrderStatus.CANCELLED: _l("The order is cancelled."),
    OrderStatus.RETURNED: _l("It came back."),
}
"""What is said once it is there."""

_WORDS: Final[dict[Refusal, Any]] = {
    Refusal.NO_SUCH_PACKAGE: _l("There is no such package any more. Look at the order again."),
    Refusal.NOTHING_TAKEN: _l("Say how much goes into the new package."),
    Refusal.NOTHING_LEFT: _l("Something must stay in this package. Leave at least one item."),
    Refusal.TOO_MUCH: _l("There is not so much in this package."),
    Refusal.TOO_MANY: _l("An order is split into at most %(most)s packages.", most=MOST_PACKAGES),
    Refusal.ALREADY_SENT: _l("It was sent already, or a part of it."),
    Refusal.NOT_SENT_YET: _l("It was not sent yet. Courier and tracking number are said when it is."),
    Refusal.PARTLY_SENT: _l("A part of it was sent already, so it cannot be cancelled. Ship the rest, or press Done."),
    Refusal.NOTHING_TO_JOIN: _l("There is no other package of this order to put it back into."),
    Refusal.NOT_SHARED: _l("The order has this package for itself already."),
    Refusal.TOGETHER: _l("It is in the same package already."),
    Refusal.TOO_FEW: _l("Tick at least one other order."),
    Refusal.IS_SPLIT: _l("It is split into several packages. Merge them back first."),
    Refusal.STILL_OPEN: _l("It is still Open. Start processing it first."),
    Refusal.ON_HOLD: _l("It is on hold."),
    Refusal.ENDED: _l("It was cancelled or has come back."),
    Refusal.NO_CUSTOMER: _l("Nobody is named as its buyer."),
    Refusal.DIFFERENT_CUSTOMER: _l("The buyer is not the same: name, company, phone and e-mail must be written alike."),
    Refusal.NO_ADDRESS: _l("It has no address."),
    Refusal.DIFFERENT_ADDRESS: _l("The address is not the same to the letter; spaces and capitals count."),
}


def refusal_words(refusal: Refusal) -> str:
    """The sentence of a refusal."""
    return str(_WORDS[refusal])


def why(problem: CannotPack) -> str:
    """The same, with the order that is in the way."""
    words = refusal_words(problem.refusal)
    return _("Order %(number)s: %(words)s", number=problem.order_number, words=words) if problem.order_number else words
