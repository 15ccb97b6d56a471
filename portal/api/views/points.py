"""Whatever moves points. Each needs a key, and has one effect under it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router

from loyalty import adjustments, purchases, redemptions, refunds
from loyalty.models import Member as MemberRow
from loyalty.models import Purchase as PurchaseRow
from loyalty.models import Reward as RewardRow
from loyalty.models import Voucher
from loyalty.operations import KEPT
from loyalty.refusals import RewardUnavailable, UnknownMember, VoucherUnknown
from loyalty.terms import Line
from portal.api import telling
from portal.api.answers import key_of, made
from portal.api.auth import BearerRequest, Token
from portal.api.commands import Asked, Bill, Correction, Nothing, Return, Sale, Wish
from portal.api.fields import read_id
from portal.api.problems import not_allowed_in
from portal.api.resources import Adjustment, Purchase, Quote, Redemption, Refund, Reversal
from portal.api.views.members import member_of
from tenants import prefixed

router = Router(tags=["Points"])


@router.post(
    "quotes",
    auth=Token("member:read", "purchase:write"),
    response={200: Quote},
    operation_id="quote",
    summary="What a sale would earn",
    url_name="quotes",
)
def quote(request: BearerRequest, body: Asked) -> HttpResponse:
    """Nothing is written, so no key is needed."""
    pk = prefixed.read("mem", body.member)
    member: MemberRow | None = MemberRow.objects.filter(pk=pk).first() if pk else None
    if member is None:
        raise UnknownMember
    bill = _bill(body)
    found = purchases.quote(member, bill.pop("total"), at=timezone.now(), **bill)
    return made(telling.quote(found), status=200)


@router.post(
    "members/{member}/purchases",
    auth=Token("purchase:write"),
    response={201: Purchase},
    operation_id="recordPurchase",
    summary="Record a sale",
    url_name="purchases",
)
def record(request: BearerRequest, member: str, body: Sale) -> HttpResponse:
    """It earns by the rules of the moment it was made. The same receipt (`ref`) of the same member
    counts once, whatever the key.
    """
    found, key, now = member_of(member), key_of(request), timezone.now()
    discount = body.reward_discount
    done = purchases.record(
        found,
        **_bill(body),
        at=_made_at(body, now),
        received=now,
        by=request.by,
        key=key,
        ref=body.ref,
        reward_discount=discount.minor("/reward_discount") if discount else 0,
        redemptions=[_voucher_id(text, at) for at, text in enumerate(body.redemptions)],
    )
    told = telling.purchase(done.purchase, done.account, at=now)
    return made(told, replayed=done.replayed)


@router.post(
    "purchases/{purchase}/refunds",
    auth=Token("purchase:write"),
    response={201: Refund},
    operation_id="refundPurchase",
    summary="Give money of a sale back",
    url_name="refunds",
)
def refund(request: BearerRequest, purchase: str, body: Return) -> HttpResponse:
    """What remains is priced by the sale's own rules; the difference is clawed back."""
    sold: PurchaseRow = get_object_or_404(PurchaseRow, pk=read_id("pur", purchase))
    key, now = key_of(request), timezone.now()
    if body.amount is not None and body.lines is not None:
        raise not_allowed_in("/lines", "one_of", "Say an amount or lines, not both.")
    done = refunds.refund(
        sold,
        amount=body.amount.minor("/amount") if body.amount else None,
        lines=body.lines,
        at=now,
        by=request.by,
        key=key,
        ref=body.ref,
    )
    return made(telling.refund(done, at=now), replayed=done.replayed)


@router.post(
    "members/{member}/redemptions",
    auth=Token("reward:redeem"),
    response={201: Redemption},
    operation_id="redeemReward",
    summary="Give a reward for points",
    url_name="redemptions",
)
def redeem(request: BearerRequest, member: str, body: Wish) -> HttpResponse:
    """The points go and the reward is hers, or nothing changes and the problem says why."""
    found, key, now = member_of(member), key_of(request), timezone.now()
    pk = prefixed.read("rwd", body.reward)
    reward: RewardRow | None = RewardRow.everyone.filter(pk=pk).first() if pk else None
    if reward is None:
        raise RewardUnavailable
    done = redemptions.redeem(
        found,
        reward,
        total=body.bill.minor("/bill") if body.bill else None,
        points=body.points,
        use=body.use,
        at=now,
        by=request.by,
        key=key,
    )
    return made(telling.redemption(done, at=now), replayed=done.replayed)


@router.post(
    "redemptions/{redemption}/reversal",
    auth=Token("reward:redeem"),
    response={201: Reversal},
    operation_id="reverseRedemption",
    summary="Take a redemption back",
    url_name="reversal",
)
def reverse(request: BearerRequest, redemption: str, body: Nothing) -> HttpResponse:
    """The points return with their own dates, and the voucher is void."""
    voucher: Voucher = get_object_or_404(Voucher, pk=read_id("rdm", redemption))
    if voucher.account_id is None:
        raise VoucherUnknown
    key, now = key_of(request), timezone.now()
    done = redemptions.reverse(voucher, at=now, by=request.by, key=key)
    return made(telling.reversal(done, at=now), replayed=done.replayed)


@router.post(
    "members/{member}/adjustments",
    auth=Token("points:adjust"),
    response={201: Adjustment},
    operation_id="adjustPoints",
    summary="Move points by hand",
    url_name="adjustments",
)
def adjust(request: BearerRequest, member: str, body: Correction) -> HttpResponse:
    """For a reason, which whoever reads the books later will see."""
    found, key, now = member_of(member), key_of(request), timezone.now()
    done = adjustments.adjust(
        found,
        body.points,
        reason=body.reason,
        expires=body.expires,
        at=now,
        by=request.by,
        key=key,
    )
    return made(telling.adjustment(done, at=now), replayed=done.replayed)


# Inside


def _bill(body: Bill) -> dict[str, Any]:
    """What is on a bill, as the verbs of loyalty take it."""
    lines = [
        Line(line.sku, line.category, line.quantity, line.amount.minor(f"/lines/{at}/amount"))
        for at, line in enumerate(body.lines)
    ]
    return {
        "total": body.amount.minor("/amount"),
        "tax": body.tax.minor("/tax") if body.tax else 0,
        "lines": lines,
    }


def _made_at(body: Sale, now: dt.datetime) -> dt.datetime:
    """When the sale was made. A key is forgotten after 35 days, so an older sale could count
    twice.
    """
    at = body.occurred_at or now
    if at < now - KEPT:
        raise not_allowed_in("/occurred_at", "too_old", "It was made more than 35 days ago.")
    return at


def _voucher_id(text: str, at: int) -> Any:
    pk = prefixed.read("rdm", text)
    if pk is None:
        raise not_allowed_in(f"/redemptions/{at}", "bad_format", "This is no id of a redemption.")
    return pk
