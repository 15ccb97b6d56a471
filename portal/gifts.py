"""What somebody gets for a voucher, in words."""

from __future__ import annotations

from django.utils.translation import gettext

from loyalty.models import Voucher
from portal.figures import money, number


def gift(voucher: Voucher, off: int = 0) -> str:
    """Its reward's name, or what it takes off: `off` minor units, where that is known."""
    if voucher.reward:
        return voucher.reward.name
    if voucher.kind == Voucher.Kind.POINTS:
        return gettext("A bonus")
    if voucher.kind == Voucher.Kind.PERCENT:
        return gettext("%(n)s%% off") % {"n": number(voucher.value)}
    if off or voucher.value:
        return gettext("%(amount)s off") % {"amount": money(off or voucher.value)}
    return gettext("A voucher")
