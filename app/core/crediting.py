"""Taking back an invoice, in full or in part, to the cent.

The convention of `app.core.invoicing` holds for credit notes too, with amounts that are given back:
sum(line.amount) + (0 if tax_included else tax) == total. Whatever is credited, in whichever pieces: once nothing is
left, all credit notes of an invoice together say exactly what it says, its tax included.

What lowered a whole order (its discount, a rebate), its rounding and the tax that no line carries follow its items:
they are credited by as much as the items are. Shipping and fees are chosen by themselves, because many shops do not
give them back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import combinations, islice
from typing import Final

from app.core.invoicing import LineKind
from app.core.states import CreditCause, Reason

_ONE = Decimal(1)
_FOLLOWING = frozenset({LineKind.DISCOUNT, LineKind.ROUNDING, LineKind.TAX})
_MOST_LINES: Final = 8
"""Lines that are tried in every combination when a refund names none: 8 have 255."""
_MOST_CHOICES: Final = 600


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line: how much of it, and its discount, tax and amount in minor units."""

    quantity: Decimal = Decimal(0)
    discount: int = 0
    tax: int = 0
    amount: int = 0

    def __add__(self, other: Piece) -> Piece:
        return Piece(
            self.quantity + other.quantity,
            self.discount + other.discount,
            self.tax + other.tax,
            self.amount + other.amount,
        )

    def __sub__(self, other: Piece) -> Piece:
        return Piece(
            self.quantity - other.quantity,
            self.discount - other.discount,
            self.tax - other.tax,
            self.amount - other.amount,
        )

    @property
    def is_nothing(self) -> bool:
        """Whether it would be an empty line."""
        return not (self.quantity or self.discount or self.tax or self.amount)


@dataclass(frozen=True, slots=True)
class InvoicedLine:
    """A line of a posted invoice, and what earlier credit notes took back of it."""

    line_no: int
    kind: LineKind
    sku: str
    description: str
    unit_price: int
    whole: Piece
    credited: Piece = field(default_factory=Piece)

    @property
    def left(self) -> Piece:
        """What is not credited yet."""
        return self.whole - self.credited

    @property
    def follows(self) -> bool:
        """Whether it is credited by as much as the items are, and not by itself."""
        return self.kind in _FOLLOWING or (self.kind == LineKind.ADJUSTMENT and self.whole.amount < 0)

    @property
    def may_be_chosen(self) -> bool:
        """Whether a person may credit something of it."""
        return not self.follows and self.left.quantity > 0


@dataclass(frozen=True, slots=True)
class CreditableInvoice:
    """A posted invoice; `credited` and `credited_tax` sum up its credit notes, with amounts that name no line."""

    lines: tuple[InvoicedLine, ...]
    tax: int
    tax_included: bool
    total: int
    credited: int = 0
    credited_tax: int = 0

    @property
    def left(self) -> int:
        """What is not credited yet."""
        return self.total - self.credited

    @property
    def left_tax(self) -> int:
        """The tax in what is not credited yet."""
        return self.tax - self.credited_tax


@dataclass(frozen=True, slots=True)
class InFull:
    """All that is left."""


@dataclass(frozen=True, slots=True)
class OfLines:
    """So much of each of these lines, by line number."""

    quantities: Mapping[int, Decimal]


@dataclass(frozen=True, slots=True)
class OfAmount:
    """So many minor units, tax included."""

    amount: int


Chosen = InFull | OfLines | OfAmount


@dataclass(frozen=True, slots=True)
class CreditLine:
    """One line of a credit note. `invoice_line_no` is the line it takes back, None for an amount by itself."""

    invoice_line_no: int | None
    kind: LineKind
    sku: str
    description: str
    quantity: Decimal
    unit_price: int
    discount: int
    tax: int
    amount: int


@dataclass(frozen=True, slots=True)
class CreditDraft:
    """A credit note without its number; `is_rest` when nothing of the invoice is left after it."""

    lines: tuple[CreditLine, ...]
    tax: int
    tax_included: bool
    total: int
    is_rest: bool


class CreditProblem(StrEnum):
    """Why something cannot be credited."""

    NOTHING_CHOSEN = "nothing_chosen"
    TOO_MUCH = "too_much"
    """More than is left of the invoice."""
    TOO_MANY = "too_many"
    """More than is left of a line."""
    NOT_A_LINE = "not_a_line"
    TAX_SPENT = "tax_spent"
    """Earlier credits of an amount took so much of the tax that not enough is left for these lines."""


