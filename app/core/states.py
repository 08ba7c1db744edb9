"""The states that records go through, and the reasons a record is where it is.

The values are stored in the database and named in URLs, so they are short, stable words.
"""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands on its way into the books."""

    WAITING = "waiting"
    """Not paid yet; looked at again at every check."""
    READY = "ready"
    """Paid and complete: *Sync* will book it."""
    QUEUED = "queued"
    """*Sync* was pressed; a job will book it."""
    BOOKED = "booked"
    """It has a live invoice."""
    HELD = "held"
    """Something must be mended first; the reason says what."""
    CLOSED = "closed"
    """It will not be booked: cancelled, returned or refunded before it was, credited after it was, or left out."""


class Reason(StrEnum):
    """Why an order is not booked, or why a write did not happen."""

    UNPAID = "UNPAID"
    CANCELLED = "CANCELLED"
    RETURNED = "RETURNED"
    REFUNDED = "REFUNDED"
    GATEWAY_UNMAPPED = "GATEWAY_UNMAPPED"
    TOTAL_MISMATCH = "TOTAL_MISMATCH"
    CURRENCY_UNSUPPORTED = "CURRENCY_UNSUPPORTED"
    ON_HOLD = "ON_HOLD"
    """Paid, but the channel has it on hold; a check after its release books it."""
    STATUS_UNKNOWN = "STATUS_UNKNOWN"
    PAYMENT_STATUS_UNKNOWN = "PAYMENT_STATUS_UNKNOWN"
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    DATE_MISSING = "DATE_MISSING"
    NO_LINES = "NO_LINES"
    AUTO_DO_ENABLED = "AUTO_DO_ENABLED"
    BEFORE_START_DATE = "BEFORE_START_DATE"
    CHANGED_AFTER_BOOKING = "CHANGED_AFTER_BOOKING"
    BAD_PAYLOAD = "BAD_PAYLOAD"
    FOREIGN_NUMBER = "FOREIGN_NUMBER"
    ORDER_MISSING = "ORDER_MISSING"
    WRITEBACK_FAILED = "WRITEBACK_FAILED"
    PERIOD_LOCKED = "PERIOD_LOCKED"
    """Its invoice would be dated on a day that is closed."""
    DUPLICATE_SUSPECTED = "DUPLICATE_SUSPECTED"
    """The same sale seems to have come by another channel."""
    SKU_NOT_FOUND = "SKU_NOT_FOUND"
    SKU_AMBIGUOUS = "SKU_AMBIGUOUS"
    CREDITED = "CREDITED"
    """Its invoice was credited in full and no other was issued instead."""
    OVERTAKEN = "OVERTAKEN"
    """The store that keeps the order said something else of it, which counts more."""
    MOVE_REFUSED = "MOVE_REFUSED"
    """The store that keeps the order does not let it be moved so."""
    LINK_ENDED = "LINK_ENDED"
    PART_OF_ORDER = "PART_OF_ORDER"
    """It is another paper of an order that is listed by itself, such as its invoice."""
    MADE_HERE = "MADE_HERE"
    """It is an order of ours, which we made there."""
    PRODUCT_UNLINKED = "PRODUCT_UNLINKED"
    """A line of the order means nothing that the other channel sells; the detail names the lines."""
    CURRENCY_DIFFERS = "CURRENCY_DIFFERS"
    """The order is in another currency than the channel's."""
    ORDER_REFUSED = "ORDER_REFUSED"
    """The channel does not take the order; the detail holds its words."""
    IGNORED = "IGNORED"
    """A person said that it shall be left out; the detail holds why, and what it waited for."""


DECIDED_BY_PERSON = frozenset({Reason.CREDITED, Reason.IGNORED})
"""Why an order is closed until a person says otherwise, whatever the channel says of it."""


class SeenState(StrEnum):
    """What became of an order id that a channel listed."""

    LISTED = "listed"
    """Seen in a list; its details are not read yet."""
    IMPORTED = "imported"
    SKIPPED = "skipped"
    """Left out on purpose; the reason says why."""
    UNREADABLE = "unreadable"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTLY = "partly"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ChangeState(StrEnum):
    PLANNED = "planned"
    SENDING = "sending"
    DONE = "done"
    BLOCKED = "blocked"
    DROPPED = "dropped"
    """A person decided that it shall not be sent."""


class InvoiceState(StrEnum):
    POSTED = "posted"
    CREDITED = "credited"
    """Credited in full; an invoice that is credited in part is still posted."""


class CreditCause(StrEnum):
    """Why a credit note was made."""

    REISSUE = "reissue"
    """Another invoice takes the place of the credited one."""
    CANCELLED = "cancelled"
    RETURNED = "returned"
    REFUNDED = "refunded"
    CORRECTION = "correction"
    """A person had another reason, and wrote it down."""


ACTIVE_JOB_STATES = frozenset({JobState.QUEUED, JobState.RUNNING})
