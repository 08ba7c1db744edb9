"""The form of a channel's set-up page, made from what its kind can do and from its branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from flask import g
from flask_babel import gettext as _
from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from app.channels.connecting import Kind
from app.channels.queries import MarketplaceRow
from app.channels.setup import NEW, SetUp
from app.web.forms import Form

_PLACE: Final = "place_"
THERE, HERE = "there", "here"


class SetUpForm(Form):
    """What flows which way. Fields of what the kind cannot do are left out by `set_up_form`."""

    takes_products: Any
    takes_orders: Any
    gives_orders: Any
    announces: Any
    weight_unit: Any
    order_branch: Any
    stock: Any
    prices: Any

    def chosen(self) -> SetUp:
        """What was chosen; what was not, or is none of the choices, is as if nothing was."""
        told = {field.name: _known(field) for field in self}
        return SetUp(
            **{name: bool(told.get(name)) for name in ("takes_products", "takes_orders", "gives_orders", "announces")},
            weight_unit=told.get("weight_unit") or "",
            order_branch=told.get("order_branch") or "",
            counts_there=told.get("stock") == THERE,
            prices_there=told.get("prices") == THERE,
            places={
                int(name.removeprefix(_PLACE)): value or "" for name, value in told.items() if name.startswith(_PLACE)
            },
        )

    def place(self, marketplace_id: int) -> Any:
        """The field that says which warehouse stands for a branch."""
        return self[f"{_PLACE}{marketplace_id}"]

    def is_complete(self) -> bool:
        """Whether *Finish* may be pressed; what is missing stands at its field."""
        is_valid = self.validate()
        told = self.chosen()
        if not (told.takes_products or told.takes_orders or told.gives_orders):
            self.form_errors.append(_("Switch on at least one of the three, or there is nothing to do."))
        if told.takes_products and "weight_unit" in self and not told.weight_unit:
            self.weight_unit.errors = [_("Choose grams or kilograms, so that no weight is guessed.")]
        if told.gives_orders and "order_branch" in self and not told.order_branch:
            self.order_branch.errors = [_("Choose the branch that your orders are made at.")]
        if told.takes_stock and "stock" in self:
            self._check_places(told)
        return is_valid and not self.form_errors and not any(field.errors for field in self)

    def _check_places(self, told: SetUp) -> None:
        if not any(told.places.values()):
            self.form_errors.append(_("Choose a warehouse for at least one branch, or let the stock be counted here."))
        taken: set[str] = set()
        for place, value in told.places.items():
            if value in taken:
                self.place(place).errors = [
                    _("Another branch has this warehouse already. Each branch needs one of its own.")
                ]
            taken |= {value} - {"", NEW}


def set_up_form(
    kind: Kind,
    branches: Sequence[MarketplaceRow],
    warehouses: Sequence[tuple[int, str]],
    shown: SetUp,
    formdata: Mapping[str, str] | None = None,
) -> SetUpForm:
    """The form of one channel; `shown` is what it shows before anybody chose something else."""
    form_class = type("SetUpFormOfKind", (SetUpForm,), _fields(kind, branches, warehouses))
    alike = {name.casefold(): str(location) for location, name in warehouses}
    places = {place: shown.places.get(place.id, NEW) for place in branches}
    data = asdict(shown) | {
        "stock": THERE if shown.counts_there else HERE,
        "prices": THERE if shown.prices_there else HERE,
        **{
            f"{_PLACE}{place.id}": alike.get(place.name.casefold(), NEW) if value == NEW else value
            for place, value in places.items()
        },
    }
    form: SetUpForm = form_class(formdata, data=data)
    return form


def _fields(kind: Kind, branches: Sequence[MarketplaceRow], warehouses: Sequence[tuple[int, str]]) -> dict[str, Any]:
    names = {"kind": kind.label}
    found: dict[str, Any] = {}
    if kind.lists_products:
        found["takes_products"] = BooleanField(_("Products from %(kind)s", **names))
    if kind.lists_products and any(place.currency == g.store.currency for place in branches):
        found["prices"] = RadioField(
            _("Whose prices hold?"),
            [_of_these],
            choices=_pairs((THERE, _("Prices of %(kind)s become yours", **names)), (HERE, _("Keep your own prices"))),
            validate_choice=False,
        )
    if kind.lists_orders:
        found["takes_orders"] = BooleanField(_("Orders from %(kind)s", **names))
    if kind.takes_orders_of_ours:
        found["gives_orders"] = BooleanField(_("Orders to %(kind)s", **names))
        found["order_branch"] = SelectField(
            _("Orders made here go to"),
            choices=_pairs(("", _("Choose a branch")), *((place.remote_id, place.name) for place in branches)),
        )
    if kind.announces:
        found["announces"] = BooleanField(_("Changes at once"))
    if kind.asks_weight_unit:
        units = _pairs(("g", _("Grams")), ("kg", _("Kilograms")))
        found["weight_unit"] = RadioField(
            _("%(kind)s weighs in", **names), [_of_these], choices=units, validate_choice=False
        )
    if kind.has_branches:
        found["stock"] = RadioField(
            _("Who counts?"),
            [_of_these],
            choices=_pairs((THERE, _("%(kind)s counts the stock", **names)), (HERE, _("Count the stock here"))),
            validate_choice=False,
        )
        found |= {f"{_PLACE}{place.id}": _warehouse_of(place, warehouses) for place in branches}
    return found


def _warehouse_of(place: MarketplaceRow, warehouses: Sequence[tuple[int, str]]) -> Any:
    known = {name.casefold() for _id, name in warehouses}
    made = [] if place.name.casefold() in known else [(NEW, _("A new one of this name"))]
    mine = [(str(location), name) for location, name in warehouses]
    return SelectField(
        _("Warehouse of %(branch)s", branch=place.name),
        [_of_these_or_new],
        choices=_pairs(*made, *mine, ("", _("None: do not take its stock"))),
        validate_choice=False,
    )


def _known(field: Any) -> Any:
    """What was chosen in a field, None for a value that the page does not offer; it may be kept in a draft."""
    if isinstance(field, BooleanField) or field.data == NEW:
        return field.data
    return field.data if field.data in {choice.value for choice in field.choices} else None


def _pairs(*choices: tuple[str, str]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in choices]


def _of_these(_form: SetUpForm, field: Any) -> None:
    """A value that none of the buttons has was not sent by the page; none at all is said where it is needed."""
    if field.data and field.data not in {choice.value for choice in field.choices}:
        raise ValidationError(_("Choose one of these."))


def _of_these_or_new(form: SetUpForm, field: Any) -> None:
    """A warehouse that is to be made may have been made since the page was, and is as good."""
    if field.data != NEW:
        _of_these(form, field)
