"""What both mapping pages do with a row that somebody saves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.mappings.forms import ChoiceForm
from app.mappings.queries import Choice
from app.tenancy.named import NameTaken
from app.web.filters import ago
from app.web.respond import wants_fragment


class NotChosen(Exception):
    """A choice that cannot be saved, in words for its row."""


def require_valid(form: ChoiceForm) -> None:
    """NotChosen with everything that is wrong with the form."""
    if not form.validate():
        raise NotChosen(" ".join(str(words) for errors in form.errors.values() for words in errors))


def chosen_id(
    form: ChoiceForm, picked: int | None, choices: Callable[[], Sequence[Choice]], add: Callable[[str], int], gone: str
) -> int | None:
    """The id to save: what was picked, or a new row of the typed name; a name that exists already is just picked.

    NotChosen(gone) when the name belongs to an archived row.
    """
    name = form.new_name.data
    if not name:
        return picked
    found = _named(name, choices)
    if found is not None:
        return found
    try:
        return add(name)
    except NameTaken:
        found = _named(name, choices)  # another press of the same button was a moment faster
    if found is None:
        raise NotChosen(gone)
    return found


def _named(name: str, choices: Callable[[], Sequence[Choice]]) -> int | None:
    return next((choice.id for choice in choices() if choice.name.casefold() == name.casefold()), None)


def disagreement(who: str | None, at: datetime | None, now: str | None) -> str:
    """What somebody else saved while this page was open."""
    return _(
        "%(who)s set this to “%(now)s” %(when)s, while your page was open. Save again if you still want yours.",
        who=who or _("Somebody"),
        now=now or _("not chosen"),
        when=ago(at).striptags() if at else _("just now"),
    )


def whole_list(response: Response, target: str) -> Response:
    """A new choice belongs into every row's select, so the whole list is replaced."""
    if wants_fragment():
        response.headers["HX-Retarget"] = target
    return response
