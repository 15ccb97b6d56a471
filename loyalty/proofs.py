"""The four digits on a customer's screen, by which a till knows that her card is there.

They are derived from the server's key and change by themselves; nothing is kept.
"""

from __future__ import annotations

import datetime as dt
import hmac

from django.conf import settings

from loyalty import numbers
from loyalty.models import Member
from loyalty.refusals import ProofNeeded, WrongProof
from tenants import guesses
from tenants.models import Shop

STEP = 30  # seconds until the next code
DIGITS = 4


def code(member: Member, *, at: dt.datetime) -> str:
    """What her screen shows at `at`: four digits, others for each member and in every step."""
    return _code(member, _step(at))


def holds(member: Member, code: str, *, at: dt.datetime) -> bool:
    """Whether `code` is what her screen shows now, or showed until just now: a customer reads, a
    cashier types. Digits of any script count. Whoever asks counts the wrong ones
    (tenants.guesses.PROOF).
    """
    typed = numbers.latin(code.strip()).encode(errors="replace")
    now = _step(at)
    # Both are compared whatever the first says, so that the time tells nothing.
    found = [hmac.compare_digest(_code(member, step).encode(), typed) for step in (now, now - 1)]
    return any(found)


def seconds_left(at: dt.datetime) -> int:
    """For how many seconds the code of `at` is still the newest."""
    return STEP - int(at.timestamp()) % STEP


def is_needed(cost: int) -> bool:
    """Whether a reward of so many points is given only to whoever shows her code. One statement."""
    limit = Shop.objects.values_list("proof_above", flat=True).get()
    return limit is not None and cost > limit


def prove(member: Member, code: str, *, at: dt.datetime) -> None:
    """Accept the code that a customer showed. Wrong ones are counted by her card, and make her card
    wait: raises ProofNeeded (none was typed), WrongProof, guesses.TooManyGuesses.
    """
    if not code.strip():
        raise ProofNeeded
    subject = str(member.pk)
    guesses.take(guesses.PROOF, subject, at=at)
    if not holds(member, code, at=at):
        raise WrongProof
    guesses.right(guesses.PROOF, subject)


# Inside


def _step(at: dt.datetime) -> int:
    return int(at.timestamp()) // STEP


def _code(member: Member, step: int) -> str:
    told = f"proof:{member.tenant_id}:{member.pk}:{step}".encode()
    digest = hmac.digest(settings.SECRET_KEY.encode(), told, "sha256")
    return f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}d}"