class CannotCredit(Exception):
    """It cannot be credited like that; `line_no` names the line that is in the way, if it is one."""

    def __init__(self, problem: CreditProblem, line_no: int | None = None) -> None:
        super().__init__(f"{problem} {line_no or ''}".strip())
        self.problem, self.line_no = problem, line_no


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a channel's news asks to be credited, and why."""

    chosen: InFull | OfAmount
    cause: CreditCause


def propose_credit(alert: str | None, *, refunded: int, total: int, credited: int) -> Proposal | None:
    """The credit that an invoiced order asks for by what happened to it on its channel.

    None when nothing is to be given back, when it is not known how much, or when it is no matter of giving back.
    """
    whole = {
        Reason.CANCELLED: CreditCause.CANCELLED,
        Reason.RETURNED: CreditCause.RETURNED,
        Reason.REFUNDED: CreditCause.REFUNDED,
    }
    for reason, cause in whole.items():
        if alert == reason:
            return Proposal(InFull(), cause)
    more = refunded - credited
    if alert != Reason.PARTLY_REFUNDED or more <= 0:
        return None
    return Proposal(OfAmount(more) if refunded < total else InFull(), CreditCause.REFUNDED)


def draft_credit(invoice: CreditableInvoice, chosen: Chosen) -> CreditDraft:
    """The credit note that takes back what was chosen, or `CannotCredit`."""
    match chosen:
        case OfLines(quantities=quantities):
            return _of_lines(invoice, quantities)
        case OfAmount(amount=amount):
            return _of_amount(invoice, amount)
    return _rest(invoice)


def _rest(invoice: CreditableInvoice) -> CreditDraft:
    """All lines by what is left of them; amounts credited before that named no line are taken off again."""
    lines = [_line(line, line.left) for line in invoice.lines if not line.left.is_nothing]
    own = invoice.left - (0 if invoice.tax_included else invoice.left_tax)
    amount = own - sum(line.amount for line in lines)
    tax = invoice.left_tax - sum(line.tax for line in lines)
    if amount or tax:
        lines.append(_by_itself(amount, tax))
    return CreditDraft(tuple(lines), invoice.left_tax, invoice.tax_included, invoice.left, is_rest=True)


def _of_lines(invoice: CreditableInvoice, quantities: Mapping[int, Decimal]) -> CreditDraft:
    wanted = {line_no: quantity for line_no, quantity in quantities.items() if quantity}
    by_number = {line.line_no: line for line in invoice.lines}
    for line_no, quantity in wanted.items():
        line = by_number.get(line_no)
        if line is None or line.follows or quantity < 0:
            raise CannotCredit(CreditProblem.NOT_A_LINE, line_no)
        if quantity > line.left.quantity:
            raise CannotCredit(CreditProblem.TOO_MANY, line_no)
    if not wanted:
        raise CannotCredit(CreditProblem.NOTHING_CHOSEN)
    pieces = _pieces(invoice, wanted)
    tax = sum(piece.tax for _line, piece in pieces)
    total = sum(piece.amount for _line, piece in pieces) + (0 if invoice.tax_included else tax)
    if total > invoice.left:
        raise CannotCredit(CreditProblem.TOO_MUCH)
    if total == invoice.left:
        return _rest(invoice)
    if total <= 0:
        raise CannotCredit(CreditProblem.NOTHING_CHOSEN)
    if not 0 <= tax <= invoice.left_tax:
        raise CannotCredit(CreditProblem.TAX_SPENT)
    lines = tuple(_line(line, piece) for line, piece in pieces)
    return CreditDraft(lines, tax, invoice.tax_included, total, is_rest=False)


def _pieces(invoice: CreditableInvoice, wanted: Mapping[int, Decimal]) -> list[tuple[InvoicedLine, Piece]]:
    """What is taken of each line: as chosen of those, in proportion to the items of what follows them."""
    taken: dict[int, Piece] = {}
    for line in invoice.lines:
        if line.line_no in wanted:
            upto = line.credited.quantity + wanted[line.line_no]
            taken[line.line_no] = _share(line.whole, upto, line.whole.quantity, upto) - line.credited
    items = [line for line in invoice.lines if line.kind == LineKind.ITEM]
    if any(line.line_no in wanted for line in items):
        part, whole = _measure(items, taken)
        for line in invoice.lines:
            if line.follows and whole:
                taken[line.line_no] = _share(line.whole, part, whole, Decimal(0)) - line.credited
    return [(line, taken[line.line_no]) for line in invoice.lines if not taken.get(line.line_no, Piece()).is_nothing]


