"""From the code to the answer and to the end: what each step does, and what it refuses."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.linking import LinkState, NotPossible, Rule, letters_of
from app.extensions import db
from app.links import codes, queries, services
from app.links.services import LinkedAlready, NoSuchLink, NoWarehouse, Refused
from app.tenancy.scope import store_scope
from tests.links.pairs import Pair, code_of, first_warehouse, pair_of, put_on_plan, rules
from tests.support.factories import Make


def test_a_code_leads_to_a_request_and_a_grant_to_a_link(pair: Pair) -> None:
    link_id = pair.draft()
    assert pair.state(link_id) is LinkState.DRAFT
    assert pair.seen_by_sub(link_id) is None, "nobody was asked yet"
    pair.ask(link_id)
    asked = pair.seen_by_sub(link_id)
    assert asked is not None
    assert (asked.state, asked.main_name, asked.asked_by) == (LinkState.PENDING, pair.main.name, pair.main.owner.name)
    with pair.as_sub():
        assert queries.waiting_requests() == 1
        assert queries.main_link() is None
    pair.grant(link_id)
    with pair.as_main():
        (link,) = queries.links()
        assert (link.sub_store_id, link.location_id) == (pair.sub.id, first_warehouse(pair.main))
        assert link.location == "Main warehouse"
        assert queries.main_link() is None
    with pair.as_sub():
        (mine,) = queries.links()
        assert (mine.main_store_id, mine.location) == (pair.main.id, ""), "the name of a warehouse is not told"
        assert queries.main_link() == mine
        assert queries.waiting_requests() == 0
    assert [(one.kind, one.side, one.person) for one in pair.story(link_id)] == [
        ("ask", "main", pair.main.owner.name),
        ("grant", "sub", pair.sub.owner.name),
    ]


def test_the_code_may_be_typed_in_any_manner(pair: Pair) -> None:
    code = pair.code()
    with pair.as_main():
        first = services.start_draft(letters_of(code.lower().replace("-", " ")))
        assert services.start_draft(letters_of(code.replace("-", ""))) == first, "the draft is found again"


def test_an_unknown_code_says_nothing_else(pair: Pair) -> None:
    with pair.as_main(), pytest.raises(Refused) as refused:
        services.start_draft("A" * 20)
    assert [finding.rule for finding in refused.value.findings] == [Rule.CODE_INVALID]
    assert refused.value.name == ""


def test_a_store_of_a_smaller_plan_learns_nothing_of_a_code(app: Flask, pair: Pair) -> None:
    put_on_plan(app, pair.main, "growth")
    letters = letters_of(pair.code())
    for typed in (letters, "A" * 20):
        with pair.as_main(), pytest.raises(Refused) as refused:
            services.start_draft(typed)
        assert [finding.rule for finding in refused.value.findings] == [Rule.PLAN_TOO_LOW]
        assert refused.value.name == ""


def test_the_own_code_is_refused(app: Flask, pair: Pair) -> None:
    letters = letters_of(code_of(app, pair.main))
    with pair.as_main(), pytest.raises(Refused) as refused:
        services.start_draft(letters)
    assert rules(refused.value) == {"SELF_LINK"}


def test_batch_serial_and_kit_items_are_counted_and_named(pair: Pair) -> None:
    for number in range(4):
        pair.hold(f"KIT-{number}", kit=True)
    pair.hold("MILK", tracking="batch")
    pair.hold("PHONE", tracking="serial")
    pair.hold("CUP")
    letters = letters_of(pair.code())
    with pair.as_main(), pytest.raises(Refused) as refused:
        services.start_draft(letters)
    held = {finding.rule: finding.held for finding in refused.value.findings if finding.is_broken}
    assert (held[Rule.SUB_HAS_KIT].count, held[Rule.SUB_HAS_KIT].skus) == (4, ("KIT-0", "KIT-1", "KIT-2"))
    assert held[Rule.SUB_HAS_BATCH].skus == ("MILK",)
    assert held[Rule.SUB_HAS_SERIAL].skus == ("PHONE",)


def test_an_archived_kit_is_in_nobodys_way(pair: Pair) -> None:
    kit = pair.hold("SET", kit=True)
    with pair.as_sub():
        db.session.execute(text("update items set archived_at = now() where id = :id"), {"id": kit})
        db.session.commit()
    assert pair.state(pair.pending()) is LinkState.PENDING


def test_a_sub_store_has_one_main_store(app: Flask, make: Make, pair: Pair) -> None:
    other = pair_of(app, make)
    rival = Pair(app, other.main, pair.sub)
    waiting = rival.draft()
    link_id = pair.pending()
    with rival.as_main(), pytest.raises(Refused) as refused:
        services.ask(waiting, "Theirs", first_warehouse(rival.main), "Somebody")
    assert rules(refused.value) == {"SUB_ALREADY_LINKED"}
    pair.grant(link_id)
    with pytest.raises(Refused) as refused:
        rival.draft()
    assert rules(refused.value) == {"SUB_ALREADY_LINKED"}
    with pair.as_sub():
        services.end(link_id, "Somebody", "keep")
    assert rival.state(rival.pending()) is LinkState.PENDING


def test_neither_a_chain_nor_a_ring_can_be_asked_for(app: Flask, make: Make, pair: Pair) -> None:
    pair.connected()
    third = make.store()
    put_on_plan(app, third, "enterprise")
    put_on_plan(app, pair.sub, "premium")
    for upper, lower in ((third, pair.main), (pair.sub, third), (pair.sub, pair.main)):
        with pytest.raises(Refused) as refused:
            Pair(app, upper, lower).draft()
        assert "CHAIN_NOT_ALLOWED" in rules(refused.value), (upper.name, lower.name)


def test_the_rules_are_asked_again_when_access_is_granted(app: Flask, pair: Pair) -> None:
    link_id = pair.pending()
    pair.hold("SET", kit=True)
    put_on_plan(app, pair.main, "starter")
    with pytest.raises(Refused) as refused:
        pair.grant(link_id)
    assert rules(refused.value) == {"SUB_HAS_KIT", "PLAN_TOO_LOW"}
    assert pair.state(link_id) is LinkState.PENDING


def test_a_store_that_asks_for_a_sub_store_cannot_become_one(app: Flask, make: Make, pair: Pair) -> None:
    """Two drafts that were begun before either was asked do not make a chain in the end."""
    put_on_plan(app, pair.sub, "premium")
    below = Pair(app, pair.sub, make.store())
    lower = below.draft()
    upper = pair.pending()
    with below.as_main(), pytest.raises(Refused) as refused:
        services.ask(lower, "Theirs", first_warehouse(below.main), "Somebody")
    assert rules(refused.value) == {"CHAIN_NOT_ALLOWED"}
    pair.grant(upper)


def test_a_denial_reaches_the_main_store_with_its_words(pair: Pair) -> None:
    link_id = pair.pending()
    with pair.as_sub():
        services.deny(link_id, pair.sub.owner.name, "We do not know you")
    link = pair.seen_by_main(link_id)
    assert (link.state, link.reason_detail) == (LinkState.DENIED, {"words": "We do not know you"})
    again = pair.pending()
    assert again != link_id


def test_a_request_is_withdrawn_and_asked_again_without_the_code(pair: Pair) -> None:
    link_id = pair.pending()
    with pair.as_main():
        services.withdraw(link_id, pair.main.owner.name)
        draft_id = services.ask_again(link_id)
        link = queries.link(draft_id)
        assert link is not None
        assert (link.state, link.channel_name, link.location) == (LinkState.DRAFT, "Their webstore", "Main warehouse")
        services.ask(draft_id, link.channel_name, link.location_id or 0, pair.main.owner.name)
        with pytest.raises(LinkedAlready):
            services.ask_again(draft_id)
    assert pair.state(draft_id) is LinkState.PENDING


def test_a_discarded_draft_leaves_nothing_for_the_other_store(pair: Pair) -> None:
    link_id = pair.draft()
    with pair.as_main():
        services.withdraw(link_id, pair.main.owner.name)
    assert pair.seen_by_sub(link_id) is None
    assert pair.story(link_id) == []


def test_another_code_ends_requests_and_lets_links_be(app: Flask, make: Make, pair: Pair) -> None:
    old = pair.code()
    granted = pair.connected()
    with pair.as_sub():
        services.rotate_code(pair.sub.owner.id, pair.sub.owner.name)
        own = codes.own_code()
        assert own is not None
        assert own.text != old
        assert own.version == 2
    assert pair.state(granted) is LinkState.CONNECTED
    other = pair_of(app, make)
    draft, link_id = other.draft(), other.pending()
    assert draft == link_id
    with other.as_sub():
        assert services.rotate_code(other.sub.owner.id, "Somebody") == [other.main.id]
    link = other.seen_by_main(link_id)
    assert (link.state, link.reason) == (LinkState.EXPIRED, "CODE_INVALID")
    with other.as_main(), pytest.raises(Refused) as refused:
        services.ask_again(link_id)
    assert rules(refused.value) == {"CODE_INVALID"}


def test_a_draft_of_an_old_code_is_not_asked(pair: Pair) -> None:
    link_id = pair.draft()
    with pair.as_sub():
        services.rotate_code(pair.sub.owner.id, "Somebody")
    with pytest.raises(Refused) as refused:
        pair.ask(link_id)
    assert rules(refused.value) == {"CODE_INVALID"}


def test_a_warehouse_of_another_store_is_none(pair: Pair) -> None:
    link_id = pair.draft()
    with pair.as_sub():
        theirs = first_warehouse(pair.sub)
    with pair.as_main(), pytest.raises(NoWarehouse):
        services.ask(link_id, "Theirs", theirs, "Somebody")
    assert pair.state(link_id) is LinkState.DRAFT


@pytest.mark.parametrize("by_main", [True, False])
def test_either_store_ends_the_link(pair: Pair, by_main: bool) -> None:
    link_id = pair.connected()
    with pair.as_main() if by_main else pair.as_sub():
        services.end(link_id, "Somebody", "zero")
        with pytest.raises(NotPossible):
            services.end(link_id, "Somebody", "keep")
    link = pair.seen_by_sub(link_id)
    assert link is not None
    assert (link.state, link.stock_after, link.ended_by_side) == (LinkState.ENDED, "zero", "main" if by_main else "sub")
    assert pair.story(link_id)[-1].detail == {"stock": "zero"}


def test_each_side_does_only_what_is_its_own(pair: Pair) -> None:
    link_id = pair.pending()
    with pair.as_main():
        with pytest.raises(NotPossible):
            services.grant(link_id, "Somebody")
        with pytest.raises(NotPossible):
            services.deny(link_id, "Somebody", "")
    with pair.as_sub(), pytest.raises(NotPossible):
        services.withdraw(link_id, "Somebody")
    assert pair.state(link_id) is LinkState.PENDING


def test_a_third_store_has_no_part_in_it(app: Flask, make: Make, pair: Pair) -> None:
    link_id, third = pair.pending(), make.store()
    with app.app_context(), store_scope(third.id):
        assert queries.link(link_id) is None
        assert queries.links() == []
        assert queries.events(link_id) == []
        for act in (services.grant, services.withdraw):
            with pytest.raises(NoSuchLink):
                act(link_id, "Somebody")
