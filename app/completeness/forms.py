"""The form that asks which days are to be compared."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field
from wtforms.validators import InputRequired, ValidationError

from app.channels.forms import DayField
from app.core.completeness import LONGEST_DAYS, Period
from app.web.forms import Form


class PeriodForm(Form):
    """From which day to which; `today` and `start_on` are set before it is validated."""

    since = DayField(_l("From"), [InputRequired(_l("Choose the first day."))])  # type: ignore[no-untyped-call]
    until = DayField(_l("To"), [InputRequired(_l("Choose the last day."))])  # type: ignore[no-untyped-call]
    today: date
    start_on: date

    def validate_since(self, field: Field) -> None:
        """Not before the channel's first day, nor in the future."""
        if field.data is None:
            return  # it could not be read, and says so already
        if field.data > self.today:
            raise ValidationError(_("This day is still to come."))
        if field.data < self.start_on:
            raise ValidationError(_("The channel is kept here from %(day)s on.", day=self.start_on.isoformat()))

    def validate_until(self, field: Field) -> None:
        """Not before the first day, and not more than a year after it."""
        if field.data is None or self.since.data is None:
            return
        if field.data < self.since.data:
            raise ValidationError(_("The last day comes before the first one."))
        if (field.data - self.since.data).days >= LONGEST_DAYS:
            raise ValidationError(_("Choose a year at most."))

    @property
    def period(self) -> Period:
        """The days that were chosen."""
        return Period(self.since.data, min(self.until.data, self.today))
