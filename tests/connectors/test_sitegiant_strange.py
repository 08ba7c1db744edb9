"""Orders and pages that no shop would mean: each is named for what it is, and what stands beside it goes on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import responses

from app.connectors.base import Connector
from app.connectors.fields import MOST_KEPT, NAME_LENGTH, PROSE_LENGTH
from app.connectors.http import MAX_BYTES, Reply, TooMuch
from app.connectors.sitegiant.parse import MOST_LINES, parse_marketplace, parse_order, parse_stub
from app.core.errors import Unavailable
from app.core.types import InvoiceNumberWrite, OrderWindow, RemoteOrder, UnreadableOrder, WriteOutcome
from tests.connectors.test_sitegiant_parse import MYR, problem, read
from tests.connectors.wire import BASE, detail, envelope, item, orders, stub

DETAILS = f"{BASE}/order/multipleOrder"
WINDOW = OrderWindow("7", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))
DEEP = "[" * 3_000 + "]" * 3_000


def parsed(text: str) -> Any:
    return Reply(200, {}, text.encode()).parsed()


# ---- texts


@pytest.mark.parametrize(
    "field", ["marketplace_order_id", "billing_method", "invoice_no", "order_status", "payment_status"]
)
def test_a_name_may_be_long_but_not_absurd(field: str) -> None:
    fits, too_long = ({field: "N" * length} for length in (NAME_LENGTH, NAME_LENGTH + 1))
    assert isinstance(parse_order(detail(**fits), MYR), RemoteOrder)
    assert problem(None, **too_long) == f"The field “{field}” is longer than 200 characters."


@pytest.mark.parametrize("field", ["note", "billing_address", "billing_company", "billing_phone"])
def test_prose_may_be_longer(field: str) -> None:
    assert isinstance(parse_order(detail(**{field: "N" * PROSE_LENGTH}), MYR), RemoteOrder)
    order = parse_order(detail(**{field: "N" * (PROSE_LENGTH + 1)}), MYR)
    assert isinstance(order, UnreadableOrder)
    assert order.problem == f"The field “{field}” is longer than 10000 characters."


@pytest.mark.parametrize(("field", "limit"), [("product_sku", NAME_LENGTH), ("product_name", PROSE_LENGTH)])
def test_a_line_has_the_same_limits(field: str, limit: int) -> None:
    assert problem(order_items=[item(**{field: "N" * (limit + 1)})]).startswith(f"The field “{field}” is longer")


def test_control_characters_become_spaces_and_a_note_keeps_its_lines() -> None:
    order = read(
        marketplace_order_id=" 26\x07A\nBC\x85",
        billing_method="Touch\t'n Go",
        billing_firstname="Nur\x1b[2J",
        note="first\r\nsecond\x00\x07\n",
    )
    assert (order.number, order.gateway, order.buyer["name"]) == ("26 A BC", "Touch 'n Go", "Nur [2J Aisyah")
    assert order.note == "first\nsecond"


def test_a_line_break_inside_a_text_is_read_although_json_forbids_it() -> None:
    assert parsed('{"note": "a\nb\tc\x00d"}') == {"note": "a\nb\tcd"}


def test_a_marketplace_of_an_absurd_name_is_cut() -> None:
    assert len(parse_marketplace({"id": 7, "name": "N" * 5000, "type": "T" * 5000, "currency": "MYR"}).name) == 200


# ---- ids


def test_an_id_that_is_too_long_is_cut_the_same_everywhere_and_not_asked_for(
    web: responses.RequestsMock, shop: Connector
) -> None:
    long_id = 10**99 + 7
    listed = parse_stub(stub(1) | {"order_id": str(long_id)}, "7").remote_id
    other = parse_stub(stub(1) | {"order_id": long_id + 1}, "7").remote_id
    assert len(listed) < 64
    assert listed != other
    web.post(DETAILS, json=orders([detail(order_id=1001)]))
    strange, plain = shop.get_orders([listed, "1001"], MYR)
    assert isinstance(strange, UnreadableOrder)
    assert strange.problem == "Its id is longer than 64 characters, so we cannot ask for it."
    assert isinstance(plain, RemoteOrder)
    assert json.loads(web.calls[-1].request.body or "") == {"order_id": [1001]}
    sent_unasked = parse_order(detail(order_id=str(long_id)), MYR)
    assert isinstance(sent_unasked, UnreadableOrder)
    assert (sent_unasked.remote_id, sent_unasked.problem) == (listed, strange.problem)


def test_ids_that_are_all_too_long_need_no_call(web: responses.RequestsMock, shop: Connector) -> None:
    (strange,) = shop.get_orders([parse_stub(stub(1) | {"order_id": "9" * 300}, "7").remote_id], MYR)
    assert isinstance(strange, UnreadableOrder)
    assert len(web.calls) == 0


# ---- numbers


@pytest.mark.parametrize("told", ["NaN", "Infinity", "-Infinity", "9" * 40, "9" * 6000, "1e400", "-" + "9" * 6000])
def test_absurd_numbers_come_as_text_and_name_their_field(told: str) -> None:
    total = parsed(f'{{"total": {told}}}')["total"]
    assert problem(total=total) == "We cannot read the amount in the field “total”."


def test_whole_numbers_that_anybody_counts_with_stay_numbers() -> None:
    assert parsed(f'{{"a": -12, "b": {"9" * 30}, "c": {"9" * 31}}}') == {"a": -12, "b": int("9" * 30), "c": "9" * 31}


def test_a_line_too_dear_for_the_books_is_not_worked_out() -> None:
    dear = item(product_price="90000000000", product_quantity=900_000_000, product_total=...)
    assert problem(order_items=[dear]) == "We cannot read the field “product_price”."


@pytest.mark.parametrize(("told", "count"), [("2.0001", Decimal("2.0001")), ("2.500000", Decimal("2.5")), (0, 0)])
def test_a_quantity_is_read_as_finely_as_it_is_stored(told: Any, count: Decimal) -> None:
    assert read(order_items=[item(product_quantity=told)]).lines[0].quantity == count


@pytest.mark.parametrize("told", ["2.00001", "1" * 10, "1e3", "∞", "٣", "0x10"])
def test_a_quantity_that_could_not_be_stored_is_not_rounded(told: str) -> None:
    assert problem(order_items=[item(product_quantity=told)]) == "We cannot read the field “product_quantity”."


@pytest.mark.parametrize("told", ["9999-12-31T23:59:59+08:00", "0001-01-01T00:00:00+08:00", "2026-02-30T00:00:00Z"])
def test_a_date_beyond_all_trade_is_no_date(told: str) -> None:
    assert problem(order_creation_date=told) == "We cannot read the field “order_creation_date”."


# ---- shapes


def test_an_order_may_have_many_lines_but_not_endlessly_many() -> None:
    assert len(read(order_items=[item()] * MOST_LINES).lines) == MOST_LINES
    order = parse_order(detail(order_items=[item()] * (MOST_LINES + 1)), MYR)
    assert isinstance(order, UnreadableOrder)
    assert order.problem == f"The order has more than {MOST_LINES} lines."


def test_an_order_without_lines_is_read_and_keeps_its_total() -> None:
    assert (read(order_items=[]).lines, read(order_items=[]).total) == ((), 3990)


def test_brackets_within_brackets_end_somewhere() -> None:
    order = parse_order(detail(extra=parsed("[" * 600 + "]" * 600)), MYR)
    assert isinstance(order, UnreadableOrder)
    assert order.problem == "Its fields stand deeper in each other than we can read."


def test_of_a_payload_that_cannot_be_read_only_so_much_is_kept() -> None:
    order = parse_order(detail(total="none", note="N" * MOST_KEPT, marketplace="Shopee"), MYR)
    assert isinstance(order, UnreadableOrder)
    assert order.raw["marketplace"] == "Shopee"
    assert len(json.dumps(order.raw)) < 10_000


# ---- pages


def answer_unless(poison: int, poisoned: bytes) -> Any:
    """Details of what is asked for; the poison spoils the whole answer that it is part of."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        asked = json.loads(request.body)["order_id"]
        if poison in asked:
            return 200, {}, poisoned
        return 200, {}, json.dumps(orders([detail(order_id=one) for one in asked])).encode()

    return answer


