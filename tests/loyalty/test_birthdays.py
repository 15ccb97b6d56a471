"""Birthdays: once a year, on the shop's calendar, however often somebody looks."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest
from django.db import connection

from loyalty import programs, state
from loyalty.birthdays import _born_on, award
from loyalty.enrolment import Newcomer, enrol, enrol_all
from loyalty.members import block, erase
from loyalty.merging import merge, unmerge
from loyalty.models import Entry, Member, Reward, Voucher
from tenants.actors import Actor
from tenants.context import inside
from tests.conftest import NOW, make_shop
from tests.loyalty.racing import race

DAY = dt.timedelta(days=1)
MORNING = dt.datetime(2026, 5, 10, 6, tzinfo=dt.UTC)  # ten o'clock in Dubai
BORN = dt.date(1990, 5, 10)


@pytest.fixture
def pays(in_cafe):
    programs.set_policy(in_cafe.program, {"birthday_bonus": 150}, at=NOW, by=in_cafe.till)
    return in_cafe


def join(shop, card="ann", born=BORN, at=NOW):
    return enrol(card=card, birth_date=born, at=at, by=shop.till)


def got(member):
    found = Entry.objects.filter(account__member=member, kind="bonus").order_by("id")
    return list(found.values_list("amount", "reason"))


def test_everybody_who_celebrates_gets_it_once_a_year(pays):
    ann = join(pays)
    join(pays, card="bob", born=dt.date(1990, 5, 11))
    assert award(MORNING - DAY) == 0
    assert award(MORNING) == 1
    assert award(MORNING + dt.timedelta(hours=12)) == 0
    assert award(MORNING.replace(year=2027)) == 1
    assert got(ann) == [(150, "birthday")] * 2


def test_the_day_is_that_of_the_shop(pays):
    """In Dubai the tenth begins at 20:00 UTC of the ninth."""
    join(pays)
    assert award(dt.datetime(2026, 5, 9, 19, 59, tzinfo=dt.UTC)) == 0
    assert award(dt.datetime(2026, 5, 10, 20, 0, tzinfo=dt.UTC)) == 0
    assert award(dt.datetime(2026, 5, 9, 20, 0, tzinfo=dt.UTC)) == 1


def test_a_year_is_that_of_the_shop_too(pays):
    """Born on 1 January: 20:00 UTC on 31 December is her birthday in the new year."""
    ann = join(pays, born=dt.date(1990, 1, 1))
    assert award(dt.datetime(2026, 12, 31, 20, 30, tzinfo=dt.UTC)) == 1
    assert award(dt.datetime(2027, 1, 1, 6, 0, tzinfo=dt.UTC)) == 0
    assert award(dt.datetime(2027, 12, 31, 21, 0, tzinfo=dt.UTC)) == 1
    assert len(got(ann)) == 2


def test_the_29th_of_february_is_the_28th_in_other_years(pays):
    leap = join(pays, card="leap", born=dt.date(1992, 2, 29))
    day = join(pays, card="day", born=dt.date(1992, 2, 28))
    assert award(dt.datetime(2027, 2, 28, 6, tzinfo=dt.UTC)) == 2
    assert award(dt.datetime(2027, 3, 1, 6, tzinfo=dt.UTC)) == 0
    assert award(dt.datetime(2028, 2, 28, 6, tzinfo=dt.UTC)) == 1
    assert award(dt.datetime(2028, 2, 29, 6, tzinfo=dt.UTC)) == 1
    assert (len(got(leap)), len(got(day))) == (2, 2)


def test_whoever_has_just_joined_waits_a_year(pays):
    programs.set_policy(pays.program, {"birthday_min_days": 7}, at=NOW, by=pays.till)
    late, early = MORNING - 6 * DAY, MORNING - 7 * DAY
    join(pays, card="late", at=late)
    exactly = join(pays, card="early", at=early + dt.timedelta(hours=5))
    assert award(MORNING) == 1
    assert got(exactly) == [(150, "birthday")]
    assert award(MORNING.replace(year=2027)) == 2


def test_joining_on_the_day_itself_pays_where_no_days_are_asked(pays):
    join(pays, at=MORNING)
    assert award(MORNING + dt.timedelta(hours=1)) == 1


def test_closed_cards_get_nothing(pays):
    blocked, erased = join(pays, card="b"), join(pays, card="e")
    block(blocked, at=NOW, by=pays.till)
    erase(erased, at=NOW, by=pays.till, key="e")
    assert award(MORNING) == 0


def test_no_program_or_no_bonus_pays_nothing(in_cafe):
    join(in_cafe)
    assert award(MORNING) == 0
    programs.set_policy(in_cafe.program, {"birthday_bonus": 5}, at=NOW, by=in_cafe.till)
    in_cafe.program.status = "paused"
    in_cafe.program.save(update_fields=["status"])
    assert award(MORNING) == 0


def test_two_cards_of_one_person_have_one_birthday(pays):
    ann, other = join(pays), join(pays, card="other")
    award(MORNING)
    done = merge(other, ann, at=MORNING + DAY, by=pays.till, key="m")
    assert award(MORNING) == 0
    third = join(pays, card="third")
    merge(ann, third, at=MORNING + DAY, by=pays.till, key="m2")
    assert award(MORNING) == 0
    assert state.state_of(third, at=MORNING + DAY).balance == 300
    assert done.moved == 150


def test_a_card_that_got_it_pays_for_the_one_it_is_joined_with(pays):
    ann, other = join(pays, born=None), join(pays, card="other")
    award(MORNING)
    done = merge(other, ann, at=MORNING, by=pays.till, key="m").merge
    assert Member.objects.get(pk=ann.pk).birth_date == BORN
    assert award(MORNING) == 0
    unmerge(done, at=MORNING, by=pays.till, key="u")
    assert Member.objects.get(pk=ann.pk).birth_date is None
    assert award(MORNING) == 0
    assert award(MORNING.replace(year=2027)) == 1


def test_the_older_card_of_a_person_says_how_long_she_is_a_member(pays):
    programs.set_policy(pays.program, {"birthday_min_days": 7}, at=NOW, by=pays.till)
    old, new = join(pays, card="old"), join(pays, card="new", at=MORNING - DAY)
    merge(old, new, at=MORNING - DAY, by=pays.till, key="m")
    assert award(MORNING) == 1


def test_a_present_can_fill_a_stamp_card(pays):
    Reward.objects.create(
        program=pays.program, name="Tea", kind="item", cost=100, value=300, is_auto=True
    )
    ann = join(pays)
    award(MORNING)
    assert Voucher.objects.get().owner == ann
    assert state.state_of(ann, at=MORNING).balance == 50


def test_more_than_a_batch_all_get_it(pays, monkeypatch):
    monkeypatch.setattr("loyalty.birthdays.BATCH", 3)
    people = [Newcomer(card=f"n{n}", birth_date=BORN) for n in range(10)]
    enrol_all([(who, NOW) for who in people], by=Actor.importing("x"), source="import")
    assert award(MORNING) == 10
    assert award(MORNING) == 0


@pytest.mark.thorough
def test_who_celebrates_is_found_by_an_index(pays):
    people = [
        Newcomer(card=f"n{n}", birth_date=dt.date(1980, 1, 1) + n * DAY) for n in range(3_000)
    ]
    enrol_all([(who, NOW) for who in people], by=Actor.importing("x"), source="import")
    with connection.as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE loyalty_member")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE portal_app")
    assert "member_by_birthday" in _born_on(BORN).explain()


def test_many_workers_pay_it_once(transactional_db):
    shop = make_shop("cafe")
    with inside(shop.tenant):
        programs.set_policy(shop.program, {"birthday_bonus": 150}, at=NOW, by=shop.till)
        ann, bob = join(shop), join(shop, card="bob")
    assert sum(race(shop, [partial(award, MORNING)] * 5)) == 2
    with inside(shop.tenant):
        assert got(ann) == got(bob) == [(150, "birthday")]
