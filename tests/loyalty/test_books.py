"""The books of a shop that lived are right; whatever is wrong in them is found and named."""

from __future__ import annotations

import datetime as dt
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from loyalty import books, programs, state, tasks
from loyalty.models import Account, BooksCheck, DailyStat, Entry, Tier
from loyalty.purchases import record
from tenants.actors import Actor
from tests.conftest import NOW
from tests.loyalty.corruptions import CORRUPTIONS, by_hand, corrupt, without_keys
from tests.loyalty.living import BEGAN, DAY, live


@pytest.fixture
def lived(in_cafe):
    return live(in_cafe)


def found(at=NOW):
    return list(books.walk(at))


def test_after_everything_that_can_happen_the_books_are_right(lived):
    assert found() == []
    assert list(books.walk()) == []
    assert list(books.walk(BEGAN)) == []


def test_what_is_done_by_hand_is_found_and_named(lived):
    cards = dict(Account.objects.values_list("pk", "member__code"))
    for kind in CORRUPTIONS:
        with transaction.atomic():
            amount = corrupt(lived, kind)
            faults = [fault for fault in found() if fault.kind == kind]
            transaction.set_rollback(True)
        assert faults, kind
        if amount is not None:
            assert [fault.amount for fault in faults] == [amount], kind
        for fault in faults:
            assert not fault.account or fault.member == cards[fault.account], kind
            assert fault.member in str(fault)
            assert "Ann" not in str(fault)
    assert found() == []


def test_an_allocation_without_its_lot_and_a_shelf_below_nothing_are_found(lived):
    without_keys("loyalty_allocation")
    by_hand(
        """DELETE FROM loyalty_lot
            WHERE remaining = 0 AND id IN (SELECT lot_id FROM loyalty_allocation)"""
    )
    without_keys("loyalty_reward")
    by_hand("UPDATE loyalty_reward SET stock = -2 WHERE stock IS NOT NULL")
    faults = found()
    assert "There is an allocation without its lot" in " ".join(str(each) for each in faults)
    assert [each.amount for each in faults if each.kind == "stock"] == [-2]


def test_each_kind_of_fault_was_planted():
    planted = {*CORRUPTIONS, "orphan", "stock"}
    assert planted == {check.kind for check in books.CHECKS}


def test_an_account_that_waits_for_the_sweep_is_no_fault(in_cafe):
    by = Actor.of_staff(in_cafe.owner)
    programs.set_policy(
        in_cafe.program,
        {"pending_days": 2, "expiry": {"mode": "inactivity", "days": 30}},
        at=NOW,
        by=by,
    )
    record(in_cafe.member, 5000, at=NOW, by=in_cafe.till, key="k1")
    for days in (0, 1, 2, 3, 31, 100):
        assert found(NOW + days * DAY) == []
    # A sale that reaches us late has an earlier next change than what is known already.
    record(in_cafe.member, 900, at=NOW + 3 * DAY, by=in_cafe.till, key="k2")
    record(in_cafe.member, 700, at=NOW - DAY, by=in_cafe.till, key="k3")
    assert found(NOW + 3 * DAY) == []
    assert state.state_of(in_cafe.member, at=NOW + 3 * DAY).balance == 57


def test_who_does_not_know_of_her_silence_is_found_once_it_matters(in_cafe):
    record(in_cafe.member, 5000, at=NOW, by=in_cafe.till, key="k1")
    policy = in_cafe.program.policy | {"expiry": {"mode": "inactivity", "days": 30}}
    by_hand(
        "UPDATE loyalty_program SET policy = %(policy)s::jsonb WHERE id = %(pk)s",
        policy=json.dumps(policy),
        pk=in_cafe.program.pk,
    )
    assert found(NOW + 29 * DAY) == []
    (fault,) = found(NOW + 40 * DAY)
    assert (fault.kind, fault.member, fault.amount) == ("due", in_cafe.member.code, 50)


def test_a_tier_that_ends_unknown_is_found(in_cafe):
    for name, threshold in (("Blue", 0), ("Gold", 1000)):
        Tier.objects.create(program=in_cafe.program, name=name, threshold=threshold)
    by = Actor.of_staff(in_cafe.owner)
    programs.set_policy(in_cafe.program, {"tiers": {"metric": "spend"}}, at=NOW, by=by)
    record(in_cafe.member, 5000, at=NOW, by=in_cafe.till, key="k1")
    assert list(books.walk()) == []
    Account.objects.update(next_change_at=None)
    (fault,) = books.walk()
    assert "The tier ends" in fault.sentence


# What becomes of it


def test_the_check_is_kept_with_what_it_found(lived):
    assert books.last_check() is None
    checked = books.check(NOW)
    assert (checked.wrong, checked.faults, checked.entries) == (0, [], Entry.objects.count())
    corrupt(lived, "balance")
    assert books.check(NOW).pk == checked.pk  # the job came twice
    (row,) = BooksCheck.objects.all()
    assert row.wrong == 1
    assert row.faults[0]["member"] == lived.ann.code
    books.check(NOW + dt.timedelta(days=500))
    assert BooksCheck.objects.count() == 1
    assert books.last_check().at == NOW + dt.timedelta(days=500)


def test_the_command_names_shop_card_and_amount_and_fails(lived, spa):
    out = io.StringIO()
    call_command("verify_ledger", stdout=out)
    assert "cafe" in out.getvalue()
    assert "2 shops" in out.getvalue()
    corrupt(lived, "balance")
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_ledger", stdout=out)
    assert ended.value.code == 1
    (line,) = [line for line in out.getvalue().splitlines() if "balance" in line]
    assert line.startswith("cafe")
    assert lived.ann.code in line
    assert "+3" in line
    call_command("verify_ledger", "--shop", "spa", stdout=out)
    with pytest.raises(CommandError, match="no shop 'nowhere'"):
        call_command("verify_ledger", "--shop", "nowhere")


def test_the_night_tells_of_what_is_wrong_without_naming_anybody(lived, told):
    tasks.check_books(NOW.isoformat())
    assert [line for line in told if line["logger"] == "portal.books"] == []
    corrupt(lived, "balance")
    tasks.check_books(NOW.isoformat())
    (line,) = [line for line in told if line["logger"] == "portal.books"]
    assert (line["level"], line["count"], line["kinds"]) == ("error", 1, ["balance"])
    assert lived.ann.code not in str(line)
    tasks.sum_up_days(NOW.isoformat())
    assert DailyStat.objects.count() == 90
