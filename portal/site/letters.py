"""What the apex writes to people, and how often it does."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import get_language

from portal import letters
from tenants import guesses, hosts, signups
from tenants.guesses import LETTER, LETTER_FROM
from tenants.logs import place
from tenants.models import SignUp


def send_code(signup: SignUp, *, at: dt.datetime) -> None:
    """Send a new code to the address of a sign-up, known or not: to one that is known the letter
    says so, the page never does. Raises TooManyGuesses and TooSoon.
    """
    if wait := signups.wait_for_letter(signup, at=at):
        raise signups.TooSoon(wait)
    count(signup.email, at=at)
    with transaction.atomic():
        code = signups.new_code(signup, at=at)
        told = {
            "code": f"{code[:3]}-{code[3:]}",
            "minutes": int(signups.CODE_LIVES.total_seconds()) // 60,
            "shops": _doors(signup.email),
        }
        letters.write("signup_code", signup.email, told, at=at, language=get_language() or "")


def send_shops(email: str, *, at: dt.datetime) -> None:
    """Tell an address which shops it opens, also if there are none. Raises TooManyGuesses."""
    count(email, at=at)
    told = {"shops": _doors(email), "start": hosts.url_of(None, "/start/")}
    letters.write("my_shops", email, told, at=at, language=get_language() or "")


def count(email: str, *, at: dt.datetime) -> None:
    """Anybody may ask for letters to anybody; so they count, for the address and the network."""
    guesses.take(LETTER_FROM, place().address, at=at)
    guesses.take(LETTER, email, at=at)


def _doors(email: str) -> list[dict[str, str]]:
    return [
        {"name": hosts.url_of(tenant, "").partition("://")[2], "url": hosts.url_of(tenant, door)}
        for tenant in signups.shops_of(email)
        for door in ("/accounts/login/",)
    ]
