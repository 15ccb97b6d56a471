"""What a person did at the counter today, and what was last given away at a till."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, QuerySet, Sum

from loyalty.calendar import DAY, local_date, starts
from loyalty.models import Member, Purchase, Refund, VoucherUse
from tenants.actors import Actor
from tenants.context import tenant_id
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's local day, so far. `visits` are her sales that stand and `awarded` the points
    they gave; `gifts` what she handed out for `redeemed` points; `taken_back` how often money was
    given back or a sale undone, and `refunded` the minor units of that; `enrolled` new members.
    """

    visits: int
    awarded: int
    gifts: int
    redeemed: int
    taken_back: int
    refunded: int
    enrolled: int


def shift_of(by: Actor, *, at: dt.datetime) -> Shift:
    """The day of a member of the staff, at whichever till she stood. Five statements."""
    if by.staff is None:
        raise ValueError("a shift is a person's")
    zone = ZoneInfo(Tenant.objects.values_list("zone", flat=True).get(pk=tenant_id()))
    today = local_date(at, zone)
    start, end = starts(today, zone), starts(today + DAY, zone)
    mine = {"staff": by.staff.pk}
    sales = Purchase.objects.filter(**mine, occurred_at__gte=start, occurred_at__lt=end)
    sold = sales.aggregate(
        visits=Count("pk", filter=Q(total=0) | ~Q(refunded=F("total"))),
        awarded=Sum(F("earned") - F("clawed")),
    )
    uses = _standing(VoucherUse.objects.filter(**mine, at__gte=start, at__lt=end))
    given = uses.aggregate(gifts=Count("pk"), redeemed=Sum("voucher__cost"))
    back = Refund.objects.filter(**mine, occurred_at__gte=start, occurred_at__lt=end)
    taken = back.aggregate(times=Count("pk"), money=Sum("amount"))
    new = Member.objects.filter(enrolled_by=by.who, enrolled_at__gte=start, enrolled_at__lt=end)
    return Shift(
        visits=sold["visits"],
        awarded=sold["awarded"] or 0,
        gifts=given["gifts"],
        redeemed=given["redeemed"] or 0,
        taken_back=taken["times"],
        refunded=taken["money"] or 0,
        enrolled=new.count(),
    )


def last_gifts(device: UUID, limit: int = 10) -> list[VoucherUse]:
    """The latest things given away at a till, newest first, also those that were taken back. One
    statement.
    """
    told = VoucherUse.objects.filter(device=device)
    told = told.select_related("voucher__reward", "member", "staff")
    return list(told.order_by("-id")[:limit])


def last_use(reward: UUID) -> VoucherUse | None:
    """Who gave the latest piece of a reward away, and when. One statement."""
    told = _standing(VoucherUse.objects.filter(voucher__reward=reward))
    found: VoucherUse | None = told.select_related("staff").order_by("-id").first()
    return found


def _standing(uses: QuerySet[VoucherUse]) -> QuerySet[VoucherUse]:
    return uses.exclude(voucher__status="voided")
