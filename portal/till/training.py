"""Training: a customer who does not exist, priced by the shop's real program.

There is no row of her, nothing that is sent here is kept, and what was "done" is only in the page
that says so.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext

from loyalty import programs
from loyalty.desk import Customer
from loyalty.models import Account, Member, Reward
from loyalty.redemptions import Offer
from portal.till.receipts import Receipt
from tenants.models import Staff

NOBODY = UUID("00000000-0000-7000-8000-000000000000")
DIGITS = "4567"


def customer(*, at: dt.datetime) -> Customer:
    """Somebody to practise on: a regular, with enough points for about half of the rewards."""
    member = Member(pk=NOBODY, name=gettext("Noor Training"), enrolled_at=at)
    program = programs.live()
    if program is None:
        return Customer(member, DIGITS, None)
    live = Reward.objects.filter(program=program.pk, status=Reward.Status.LIVE, cost__gt=0)
    rewards = list(live.order_by("cost", "position", "id"))
    balance = rewards[(len(rewards) - 1) // 2].cost if rewards else 40
    account = Account(pk=NOBODY, member=member, program=program, balance=balance)
    account.last_activity = at - dt.timedelta(days=3)
    offers = tuple(
        Offer(reward)
        if reward.cost <= balance
        else Offer(reward, reward.cost - balance, "insufficient_points")
        for reward in rewards
    )
    return Customer(member, DIGITS, account, offers)


def links() -> dict[str, str]:
    """The same screens, at addresses where nothing is written."""
    return {
        "home": reverse("till:training"),
        "find": reverse("till:training_members"),
        "open": reverse("till:training_member"),
        "quote": reverse("till:training_quote"),
        "award": reverse("till:training_award"),
        "rewards": reverse("till:training_rewards"),
        "gift": reverse("till:training_gift"),
    }


def receipt(
    points: int,
    *,
    at: dt.datetime,
    by: Staff,
    total: int | None = None,
    what: str = "",
    undone: bool = False,
) -> Receipt:
    """A strip of paper about nothing."""
    return Receipt(
        id=NOBODY,
        name=gettext("Noor Training"),
        given=points,
        points=-points if undone else points,
        at=at,
        staff=by.name,
        total=total,
        what=what,
        undo=reverse("till:training_undo"),
        undone=undone,
        may_undo=not undone,
        fresh=True,
    )
