"""Every screen of the product by name: who sees it, at which address, and what to press there.

The walk over all pages (test_every_page.py) and `manage.py screenshots` go by this one list, and a
test holds that no page of the URLconf is missing from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.urls import reverse
from playwright.sync_api import Error, Page

from tenants import secrets
from tests.scene import (
    APEX,
    ASKED,
    CLAIMING,
    COMING_BACK,
    CUSTOMER,
    DEVICE,
    HALFWAY,
    LEAVING,
    MANAGER,
    ON_APEX,
    OPENED,
    OWNER,
    PEOPLE,
    SIGNING_IN,
    STARTING,
    STRANGER,
    TILL,
    Scene,
)

SIZES = {"phone": (390, 844), "tablet": (1024, 768), "desk": (1440, 900)}
# A language, and whether it is dark.
Look = tuple[str, bool]
# Any two of size, direction and look come together once: a page is shown in all of these ways.
WAYS: list[tuple[str, Look]] = [
    ("phone", ("en", False)),
    ("tablet", ("bn", True)),
    ("desk", ("ar", True)),
    ("phone", ("ar", True)),
    ("tablet", ("ar", False)),
    ("desk", ("en", False)),
]

Press = Callable[[Page, Scene], None]


def _nothing(page: Page, scene: Scene) -> None:
    """A screen that is there as soon as it is opened."""


@dataclass(frozen=True)
class Screen:
    """`route` is the name of its URL, `args` what that needs; `path` where nothing is at all;
    `status` what it is answered with.
    """

    name: str
    who: str
    route: str = ""
    args: Callable[[Scene], Mapping[str, Any]] = lambda scene: {}
    query: str = ""
    press: Press = _nothing
    path: str = ""
    status: int = HTTPStatus.OK

    def open(self, page: Page, scene: Scene, language: str) -> None:
        """Show it in this browser. Raises Error where something else comes instead."""
        url = self.url(scene, language)
        answer = page.goto(url)
        if answer is None or answer.status != self.status:
            raise Error(f"it answers {answer and answer.status}")
        if urlsplit(page.url).path != urlsplit(url).path:
            raise Error(f"it leads to {page.url}")
        self.press(page, scene)

    def url(self, scene: Scene, language: str) -> str:
        urlconf = "portal.site.urls" if self.who in ON_APEX else "portal.urls"
        path = self.path or reverse(self.route, urlconf, kwargs=dict(self.args(scene)))
        query = f"{self.query}&lang={language}" if self.query else f"lang={language}"
        return f"{scene.url(self.who)}{path}?{query}"


def of(who: str) -> list[Screen]:
    return [screen for screen in SCREENS if screen.who == who]


def everybody() -> Iterator[tuple[str, list[Screen]]]:
    yield from ((who, of(who)) for who in PEOPLE if of(who))


# What is pressed --------------------------------------------------------------------------------


def keys(page: Page, digits: str) -> None:
    for digit in digits:
        page.locator(f"key-pad button[value='{digit}']").click()


def _searching(page: Page, scene: Scene) -> None:
    keys(page, "32")
    keys(page, "1")  # of 4321, whom the scene enrolled: three digits do not open the only one
    page.locator(".hit").first.wait_for()


def _typing(page: Page, scene: Scene) -> None:
    keys(page, "24")
    page.locator("#act button:enabled").wait_for()


def _awarded(page: Page, scene: Scene) -> None:
    _typing(page, scene)
    page.locator("#act button:enabled").click()
    page.locator(".receipt").wait_for()


def _wrong_pin(page: Page, scene: Scene) -> None:
    page.locator(".crew label", has_text=scene.shop.cashier.name).click()
    keys(page, "0" * len(scene.pin))
    page.locator("#tries svg").wait_for()


def _unfolded(page: Page, scene: Scene) -> None:
    page.locator("main details summary").first.click()


# What addresses need ----------------------------------------------------------------------------


def made(name: str, argument: str = "pk") -> Callable[[Scene], Mapping[str, Any]]:
    return lambda scene: {argument: scene.made[name]}


def secret(purpose: str, name: str) -> Callable[[Scene], Mapping[str, Any]]:
    """A link of its own, because most open a door once; `name` is whose, in scene.made."""
    return lambda scene: {"secret": scene.link(purpose, scene.made[name])}


def part_(part: str) -> Callable[[Scene], Mapping[str, Any]]:
    return lambda scene: {"part": part}


def gone(scene: Scene) -> Mapping[str, Any]:
    return {"secret": "none"}


# The list ---------------------------------------------------------------------------------------

SCREENS = [
    # The apex.
    Screen("site-home", APEX, "home"),
    Screen("start", APEX, "start"),
    Screen("start-code", ASKED, "start_code"),
    Screen("start-address", STARTING, "start_address"),
    Screen("start-program", STARTING, "start_program"),
    Screen("start-brand", STARTING, "start_brand"),
    Screen("start-open", OPENED, "start_open"),
    Screen("find-my-shop", APEX, "find"),
    Screen("site-outbox", APEX, "outbox"),
    Screen("site-missing", APEX, path="/nowhere/", status=HTTPStatus.NOT_FOUND),
    # Whoever comes to the shop.
    Screen("shop", STRANGER, "card:shop"),
    Screen("join", STRANGER, "card:join"),
    Screen("join-by-email", STRANGER, "card:join", query="by=email"),
    Screen("card-link", STRANGER, "card:link", secret(secrets.CARD, "member")),
    Screen("card-link-gone", STRANGER, "card:link", gone, status=HTTPStatus.GONE),
    Screen("come-back", STRANGER, "card:back"),
    Screen("come-back-code", COMING_BACK, "card:back_code"),
    Screen("missing", STRANGER, path="/nowhere/", status=HTTPStatus.NOT_FOUND),
    Screen("outbox", STRANGER, "outbox"),
    Screen("styleguide", STRANGER, "styleguide"),
    Screen("api-docs", STRANGER, "api:docs"),
    # The doors.
    Screen("sign-in", STRANGER, "account_login"),
    Screen("sign-in-code", SIGNING_IN, "account_confirm_login_code"),
    Screen("sign-in-link", STRANGER, "account_link", secret(secrets.SIGN_IN, "owner")),
    Screen("sign-in-link-gone", STRANGER, "account_link", gone, status=HTTPStatus.GONE),
    Screen("arrive", STRANGER, "account_arrive", secret(secrets.HAND_OVER, "owner")),
    Screen("arrive-gone", STRANGER, "account_arrive", gone, status=HTTPStatus.GONE),
    Screen("invited", STRANGER, "account_join", made("invited", "secret")),
    Screen("invited-gone", STRANGER, "account_join", gone, status=HTTPStatus.GONE),
    Screen("second-proof", HALFWAY, "mfa_authenticate"),
    Screen("account", OWNER, "account"),
    Screen("account-with-factors", MANAGER, "account"),
    Screen("account-leave", OWNER, "account_leave"),
    Screen("reauthenticate", OWNER, "account_reauthenticate"),
    Screen("change-email", OWNER, "account_email"),
    Screen("change-email-code", MANAGER, "account_email_code"),
    Screen("passkey-add", OWNER, "mfa_add_webauthn"),
    Screen("passkey", MANAGER, "mfa_edit_webauthn", made("passkey")),
    Screen("passkey-remove", MANAGER, "mfa_remove_webauthn", made("passkey")),
    Screen("app-add", OWNER, "mfa_activate_totp"),
    Screen("app-remove", MANAGER, "mfa_deactivate_totp"),
    Screen("recovery-codes", MANAGER, "mfa_view_recovery_codes"),
    Screen("recovery-codes-new", MANAGER, "mfa_generate_recovery_codes"),
    # The owner's face.
    Screen("manage-home", OWNER, "manage:home"),
    Screen("manage-members", OWNER, "manage:members"),
    Screen("manage-members-nobody", OWNER, "manage:members", query="q=nobody-at-all"),
    Screen("manage-enrol", OWNER, "manage:enrol"),
    Screen("manage-member", OWNER, "manage:member", made("member"), press=_unfolded),
    Screen("manage-member-new", OWNER, "manage:member", made("new")),
    Screen("manage-member-rewards", OWNER, "manage:member_rewards", made("member")),
    Screen("manage-member-profile", OWNER, "manage:profile", made("member")),
    Screen("manage-member-privacy", OWNER, "manage:privacy", made("member")),
    Screen("manage-adjust", OWNER, "manage:adjust", made("member")),
    Screen("manage-erase", OWNER, "manage:erase", made("member")),
    Screen("manage-sale", OWNER, "manage:sale", made("sale")),
    Screen("manage-sale-undone", OWNER, "manage:sale", made("undone")),
    Screen("manage-start", OWNER, "manage:start"),
    Screen("manage-poster", OWNER, "manage:poster"),
    Screen("manage-program", OWNER, "manage:program"),
    Screen("manage-rewards", OWNER, "manage:rewards"),
    Screen("manage-reward-kinds", OWNER, "manage:reward_new"),
    Screen("manage-reward-new", OWNER, "manage:reward_new", query="kind=item"),
    Screen("manage-reward", OWNER, "manage:reward", made("reward")),
    Screen("manage-tiers", OWNER, "manage:tiers"),
    Screen("manage-tier-new", OWNER, "manage:tier_new"),
    Screen("manage-tier", OWNER, "manage:tier", made("tier")),
    Screen("manage-team", OWNER, "manage:team"),
    Screen("manage-person-add", OWNER, "manage:person_add"),
    Screen("manage-invite", OWNER, "manage:invite"),
    Screen("manage-person", OWNER, "manage:person", made("cashier")),
    Screen("manage-part", OWNER, "manage:part", made("colleague")),
    Screen("manage-person-remove", OWNER, "manage:person_remove", made("cashier")),
    Screen("manage-devices", OWNER, "manage:devices"),
    Screen("manage-pair", OWNER, "manage:pair"),
    Screen("manage-device", OWNER, "manage:device", made("device")),
    Screen("manage-device-revoke", OWNER, "manage:device_revoke", made("device")),
    Screen("manage-settings", OWNER, "manage:settings"),
    *(
        Screen(f"manage-settings-{part}", OWNER, "manage:settings_part", part_(part))
        for part in ("words", "languages", "contact", "till", "place")
    ),
    # The till.
    Screen("till-unpaired", STRANGER, "till:till"),
    Screen("till-pair", STRANGER, "till:pair", secret(secrets.PAIR, "location")),
    Screen("till-pair-gone", STRANGER, "till:pair", gone, status=HTTPStatus.GONE),
    Screen("till-locked", DEVICE, "till:till"),
    Screen("till-wrong-pin", DEVICE, "till:till", press=_wrong_pin),
    Screen("till-ready", TILL, "till:till"),
    Screen("till-search", TILL, "till:till", press=_searching),
    Screen("till-members", TILL, "till:members", query="q=4567"),
    Screen("till-newcomer", TILL, "till:newcomer", query="q=0501112233"),
    Screen("till-join", TILL, "till:join"),
    Screen("till-sale", TILL, "till:member", made("member"), press=_typing),
    Screen("till-awarded", TILL, "till:member", made("member"), press=_awarded),
    Screen("till-rewards", TILL, "till:rewards", made("member")),
    Screen("till-last-ten", TILL, "till:purchases"),
    Screen("till-purchase", TILL, "till:purchase", made("sale")),
    Screen("till-shift", TILL, "till:shift"),
    Screen("till-training", TILL, "till:training"),
    Screen("till-training-member", TILL, "till:training_member"),
    Screen("till-training-rewards", TILL, "till:training_rewards"),
    Screen("till-training-awarded", TILL, "till:training_member", press=_awarded),
    # The customer.
    Screen("card", CUSTOMER, "card:card", press=_unfolded),
    Screen("card-unbound", CLAIMING, "card:card"),
    Screen("card-leaving", LEAVING, "card:card"),
    Screen("card-confirm", CLAIMING, "card:confirm"),
    Screen("card-add", CUSTOMER, "card:add"),
    Screen("card-use", CUSTOMER, "card:use", made("reward", "reward")),
    Screen("card-history", CUSTOMER, "card:history"),
    Screen("card-me", CUSTOMER, "card:me"),
    Screen("card-privacy", CUSTOMER, "card:privacy"),
    Screen("card-leave", CUSTOMER, "card:leave"),
    Screen("card-leave-code", CUSTOMER, "card:leave", query="sent=1"),
]

# URLs that show a browser no page by themselves, and why. One that only takes POST says so to
# whoever asks (405) and need not stand here.
NO_SCREEN = {
    "theme": "a style sheet",
    "logo": "a picture",
    "start_theme": "a style sheet",
    "start_logo": "a picture",
    "styleguide_papers": "a style sheet",
    "card:scanned": "leads from the code on a card to where it is of use",
    "card:data_json": "a file",
    "card:data_csv": "a file",
    "manage:export": "a file",
    "manage:export_csv": "a file",
    "manage:poster_code": "a picture",
    "manage:settings_colour": "a style sheet",
    "manage:slip": "a PIN, once, after it was made",
    "manage:rehearsal": "the rehearsal's part of the program's page",
    "manage:counter": "a piece of home, asked for every ten seconds",
    "manage:chips": "a piece of the members' list, counted when it is there",
    "till:still": "nothing, asked for by a till that lies open",
    "till:quote": "a line of the sale, asked for while it is typed",
    "till:training_quote": "the same in training",
    "till:training_members": "the hits of training",
    "mfa_login_webauthn": "what the passkey's key asks for",
}