@pytest.mark.parametrize("poisoned", [DEEP.encode(), b'"' + b" " * MAX_BYTES + b'"'], ids=["deep", "large"])
def test_one_order_that_is_too_much_does_not_take_its_page_with_it(
    web: responses.RequestsMock, shop: Connector, poisoned: bytes
) -> None:
    web.add_callback(responses.POST, DETAILS, answer_unless(1042, poisoned))
    asked = [str(1000 + number) for number in range(100)]
    found = shop.get_orders(asked, MYR)
    assert [order.remote_id for order in found] == asked
    (strange,) = [order for order in found if isinstance(order, UnreadableOrder)]
    assert (strange.remote_id, strange.problem) == ("1042", "SiteGiant sent more at once than we take in.")
    assert len(web.calls) <= 15


def test_a_number_is_not_written_onto_an_order_that_is_too_much(web: responses.RequestsMock, shop: Connector) -> None:
    web.add_callback(responses.POST, DETAILS, answer_unless(1002, DEEP.encode()))
    web.put(f"{BASE}/order/list", json=orders([{"order_id": 1001, "code": 200}]))
    writes = [InvoiceNumberWrite("a", "1001", "INV1"), InvoiceNumberWrite("b", "1002", "INV2")]
    assert [one.outcome for one in shop.write_invoice_numbers(writes)] == [WriteOutcome.DONE, WriteOutcome.REJECTED]


