"""A shop with something on every page, and the cookies of everybody who comes to one.

Whoever comes is let in once, over the same doors as in life; a browser then only carries the
cookies, so a walk over all pages signs in once for each person and not once for each page.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import uuid4

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.utils import timezone

from loyalty import consents, drafts, ladders, purchases, redemptions, refunds, rewards, tasks
from loyalty.enrolment import enrol, new_link
from loyalty.models import Consent, Identifier
from tenants import invitations, people, secrets
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import Letter, SignUp, Staff
from tests.conftest import PIN, Shop, make_shop
from tests.forms import forms_of

HOUR = dt.timedelta(hours=1)

# On the apex: who is new, waits for her code, is on her way, and has opened a shop.
APEX, ASKED, STARTING, OPENED = "apex", "asked", "starting", "opened"
# On the shop's host: who is nobody yet, waits for the code to sign in, or to her card.
STRANGER, SIGNING_IN, COMING_BACK = "stranger", "signing in", "coming back"
# The owner; a manager with a passkey and an app; the same one, asked for the app's code.
OWNER, MANAGER, HALFWAY = "owner", "manager", "halfway"
TILL, DEVICE = "till", "device"
# Whose card is bound, who claims a number that is somebody's, and who asked to be erased.
CUSTOMER, CLAIMING, LEAVING = "customer", "claiming", "leaving"

ON_APEX = (APEX, ASKED, STARTING, OPENED)
PEOPLE = (
    *ON_APEX, STRANGER, SIGNING_IN, COMING_BACK, OWNER, MANAGER, HALFWAY, TILL, DEVICE, CUSTOMER,
    CLAIMING, LEAVING,
)  # fmt: skip

MANAGERS_ADDRESS = "maya@people.example"


@dataclass
class Scene:
    """`made` holds what pages are about, by name, for the arguments of their addresses; `port` is
    where the portal answers, 0 where nobody asks over the network.
    """

    shop: Shop
    port: int = 0
    pin: str = PIN
    made: dict[str, object] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)

    def host(self, who: str) -> str:
        name = "localhost" if who in ON_APEX else self.shop.host
        return f"{name}:{self.port}" if self.port else name

    def url(self, who: str) -> str:
        return f"http://{self.host(who)}"

    def link(self, purpose: str, subject: object) -> str:
        with inside(self.shop.tenant):
            return secrets.mint(purpose, subject, HOUR, at=timezone.now())

    def client(self, who: str) -> Client:
        """A browser without a screen, in which this person is."""
        if who not in self.clients:
            client = Client(HTTP_HOST=self.host(who))
            DOORS[who](self, client)
            self.clients[who] = client
        return self.clients[who]

    def cookies(self, who: str) -> list[dict[str, str]]:
        """The same person's cookies, as a browser with a screen takes them."""
        kept = self.client(who).cookies.items()
        return [{"name": n, "value": c.value, "url": self.url(who)} for n, c in kept if c.value]


def furnished(shop: Shop, port: int = 0, *, pin: str = PIN) -> Scene:
    """A scene in `shop`: sales, one of them taken back, a reward that was given, one too dear, and
    somebody who has bought nothing yet; a customer who has proved her number and allowed letters;
    who was asked to work here, and who manages; a draft of the program that waits for its day.
    """
    scene = Scene(shop, port, pin)
    at = timezone.now()
    with inside(shop.tenant):
        for name, total in (("sale", 24_500), ("undone", 900)):
            sale = purchases.record(shop.member, total, at=at, by=shop.till, key=str(uuid4()))
            scene.made[name] = sale.purchase.pk
        refunds.void(sale.purchase, at=at, by=shop.till, key=str(uuid4()))
        given = rewards.create(
            shop.program, "item", "Any coffee", at=at, by=shop.till, cost=20, value=1800
        )
        rewards.create(
            shop.program, "item", "Breakfast", at=at, by=shop.till, cost=9_000, value=7500
        )
        redeemed = redemptions.redeem(shop.member, given, at=at, by=shop.till, key=str(uuid4()))
        new = enrol(name="Nour Said", phone="0507654321", at=at, by=shop.till)
        owner = Actor.of_staff(shop.owner)
        colleague = people.employ(
            "Maya", Staff.Role.MANAGER, user=people.user_with(MANAGERS_ADDRESS), at=at, by=owner
        )
        tier = ladders.create(
            shop.program, at=at, by=owner, name="Regular", threshold=0, multiplier=Decimal(1)
        )
        invitation, invited = invitations.invite(
            "new@people.example", "Farah", Staff.Role.MANAGER, at=at, by=owner
        )
        Identifier.objects.filter(member=shop.member.pk).update(verified_at=at)
        consents.give(shop.member, Consent.Purpose.MARKETING, at=at, by=shop.till)
        _draft(shop, at)
    scene.made |= {
        "owner": shop.owner.user_id,
        "location": shop.location.pk,
        "member": shop.member.pk,
        "new": new.pk,
        "reward": given.pk,
        "voucher": redeemed.voucher.pk,
        "tier": tier.pk,
        "cashier": shop.cashier.pk,
        "colleague": colleague.pk,
        "device": shop.device.pk,
        "invitation": invitation.pk,
        "invited": invited,
    }
    return scene


