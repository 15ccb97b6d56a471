"""A customer as she lies on the counter: who she is, what she has, and what she can have for it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, Subquery

from loyalty import redemptions, state
from loyalty.calendar import local_date
from loyalty.models import Account, Identifier, Member, Program, Voucher
from loyalty.redemptions import Offer


@dataclass(frozen=True, slots=True)
class Customer:
    """`account` is that in the live program with what is in it now, None where none is live.
    `held` are vouchers she came with that can be used today, `offers` what her points can buy.
    """

    member: Member
    phone: str
    account: Account | None
    offers: tuple[Offer, ...] = ()
    held: tuple[Voucher, ...] = ()

    @property
    def ready(self) -> list[Offer]:
        """What can be given to her now."""
        return [offer for offer in self.offers if not offer.code]

    @property
    def later(self) -> list[Offer]:
        """What she has to wait for."""
        return [offer for offer in self.offers if offer.code]


def customer(pk: UUID, *, at: dt.datetime) -> Customer | None:
    """The member with this id; None for nobody's, and for one of the neighbour's. Three statements,
    and one more each where the program has tiers or a reward is limited.
    """
    accounts = Account.objects.filter(
        member=pk, member__is_active=True, program__status=Program.Status.LIVE
    )
    told = accounts.select_related("program", "tenant", "tier", "floor_tier", "member")
    account = told.annotate(phone=_phone("member")).first()
    if account is None:
        member = Member.objects.filter(pk=pk).annotate(phone=_phone("pk")).first()
        return Customer(member, member.phone or "", None) if member else None
    offers = redemptions.offers(account.member, at=at, account=account)
    if not account.member.is_open:
        now = state.state_at(account, at)
        account.balance, account.debt, account.tier = now.balance, now.debt, now.tier
    return Customer(
        account.member, account.phone or "", account, tuple(offers), tuple(_held(account, at))
    )


def _phone(member: str) -> Subquery:
    hers = Identifier.objects.filter(member=OuterRef(member), kind=Identifier.Kind.PHONE)
    return Subquery(hers.order_by("-id").values("value")[:1])  # the latest, as everywhere


def _held(account: Account, at: dt.datetime) -> list[Voucher]:
    """Her own vouchers that can be used today, the one that ends first in front."""
    today = local_date(at, ZoneInfo(account.tenant.zone))
    still_good = Q(valid_until=None) | Q(valid_until__gte=today)
    begun = Q(valid_from=None) | Q(valid_from__lte=today)
    hers = Voucher.objects.filter(still_good, begun, owner=account.member_id)
    hers = hers.filter(status=Voucher.Status.ISSUED).select_related("reward")
    return list(hers.order_by("valid_until", "id"))
