"""What the business says no to: a code for programs, the figures, and one sentence for the person.

A refused command changes nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext_lazy as _


class Refusal(Exception):
    """`code` is stable; `figures` are ints and strings without personal data; str() is
    translated.
    """

    code = "refused"
    sentence: Any = _("This cannot be done.")
    # Whether the same command under the same key stays refused, whatever happened meanwhile.
    is_final = True

    def __init__(self, **figures: Any) -> None:
        super().__init__(self.code)
        self.figures = figures

    def __str__(self) -> str:
        return str(self.sentence) % self.figures


def again(code: str, figures: dict[str, Any]) -> Refusal:
    """The refusal with this code, as it was told the first time."""
    found = next((kind for kind in _all(Refusal) if kind.code == code), Refusal)
    return found(**figures)


def _all(kind: type[Refusal]) -> list[type[Refusal]]:
    return [kind, *(each for sub in kind.__subclasses__() for each in _all(sub))]


# Sales, and taking them back


class NegativeAmount(Refusal):
    code = "negative_amount"
    sentence = _("An amount below zero is not a sale. To take a sale back, undo it.")


class LinesExceedTotal(Refusal):
    code = "lines_exceed_total"
    sentence = _("The goods cost more than the sale in all. Look at the amounts again.")


class PartsExceedTotal(Refusal):
    code = "parts_exceed_total"
    sentence = _("Tax and discount are more than the sale in all. Look at the amounts again.")


class ProgramNotLive(Refusal):
    code = "program_not_live"
    sentence = _("The program is paused, so this sale earns nothing.")


class IdempotencyConflict(Refusal):
    code = "idempotency_conflict"
    is_final = False
    sentence = _(
        "This was already sent with other figures. Look at the last sales, then start again."
    )


class DuplicateReceipt(Refusal):
    code = "duplicate_receipt"
    sentence = _("Receipt %(ref)s already counted for another card.")


class StaffSelfAward(Refusal):
    code = "staff_self_award"
    sentence = _("Nobody gives points to a card of one's own. Ask a colleague.")


class UnknownPurchase(Refusal):
    code = "unknown_purchase"
    sentence = _("This sale is not in the books.")


class AlreadyVoided(Refusal):
    code = "already_voided"
    sentence = _("This sale was already undone.")


class TooLateToVoid(Refusal):
    code = "too_late_to_void"
    sentence = _("After %(minutes)s minutes, or for a colleague's sale, a manager has to undo it.")


class RefundExceedsPurchase(Refusal):
    code = "refund_exceeds_purchase"
    sentence = _("More would be given back than was left of this sale.")


class UnknownLine(Refusal):
    code = "unknown_line"
    sentence = _("%(sku)s was not sold in this sale.")


# Members


class MemberBlocked(Refusal):
    code = "member_blocked"
    sentence = _("This card is blocked. Ask a manager.")


class MemberClosed(Refusal):
    code = "member_closed"
    sentence = _("This card was closed. Its holder can get a new one.")


class MemberLeaving(MemberClosed):
    """Its holder asked to be erased, and can still change her mind."""

    code = "member_leaving"
    is_final = False
    sentence = _(
        "This card is about to be erased, as its holder asked. She can keep it on its page."
    )


class NotAnIdentifier(Refusal):
    code = "not_an_identifier"
    sentence = _("That is no phone number, address or card we can read.")


class BadPhone(NotAnIdentifier):
    code = "bad_phone"
    sentence = _("That is no phone number we can read. Say it with its area code.")


class BadEmail(NotAnIdentifier):
    code = "bad_email"
    sentence = _("That is no e-mail address we can read.")


class BadDate(Refusal):
    code = "bad_date"
    sentence = _("That day cannot be right. Look at it again.")


class NothingToKnowBy(Refusal):
    code = "no_identifier"
    sentence = _("A member needs a phone, an email address or a card to be found again.")


class UnknownMember(Refusal):
    code = "unknown_member"
    sentence = _("Nobody is known by that here.")


class NothingToProve(Refusal):
    code = "nothing_to_prove"
    is_final = False
    sentence = _("There is no number to confirm here any more.")


class CodeTooSoon(Refusal):
    code = "code_too_soon"
    is_final = False
    sentence = _("A code was just sent. Ask for another one in %(seconds)s seconds.")


class CodeWrong(Refusal):
    code = "code_wrong"
    is_final = False
    sentence = _("That is not the code. Look at it again.")


class CodeGone(Refusal):
    code = "code_gone"
    is_final = False
    sentence = _("This code is good no longer. Ask for a new one.")


class SameMember(Refusal):
    code = "same_member"
    sentence = _("A card cannot be joined with itself.")


class AlreadyMerged(Refusal):
    code = "already_merged"
    sentence = _("This card was already joined with another.")


class StaleProfile(Refusal):
    """Somebody else changed her meanwhile. Whoever has seen how changes it with the new version."""

    code = "stale_profile"
    is_final = False
    sentence = _("Somebody changed this meanwhile.")


# Lists of members


class AlreadyMember(Refusal):
    code = "already_member"
    sentence = _("Somebody here is known by that already.")


class BadPoints(Refusal):
    code = "bad_points"
    sentence = _("Points are whole numbers, and none are below nought.")


class DuplicateInFile(Refusal):
    code = "duplicate_in_file"
    sentence = _("An earlier row is about the same person.")


class UnknownColumn(Refusal):
    code = "unknown_column"
    sentence = _("The list has a column that nobody here knows: %(column)s.")


# Rewards and codes


class InsufficientPoints(Refusal):
    code = "insufficient_points"
    sentence = _("%(missing)s more are needed for that.")


class OutOfStock(Refusal):
    code = "out_of_stock"
    sentence = _("None of these is left.")


class MemberNeeded(Refusal):
    code = "member_needed"
    sentence = _("Find her card first: this counts for a member.")


class MemberLimit(Refusal):
    code = "member_limit"
    sentence = _("This card has had it as often as it can.")


class MinSpend(Refusal):
    code = "min_spend"
    sentence = _("The bill is too small for that.")


class BelowMinimum(Refusal):
    code = "below_minimum"
    sentence = _("At least %(minimum)s have to be paid at once.")


class TierRequired(Refusal):
    code = "tier_required"
    sentence = _("That is for members of %(tiers)s.")


class UnknownTier(Refusal):
    code = "unknown_tier"
    sentence = _("The program has no such tier.")


class RewardUnavailable(Refusal):
    code = "reward_unavailable"
    sentence = _("This reward is not offered now.")


class OfflineRedemption(Refusal):
    code = "offline_redemption"
    sentence = _("Rewards need a connection. Points can be given without one.")


class AlreadyReversed(Refusal):
    code = "already_reversed"
    sentence = _("This was already given back.")


class VoucherUnknown(Refusal):
    code = "voucher_unknown"
    sentence = _("This code is not known here.")


class VoucherTaken(Refusal):
    code = "voucher_taken"
    sentence = _("This code is already another voucher's.")


class VoucherUsed(Refusal):
    code = "voucher_used"
    sentence = _("This voucher was already used.")


class VoucherVoided(Refusal):
    code = "voucher_voided"
    sentence = _("This voucher was taken back.")


class VoucherPaid(Refusal):
    code = "voucher_paid"
    sentence = _("Points paid for this voucher. Give it back instead.")


class VoucherHeld(Refusal):
    code = "voucher_held"
    sentence = _("Another till is using this voucher just now.")


class VoucherNotYetValid(Refusal):
    code = "voucher_not_yet_valid"
    sentence = _("This voucher is valid from %(date)s.")


class VoucherExpired(Refusal):
    code = "voucher_expired"
    sentence = _("This voucher was valid until %(date)s.")


class VoucherNotYours(Refusal):
    code = "voucher_not_yours"
    sentence = _("This voucher belongs to another card.")


# Acts of the staff


class ReasonRequired(Refusal):
    code = "reason_required"
    sentence = _("Say why: whoever reads the books later will ask.")


class NeedsApproval(Refusal):
    code = "needs_approval"
    sentence = _("Somebody who may do more has to agree to that.")


class AboveLimit(NeedsApproval):
    """A sale larger than a cashier may record. `limit` is in minor units."""

    code = "above_limit"
    is_final = False
    sentence = _("That is more than one sale may be here. A manager can allow it.")


class ProofNeeded(Refusal):
    code = "proof_needed"
    is_final = False
    sentence = _("Type the four digits on the customer's screen.")


class WrongProof(Refusal):
    code = "wrong_proof"
    is_final = False
    sentence = _(
        "Those are not the digits on the customer's screen. They change every half minute."
    )


class NothingToChange(Refusal):
    code = "nothing_to_change"
    sentence = _("Nought changes nothing.")


class BadSetting(Refusal):
    """What a shop wants to set up cannot be. `field` is the path of the setting ("limit.times"),
    `why` one translated sentence.
    """

    code = "bad_setting"
    sentence = _("%(field)s: %(why)s")

    def __init__(self, field: str, why: object) -> None:
        super().__init__(field=field, why=str(why))
        self.field = field


class BadConditions(BadSetting):
    code = "bad_conditions"


class BadPolicy(BadSetting):
    code = "bad_policy"


class Overtaken(Refusal):
    """Somebody changed it since it was shown. `who` is the Actor's `who` of that person, `at` when
    it was, where that is known.
    """

    code = "overtaken"
    is_final = False
    sentence = _("Somebody changed this meanwhile. Look at it again.")

    def __init__(self, who: str = "", at: dt.datetime | None = None) -> None:
        super().__init__()
        self.who, self.at = who, at


class NoDraft(Refusal):
    code = "no_draft"
    is_final = False
    sentence = _("There is no draft any more: it came into force, or was thrown away.")


class NothingChanges(Refusal):
    code = "nothing_changes"
    is_final = False
    sentence = _("The draft says what is in force already.")


class BadStart(Refusal):
    code = "bad_start"
    is_final = False
    sentence = _("Choose a day from today on, within a year.")