def _draft(shop: Shop, at: dt.datetime) -> None:
    """Rehearsed, changed since, and on its way: what can be done with any draft can be done."""
    owner, now = Actor.of_staff(shop.owner), drafts.in_force(shop.program)
    seen = drafts.seen(drafts.open_draft(shop.program), now)
    first, *others = now.rules
    for more in (1, 2):
        wanted = drafts.Said([first | {"points": first["points"] + more}, *others], now.policy)
        draft = drafts.edit(shop.program, wanted, seen_as=seen, at=at, by=owner)
        assert draft
        seen = drafts.seen(draft, now)
        if more == 1:
            tasks.rehearse_draft(draft=str(draft.pk), version=draft.version, at=at.isoformat())
    day = timezone.localdate(at) + dt.timedelta(days=30)
    drafts.schedule(shop.program, day, seen_as=seen, at=at, by=owner)


# How everybody comes to be there ----------------------------------------------------------------


def _as_one_comes(scene: Scene, client: Client) -> None:
    """Nothing is needed."""


def _asked(scene: Scene, client: Client) -> None:
    answer(client, "/start/", name="Corner Bakery", email=f"{uuid4()}@corner.example", country="AE")


def _starting(scene: Scene, client: Client) -> None:
    email = f"{uuid4()}@corner.example"
    answer(client, "/start/", name="Corner Bakery", email=email, country="AE")
    SignUp.objects.filter(email=email).update(confirmed_at=timezone.now())
    answer(client, "/start/address/", slug=f"corner-{uuid4().hex[:8]}")
    answer(client, "/start/program/", preset="points")


def _opened(scene: Scene, client: Client) -> None:
    _starting(scene, client)
    answer(client, "/start/brand/", colour="#0a6847")


def _signing_in(scene: Scene, client: Client) -> None:
    answer(client, "/accounts/login/", email="somebody@people.example")


def _coming_back(scene: Scene, client: Client) -> None:
    answer(client, "/c/back?by=email", email="somebody@people.example")


def _owner(scene: Scene, client: Client) -> None:
    """In two browsers, and at work in another shop too."""
    _by_code(scene, Client(HTTP_HOST=scene.host(OWNER)), scene.shop.owner.user.email)
    _by_code(scene, client, scene.shop.owner.user.email)
    user, other = scene.shop.owner.user, make_shop(f"branch-{uuid4().hex[:8]}")
    with inside(other.tenant):
        by = Actor.of_staff(other.owner)
        people.employ("Owner", Staff.Role.MANAGER, user=user, at=timezone.now(), by=by)
    scene.made["branch"] = other.tenant.pk


def _manager(scene: Scene, client: Client) -> None:
    """In before she has an app: who has one is asked for its code (HALFWAY)."""
    _by_code(scene, client, MANAGERS_ADDRESS)
    user = people.user_with(MANAGERS_ADDRESS)
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    told = {"name": "Counter iPad", "credential": {"clientExtensionResults": {}}}
    passkey, _ = Authenticator.objects.get_or_create(
        user=user, type=Authenticator.Type.WEBAUTHN, defaults={"data": told}
    )
    scene.made["passkey"] = passkey.pk
    answer(client, "/accounts/email/", email="maya.new@people.example")


def _by_code(scene: Scene, client: Client, email: str) -> None:
    """By a code, because a link is no proof of who presses it, and many pages want one."""
    answer(client, "/accounts/login/", email=email)
    with inside(scene.shop.tenant):
        letter = Letter.objects.filter(to=email).latest("made_at")
    code = re.search(r"\b[0-9A-Z]{3,4}-?[0-9A-Z]{3,4}\b", letter.text)
    assert code, letter.text
    answer(client, "/accounts/login/code/", code=code[0])


def _halfway(scene: Scene, client: Client) -> None:
    scene.client(MANAGER)
    secret = scene.link(secrets.SIGN_IN, people.user_with(MANAGERS_ADDRESS).pk)
    assert client.post(f"/accounts/link/{secret}/").status_code == 303


def _device(scene: Scene, client: Client) -> None:
    client.cookies["device"] = scene.shop.token


def _till(scene: Scene, client: Client) -> None:
    _device(scene, client)
    told = {"person": scene.shop.cashier.pk, "pin": scene.pin}
    assert client.post("/till/person/", told).status_code == 303


def _customer(scene: Scene, client: Client) -> None:
    with inside(scene.shop.tenant):
        client.cookies["card"] = new_link(scene.shop.member)


def _claiming(scene: Scene, client: Client) -> None:
    """A number that is somebody's, and an address, to which a code was sent."""
    answer(client, "/j", phone="050 765 4321")
    answer(client, "/c/add?by=email", email="nour@people.example")


def _leaving(scene: Scene, client: Client) -> None:
    answer(client, "/j?by=email", email="leila@people.example", name="Leila")
    answer(client, "/c/leave", sure="on")


DOORS = {
    APEX: _as_one_comes,
    ASKED: _asked,
    STARTING: _starting,
    OPENED: _opened,
    STRANGER: _as_one_comes,
    SIGNING_IN: _signing_in,
    COMING_BACK: _coming_back,
    OWNER: _owner,
    MANAGER: _manager,
    HALFWAY: _halfway,
    DEVICE: _device,
    TILL: _till,
    CUSTOMER: _customer,
    CLAIMING: _claiming,
    LEAVING: _leaving,
}


def answer(client: Client, path: str, **said: str) -> None:
    """Send the form of this page that asks for all of `said`, as it is for the rest; it must be
    accepted.
    """
    page = client.get(path)
    assert page.status_code == 200, f"{path} answers {page.status_code}"
    forms = [f for f in forms_of(page.content.decode(), path) if said.keys() <= f.fields.keys()]
    assert forms, f"{path} has no form with {', '.join(said)}"
    told = client.post(forms[0].action, forms[0].sent() | said)
    assert told.status_code == 303, f"{path} answers {told.status_code} to {said}"