def test_a_list_that_is_too_much_is_an_error_never_an_empty_page(web: responses.RequestsMock, shop: Connector) -> None:
    web.get(f"{BASE}/orders", body=DEEP)
    with pytest.raises(TooMuch) as caught:
        shop.list_orders(WINDOW, 1, MYR)
    assert isinstance(caught.value, Unavailable)


def test_five_megabytes_are_no_trouble(web: responses.RequestsMock, shop: Connector) -> None:
    body = json.dumps(orders([detail(order_id=1001, extra="x" * 5_000_000)]))
    web.post(DETAILS, body=body)
    (order,) = shop.get_orders(["1001"], MYR)
    assert isinstance(order, RemoteOrder)


@pytest.mark.parametrize("total", [-5, 0, 3, 10**20, "-5", "many", 1.5, True, [], "9" * 5000])
def test_a_count_that_cannot_be_true_ends_no_window_before_its_time(
    web: responses.RequestsMock, shop: Connector, total: Any
) -> None:
    web.get(f"{BASE}/orders", body=json.dumps(orders([stub(number) for number in range(1, 101)], total)))
    page = shop.list_orders(WINDOW, 1, MYR)
    assert not page.is_last
    assert page.total is None or 0 <= page.total < 10**9


def test_a_full_page_that_is_all_there_is_is_the_last(web: responses.RequestsMock, shop: Connector) -> None:
    web.get(f"{BASE}/orders", json=orders([stub(number) for number in range(1, 101)], 100))
    assert shop.list_orders(WINDOW, 1, MYR).is_last


@pytest.mark.parametrize("reply", [envelope({"order_list": [[]]}), envelope({"order_list": [None, stub(1)]})])
def test_a_row_without_an_id_is_said_aloud(web: responses.RequestsMock, shop: Connector, reply: Any) -> None:
    web.get(f"{BASE}/orders", json=reply)
    with pytest.raises(Unavailable, match="an order that has no number"):
        shop.list_orders(WINDOW, 1, MYR)
