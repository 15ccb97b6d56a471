"""Opens shops on a stage, by the real verbs: `python -m tests.faults.people`, a command a line.

It runs beside the portal, logged in as the portal is, and answers each line of JSON with one.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sys
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.db import close_old_connections
from django.utils import timezone

from loyalty import enrolment
from loyalty.opening import open_shop
from tenants import secrets as one_time
from tenants.actors import Actor
from tenants.context import inside
from tenants.devices import pair
from tenants.models import Staff
from tenants.people import employ
from tenants.pins import set_pin

PIN = "739146"
DAY = dt.timedelta(days=1)
LETTERS = "bdfgjkmpqvxz"  # no word of any page is made of these


def canary() -> str:
    """A word that stands nowhere else in the world."""
    return "".join(secrets.choice(LETTERS) for _ in range(9)).capitalize()


def opened(*, shops: int, tills: int, members: int, plan: str) -> list[dict[str, Any]]:
    """New shops, each with tills, a person who may unlock them, and members.

    The last digits of phones are the same in each shop, so that who searches by them finds the
    neighbour's members as soon as nothing stands between.
    """
    return [_shop(tills, members, plan) for _ in range(shops)]


def _shop(tills: int, members: int, plan: str) -> dict[str, Any]:
    word, slug = canary(), f"shop-{secrets.token_hex(4)}"
    now = timezone.now()
    made = open_shop(
        slug,
        name=f"{word} Café",
        email=f"{word.lower()}@shop.example",
        owner_name=f"{word} Owner",
        country="AE",
        at=now,
        plan=plan,
    ).opened
    area = secrets.randbelow(900) + 100
    with inside(made.tenant):
        by = Actor.of_staff(made.owner)
        sam = employ("Sam", Staff.Role.MANAGER, at=now, by=by)
        set_pin(sam, PIN)
        paired = [pair(f"Till {each}", made.location, at=now) for each in range(tills)]
        people, words = [], [word]
        for each in range(members):
            name, digits = canary(), f"{4000 + each}"
            phone = f"+97150{area}{digits}"
            member = enrolment.enrol(name=f"{name} Haddad", phone=phone, at=now, by=by)
            people.append({"id": str(member.pk), "digits": digits, "name": name, "phone": phone})
            words += [name, phone.removeprefix("+971")]
        return {
            "slug": slug,
            "host": f"{slug}.localhost",
            "tenant": str(made.tenant.pk),
            "person": str(sam.pk),
            "pin": PIN,
            "tills": [
                {
                    "id": str(device.pk),
                    "token": token,
                    "card": enrolment.new_link(member),
                    "link": one_time.mint(one_time.SIGN_IN, made.owner.user_id, DAY, at=now),
                }
                for device, token in paired
            ],
            "members": people,
            "canaries": words,
        }


def main() -> None:
    for line in sys.stdin:
        close_old_connections()
        sys.stdout.write(json.dumps(opened(**json.loads(line))) + "\n")
        sys.stdout.flush()
        close_old_connections()


if __name__ == "__main__":
    main()
