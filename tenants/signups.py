"""A sign-up on the apex: what somebody said so far of the shop she opens, and that her address is
hers.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import math
import re
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from tenants import secrets
from tenants.models import Country, Seat, SignUp, SiteGuess, SiteLetter, Tenant, User

CODE_LENGTH = 6
CODE_LIVES = dt.timedelta(minutes=15)
TRIES = 3  # at one code
RESEND_AFTER = dt.timedelta(seconds=30)
KEPT = dt.timedelta(days=1)
LETTERS_KEPT = dt.timedelta(days=14)


class TooSoon(Exception):
    """The last letter is on its way; another may be asked for after so many seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__("too soon")
        self.wait = wait


class WrongCode(Exception):
    """`left` more tries; 0: this code is used up or too old, another one is needed."""

    def __init__(self, left: int) -> None:
        super().__init__("wrong code")
        self.left = left


class Unfinished(Exception):
    """A step of this sign-up is missing, or missing again since it was read."""


def begin(
    *, pk: UUID, name: str, email: str, country: str, language: str, at: dt.datetime
) -> SignUp:
    """A new one, whose address is still to be confirmed.

    `pk` was minted into the form, so two taps begin one. It opens nothing by itself: of somebody
    else's, or of one that is confirmed already, another is begun.
    """
    said = {"name": name, "email": email, "country": country, "language": language}
    SignUp.objects.bulk_create([SignUp(pk=pk, **said, made_at=at)], ignore_conflicts=True)
    same = SignUp.objects.filter(pk=pk, confirmed_at=None, **said).first()
    return same or SignUp.objects.create(**said, made_at=at)


def with_id(pk: UUID, *, at: dt.datetime) -> SignUp | None:
    """None for one that is not there, or was left for a day. Its picture is read when it is
    looked at.
    """
    return SignUp.objects.defer("logo").filter(pk=pk, made_at__gt=at - KEPT).first()


def say(signup: SignUp, **values: object) -> None:
    """Note what she said: fields of SignUp. Of one that has opened nothing changes any more."""
    open_rows = SignUp.objects.filter(pk=signup.pk, opened=None)
    if open_rows.update(**values):
        for name, value in values.items():
            setattr(signup, name, value)


def change(signup: SignUp, **said: str) -> SignUp:
    """Note name, email, country or language anew; says how the sign-up stands now.

    Another address is to be confirmed anew. Where the country brings another currency the program
    is to be chosen anew: its amounts are minor units of the one before. Compared is with the row
    itself, because another tap may have changed it since `signup` was read.
    """
    with transaction.atomic():
        row = SignUp.objects.select_for_update().defer("logo").get(pk=signup.pk)
        again: dict[str, object] = {}
        if said.get("email", row.email) != row.email:
            again |= {"confirmed_at": None, "code_sent_at": None, "code_hash": ""}
        if _is_other_money(row.country, said.get("country", row.country)):
            again |= {"preset": "", "choices": {}}
        say(row, **said, **again)
    return row


def choose_program(signup: SignUp, preset: str, choices: dict[str, object]) -> None:
    """Note the program. Not where another tap has changed the country since `signup` was read: the
    amounts were typed in that one's currency, and the step is still to be done.
    """
    rows = SignUp.objects.filter(pk=signup.pk, opened=None, country=signup.country)
    if rows.update(preset=preset, choices=choices):
        signup.preset, signup.choices = preset, choices
    else:
        signup.preset, signup.choices = "", {}


def wait_for_letter(signup: SignUp, *, at: dt.datetime) -> int:
    """Seconds until another code may be asked for."""
    if signup.code_sent_at is None:
        return 0
    return max(0, math.ceil((signup.code_sent_at + RESEND_AFTER - at).total_seconds()))


