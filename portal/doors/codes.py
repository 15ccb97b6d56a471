"""Six letters by mail, which prove that somebody reads an address.

What is awaited stands in the browser's session, one code a purpose. For an address that is
nobody's the same is done, except that the letter goes to nobody.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.core.internal.cryptokit import compare_user_code
from django.http import HttpRequest
from django.utils import timezone

from portal import agents, letters
from tenants import guesses
from tenants.guesses import LETTER, LETTER_FROM, LOGIN, LOGIN_FROM
from tenants.logs import place

SIGN_IN, AGAIN, ADDRESS = "sign-in", "again", "address"
KINDS = {SIGN_IN: "sign_in_code", AGAIN: "confirm_code", ADDRESS: "address_code"}
PAUSE = 30  # seconds from one letter to the next


@dataclass(frozen=True, slots=True)
class Awaited:
    """A code that was sent. Times are in seconds since 1970."""

    address: str
    code: str
    since: float
    sent: float
    next: str = ""
    wrong: int = 0
    sent_again: int = 0

    @property
    def pause(self) -> int:
        """So many seconds until it may be sent again."""
        return max(0, round(self.sent + PAUSE - time.time()))

    @property
    def may_be_sent_again(self) -> bool:
        return self.sent_again < int(app_settings.LOGIN_BY_CODE_MAX_RESEND_COUNT)


class WrongCode(Exception):
    """That was not it; `left` tries are left of this code."""

    def __init__(self, left: int) -> None:
        super().__init__("wrong code")
        self.left = left


def send(request: HttpRequest, purpose: str, address: str, *, to: str, next: str = "") -> None:  # noqa: A002
    """Send a new code that proves `address`, and wait for it. `to` is "" for who is nobody here.

    Raises TooManyGuesses where too many letters were asked for.
    """
    now = timezone.now()
    guesses.check(LETTER_FROM, place().address, at=now)
    guesses.take(LETTER, address, at=now)
    guesses.wrong(LETTER_FROM, place().address, at=now)
    code = get_adapter(request).generate_login_code()
    minutes = app_settings.LOGIN_BY_CODE_TIMEOUT // 60
    told = {"code": code, "agent": agents.words(request), "at": now, "minutes": minutes}
    letters.write(KINDS[purpose], to, told, at=now)
    _keep(request, purpose, Awaited(address, code, now.timestamp(), now.timestamp(), next))


def send_again(request: HttpRequest, purpose: str, *, to: str) -> bool:
    """Another letter, with another code; False while it is too early, or after too many."""
    awaited = waiting(request, purpose)
    if awaited is None or awaited.pause or not awaited.may_be_sent_again:
        return False
    send(request, purpose, awaited.address, to=to, next=awaited.next)
    newer = waiting(request, purpose)
    if newer:
        again = awaited.sent_again + 1
        _keep(request, purpose, replace(newer, wrong=awaited.wrong, sent_again=again))
    return True


def waiting(request: HttpRequest, purpose: str) -> Awaited | None:
    """The code that is awaited; None if none was sent, or too long ago."""
    kept = request.session.get(_key(purpose))
    if not isinstance(kept, dict):
        return None
    awaited = Awaited(**kept)
    if time.time() - awaited.since > app_settings.LOGIN_BY_CODE_TIMEOUT:
        forget(request, purpose)
        return None
    return awaited


def check(request: HttpRequest, purpose: str, awaited: Awaited, typed: str) -> None:
    """Take the code; it is used up. Raises WrongCode, or TooManyGuesses.

    The third wrong try uses it up too.
    """
    now, network = timezone.now(), place().address
    guesses.check(LOGIN_FROM, network, at=now)
    guesses.take(LOGIN, awaited.address, at=now)
    if compare_user_code(actual=typed, expected=awaited.code):
        forget(request, purpose)
        guesses.right(LOGIN, awaited.address)
        guesses.right(LETTER, awaited.address)
        return
    guesses.wrong(LOGIN_FROM, network, at=now)
    wrong = awaited.wrong + 1
    left = app_settings.LOGIN_BY_CODE_MAX_ATTEMPTS - wrong
    if left > 0:
        _keep(request, purpose, replace(awaited, wrong=wrong))
    else:
        forget(request, purpose)
    raise WrongCode(left)


def forget(request: HttpRequest, purpose: str) -> None:
    request.session.pop(_key(purpose), None)


def _keep(request: HttpRequest, purpose: str, awaited: Awaited) -> None:
    request.session[_key(purpose)] = asdict(awaited)


def _key(purpose: str) -> str:
    return f"code:{purpose}"
