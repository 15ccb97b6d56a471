"""Short words for sales that come back."""

from __future__ import annotations

import datetime as dt

from loyalty import programs, redemptions, refunds
from tenants.actors import Actor
from tests.conftest import NOW
from tests.loyalty.counter import key

MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def refund(shop, purchase, amount=None, **options):
    options = {"at": NOW + DAY, "by": shop.till, "key": key(), "amount": amount, **options}
    return refunds.refund(purchase, **options)


def rules(shop, *rules):
    """Let the shop's rules be these, each (kind, points, further fields)."""
    made = [{"kind": kind, "points": points, **more} for kind, points, more in rules]
    programs.set_rules(shop.program, made, at=NOW, by=Actor.of_staff(shop.owner))


def buy(shop, wanted, **options):
    """She redeems a reward."""
    return redemptions.redeem(
        shop.member, wanted, **{"at": NOW, "by": shop.till, "key": key(), **options}
    )
