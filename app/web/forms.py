"""Forms: what people type is cleaned the same way everywhere before a rule looks at it.

There is no token against forged requests here: `app.web.security` refuses writes from other sites.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, Final

from flask_babel import get_domain, gettext, lazy_ngettext
from flask_babel import lazy_gettext as _l
from wtforms import Form as WTForm
from wtforms import PasswordField, StringField, TextAreaField
from wtforms.fields.core import UnboundField
from wtforms.meta import DefaultMeta

OF_WTFORMS: Final = (
    _l("This field is required."),
    _l("Not a valid choice."),
    _l("Not a valid integer value."),
    _l("Invalid Choice: could not coerce."),
    _l("Invalid choice(s): one or more data inputs could not be coerced."),
    _l("Invalid input."),
    _l("Field must be between %(min)d and %(max)d characters long."),
    _l("Number must be at least %(min)s."),
    _l("Number must be at most %(max)s."),
    _l("Number must be between %(min)s and %(max)s."),
    lazy_ngettext(
        "Field cannot be longer than %(max)d character.", "Field cannot be longer than %(max)d characters.", 1
    ),
    lazy_ngettext(
        "Field must be at least %(min)d character long.", "Field must be at least %(min)d characters long.", 1
    ),
    lazy_ngettext(
        "'%(value)s' is not a valid choice for this field.", "'%(value)s' are not valid choices for this field.", 1
    ),
)
"""What WTForms says by itself to a person: named here, so that it is translated with our own words."""

_LINE_ENDS = frozenset("\n\t")
_NO_CHARACTER = "\ufffd"  # what the bytes of another encoding were read as
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class _Translations:
    """WTForms' own messages through the catalogue of the page's language."""

    def gettext(self, string: str) -> str:
        return gettext(string)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """As it stands in the catalogue: WTForms fills in the facts by itself."""
        return str(get_domain().get_translations().ungettext(singular, plural, n))


class _Meta(DefaultMeta):
    def get_translations(self, form: Any) -> Any:
        return _Translations()

    def bind_field(self, form: Any, unbound_field: UnboundField, options: dict[str, Any]) -> Any:
        """Clean before the field's own filters look at the text."""
        cleaning = _cleaning(unbound_field.field_class)
        if cleaning is not None:
            options["filters"] = [cleaning, *unbound_field.kwargs.get("filters", ())]
        bind: Any = unbound_field.bind
        return bind(form=form, **options)


class Form(WTForm):
    """The base of all forms: `form = NameForm(request.form)`, then `form.validate()`, then `form.data`.

    Text arrives stripped and in NFC, "" when nothing was typed; a control character is an error of its field.
    Passwords keep their spaces, but are brought to NFC as well, because keyboards differ in how they compose.
    """

    Meta = _Meta

    def __init__(self, formdata: Any = None, obj: Any = None, **values: Any) -> None:
        super().__init__(formdata, obj, **values)  # type: ignore[no-untyped-call]

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether every rule holds; what does not stands in the fields' `errors`."""
        return bool(super().validate(extra_validators))  # type: ignore[no-untyped-call]


def clean_text(value: str | None) -> str | None:
    """One line of typed text: stripped, NFC; ValueError names a character that nobody can see."""
    return None if value is None else _visible(unicodedata.normalize("NFC", value).strip(), allowed=frozenset())


def clean_paragraphs(value: str | None) -> str | None:
    """Typed text of several lines, with line ends as "\\n"."""
    if value is None:
        return None
    text = unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n")
    return _visible(text.strip(), allowed=_LINE_ENDS)


def clean_password(value: str | None) -> str | None:
    """A password as typed, in NFC."""
    return None if value is None else unicodedata.normalize("NFC", value)


def _cleaning(field_class: type[Any]) -> Callable[[str | None], str | None] | None:
    if issubclass(field_class, PasswordField):
        return clean_password
    if issubclass(field_class, TextAreaField):
        return clean_paragraphs
    return clean_text if issubclass(field_class, StringField) else None


def _visible(text: str, *, allowed: frozenset[str]) -> str:
    """Refuse control characters, broken ones, and marks that turn the direction of text and so hide what it says."""
    if _NO_CHARACTER in text or any(
        (unicodedata.category(char) == "Cc" and char not in allowed) or char in _TURNING for char in text
    ):
        raise ValueError(gettext("This contains a character that cannot be seen. Type it again."))
    return text
