"""Members, those who work for them, and those who brought them."""

from __future__ import annotations

from dataclasses import replace

from loyalty import (
    adjustments,
    birthdays,
    cards,
    enrolment,
    flows,
    identities,
    imports,
    joining,
    ledger,
    members,
    merging,
    numbers,
    policy,
    referring,
)
from loyalty.models import Consent, Entry, Referral
from tests.loyalty.planted.planting import Patch, bug, everywhere


@bug("REFR-01")
def a_referral_is_paid_for_any_sale(patch: Patch) -> None:
    read = policy._referral
    patch.setattr(policy, "_referral", lambda given: replace(read(given), min_spend=0))


@bug("REFR-01")
def a_referral_is_paid_for_every_sale(patch: Patch) -> None:
    pay = referring.pay

    def again(*args, **told):
        pay(*args, **told)
        Referral.objects.update(status="pending", purchase=None, paid_at=None)

    patch.setattr(referring, "pay", again)


@bug("REFR-04")
def a_referrer_without_cap(patch: Patch) -> None:
    read = policy._referral
    patch.setattr(policy, "_referral", lambda given: replace(read(given), cap=None))


@bug("STAFF-01")
def a_clerk_serves_himself(patch: Patch) -> None:
    everywhere(patch, cards.refuse_own, lambda member, by: None)


@bug("EARN-20", "PRIV-01")
def closed_cards_go_on(patch: Patch) -> None:
    everywhere(patch, cards.refuse_closed, lambda member: None)


@bug("ADJ-03")
def anybody_adjusts(patch: Patch) -> None:
    patch.setattr(adjustments, "_may", lambda staff, points, limit: True)


@bug("PRIV-01")
def an_erased_phone_is_still_found(patch: Patch) -> None:
    patch.setattr(members, "_scrub", lambda cards, *, at, by: None)


@bug("PRIV-01")
def points_outlive_their_holder(patch: Patch) -> None:
    patch.setattr(members, "_forfeit", lambda account, book, operation: 0)


@bug("MEM-01", "REFR-02", "CON-07")
def phones_as_they_are_typed(patch: Patch) -> None:
    everywhere(patch, numbers.phone, lambda text, country: text.strip())


@bug("MEM-02")
def addresses_as_they_are_typed(patch: Patch) -> None:
    everywhere(patch, numbers.email, lambda text: text)


@bug("REFR-01")
def a_referral_is_paid_at_sign_up(patch: Patch) -> None:
    welcome = enrolment.welcome

    def at_once(member, *, at, by):
        welcome(member, at=at, by=by)
        if referral := Referral.objects.filter(friend=member).first():
            with ledger.opened({referral.referrer_id}, at=at) as book:
                account = book.accounts[referral.referrer_id]
                book.credit(account, 500, kind="bonus", at=at, operation=None)

    patch.setattr(enrolment, "welcome", at_once)


@bug("BDAY-01")
def a_birthday_at_every_run(patch: Patch) -> None:
    patch.setattr(birthdays, "_given", lambda book, year: set())


# Two cards become one


@bug("MRG-01")
def a_merge_drops_dates(patch: Patch) -> None:
    def anew(account, taken, amount, book, operation, *, kind):
        return book.credit(
            account, amount, kind=kind, at=operation.at, operation=operation.pk, counts=False
        )

    patch.setattr(joining, "_bring", anew)


@bug("M-MRG-01")
def a_debt_is_left_behind(patch: Patch) -> None:
    move = joining._move

    def only_points(giver, taker, book, operation):
        if giver.debt:
            return {"points": 0, "entry": ""}
        return move(giver, taker, book, operation)

    patch.setattr(joining, "_move", only_points)


@bug("MRG-06")
def the_consent_of_either_is_enough(patch: Patch) -> None:
    join = identities.join

    def either(old, new, *, at, by):
        agreed = identities.agrees(old, "marketing")
        told = join(old, new, at=at, by=by)
        if agreed:
            Consent.objects.create(
                member=new, purpose="marketing", granted=True, at=at, source="merge", who=by.who
            )
        return told

    patch.setattr(identities, "join", either)


@bug("MRG-03", "M-CON-03")
def a_card_is_merged_twice(patch: Patch) -> None:
    patch.setattr(merging, "_refuse", lambda old, new: None)


@bug("MRG-05")
def tiers_are_not_looked_at_after_a_merge(patch: Patch) -> None:
    patch.setattr(joining, "_keep_better", lambda gone, into, book, at: None)


# What the owner is told


@bug("REP-01")
def what_has_expired_unswept_is_outstanding(patch: Patch) -> None:
    everywhere(patch, flows.lapses, lambda until: iter(()))


@bug("REP-02")
def an_undone_redemption_counts(patch: Patch) -> None:
    patch.setitem(flows.GONE, "redeemed", (Entry.Kind.REDEEM,))


# Lists of members


@bug("IMP-01")
def an_import_silently_skips(patch: Patch) -> None:
    class Deaf(list):
        def append(self, error):
            """What could not be taken is told to nobody."""

    made = imports.ImportedMembers.__init__

    def deaf(self, *told):
        made(self, *told)
        self.errors = Deaf()

    patch.setattr(imports.ImportedMembers, "__init__", deaf)


@bug("IMP-02")
def a_dry_run_writes(patch: Patch) -> None:
    take = imports._Reader.take

    def wet(self, chunk, taken, *, dry_run):
        return take(self, chunk, taken, dry_run=False)

    patch.setattr(imports._Reader, "take", wet)


@bug("IMP-01")
def who_is_there_is_enrolled_again(patch: Patch) -> None:
    patch.setattr(imports, "_refuse", lambda row, taken, known: None)
