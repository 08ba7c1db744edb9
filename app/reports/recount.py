"""For the operator: whether the sums that reports read are those of the orders, in all stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import psycopg

_WRONG = """
with counted as (
    select d.* from stores s cross join lateral order_days_of(s.id) d
), kept as (
    select * from order_days
    where (orders, cancelled, units, gross, discount, refunded) <> (0, 0, 0, 0, 0, 0)
), wrong as (
    (table counted except table kept) union all (table kept except table counted)
)
select s.id, s.slug, count(distinct w.day), min(w.day)
from wrong w join stores s on s.id = w.store_id group by s.id order by s.slug
"""
"""One statement, which sees orders and sums as of one moment: whoever writes meanwhile does not disturb it."""


@dataclass(frozen=True, slots=True)
class WrongStore:
    """A store of which some days do not say what its orders come to."""

    id: int
    slug: str
    days: int
    first: date


def wrong_stores(owner_url: str) -> list[WrongStore]:
    """Count every order again. Reads all there is, so it takes seconds for each million orders."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        return [WrongStore(*row) for row in connection.execute(_WRONG)]


def mend_stores(owner_url: str, stores: Sequence[WrongStore]) -> None:
    """Count the days of these stores again and keep that; who writes orders of one of them waits meanwhile."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for store in stores:
            connection.execute("select recount_order_days(%s)", [store.id])
