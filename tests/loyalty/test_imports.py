"""Members who come in with what they have collected elsewhere."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest
from django.db import connection

from loyalty import ledger, programs, state
from loyalty.enrolment import find
from loyalty.imports import import_members
from loyalty.members import erase
from loyalty.models import Account, Entry, Identifier, Lot, Member, Operation, Reward, Voucher
from loyalty.refusals import UnknownColumn
from tenants.context import inside
from tenants.models import AuditEntry
from tests.conftest import NOW, make_shop
from tests.loyalty.racing import race

DAY = dt.timedelta(days=1)
ROWS = [
    {"phone": "050 222 2222", "name": "Bo", "points": 120, "expires": "2026-12-31"},
    {"phone": "0502222222", "points": 50},
    {"phone": "+971 50 123 4567", "points": 10},
    {"phone": "12", "points": 10},
    {"email": "C@x.example", "points": -5},
    {"points": 5},
    {"email": "d@x.example", "points": 0, "born": "1990-02-29"},
    {"email": "e@x.example", "born": "1990-02-28"},
    {"email": "f@x.example", "points": "1.5"},
    {"email": "nobody", "points": 1},
    {"email": "g@x.example", "points": " 7 ", "expires": "2020-01-01"},
    {"card": "A 1", "points": "7"},
    {"card": "A 2", "points": "7", "expires": "9999-12-31"},
]
ERRORS = [
    (2, "duplicate_in_file"),
    (3, "already_member"),
    (4, "bad_phone"),
    (5, "bad_points"),
    (6, "no_identifier"),
    (7, "bad_date"),
    (9, "bad_points"),
    (10, "not_an_identifier"),
    (11, "bad_date"),
    (13, "bad_date"),
]


def bring(shop, rows, name="list.csv", at=NOW, **options):
    return import_members(rows, name=name, at=at, by=shop.till, **options)


def counts():
    models = (Member, Identifier, Account, Entry, Lot, Operation, AuditEntry)
    return [model._base_manager.count() for model in models]


def test_every_bad_row_is_told_and_the_good_ones_are_taken(in_cafe):
    done = bring(in_cafe, ROWS)
    assert (done.imported, done.known, done.points) == (3, 0, 127)
    assert done.errors == ERRORS
    assert Member.objects.count() == 4
    bo = find(phone="0502222222")
    assert (bo.name, bo.source, bo.enrolled_at) == ("Bo", "import", NOW)
    entry = Entry.objects.get(account__member=bo)
    assert (entry.kind, entry.amount) == ("opening", 120)
    assert Lot.objects.get(entry=entry).expires_at == dt.datetime(2026, 12, 31, 20, tzinfo=dt.UTC)
    assert ledger.account_of(bo).balance == 120
    eve = find(email="e@x.example")
    assert (eve.birth_date, ledger.account_of(eve).balance) == (dt.date(1990, 2, 28), 0)
    assert not Entry.objects.filter(account__member=eve).exists()


@pytest.mark.parametrize("batch", [1, 3, 500])
def test_a_dry_run_tells_the_same_and_writes_nothing(in_cafe, batch):
    before = counts()
    told = bring(in_cafe, iter(ROWS), dry_run=True, batch=batch)
    assert counts() == before
    assert bring(in_cafe, iter(ROWS), batch=batch) == told


def test_the_same_list_again_adds_nothing_and_tells_the_same(in_cafe):
    first = bring(in_cafe, ROWS)
    before = counts()
    again = bring(in_cafe, ROWS, at=NOW + DAY)
    assert counts() == before
    assert (again.imported, again.points, again.errors) == (3, 127, ERRORS)
    assert (first.known, again.known) == (0, 3)


def test_a_list_that_was_broken_off_goes_on(in_cafe):
    bring(in_cafe, ROWS[:1])
    done = bring(in_cafe, ROWS)
    assert (done.imported, done.known, done.errors) == (3, 1, ERRORS)
    assert ledger.account_of(find(phone="0502222222")).balance == 120


def test_a_mended_row_is_taken_and_another_list_knows_who_is_there(in_cafe):
    bring(in_cafe, ROWS)
    mended = [*ROWS[:3], {"phone": "0503333333", "points": 10}, *ROWS[4:]]
    done = bring(in_cafe, mended)
    assert (done.imported, done.known) == (4, 3)
    assert (4, "bad_phone") not in done.errors
    other = bring(in_cafe, ROWS[:1], name="other.csv")
    assert (other.imported, other.errors) == (0, [(1, "already_member")])
    changed = bring(in_cafe, [{**ROWS[0], "points": 500}])
    assert changed.errors == [(1, "already_member")]


def test_points_without_a_day_live_as_long_as_the_program_says(in_cafe):
    expiry = {"expiry": {"mode": "lot", "days": 30}, "enrol_bonus": 10}
    programs.set_policy(in_cafe.program, expiry, at=NOW, by=in_cafe.till)
    bring(in_cafe, [{"card": "1", "points": 5}])
    member = find(card="1")
    assert list(Entry.objects.values_list("kind", "amount")) == [("opening", 5)]  # and no bonus
    assert state.state_of(member, at=NOW + 31 * DAY).balance == 0


def test_without_a_program_there_are_no_points_but_members(in_cafe):
    in_cafe.program.status = "paused"
    in_cafe.program.save()
    done = bring(in_cafe, [{"card": "1", "points": 5}, {"card": "2"}])
    assert (done.imported, done.errors) == (1, [(1, "program_not_live")])


def test_a_full_stamp_card_becomes_its_reward(in_cafe):
    Reward.objects.create(
        program=in_cafe.program, name="Tea", kind="item", cost=10, value=300, is_auto=True
    )
    bring(in_cafe, [{"card": "1", "points": 12}])
    assert Voucher.objects.get().owner == find(card="1")
    assert ledger.account_of(find(card="1")).balance == 2


def test_a_column_that_nobody_knows_is_refused_before_anything_is_taken(in_cafe):
    with pytest.raises(UnknownColumn) as told:
        bring(in_cafe, [{"card": "1"}, {"card": "2", "expiry": "2026-12-31"}])
    assert told.value.figures == {"column": "expiry"}
    assert Member.objects.count() == 1


@pytest.mark.parametrize("odd", [True, 1.0, "१२", "1e3", "²", "9" * 40, "-0", [], "5 5"])
def test_what_is_no_whole_number_is_no_points(in_cafe, odd):
    assert bring(in_cafe, [{"card": "1", "points": odd}]).errors == [(1, "bad_points")]


def test_what_is_kept_of_a_row_does_not_name_her(in_cafe):
    """Keys of operations live for weeks, and she may want to be forgotten tomorrow."""
    bring(in_cafe, [{"phone": "0502222222", "points": 5}])
    erase(find(phone="0502222222"), at=NOW, by=in_cafe.till, key="e")
    for operation in Operation.objects.filter(verb="import_member"):
        assert "502222222" not in f"{operation.key} {operation.result} {operation.source}"
    again = bring(in_cafe, [{"phone": "0502222222", "points": 5}])
    assert (again.imported, again.known) == (1, 1)


def test_a_long_list_takes_few_statements(in_cafe, django_assert_max_num_queries):
    rows = [{"card": str(n), "points": n + 1} for n in range(100)]
    with django_assert_max_num_queries(25):
        assert bring(in_cafe, rows).imported == 100


def test_another_run_that_ends_between_two_looks_of_ours_is_an_earlier_one(transactional_db):
    shop, came = make_shop("cafe"), []
    rows = [{"card": str(n), "points": 10} for n in range(3)]

    def meanwhile(execute, sql, *rest):
        found = execute(sql, *rest)
        is_a_look = 'FROM "loyalty_identifier"' in sql or 'FROM "loyalty_operation"' in sql
        if is_a_look and not came:
            came.extend(race(shop, [partial(bring, shop, rows)]))
        return found

    with inside(shop.tenant), connection.execute_wrapper(meanwhile):
        ours = bring(shop, rows)
    assert [(o.imported, o.known, o.errors) for o in (*came, ours)] == [(3, 0, []), (3, 3, [])]


def test_the_same_list_by_two_at_once_is_taken_once(transactional_db):
    shop = make_shop("cafe")
    rows = [{"card": str(n), "points": 10} for n in range(20)]
    outcomes = race(shop, [partial(bring, shop, rows, batch=5)] * 3)
    assert [(o.imported, o.errors) for o in outcomes] == [(20, [])] * 3
    with inside(shop.tenant):
        assert Member.objects.count() == 21
        assert list(Entry.objects.values_list("amount", flat=True)) == [10] * 20
