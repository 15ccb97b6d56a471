"""From a stranger on the bare domain to one balance, the same on the card, at the till and in the
API: what the portal is for, as one journey.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.request import Request, urlopen

from django.utils import timezone
from playwright.sync_api import Page, expect

from e2e.conftest import find, press
from e2e.test_opening import arrive, walk
from tenants import keys
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import Letter, Staff, Tenant

OWNERS_PIN, PHONE = "1357", "0501234567"


def test_a_stranger_opens_a_shop_and_everybody_sees_the_same_balance(
    apex, open_at, live_server, transactional_db
):
    owner = apex()
    walk(owner)
    arrive(owner)
    owner.get_by_label("PIN").fill(OWNERS_PIN)
    owner.get_by_role("button", name="Set my PIN").click()
    expect(owner.get_by_text("You have one.")).to_be_visible()
    tenant = Tenant.objects.get()
    home = f"http://{tenant.slug}.localhost:{live_server.thread.port}"

    till = open_at(home, "tablet")
    pair(owner, till)
    press(till, OWNERS_PIN)
    till.locator("till-desk").wait_for(state="attached")
    press(till, PHONE)
    till.locator("#name").fill("Amina Rahman")
    till.get_by_role("button", name="Make the card").click()
    expect(till.get_by_role("heading", name="Amina Rahman")).to_be_visible()
    award(till, "40")
    till.get_by_role("button", name="Undo").click()
    expect(till.locator("#strip")).to_contain_text("undone")
    find(till)
    award(till, "400")
    find(till)
    till.get_by_role("button", name="Free coffee").click()
    till.get_by_role("button", name="Give Free coffee").click()
    expect(till.get_by_role("dialog")).to_contain_text("Give it now")

    owner.goto(f"{home}/manage/members/?q=amina")
    expect(owner.locator(".people tbody tr")).to_contain_text("40")
    card = open_at(home, "phone", script=False)
    come_back(card, tenant)
    expect(card.locator(".balance b")).to_have_text("40")
    assert balance_by_the_api(home, tenant) == 40


def pair(owner: Page, till: Page) -> None:
    owner.get_by_role("link", name="Pair a tablet").click()
    code = owner.locator(".pairing-code").inner_text()
    till.goto("/till/")
    till.get_by_label("Code").fill(code)
    till.get_by_role("button", name="Pair this browser").click()
    till.get_by_role("button", name="Pair this browser").click()
    expect(till.get_by_text("Who is at the counter?")).to_be_visible()
    expect(owner.locator("#pairing")).to_contain_text("is paired")


def award(till: Page, amount: str) -> None:
    press(till, amount)
    till.get_by_role("button", name=re.compile(f"Award {amount} points")).click()
    expect(till.locator("#strip")).to_contain_text(f"+{amount}")


def come_back(card: Page, tenant: Tenant) -> None:
    """A customer who was enrolled at the counter gets her card onto her own phone."""
    card.goto("/c/back")
    card.get_by_label("Your mobile number").fill(PHONE)
    card.get_by_role("button", name="Send me the code").click()
    with inside(tenant):
        text = Letter.objects.latest("made_at").text
    card.get_by_label("The six digits").fill(re.search(r"\d{6}", text)[0])
    card.get_by_role("button", name="Open my card").click()
    card.wait_for_url("**/c")


def balance_by_the_api(home: str, tenant: Tenant) -> int:
    with inside(tenant):
        by = Actor.of_staff(Staff.objects.get())
        _, secret = keys.make("web shop", ("member:read",), (), at=timezone.now(), by=by)
    token = asked(home, "/api/v1/tokens", secret, {"scope": "member:read"})["access_token"]
    found = asked(home, f"/api/v1/members?phone={PHONE}", token)["data"]
    (member,) = found
    return int(asked(home, f"/api/v1/members/{member['id']}", token)["balance"])


def asked(home: str, path: str, bearer: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The shop's own server asks: by its address, because only browsers resolve *.localhost."""
    host = home.removeprefix("http://")
    request = Request(
        f"http://127.0.0.1:{host.rpartition(':')[2]}{path}",
        data=json.dumps(body).encode() if body else None,
        headers={
            "Host": host,
            "Authorization": f"Bearer {bearer}",
            "Content-Type": "application/json",
        },
    )
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.loads(answer.read())
