"""Which invoices are wanted: a filter that lives in the URL, so that it survives a reload, a shared link and Back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from app.core.states import ChangeState, InvoiceState
from app.web.args import read_args, write_args

MAX_WORDS: Final = 8
NOBODY: Final = 0
"""How the URL asks for invoices without a salesperson. No row has this id."""


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """The field names are the parameters of the URL; what is left at its default does not restrict.

    `q` is free text, `method` the id of a payment method, `salesperson` an id or `NOBODY`. `default_method` asks for
    invoices whose gateway had no payment method, so that the default one was used. `write_back` is the state of the
    newest write-back ("planned" means on its way: planned or sending). `date_from` and `date_to` are invoice dates,
    both included; `job` is the job that issued them.
    """

    q: str | None = None
    channel: int | None = None
    marketplace: int | None = None
    method: int | None = None
    salesperson: int | None = None
    state: InvoiceState | None = None
    write_back: ChangeState | None = None
    default_method: bool = False
    date_from: date | None = None
    date_to: date | None = None
    job: int | None = None

    @classmethod
    def from_args(cls, args: MultiDict[str, str]) -> InvoiceFilter:
        """Read the parameters of a URL; what cannot be read does not restrict."""
        return read_args(cls, args)

    def to_query(self) -> dict[str, str]:
        """The parameters that make this filter again; ready for `url_for(…, **filter.to_query())`."""
        return write_args(self)

    def but(self, **changes: Any) -> InvoiceFilter:
        """This filter with some fields changed."""
        return replace(self, **changes)

    @property
    def is_empty(self) -> bool:
        """Whether every invoice is wanted."""
        return self == InvoiceFilter()

    @property
    def words(self) -> list[str]:
        """The words of `q`, each of which must be found; case does not matter."""
        return (self.q or "").casefold().split()[:MAX_WORDS]

    @property
    def write_back_states(self) -> tuple[ChangeState, ...]:
        """The states that `write_back` stands for; empty when it does not restrict."""
        if self.write_back in {ChangeState.PLANNED, ChangeState.SENDING}:
            return (ChangeState.PLANNED, ChangeState.SENDING)
        return () if self.write_back is None else (self.write_back,)