def new_code(signup: SignUp, *, at: dt.datetime) -> str:
    """A code to be sent to `signup.email`; the one before opens nothing any more.

    Raises TooSoon; also where another tap was faster since `signup` was read, and has sent one or
    changed the address: a letter goes out only with a code that confirms where it goes.
    """
    if wait := wait_for_letter(signup, at=at):
        raise TooSoon(wait)
    code = secrets.new_code(CODE_LENGTH)
    as_read = {"email": signup.email, "code_sent_at": signup.code_sent_at}
    values = {
        "code_hash": _hash(signup, code),
        "code_until": at + CODE_LIVES,
        "code_wrong": 0,
        "code_sent_at": at,
    }
    if not SignUp.objects.filter(pk=signup.pk, opened=None, **as_read).update(**values):
        raise TooSoon(math.ceil(RESEND_AFTER.total_seconds()))
    for name, value in values.items():
        setattr(signup, name, value)
    return code


def confirm(signup: SignUp, typed: str, *, at: dt.datetime) -> None:
    """Her address is hers, if this is the code that went to it. Raises WrongCode.

    The try is counted before it is made, in one statement, so that of many at once no more than
    TRIES are made. What was looked at is still so when it is noted: the address, and the code.
    """
    live = SignUp.objects.filter(pk=signup.pk, code_until__gt=at, code_wrong__lt=TRIES)
    if not live.exclude(code_hash="").update(code_wrong=F("code_wrong") + 1):
        raise WrongCode(0)
    signup.refresh_from_db()
    if not hmac.compare_digest(signup.code_hash, _hash(signup, secrets.read_code(typed))):
        raise WrongCode(TRIES - signup.code_wrong)
    as_checked = {"email": signup.email, "code_hash": signup.code_hash}
    checked = SignUp.objects.filter(pk=signup.pk, opened=None, **as_checked)
    if not checked.update(confirmed_at=at, code_hash="", code_wrong=0):
        raise WrongCode(0)
    signup.confirmed_at, signup.code_hash, signup.code_wrong = at, "", 0


def shops_of(email: str) -> list[Tenant]:
    """The shops that a person with this address signs in to. One statement, known or not."""
    address = User.objects.normalize_email(email).lower()
    seats = Seat.objects.filter(user__email=address).values("tenant_id")
    return list(Tenant.objects.filter(pk__in=seats).order_by("slug"))


def person_behind(signup: SignUp) -> str:
    """What to call the owner until she says so herself: her name if we know it, else what stands
    before the @ ("layla" of layla.haddad@…), else the business.
    """
    known = User.objects.filter(email=User.objects.normalize_email(signup.email).lower()).first()
    if known and known.name:
        return known.name
    first = re.split(r"[^\w'-]|[\d_]", signup.email.partition("@")[0])[0]
    offices = {"info", "hello", "hi", "office", "contact", "admin", "mail", "sales", "shop"}
    is_name = len(first) > 1 and first.lower() not in offices
    return first.capitalize() if is_name else signup.name


def logo_of(signup: SignUp) -> tuple[str, bytes, str] | None:
    """Kind, bytes and digest of the picture she gave."""
    if not signup.logo:
        return None
    data = bytes(signup.logo)
    return signup.logo_kind, data, hashlib.sha256(data).hexdigest()


def forget_old(at: dt.datetime) -> int:
    """Delete sign-ups that were left or opened a day ago, the house's old letters, and counts that
    nobody adds to. Says how many.
    """
    rows = (
        SignUp.objects.filter(made_at__lt=at - KEPT),
        SiteLetter.objects.filter(made_at__lt=at - LETTERS_KEPT),
        SiteGuess.objects.filter(since__lt=at - KEPT),
    )
    return sum(found.delete()[0] for found in rows)


def _is_other_money(country: str, other: str) -> bool:
    if country == other:
        return False
    both = Country.objects.filter(pk__in=(country, other))
    return both.values("currency").distinct().count() > 1


def _hash(signup: SignUp, code: str) -> str:
    """Six characters could be found from a bare hash; not without the server's key. It is a code of
    this address: for another it is as wrong as any.
    """
    text = f"signup:{signup.pk}:{signup.email}:{code}".encode("utf-8", "surrogatepass")
    return hmac.digest(settings.SECRET_KEY.encode(), text, "sha256").hex()
