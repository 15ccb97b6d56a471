"""What the business says no to: a code for programs, the figures, and one sentence for the person.

A refused command changes nothing.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _


class Refusal(Exception):
    """`code` is stable; `figures` are ints and strings without personal data; str() is
    translated.
    """

    code = "refused"
    sentence: Any = _("This cannot be done.")

    def __init__(self, **figures: Any) -> None:
        super().__init__(self.code)
        self.figures = figures

    def __str__(self) -> str:
        return str(self.sentence) % self.figures


class NegativeAmount(Refusal):
    code = "negative_amount"
    sentence = _("An amount below zero is not a sale. To take a sale back, undo it.")


class MemberNotActive(Refusal):
    code = "member_not_active"
    sentence = _("This card is blocked. Ask a manager.")


class ProgramNotLive(Refusal):
    code = "program_not_live"
    sentence = _("The program is paused, so this sale earns nothing.")


class IdempotencyConflict(Refusal):
    code = "idempotency_conflict"
    sentence = _(
        "This was already sent with other figures. Look at the last sales, then start again."
    )


class DuplicateReceipt(Refusal):
    code = "duplicate_receipt"
    sentence = _("Receipt %(ref)s already counted for another card.")


class AlreadyVoided(Refusal):
    code = "already_voided"
    sentence = _("This sale was already undone.")


class TooLateToVoid(Refusal):
    code = "too_late_to_void"
    sentence = _("After %(minutes)s minutes, or for a colleague's sale, a manager has to undo it.")


class NotAnIdentifier(Refusal):
    code = "not_an_identifier"
    sentence = _("That is no phone number, address or card we can read.")


class NothingToKnowBy(Refusal):
    code = "nothing_to_know_by"
    sentence = _("A member needs a phone, an email address or a card to be found again.")
