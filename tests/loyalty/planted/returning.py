"""What comes back: refunds, undone redemptions, and the tier after them."""

from __future__ import annotations

import datetime as dt

from loyalty import lots, programs, redemptions, remains, restoring, rewards, tiers
from loyalty.book import Book
from loyalty.lots import Shelf
from loyalty.pricing import Basket, Price, Situation
from loyalty.returning import TakingBack
from loyalty.tiers import Ladder
from tests.loyalty.planted.planting import Patch, bug, everywhere

NOON = dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)


@bug("REF-03")
def refund_at_todays_rate(patch: Patch) -> None:
    def of_today(self, snapshot):
        terms = programs.promise_of(programs.live(), zone="UTC").tariff
        return terms.price(Basket(self.total), Situation(NOON))

    patch.setattr(remains.Rest, "price", of_today)


@bug("REF-04", "REF-05")
def refund_in_proportion(patch: Patch) -> None:
    init, price = remains.Rest.__init__, remains.Rest.price

    def begin(self, total, lines=None):
        init(self, total, lines)
        self.whole = total, lines

    def share(self, snapshot):
        sold = price(remains.Rest(*self.whole), snapshot)
        return Price(sold.points * self.total // (self.whole[0] or 1), sold.carry)

    patch.setattr(remains.Rest, "__init__", begin)
    patch.setattr(remains.Rest, "price", share)


@bug("ROUND-07", "REF-05")
def each_refund_is_priced_alone(patch: Patch) -> None:
    reprice = TakingBack._reprice

    def alone(self, amount, lines):
        before = self.sale.clawed
        reprice(self, amount, lines)
        clawed = amount // 100
        self.sale.clawed = before + clawed
        self.sale.save(update_fields=["clawed"])
        return clawed

    patch.setattr(TakingBack, "_reprice", alone)


@bug("REF-14")
def a_refund_leaves_carried_cents(patch: Patch) -> None:
    reprice = TakingBack._reprice

    def left(self, amount, lines):
        before = self.account.carry
        clawed = reprice(self, amount, lines)
        self.account.carry = before
        return clawed

    patch.setattr(TakingBack, "_reprice", left)


@bug("REF-10")
def more_comes_back_than_was_sold(patch: Patch) -> None:
    asked = TakingBack.asked

    def whatever(self, amount, lines):
        return asked(self, amount, lines) if amount is None else amount

    patch.setattr(TakingBack, "asked", whatever)


@bug("REF-07")
def a_clamp_makes_a_debt(patch: Patch) -> None:
    claw_back = Book.claw_back

    def owing(self, account, amount, **told):
        return claw_back(self, account, amount, **{**told, "forgives": False})

    patch.setattr(Book, "claw_back", owing)


@bug("P-CLAW")
def a_refund_takes_any_points(patch: Patch) -> None:
    patch.setattr(Shelf, "clawing", lambda self, purchase, at: list(self))


@bug("REV-04", "M-REV-01", "M-REV-02")
def points_come_back_fresh(patch: Patch) -> None:
    copy = lots.copy

    def fresh(lot, entry, expires_at):
        return copy(lot, entry, entry.occurred_at + dt.timedelta(days=365))

    everywhere(patch, copy, fresh)


@bug("REV-04", "M-REV-01", "M-REV-02", "MRG-01")
def points_come_back_for_ever(patch: Patch) -> None:
    copy = lots.copy
    everywhere(patch, copy, lambda lot, entry, expires_at: copy(lot, entry, None))


@bug("REV-04")
def no_days_of_grace(patch: Patch) -> None:
    everywhere(patch, restoring.restored_until, lambda policy, expires, at, zone: None)


@bug("REV-02")
def undone_twice(patch: Patch) -> None:
    patch.setattr(redemptions, "_refuse_reversal", lambda voucher, **told: None)


@bug("REV-05")
def the_piece_stays_away(patch: Patch) -> None:
    everywhere(patch, rewards.put_back, lambda reward: None)


@bug("REF-13", "REF-11")
def what_paid_for_the_sale_is_kept(patch: Patch) -> None:
    patch.setattr(TakingBack, "_due", lambda self, voucher: 0)


@bug("REF-13")
def a_fixed_reward_comes_back_in_parts(patch: Patch) -> None:
    def in_proportion(self, voucher):
        return voucher.cost * self.sale.refunded // self.sale.total

    patch.setattr(TakingBack, "_due", in_proportion)


@bug("STAMP-04")
def an_automatic_reward_is_not_taken_back(patch: Patch) -> None:
    everywhere(patch, restoring.make_room, lambda account, amount, book, **told: None)


@bug("M-REFR-01")
def a_referral_outlives_its_sale(patch: Patch) -> None:
    patch.setattr(TakingBack, "_presents", lambda self: None)


# Tiers


@bug("TIER-10")
def any_refund_costs_a_tier(patch: Patch) -> None:
    def lower(account, ladder, without, at):
        account.tier = ladder.below(account.tier) or account.tier

    patch.setattr(tiers, "look_again", lower)


@bug("M-TIER-01")
def no_refund_costs_a_tier(patch: Patch) -> None:
    patch.setattr(tiers, "look_again", lambda account, ladder, without, at: None)


@bug("TIER-04")
def spending_lowers_the_tier(patch: Patch) -> None:
    debit = Book.debit

    def lower(self, account, amount, **told):
        entry = debit(self, account, amount, **told)
        if ladder := self.promise(account).ladder:
            account.tier = ladder.reached(account.balance)
        return entry

    patch.setattr(Book, "debit", lower)


@bug("TIER-05", "M-TIER-02")
def a_tier_without_grace(patch: Patch) -> None:
    patch.setattr(Ladder, "grace_ends", lambda self, until: until)


@bug("TIER-08")
def a_fall_to_the_bottom(patch: Patch) -> None:
    """Where the shop promised one step."""
    patch.setattr(Ladder, "below", lambda self, tier: None)


@bug("TIER-11")
def a_granted_tier_is_no_floor(patch: Patch) -> None:
    lower = tiers._lower

    def without(account, *told):
        floor, account.floor_tier = account.floor_tier, None
        lower(account, *told)
        account.floor_tier = floor

    patch.setattr(tiers, "_lower", without)
