"""The rewards as they lie on the shelf: other terms, another order, who could pay them, how often
they were had.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from loyalty import conditions
from loyalty.models import Account, Program, Reward, Voucher
from loyalty.refusals import BadSetting, Overtaken
from loyalty.rewards import check
from tenants.actors import Actor
from tenants.trace import write

CHANGEABLE = (
    *("name", "cost", "value", "unit_cost", "per_member", "valid_days", "is_auto", "conditions"),
)


def seen(reward: Reward) -> str:
    """A name for the terms that are before somebody's eyes; it changes with them."""
    told = json.dumps([getattr(reward, name) for name in CHANGEABLE], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def change(
    reward: Reward,
    *,
    seen_as: str,
    at: dt.datetime,
    by: Actor,
    told: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Reward:
    """Other terms from now on: `fields` are among CHANGEABLE, `told` its conditions. What was
    bought keeps the terms it was bought on. Its kind stays; its stock is for restock(), its state
    for set_status().

    Raises BadSetting and BadConditions, which name the field, and Overtaken, having changed
    nothing. The same terms again change nothing.
    """
    with transaction.atomic():
        locked: Reward = Reward.objects.select_for_update().get(pk=reward.pk)
        if seen(locked) != seen_as:
            raise Overtaken
        before = {name: getattr(locked, name) for name in CHANGEABLE}
        for name, value in fields.items():
            setattr(locked, name, value)
        locked.name = locked.name.strip()
        read = conditions.read(locked.conditions if told is None else told)
        locked.conditions = read.as_data()
        if locked.status == Reward.Status.ENDED:
            raise BadSetting("status", _("What was ended is over; make a new one instead."))
        check(locked, read)
        after = {name: getattr(locked, name) for name in CHANGEABLE}
        names = [name for name in CHANGEABLE if before[name] != after[name]]
        if names:
            locked.save(update_fields=names)
            was, now = ({n: found[n] for n in names} for found in (before, after))
            write(by, "reward.changed", locked.pk, at=at, before=was, after=now)
    return locked


def move(reward: Reward, steps: int, *, at: dt.datetime, by: Actor) -> list[Reward]:
    """Put a reward so many places nearer the beginning of the card (negative) or the end. Returns
    the rewards in their new order; past the ends nothing moves.
    """
    with transaction.atomic():
        Program.objects.select_for_update(of=("self",)).get(pk=reward.program_id)
        row = in_order(reward.program_id)
        place = next((n for n, each in enumerate(row) if each.pk == reward.pk), None)
        if place is None:
            return row
        goal = min(max(place + steps, 0), len(row) - 1)
        if goal == place:
            return row
        row.insert(goal, row.pop(place))
        for number, each in enumerate(row, start=1):
            if each.position != number:
                each.position = number
                each.save(update_fields=["position"])
        write(by, "rewards.ordered", reward.pk, at=at, after={"position": goal + 1})
    return row


def in_order(program: UUID) -> list[Reward]:
    """The rewards that were not ended, in the order of the card."""
    found = Reward.objects.filter(program=program).exclude(status=Reward.Status.ENDED)
    return list(found.order_by("position", "cost", "id"))


def have_enough(program: UUID, costs: Collection[int]) -> dict[int, int]:
    """How many members could pay each of these costs now. One statement, none without costs."""
    if not costs:
        return {}
    counts = {f"of_{cost}": Count("pk", filter=Q(balance__gte=cost)) for cost in set(costs)}
    found = Account.objects.filter(program=program).aggregate(**counts)
    return {int(name.removeprefix("of_")): n for name, n in found.items()}


def redeemed(since: dt.datetime) -> dict[UUID, tuple[int, int]]:
    """How often each reward was had and not given back, in all and since then. One statement."""
    given: Any = Voucher.objects.filter(reward__isnull=False).exclude(status=Voucher.Status.VOIDED)
    rows = given.values_list("reward").annotate(
        n=Count("pk"), lately=Count("pk", filter=Q(issued_at__gte=since))
    )
    return {pk: (n, lately) for pk, n, lately in rows}