def _measure(items: Sequence[InvoicedLine], taken: Mapping[int, Piece]) -> tuple[Decimal, Decimal]:
    """How much of the items is credited with `taken`, and of how much: by value, or by pieces when they are free.

    When the last piece goes, the whole goes, whatever the pieces before it were rounded to.
    """
    none = Piece()
    sizes: tuple[Callable[[Piece], Decimal], ...] = (lambda it: Decimal(it.amount), lambda it: it.quantity)
    if all(taken.get(line.line_no, none).quantity == line.left.quantity for line in items):
        return _ONE, _ONE
    for size in sizes:
        whole = sum((size(line.whole) for line in items), Decimal(0))
        if whole > 0:
            done = sum((size(line.credited + taken.get(line.line_no, none)) for line in items), Decimal(0))
            return done, whole
    return Decimal(0), Decimal(0)


def _share(whole: Piece, part: Decimal, of: Decimal, quantity: Decimal) -> Piece:
    """`part` of `of` of a line. Shares are counted from the start of the line, so that pieces never miss a cent."""
    if part == of:
        return whole
    return Piece(quantity, *(_part(value, part, of) for value in (whole.discount, whole.tax, whole.amount)))


def _part(value: int, part: Decimal, of: Decimal) -> int:
    """A half is rounded away from zero, as tills do."""
    (part_above, part_below), (of_above, of_below) = part.as_integer_ratio(), of.as_integer_ratio()
    above, below = value * part_above * of_below, part_below * of_above
    magnitude = (2 * abs(above) + abs(below)) // (2 * abs(below))
    return magnitude if (above < 0) == (below < 0) else -magnitude


def _of_amount(invoice: CreditableInvoice, amount: int) -> CreditDraft:
    """The lines that the amount is exactly of, when there is only one way to tell; else one line by itself."""
    if amount <= 0:
        raise CannotCredit(CreditProblem.NOTHING_CHOSEN)
    if amount > invoice.left:
        raise CannotCredit(CreditProblem.TOO_MUCH)
    if amount == invoice.left:
        return _rest(invoice)
    found = _lines_of(invoice, amount)
    if found is not None:
        return found
    tax = _part(invoice.left_tax, Decimal(amount), Decimal(invoice.left))
    own = amount - (0 if invoice.tax_included else tax)
    return CreditDraft((_by_itself(own, tax),), tax, invoice.tax_included, amount, is_rest=False)


def _lines_of(invoice: CreditableInvoice, amount: int) -> CreditDraft | None:
    """The only choice of lines that comes to exactly the amount; None when there is none, or more than one."""
    found: CreditDraft | None = None
    choices = _choices([line for line in invoice.lines if line.may_be_chosen])
    for quantities in islice(choices, _MOST_CHOICES):
        try:
            draft = _of_lines(invoice, quantities)
        except CannotCredit:
            continue
        if draft.total == amount:
            if found is not None:
                return None
            found = draft
    return found


def _choices(lines: Sequence[InvoicedLine]) -> Iterator[dict[int, Decimal]]:
    """What a buyer may have sent back: whole lines, or some pieces of one line."""
    yield from ({line.line_no: line.left.quantity} for line in lines)
    for size in range(2, len(lines) + 1 if len(lines) <= _MOST_LINES else 0):
        yield from ({line.line_no: line.left.quantity for line in some} for some in combinations(lines, size))
    for line in lines:
        fewer = range(1, math.ceil(line.left.quantity))
        yield from ({line.line_no: Decimal(pieces)} for pieces in fewer)


def _line(line: InvoicedLine, piece: Piece) -> CreditLine:
    return CreditLine(
        line.line_no,
        line.kind,
        line.sku,
        line.description,
        piece.quantity,
        line.unit_price if line.kind == LineKind.ITEM else piece.amount,
        piece.discount,
        piece.tax,
        piece.amount,
    )


def _by_itself(amount: int, tax: int) -> CreditLine:
    return CreditLine(None, LineKind.ADJUSTMENT, "", "", _ONE, amount, 0, tax, amount)
