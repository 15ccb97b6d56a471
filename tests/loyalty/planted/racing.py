"""Looking, and then acting on what may have changed."""

from __future__ import annotations

from django.db import models, transaction
from django.db.models import QuerySet

from loyalty import operations, rewards, situations
from loyalty.models import Account, EarnRule, Member, Reward, Voucher
from loyalty.refusals import OutOfStock
from tests.loyalty.planted.checks import a_bonus_for_the_first_two_goes_to_two
from tests.loyalty.planted.planting import Patch, bug, dawdle, everywhere


def unlock(patch: Patch, *kinds: type[models.Model]) -> None:
    """Rows of these models are read without a lock."""
    lock = QuerySet.select_for_update

    def perhaps(rows, *args, **told):
        return rows.all() if rows.model in kinds else lock(rows, *args, **told)

    patch.setattr(QuerySet, "select_for_update", perhaps)


@bug("CON-01", "CON-02", "M-CON-04", "M-CON-06")
def no_lock_on_the_account(patch: Patch) -> None:
    unlock(patch, Account, Member)


@bug("CON-04")
def check_then_act_on_a_voucher(patch: Patch) -> None:
    unlock(patch, Voucher)
    refuse = rewards.discount_of

    def slowly(*args, **most):
        dawdle()
        return refuse(*args, **most)

    everywhere(patch, refuse, slowly)


@bug("M-CON-02")
def check_then_act_on_stock(patch: Patch) -> None:
    def look_and_take(reward):
        left = Reward.objects.values_list("stock", flat=True).get(pk=reward.pk)
        if left is None:
            return
        if not left:
            raise OutOfStock
        dawdle()
        Reward.objects.filter(pk=reward.pk).update(stock=left - 1)

    everywhere(patch, rewards.take_one, look_and_take)


@bug(a_bonus_for_the_first_two_goes_to_two)
def check_then_act_on_a_bonus_for_the_first(patch: Patch) -> None:
    def look_and_claim(rules):
        gone = []
        for rule in rules:
            used = EarnRule.everyone.values_list("used", flat=True).get(pk=rule.id)
            if used >= rule.conditions.total_uses:
                gone.append(rule.id)
                continue
            dawdle()
            EarnRule.everyone.filter(pk=rule.id).update(used=used + 1)
        return gone

    patch.setattr(situations, "claim", look_and_claim)


@bug("CON-07")
def whoever_loses_a_race_is_told_so(patch: Patch) -> None:
    """The unique key refuses the second of two, and nobody asks again."""

    def once(act):
        with transaction.atomic():
            return act()

    everywhere(patch, operations.again_if_raced, once)
