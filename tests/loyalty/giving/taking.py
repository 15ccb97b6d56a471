"""Short words for rewards that are taken and given back."""

from __future__ import annotations

import datetime as dt

from loyalty.redemptions import redeem, reverse
from tests.conftest import NOW
from tests.loyalty.counter import key

MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def take(shop, wanted, **options):
    options = {"at": NOW, "by": shop.till, "key": key(), **options}
    return redeem(options.pop("member", shop.member), wanted, **options)


def undo(shop, voucher, **options):
    return reverse(voucher, **{"at": NOW, "by": shop.till, "key": key(), **options})
