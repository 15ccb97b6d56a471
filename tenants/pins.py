"""PINs at the till: a person known to the device types four to six digits.

Wrong ones are counted in PostgreSQL, per person and per device, because a counter in a cache can
be lost and then the door stands open. The hash is a modest PBKDF2 over an HMAC with the server's
key: no hash protects four digits from somebody who has both, and a slow one would cost 0.3 s of
CPU at each unlock.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from itertools import pairwise

from django.conf import settings
from django.db import transaction

from tenants.actors import Actor
from tenants.models import Device, Shop, Staff
from tenants.trace import write

LENGTHS = range(4, 7)
ROUNDS = 20_000
WAITS = {5: 30, 6: 60, 7: 120, 8: 240, 9: 240}  # wrong in a row → seconds to wait
OFF_AFTER = 10  # wrong in a row: off on every device, until a manager sets a new PIN
DAILY = 30  # wrong a day and device


class BadPin(ValueError):
    """What was chosen cannot be a PIN."""


class WrongPin(Exception):
    """The PIN was not accepted. `wait` is in seconds; `is_off` means that a manager must help."""

    def __init__(self, *, tries_left: int = 0, wait: int = 0, is_off: bool = False) -> None:
        super().__init__("wrong PIN")
        self.tries_left, self.wait, self.is_off = tries_left, wait, is_off


def set_pin(staff: Staff, pin: str) -> None:
    """Give a person a new PIN (four to six digits, else BadPin), which also ends every wait."""
    if not (pin.isascii() and pin.isdigit() and len(pin) in LENGTHS):
        raise BadPin("a PIN is four to six digits")
    salt = secrets.token_hex(8)
    staff.pin_hash, staff.pin_wrong, staff.pin_wait_until = f"{salt}${_hash(salt, pin)}", 0, None
    staff.save(update_fields=["pin_hash", "pin_wrong", "pin_wait_until"])


def length() -> int:
    """How many digits a new PIN has in the shop we are inside."""
    chosen = int(Shop.objects.values_list("pin_length", flat=True).get())
    return chosen if chosen in LENGTHS else LENGTHS[0]


def new_pin(staff: Staff, pin: str = "", *, at: dt.datetime, by: Actor) -> str:
    """Give a person a new PIN of the shop's length, chosen or drawn; returns it, told only now.

    Ends every wait, and the state of being switched off. Raises BadPin.
    """
    digits = length()
    pin = pin or _draw(digits)
    if len(pin) != digits:
        raise BadPin(f"a PIN here is {digits} digits")
    with transaction.atomic():
        set_pin(staff, pin)
        write(by, "pin.set", staff.pk, at=at)
    return pin


def is_off(staff: Staff) -> bool:
    """Whether this person's PIN was switched off after too many wrong ones."""
    return bool(staff.pin_hash) and staff.pin_wrong >= OFF_AFTER


def is_easy(pin: str) -> bool:
    """One digit again and again, or counting up or down: what is tried first."""
    steps = {int(after) - int(before) for before, after in pairwise(pin)}
    return len(steps) == 1 and steps <= {0, 1, -1}


def _draw(digits: int) -> str:
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(digits))
        if not is_easy(pin):
            return pin


def check(staff: Staff, device: Device, pin: str, *, at: dt.datetime) -> None:
    """Let the person in, or raise WrongPin. A try during a wait is refused without being
    counted.
    """
    wrong: WrongPin | None = None
    with transaction.atomic():
        # Rows are locked person first, device second, so that tries at once are counted one by one.
        person = Staff.objects.select_for_update().get(pk=staff.pk)
        till = Device.objects.select_for_update().get(pk=device.pk)
        today = till.wrong_pins if till.wrong_pins_on == at.date() else 0
        if person.pin_wrong >= OFF_AFTER or not person.pin_hash or today >= DAILY:
            wrong = WrongPin(is_off=True)
        elif person.pin_wait_until and at < person.pin_wait_until:
            wrong = WrongPin(wait=int((person.pin_wait_until - at).total_seconds()) + 1)
        elif not _matches(person.pin_hash, pin):
            wrong = _count(person, till, today, at)
        elif person.pin_wrong:
            person.pin_wrong, person.pin_wait_until = 0, None
            person.save(update_fields=["pin_wrong", "pin_wait_until"])
    if wrong:  # raised outside, or the count would be rolled back
        raise wrong


def _count(person: Staff, till: Device, today: int, at: dt.datetime) -> WrongPin:
    person.pin_wrong += 1
    wait = WAITS.get(person.pin_wrong, 0)
    person.pin_wait_until = at + dt.timedelta(seconds=wait) if wait else None
    person.save(update_fields=["pin_wrong", "pin_wait_until"])
    till.wrong_pins, till.wrong_pins_on = today + 1, at.date()
    till.save(update_fields=["wrong_pins", "wrong_pins_on"])
    is_off = person.pin_wrong >= OFF_AFTER
    if is_off:
        write(f"device:{till.pk}", "pin.turned_off", person.pk, at=at)
    return WrongPin(tries_left=max(0, 5 - person.pin_wrong), wait=wait, is_off=is_off)


def _matches(stored: str, pin: str) -> bool:
    salt, _, expected = stored.partition("$")
    return hmac.compare_digest(_hash(salt, pin), expected)


def _hash(salt: str, pin: str) -> str:
    text = pin.encode("utf-8", "surrogatepass")
    keyed = hmac.digest(settings.SECRET_KEY.encode(), text, "sha256")
    return hashlib.pbkdf2_hmac("sha256", keyed, bytes.fromhex(salt), ROUNDS).hex()
