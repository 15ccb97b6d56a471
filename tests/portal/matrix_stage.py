"""The people and things of the matrix: a café where everybody is, and a spa whose things are not
theirs.
"""

from __future__ import annotations

import datetime as dt
import secrets as random
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY as WHOSE,
)
from allauth.account.internal.flows.login import (
    AUTHENTICATION_METHODS_SESSION_KEY as METHODS,
)
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.utils import timezone

from loyalty import adjustments, redemptions, rewards
from loyalty.enrolment import new_link
from loyalty.models import Tier
from loyalty.numbers import new_code
from loyalty.purchases import record
from tenants import invitations, people, secrets, sessions
from tenants.actors import Actor
from tenants.context import inside
from tenants.ids import uuid7
from tenants.models import Logo, Staff
from tenants.prefixed import spell
from tenants.testing import make, make_tenant
from tests.conftest import PIN, Shop
from tests.portal.apis import make_key, token_of
from tests.portal.matrix import (
    CARD,
    CLERK,
    KEY,
    LOCKED,
    MANAGER,
    MEMBER,
    OWNER,
    SECRET,
    STRANGER,
    TILL,
    Person,
)

HOUR = dt.timedelta(hours=1)


@dataclass
class Stage:
    """Who asks, for what is theirs, for what is a neighbour's and for what is nowhere."""

    host: str
    people: dict[str, Person]
    own: dict[str, Any]
    foreign: dict[str, Any]
    missing: dict[str, Any] = field(default_factory=dict)


def staged(cafe: Shop, spa: Shop) -> Stage:
    at_work = people_of(cafe)
    own = things_of(cafe, at_work[OWNER])
    foreign = things_of(spa, Person(OWNER, signed_in(spa, spa.owner)))
    return Stage(cafe.host, at_work, own, foreign, {k: nowhere(k, v) for k, v in own.items()})


def people_of(shop: Shop) -> dict[str, Person]:
    now = timezone.now()
    with inside(shop.tenant):
        by = Actor.of_staff(shop.owner)
        card = new_link(shop.member)
        clerk, manager = (
            people.employ(role, role, user=people.user_with(f"{role}@x.example"), at=now, by=by)
            for role in (Staff.Role.CASHIER, Staff.Role.MANAGER)
        )
    till = Client(HTTP_HOST=shop.host)
    till.cookies["device"] = shop.token
    assert till.post("/till/person/", {"person": shop.cashier.pk, "pin": PIN}).status_code == 303
    key, secret = make_key(shop)
    bearer = {
        KEY: token_of(shop, key),
        MEMBER: token_of(shop, key, member=shop.member),
        SECRET: secret,
    }
    cookies = {
        STRANGER: {},
        CARD: {"card": card},
        LOCKED: {"device": shop.token},
        TILL: {name: each.value for name, each in till.cookies.items()},
        CLERK: signed_in(shop, clerk),
        MANAGER: signed_in(shop, manager),
        OWNER: signed_in(shop, shop.owner),
    }
    found = {name: Person(name, kept) for name, kept in cookies.items()}
    for name, credential in bearer.items():
        found[name] = Person(name, {}, {"Authorization": f"Bearer {credential}"})
    return found


def signed_in(shop: Shop, staff: Staff) -> dict[str, str]:
    """The cookies of somebody who has just come in by her link."""
    with inside(shop.tenant):
        link = secrets.mint(secrets.SIGN_IN, staff.user_id, HOUR, at=timezone.now())
    browser = Client(HTTP_HOST=shop.host)
    assert browser.post(f"/accounts/link/{link}/").status_code == 303
    with inside(shop.tenant):  # as if she had just typed a code
        session = sessions.SessionStore(browser.cookies["sessionid"].value)
        session[METHODS] = [{"method": "code", "at": time.time()}]
        session[WHOSE] = str(staff.user_id)
        session.save()
    return {name: each.value for name, each in browser.cookies.items()}


def things_of(shop: Shop, owner: Person) -> dict[str, Any]:
    """One of everything that a URL can name, by what the rows call it."""
    now, by = timezone.now(), Actor.of_staff(shop.owner)
    sister = make_tenant(f"{shop.tenant.slug}-sister")
    with inside(sister):
        people.employ("o", Staff.Role.OWNER, user=shop.owner.user, at=now, by=by)
        make_front()
    with inside(shop.tenant):
        sale = record(shop.member, 5000, at=now, by=shop.till, key="matrix").purchase
        adjustments.adjust(shop.member, 100, reason="x", at=now, by=by, key="matrix-1")
        reward = rewards.create(shop.program, "item", "Coffee", at=now, by=by, cost=20, value=900)
        wish = {"at": now, "by": by, "key": "matrix-2", "use": False}
        voucher = redemptions.redeem(shop.member, reward, **wish).voucher
        tier = Tier.objects.create(program=shop.program, name="Gold", threshold=500)
        logo = make(Logo, kind="image/png", digest=random.token_hex(32))
        invitation, asked = invitations.invite(
            f"new@{shop.tenant.slug}.example", "New", Staff.Role.MANAGER, at=now, by=by
        )
        TOTP.activate(shop.owner.user, generate_totp_secret())
        RecoveryCodes.activate(shop.owner.user)
        passkey = Authenticator.objects.create(
            user=shop.owner.user,
            type=Authenticator.Type.WEBAUTHN,
            data={"name": "Phone", "credential": {}},
        )
        return {
            "member": shop.member.pk,
            "sale": sale.pk,
            "voucher": voucher.pk,
            "reward": reward.pk,
            "tier": tier.pk,
            "invitation": invitation.pk,
            "person": shop.cashier.pk,
            "device": shop.device.pk,
            "logo": logo.digest,
            "code": shop.member.code,
            "passkey": passkey.pk,
            "other_shop": sister.pk,
            "session": sessions.mark(owner.cookies["sessionid"]),
            "asked": asked,
            "sign_in": secrets.mint(secrets.SIGN_IN, shop.owner.user_id, HOUR, at=now),
            "hand_over": secrets.mint(secrets.HAND_OVER, shop.owner.user_id, HOUR, at=now),
            "pairing": secrets.mint(secrets.PAIR, shop.location.pk, HOUR, at=now),
            "card_link": secrets.mint(secrets.CARD, shop.member.pk, HOUR, at=now),
            "api_member": spell("mem", shop.member.pk),
            "api_sale": spell("pur", sale.pk),
            "api_voucher": spell("rdm", voucher.pk),
        }


def make_front() -> None:
    """A shop that has a name, and nothing else."""
    from tenants.models import Shop as Front

    make(Front, name="Sister")


def nowhere(kind: str, value: Any) -> Any:
    """Such a thing that nobody has."""
    if isinstance(value, UUID):
        return uuid7()
    if isinstance(value, int):
        return 999_999_999
    if kind == "code":
        return new_code()
    if kind.startswith("api_"):
        return spell(value.partition("_")[0], uuid7())
    return "".join(random.choice("0123456789abcdef") for _ in value)
