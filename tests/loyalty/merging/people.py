"""Two cards of one person, and short words for what happens to them."""

from __future__ import annotations

import datetime as dt

from django.db.models import Sum

from loyalty import programs, state
from loyalty.adjustments import adjust
from loyalty.enrolment import enrol
from loyalty.merging import merge, unmerge
from loyalty.models import (
    Account,
    Allocation,
    Entry,
    Lot,
    Tier,
)
from loyalty.purchases import record
from tenants.actors import Actor
from tests.conftest import NOW
from tests.loyalty.counter import key as new_key

DAY = dt.timedelta(days=1)


class People:
    """Two cards of one person, and short words for what happens to them."""

    def __init__(self, shop):
        self.shop, self.owner = shop, Actor.of_staff(shop.owner)
        self.ann = self.join("ann")
        self.old = self.join("old")

    def join(self, card, **who):
        return enrol(card=card, at=NOW, by=self.shop.till, **who)

    def sell(self, member, total, at=NOW, **options):
        by = self.shop.till
        return record(member, total, at=at, by=by, key=new_key(), **options)

    def adjust(self, member, points, at=NOW, **options):
        told = {"at": at, "by": self.owner, "key": new_key(), **options}
        return adjust(member, points, reason="t", **told)

    def merge(self, gone=None, into=None, at=NOW, key=None):
        told = {"at": at, "by": self.owner, "key": key or new_key()}
        return merge(gone or self.old, into or self.ann, **told)

    def unmerge(self, done, at=NOW, key=None):
        return unmerge(done.merge, at=at, by=self.owner, key=key or new_key())

    def promise(self, **policy):
        programs.set_policy(self.shop.program, policy, at=NOW, by=self.owner)

    def tiers(self, metric="spend"):
        self.promise(tiers={"metric": metric, "window": {"mode": "rolling_months", "n": 12}})
        levels = (("Bronze", 0), ("Silver", 300), ("Gold", 1000))
        return {
            name: Tier.objects.create(
                program=self.shop.program,
                name=name,
                threshold=threshold * (100 if metric == "spend" else 1),
            )
            for name, threshold in levels
        }


def entries(member):
    found = Entry.objects.filter(account__member=member).order_by("id")
    return list(found.values_list("kind", "amount"))


def lots(member):
    found = Lot.objects.filter(account__member=member, remaining__gt=0).order_by("expires_at")
    return [(lot.remaining, lot.expires_at and lot.expires_at.date()) for lot in found]


def told(member, at=NOW):
    found = state.state_of(member, at=at)
    return (found.balance, found.pending, found.debt)


def tier(member, at=NOW):
    found = state.state_of(member, at=at).tier
    return getattr(found, "name", found)


def books_are_right():
    """I1-I4 of every account."""
    for account in Account.objects.all():
        mine = Lot.objects.filter(account=account)
        left = mine.aggregate(s=Sum("remaining"))["s"] or 0
        written = Entry.objects.filter(account=account).aggregate(s=Sum("amount"))["s"] or 0
        assert written == left - account.debt
        assert left == account.balance + account.pending
        assert not (left and account.debt)
        for lot in mine:
            taken = Allocation.objects.filter(lot=lot).aggregate(s=Sum("amount"))["s"] or 0
            assert lot.remaining == lot.amount - taken
