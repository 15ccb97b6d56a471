"""What PostgreSQL itself refuses, and what many hands at once cannot break."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection, transaction

from loyalty import ledger
from loyalty.enrolment import enrol
from loyalty.models import Account, Allocation, Entry, Lot, Member, Program, Purchase
from loyalty.purchases import record
from loyalty.refunds import void
from loyalty.refusals import AlreadyVoided, Refusal
from tenants.context import inside
from tests.conftest import NOW, make_shop


@pytest.mark.parametrize("table", ["loyalty_entry", "loyalty_allocation", "tenants_auditentry"])
@pytest.mark.parametrize("act", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_what_is_written_stays(in_cafe, table, act):
    with transaction.atomic(), connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match="permission denied"):
            cursor.execute(act.format(table))
        transaction.set_rollback(True)


def test_people_and_programs_are_retired_never_deleted(in_cafe):
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        Program.objects.filter(pk=in_cafe.program.pk)._raw_delete("default")
    in_cafe.member.retire(at=NOW, by="staff:x")
    assert not Member.objects.exists()
    assert Account.objects.get().member == in_cafe.member


@pytest.mark.parametrize(
    "change",
    [
        lambda: Account.objects.update(balance=-1),
        lambda: Account.objects.update(debt=5, balance=5),
        lambda: Lot.objects.update(remaining=99),
        lambda: Lot.objects.update(remaining=-1),
        lambda: Purchase.objects.update(refunded=10**9),
        lambda: Purchase.objects.update(clawed=10**9),
    ],
)
def test_impossible_books_are_refused(in_cafe, change):
    record(in_cafe.member, 1000, at=NOW, by=in_cafe.till, key="k")
    with pytest.raises(DatabaseError), transaction.atomic():
        change()


# Many hands


def race(shop, hands, act):
    """Run act(n) in `hands` threads at once, each inside the shop; their results or refusals."""
    barrier, outcomes = threading.Barrier(hands), [None] * hands

    def work(n):
        try:
            with inside(shop.tenant):
                barrier.wait()
                try:
                    outcomes[n] = act(n)
                except Refusal as refusal:
                    outcomes[n] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.fixture
def shop(transactional_db):
    return make_shop("cafe")


def test_a_double_tap_in_many_threads_awards_once(shop):
    outcomes = race(shop, 6, lambda n: record(shop.member, 5000, at=NOW, by=shop.till, key="tap"))
    assert sorted(o.replayed for o in outcomes) == [False] + [True] * 5
    with inside(shop.tenant):
        assert ledger.account_of(shop.member).balance == 50
        assert Entry.objects.count() == 1


def test_sales_of_one_member_at_once_all_count(shop):
    race(shop, 6, lambda n: record(shop.member, 1000, at=NOW, by=shop.till, key=f"k{n}"))
    with inside(shop.tenant):
        assert ledger.account_of(shop.member).balance == 60
        assert Lot.objects.count() == 6


def test_two_who_undo_the_same_sale_undo_it_once(shop):
    with inside(shop.tenant):
        sale = record(shop.member, 5000, at=NOW, by=shop.till, key="k").purchase
    outcomes = race(shop, 4, lambda n: void(sale, at=NOW, by=shop.till, key=f"u{n}"))
    assert sum(isinstance(o, AlreadyVoided) for o in outcomes) == 3
    with inside(shop.tenant):
        assert ledger.account_of(shop.member).balance == 0
        assert Allocation.objects.count() == 1


def test_two_clerks_enrol_one_phone_as_one_member(shop):
    outcomes = race(shop, 5, lambda n: enrol(phone="0551112233", at=NOW, by=shop.till))
    assert len({member.pk for member in outcomes}) == 1
    with inside(shop.tenant):
        assert Member.objects.count() == 2
        assert Account.objects.count() == 2


def test_one_receipt_at_two_tills_counts_once(shop):
    outcomes = race(
        shop, 5, lambda n: record(shop.member, 5000, at=NOW, by=shop.till, key=f"k{n}", ref="r1")
    )
    assert sum(not o.replayed for o in outcomes) == 1
    with inside(shop.tenant):
        assert ledger.account_of(shop.member).balance == 50
