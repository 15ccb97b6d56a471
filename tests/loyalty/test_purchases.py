"""Sales: what they earn, that they count once, that they can be taken back."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import ledger, purchases
from loyalty.enrolment import enrol
from loyalty.models import Account, Entry, Lot, Operation, Program, Purchase
from loyalty.purchases import record, record_all
from loyalty.refusals import (
    DuplicateReceipt,
    IdempotencyConflict,
    MemberBlocked,
    NegativeAmount,
    ProgramNotLive,
)
from loyalty.sales import Sale
from tenants.actors import Actor
from tenants.models import AuditEntry
from tests.conftest import NOW

MINUTE = dt.timedelta(minutes=1)


def balance(shop, member=None) -> int:
    account = ledger.account_of(member or shop.member)
    lots = Lot.objects.filter(account=account)
    entries = Entry.objects.filter(account=account)
    assert sum(e.amount for e in entries) == sum(lot.remaining for lot in lots) - account.debt
    assert account.balance == sum(lot.remaining for lot in lots)
    return account.balance


def sell(shop, total, key="k1", **options):
    options = {"at": NOW, "by": shop.till, "member": shop.member, **options}
    return record(options.pop("member"), total, key=key, **options)


def test_one_point_for_each_full_unit_and_cents_are_dropped(in_cafe):
    done = sell(in_cafe, 1999)
    assert (done.points, balance(in_cafe)) == (19, 19)
    entry = Entry.objects.get()
    assert (entry.kind, entry.amount, entry.purchase_id) == ("earn", 19, done.purchase.pk)
    step = done.purchase.snapshot["steps"][0]
    assert (step["basis"], step["per"], step["steps"], step["each"]) == (1999, 100, 19, 1)


def test_a_quote_promises_what_the_sale_gives_and_writes_nothing(in_cafe):
    promised = purchases.quote(in_cafe.member, 2450, at=NOW)
    assert (promised.points, promised.balance_after) == (24, 24)
    assert not Purchase.objects.exists()
    assert sell(in_cafe, 2450).points == promised.points


def test_a_sale_too_small_for_a_point_is_still_a_sale(in_cafe):
    done = sell(in_cafe, 99)
    assert (done.points, Purchase.objects.count(), Entry.objects.count()) == (0, 1, 0)
    assert ledger.account_of(in_cafe.member).last_activity == NOW


def test_an_amount_below_zero_is_refused_and_changes_nothing(in_cafe):
    with pytest.raises(NegativeAmount):
        sell(in_cafe, -500)
    assert not Purchase.objects.exists()


def test_the_same_key_counts_once(in_cafe):
    first = sell(in_cafe, 5000)
    again = sell(in_cafe, 5000, at=NOW + MINUTE)
    assert again.replayed
    assert again.purchase == first.purchase
    assert (Purchase.objects.count(), balance(in_cafe)) == (1, 50)


def test_the_same_key_for_another_sale_is_a_conflict(in_cafe):
    sell(in_cafe, 5000)
    with pytest.raises(IdempotencyConflict):
        sell(in_cafe, 9000)
    assert balance(in_cafe) == 50


def test_the_same_receipt_counts_once_whatever_its_key(in_cafe):
    first = sell(in_cafe, 5000, ref="r77")
    again = sell(in_cafe, 5000, key="k2", ref="r77")
    assert again.replayed
    assert again.purchase == first.purchase
    assert balance(in_cafe) == 50


def test_a_receipt_cannot_be_claimed_by_a_second_member(in_cafe):
    bob = enrol(phone="050 765 4321", at=NOW, by=in_cafe.till)
    sell(in_cafe, 5000, ref="r77")
    with pytest.raises(DuplicateReceipt, match="r77"):
        sell(in_cafe, 5000, key="k2", ref="r77", member=bob)
    assert balance(in_cafe, bob) == 0


def test_a_blocked_member_earns_nothing(in_cafe):
    in_cafe.member.status = "blocked"
    in_cafe.member.save()
    with pytest.raises(MemberBlocked):
        sell(in_cafe, 5000)
    with pytest.raises(MemberBlocked):
        purchases.quote(in_cafe.member, 5000, at=NOW)


def test_a_paused_program_says_so(in_cafe):
    Program.objects.update(status="paused")
    with pytest.raises(ProgramNotLive):
        sell(in_cafe, 5000)
    with pytest.raises(ProgramNotLive):
        purchases.quote(in_cafe.member, 5000, at=NOW)


def test_a_program_with_carry_counts_the_cents_next_time(in_cafe):
    Program.objects.update(carries=True)
    assert [sell(in_cafe, 150, key=k).points for k in ("a", "b", "c")] == [1, 2, 1]
    assert ledger.account_of(in_cafe.member).carry == 50


def test_who_did_what_is_in_the_audit_trail(in_cafe):
    done = sell(in_cafe, 5000)
    row = AuditEntry.objects.get(act="purchase.recorded")
    assert row.who == f"staff:{in_cafe.cashier.pk}"
    assert row.device == in_cafe.device.pk
    assert row.subject == done.purchase.pk
    assert row.after == {"total": 5000, "points": 50}


def test_many_at_once_make_the_same_rows_as_one_by_one(cafe, spa):
    """The batch form is the verb itself: only ids and the audit trail tell them apart."""
    from tenants.context import inside

    shapes = []
    for shop, together in ((cafe, True), (spa, False)):
        with inside(shop.tenant):
            by = Actor.importing("test")
            people = [shop.member, enrol(card="7", at=NOW, by=by)]
            sales = [
                Sale(people[n % 2].pk, 150 * n, NOW + n * MINUTE, f"k{n}", f"r{n}")
                for n in range(9)
            ]
            sales += [
                sales[3],
                Sale(people[0].pk, 7, NOW, "x", "r1"),
                Sale(people[0].pk, -1, NOW, "y"),
            ]
            if together:
                outcomes = record_all(sales, by=by)
            else:
                outcomes = [outcome for sale in sales for outcome in record_all([sale], by=by)]
            shapes.append(
                (
                    [getattr(o, "code", None) or (o.points, o.replayed) for o in outcomes],
                    list(
                        Account.objects.order_by("id").values_list(
                            "balance", "lifetime", "last_activity"
                        )
                    ),
                    list(Entry.objects.order_by("id").values_list("kind", "amount", "occurred_at")),
                    list(
                        Lot.objects.order_by("id").values_list("amount", "remaining", "earned_at")
                    ),
                    list(Purchase.objects.order_by("id").values_list("ref", "total", "earned")),
                    list(Operation.objects.order_by("id").values_list("source", "key", "verb")),
                )
            )
    assert shapes[0] == shapes[1]
    assert shapes[0][0][-3:] == [(4, True), "duplicate_receipt", "negative_amount"]
