"""The sweep: it writes down what was so already."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty import programs, state
from loyalty.book import Book
from loyalty.enrolment import Newcomer, enrol, enrol_all
from loyalty.members import block
from loyalty.models import Account, Entry, Lot, Member, Program, Reward, Tier, Voucher
from loyalty.purchases import record, record_all
from loyalty.sales import Sale
from loyalty.sweeping import Swept, sweep
from tenants.actors import Actor
from tenants.context import inside
from tests.conftest import NOW, make_shop
from tests.loyalty.racing import race

DAY = dt.timedelta(days=1)


def expiring(shop, days=30):
    policy = {"expiry": {"mode": "lot", "days": days}}
    programs.set_policy(shop.program, policy, at=NOW, by=shop.till)


def crowd(shop, count):
    """So many members, the first with ten points, the second with twenty, …"""
    by = Actor.importing("x")
    people = [(Newcomer(card=f"n{n}"), NOW) for n in range(count)]
    members = enrol_all(people, by=by, source="import")
    sales = [Sale(m.pk, 1000 * (n + 1), NOW, f"k{n}") for n, m in enumerate(members)]
    record_all(sales, by=by)
    return members


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_everybody_who_is_due_is_settled_once(in_cafe, batch):
    expiring(in_cafe)
    members = crowd(in_cafe, 5)
    assert sweep(NOW + 29 * DAY, batch=batch) == Swept()
    assert sweep(NOW + 31 * DAY, batch=batch) == Swept(accounts=5, expired=150)
    assert sweep(NOW + 31 * DAY, batch=batch) == Swept()
    assert Entry.objects.filter(kind="expire").count() == 5
    assert not Account.objects.exclude(balance=0).exists()
    assert not Account.objects.filter(next_change_at__isnull=False).exists()
    assert state.state_of(members[0], at=NOW + 31 * DAY).balance == 0


def test_what_is_seen_before_a_sweep_is_what_is_written_by_it(in_cafe):
    expiring(in_cafe)
    record(in_cafe.member, 5000, at=NOW, by=in_cafe.till, key="k")
    record(in_cafe.member, 3000, at=NOW + 10 * DAY, by=in_cafe.till, key="k2")
    for days in (30, 31, 40, 41, 60):
        at = NOW + days * DAY
        before = state.state_of(in_cafe.member, at=at)
        sweep(at)
        account = Account.objects.get()
        assert (account.balance, account.pending) == (before.balance, before.pending)
        assert state.state_of(in_cafe.member, at=at) == before
    times = Entry.objects.filter(kind="expire").order_by("id").values_list("occurred_at", flat=True)
    midnight = dt.datetime(2026, 3, 2, 20, tzinfo=dt.UTC)  # of Dubai
    assert list(times) == [midnight + 30 * DAY, midnight + 40 * DAY]


def test_some_members_alone_can_be_swept(in_cafe):
    expiring(in_cafe)
    members = crowd(in_cafe, 3)
    assert sweep(NOW + 31 * DAY, members=[members[1].pk]) == Swept(accounts=1, expired=20)
    assert sweep(NOW + 31 * DAY, members=[]) == Swept()
    assert sweep(NOW + 31 * DAY) == Swept(accounts=2, expired=40)


def test_points_that_can_be_spent_from_now_on_fill_a_stamp_card(in_cafe):
    programs.set_policy(in_cafe.program, {"pending_days": 3}, at=NOW, by=in_cafe.till)
    Reward.objects.create(
        program=in_cafe.program, name="Tea", kind="item", cost=10, value=300, is_auto=True
    )
    stopped = enrol(card="stopped", at=NOW, by=in_cafe.till)
    for member in (in_cafe.member, stopped):
        record(member, 1200, at=NOW, by=in_cafe.till, key=f"k{member.pk}")
    block(stopped, at=NOW, by=in_cafe.till)
    assert sweep(NOW + 4 * DAY) == Swept(accounts=2, issued=1)
    assert Voucher.objects.get().owner == in_cafe.member
    assert state.state_of(stopped, at=NOW + 4 * DAY).balance == 12


def test_a_tier_that_ran_out_is_looked_at_anew(in_cafe):
    policy = {"tiers": {"window": {"mode": "rolling_months", "n": 12}}}
    programs.set_policy(in_cafe.program, policy, at=NOW, by=in_cafe.till)
    for name, threshold in (("Bronze", 0), ("Silver", 5000)):
        Tier.objects.create(program=in_cafe.program, name=name, threshold=threshold)
    record(in_cafe.member, 5000, at=NOW, by=in_cafe.till, key="k")
    assert sweep(NOW + 367 * DAY) == Swept(accounts=1)
    assert Account.objects.get().tier.name == "Bronze"
    assert sweep(NOW + 367 * DAY) == Swept()


def test_a_program_that_is_paused_is_left_alone(in_cafe):
    expiring(in_cafe)
    crowd(in_cafe, 2)
    Program.objects.update(status="paused")
    assert sweep(NOW + 31 * DAY) == Swept()


@pytest.mark.thorough
def test_what_is_due_is_found_by_its_index(in_cafe):
    expiring(in_cafe)
    crowd(in_cafe, 3_000)
    Account.objects.filter(balance__gt=20).update(next_change_at=NOW + 90 * DAY)
    with connection.as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE loyalty_account, loyalty_program")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE portal_app")
    due = Account.objects.filter(next_change_at__lte=NOW + 31 * DAY, program__status="live")
    plan = due.order_by("next_change_at", "id")[:200].explain()
    assert "account_due" in plan


def test_a_sweep_with_nothing_to_do_is_one_statement(in_cafe):
    expiring(in_cafe)
    crowd(in_cafe, 3)
    with CaptureQueriesContext(connection) as asked:
        sweep(NOW + DAY)
    assert len(asked) == 1


def test_a_batch_that_fails_leaves_the_ones_before_it_done(transactional_db, monkeypatch):
    shop = make_shop("cafe")
    whole, seen = Book.settle, []

    def settle(book, account, at):
        seen.append(account.pk)
        if len(seen) == 2:
            raise RuntimeError("killed")
        return whole(book, account, at)

    with inside(shop.tenant):
        expiring(shop)
        crowd(shop, 3)
        monkeypatch.setattr(Book, "settle", settle)
        with pytest.raises(RuntimeError):
            sweep(NOW + 31 * DAY, batch=1)
        monkeypatch.undo()
        assert Entry.objects.filter(kind="expire").count() == 1
        assert sweep(NOW + 31 * DAY).accounts == 2
        assert Entry.objects.filter(kind="expire").count() == 3


def test_two_sweeps_and_a_till_at_once_write_each_expiry_once(transactional_db):
    shop = make_shop("cafe")
    with inside(shop.tenant):
        expiring(shop)
        members = crowd(shop, 8)
        late = NOW + 31 * DAY
    sales = [partial(record, m, 1000, at=late, by=shop.till, key=f"late {m.pk}") for m in members]
    outcomes = race(shop, [partial(sweep, late, batch=2)] * 3 + sales[:4])
    assert not [o for o in outcomes if isinstance(o, Exception)]
    with inside(shop.tenant):
        assert Entry.objects.filter(kind="expire").count() == 8
        for member in Member.objects.filter(pk__in=[m.pk for m in members]):
            lots = Lot.objects.filter(account__member=member).values_list("remaining", flat=True)
            entries = Entry.objects.filter(account__member=member).values_list("amount", flat=True)
            assert sum(lots) == sum(entries) == Account.objects.get(member=member).balance
