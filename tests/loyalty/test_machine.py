"""Random commands, to the verbs and to a small model of the ledger in plain Python: after each step
both say the same, and the books are as they must be.

One seed and few steps in every run; twenty seeds of 500 steps in `test --thorough`.
"""

from __future__ import annotations

import datetime as dt
import os
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.db.models import F, Sum
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from loyalty import adjustments, merging, programs, purchases, redemptions, refunds, state, sweeping
from loyalty import members as people
from loyalty.books import walk
from loyalty.enrolment import enrol
from loyalty.models import Account, Allocation, Entry, Lot, Purchase, Reward
from loyalty.refusals import Refusal
from portal.testbed import THOROUGH
from tenants.actors import Actor
from tenants.context import inside
from tests.conftest import NOW, make_shop
from tests.loyalty.ledger_model import DAYS, WAITS, Books, Card, Refused

NAMES = ("ann", "bob", "cat")
COST = 40
THOROUGHLY = bool(os.environ.get(THOROUGH))
SEEDS, STEPS, LOOKS = (range(20), 500, 50) if THOROUGHLY else (range(1), 60, 20)


class Machine(RuleBasedStateMachine):
    """Every step is done twice. The clock only goes on."""

    shop = None

    @initialize()
    def open(self) -> None:
        self.at, self.number = NOW, 0
        self.zone = ZoneInfo(self.shop.tenant.zone)
        self.books = Books(self.zone)
        self.sales, self.given, self.keys = {}, {}, {}
        self.by = Actor.of_staff(self.shop.owner)
        policy = {"expiry": {"mode": "lot", "days": DAYS}, "pending_days": WAITS}
        programs.set_policy(self.shop.program, policy, at=NOW, by=self.by)
        self.reward = Reward.objects.create(
            program=self.shop.program, name="Coffee", kind=Reward.Kind.ITEM, cost=COST
        )
        self.members = {}
        for name in NAMES:
            self.new_card(name)

    def new_card(self, name) -> None:
        self.books.cards[name] = Card()
        self.members[name] = enrol(card=f"{name} {self.number}", at=self.at, by=self.by)

    def both(self, real, model):
        """Do it in the books and in the model; both refuse with the same code, or neither."""
        self.number += 1
        key = f"step {self.number}"
        try:
            expected, code = model(), None
        except Refused as refused:
            expected, code = None, str(refused)
        for _ in range(2):  # the second time nothing happens
            try:
                with transaction.atomic():
                    done = real(key)
                said = None
            except Refusal as refusal:
                done, said = None, refusal.code
            assert said == code
        self.compare()
        return done, expected

    def compare(self) -> None:
        for name, card in self.books.cards.items():
            self.books.settled(name, self.at)
            told = state.state_of(self.members[name], at=self.at)
            balance = self.books.balance(card, self.at)
            pending = sum(lot.left for lot in card.lots) - balance
            assert (told.balance, told.pending, told.debt) == (balance, pending, card.debt), name
            assert told.lifetime == card.lifetime, name
        self.check_books()
        if self.number % LOOKS == 0:
            assert list(walk()) == []

    def check_books(self) -> None:
        for account in Account.objects.annotate(entries_sum=Sum("entries__amount")):
            left = Lot.objects.filter(account=account).aggregate(s=Sum("remaining"))["s"] or 0
            assert (account.entries_sum or 0) == left - account.debt  # I1
            assert not (account.debt and left)  # I4
        taken = Lot.objects.annotate(taken=Sum("allocations__amount"))
        for lot in taken.filter(remaining__lt=F("amount")):
            assert lot.remaining == lot.amount - lot.taken  # I3
        assert not Allocation.objects.exclude(entry__account=F("lot__account")).exists()
        assert not Purchase.objects.filter(clawed__gt=F("earned")).exists()  # I6

    @rule(hours=st.integers(1, 240))
    def time_passes(self, hours):
        self.at += dt.timedelta(hours=hours)
        self.compare_time()

    def compare_time(self) -> None:
        self.number += 1
        self.compare()

    @rule()
    def sweep(self):
        before = Entry.objects.count()
        sweeping.sweep(self.at)
        swept = Entry.objects.count()
        sweeping.sweep(self.at)
        assert Entry.objects.count() == swept >= before
        self.compare_time()

    @rule(name=st.sampled_from(NAMES), total=st.integers(0, 12_000))
    def sell(self, name, total):
        number = self.number
        done, _ = self.both(
            lambda key: purchases.record(
                self.members[name], total, at=self.at, by=self.by, key=key
            ),
            lambda: self.books.sell(number, name, total, self.at),
        )
        if done:
            self.sales[number] = done.purchase

    @precondition(lambda self: self.sales)
    @rule(data=st.data(), share=st.integers(1, 130))
    def refund(self, data, share):
        number = data.draw(st.sampled_from(sorted(self.sales)))
        amount = self.sales[number].total * share // 100
        if not amount:
            return
        self.both(
            lambda key: refunds.refund(
                self.sales[number], amount=amount, at=self.at, by=self.by, key=key
            ),
            lambda: self.books.refund(number, amount, self.at),
        )

    @rule(name=st.sampled_from(NAMES))
    def redeem(self, name):
        number = self.number
        done, _ = self.both(
            lambda key: redemptions.redeem(
                self.members[name], self.reward, at=self.at, by=self.by, key=key
            ),
            lambda: self.books.redeem(number, name, COST, self.at),
        )
        if done:
            self.given[number] = done.voucher

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def reverse(self, data):
        number = data.draw(st.sampled_from(sorted(self.given)))
        self.both(
            lambda key: redemptions.reverse(self.given[number], at=self.at, by=self.by, key=key),
            lambda: self.books.reverse(number, self.at),
        )

    @rule(
        name=st.sampled_from(NAMES),
        points=st.integers(-80, 80).filter(bool),
        may_owe=st.booleans(),
    )
    def adjust(self, name, points, may_owe):
        self.both(
            lambda key: adjustments.adjust(
                self.members[name],
                points,
                reason="sorry",
                at=self.at,
                by=self.by,
                key=key,
                allow_negative=may_owe,
            ),
            lambda: self.books.adjust(name, points, self.at, may_owe=may_owe),
        )

    @rule(name=st.sampled_from(NAMES))
    def block_or_let_in(self, name):
        card = self.books.cards[name]
        if card.is_gone:
            return
        act = people.unblock if card.is_blocked else people.block
        act(self.members[name], at=self.at, by=self.by)
        card.is_blocked = not card.is_blocked

    @precondition(lambda self: self.number % 7 == 0)
    @rule(gone=st.sampled_from(NAMES), into=st.sampled_from(NAMES))
    def merge(self, gone, into):
        cards = self.books.cards
        if cards[gone].is_blocked or cards[into].is_blocked:
            return
        merged, _ = self.both(
            lambda key: merging.merge(
                self.members[gone], self.members[into], at=self.at, by=self.by, key=key
            ),
            lambda: self.books.merge(gone, into, self.at),
        )
        if merged:
            assert state.state_of(self.members[gone], at=self.at).net == 0
            self.new_card(gone)


@pytest.mark.parametrize("number", SEEDS)
def test_the_books_say_what_the_model_says(db, number):
    shop = make_shop("cafe")

    class Played(Machine):
        pass

    Played.shop = shop
    played = settings(
        max_examples=1 if THOROUGHLY else 2,
        stateful_step_count=STEPS,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    with inside(shop.tenant):
        run(seed(number)(Played), played)


def run(machine, how) -> None:
    """Each example in a transaction of its own, so that the next one begins with an empty shop."""

    class Undone(machine):
        def __init__(self):
            self._whole = transaction.atomic()
            self._whole.__enter__()
            super().__init__()

        def teardown(self):
            transaction.set_rollback(True)
            self._whole.__exit__(None, None, None)

    run_state_machine_as_test(Undone, settings=how)
