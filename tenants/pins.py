"""PINs at the till: a person known to the device types four to six digits.

Wrong ones are counted in PostgreSQL, per person and per device, because a counter in a cache can
be lost and then the door stands open. The hash is a modest PBKDF2 over an HMAC with the server's
key: no hash protects four digits from somebody who has both, and a slow one would cost 0.3 s of
CPU at each unlock. Its rounds are kept with it, so that another number of them locks out nobody.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from itertools import pairwise

from django.conf import settings
from django.db import transaction
from django.db.models import Value

from tenants.actors import Actor
from tenants.models import Device, Shop, Staff
from tenants.trace import write

LENGTHS = range(4, 7)
WAITS = {5: 30, 6: 60, 7: 120, 8: 240, 9: 240}  # wrong in a row → seconds to wait
OFF_AFTER = 10  # wrong in a row: off on every device, until a manager sets a new PIN
DAILY = 30  # wrong a day and device


class BadPin(ValueError):
    """What was chosen cannot be a PIN."""


class WrongPin(Exception):
    """The PIN was not accepted. `wait` is in seconds; `is_off` means that a manager must help,
    `is_spent` that this device takes nobody's PIN any more today.
    """

    def __init__(
        self, *, tries_left: int = 0, wait: int = 0, is_off: bool = False, is_spent: bool = False
    ) -> None:
        super().__init__("wrong PIN")
        self.tries_left, self.wait = tries_left, wait
        self.is_off, self.is_spent = is_off, is_spent


def set_pin(staff: Staff, pin: str) -> None:
    """Give a person a new PIN (four to six digits, else BadPin), which also ends every wait."""
    if not (pin.isascii() and pin.isdigit() and len(pin) in LENGTHS):
        raise BadPin("a PIN is four to six digits")
    rounds, salt = settings.PIN_ROUNDS, secrets.token_hex(8)
    staff.pin_hash = f"{rounds}${salt}${_hash(rounds, salt, pin, settings.SECRET_KEY)}"
    staff.pin_wrong, staff.pin_wait_until = 0, None
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


def is_spent(device: Device, *, at: dt.datetime) -> bool:
    """Whether this device has taken all its wrong PINs of the day (UTC), so that it takes none any
    more: a new PIN of somebody changes nothing there, a new pairing does.
    """
    return _wrong_today(device, at) >= DAILY


def switched_off(at: dt.datetime) -> tuple[list[str], list[str]]:
    """Whose PIN is off, and which devices take none any more today; by name. One statement."""
    people = Staff.objects.filter(pin_wrong__gte=OFF_AFTER).annotate(is_person=Value(True))
    spent = Device.objects.filter(wrong_pins__gte=DAILY, wrong_pins_on=at.date())
    devices = spent.annotate(is_person=Value(False))
    both = people.values_list("name", "is_person").union(
        devices.values_list("name", "is_person"), all=True
    )
    rows = sorted(both)
    return [name for name, is_person in rows if is_person], [
        name for name, is_person in rows if not is_person
    ]


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
        if is_spent(till, at=at):
            wrong = WrongPin(is_spent=True)
        elif person.pin_wrong >= OFF_AFTER or not person.pin_hash:
            wrong = WrongPin(is_off=True)
        elif person.pin_wait_until and at < person.pin_wait_until:
            wrong = WrongPin(wait=int((person.pin_wait_until - at).total_seconds()) + 1)
        elif (secret := _secret_of(person.pin_hash, pin)) is None:
            wrong = _count(person, till, at)
        elif secret != settings.SECRET_KEY:
            set_pin(person, pin)  # the same one, kept under the key of now
        elif person.pin_wrong:
            person.pin_wrong, person.pin_wait_until = 0, None
            person.save(update_fields=["pin_wrong", "pin_wait_until"])
    if wrong:  # raised outside, or the count would be rolled back
        raise wrong


def _wrong_today(device: Device, at: dt.datetime) -> int:
    return device.wrong_pins if device.wrong_pins_on == at.date() else 0


def _count(person: Staff, till: Device, at: dt.datetime) -> WrongPin:
    person.pin_wrong += 1
    wait = WAITS.get(person.pin_wrong, 0)
    person.pin_wait_until = at + dt.timedelta(seconds=wait) if wait else None
    person.save(update_fields=["pin_wrong", "pin_wait_until"])
    till.wrong_pins, till.wrong_pins_on = _wrong_today(till, at) + 1, at.date()
    till.save(update_fields=["wrong_pins", "wrong_pins_on"])
    is_off = person.pin_wrong >= OFF_AFTER
    if is_off:
        write(f"device:{till.pk}", "pin.turned_off", person.pk, at=at)
    left = max(0, 5 - person.pin_wrong)
    return WrongPin(tries_left=left, wait=wait, is_off=is_off, is_spent=is_spent(till, at=at))


def _secret_of(stored: str, pin: str) -> str | None:
    """Under which of the server's keys this PIN is the one that is kept; None: under none."""
    rounds, salt, expected = stored.split("$")
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if hmac.compare_digest(_hash(int(rounds), salt, pin, secret), expected):
            return secret
    return None


def _hash(rounds: int, salt: str, pin: str, secret: str) -> str:
    text = pin.encode("utf-8", "surrogatepass")
    keyed = hmac.digest(secret.encode(), text, "sha256")
    return hashlib.pbkdf2_hmac("sha256", keyed, bytes.fromhex(salt), rounds).hex()
