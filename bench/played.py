"""The demo's two shops behind the real servers, and a browser, for what is measured or taken there.

The database is made for it and dropped again; files are as collectstatic leaves them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.cpu import web
from bench.stage import analyze, close_connections, stage
from portal import browser as chromium
from portal.home import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from loyalty.models import Member
    from tests.conftest import Shop
    from tests.scene import Scene

LANGUAGES = ("en", "ar", "bn")


@contextmanager
def played() -> Iterator[tuple[list[Scene], Browser]]:
    """The demo's shops, furnished, behind real servers, and a browser."""
    path = os.environ.get(chromium.NAMED) or chromium.ensure()
    # Playwright's own loop runs in this thread, where Django then fears for the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with stage() as environment:
        collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
        subprocess.run(collect, cwd=ROOT, check=True)
        from django.conf import settings

        settings.RATE_LIMITS = False  # in this process too, in which everybody is let in
        with web({**environment, "RATE_LIMITS": "0"}, workers=2) as (port, _):
            scenes = demo(port)
            analyze(environment)
            from playwright.sync_api import sync_playwright

            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=path,
                    args=["--no-sandbox"] if os.geteuid() == 0 else [],
                )
                try:
                    yield scenes, browser
                finally:
                    close_connections()  # those of this loop, which stage() does not see
                    browser.close()


def demo(port: int) -> list[Scene]:
    """The demo's two shops with all languages, a till each, and something on every page."""
    from django.utils import timezone

    from loyalty import demo
    from tests.scene import furnished

    for _ in demo.seed(at=timezone.now()):
        pass
    return [furnished(shop(each.slug), port, pin=demo.PIN) for each in demo.SHOPS]


def shop(slug: str) -> Shop:
    """A shop of the demo as the tests know one."""
    from django.utils import timezone

    from loyalty.models import Program
    from tenants import shops
    from tenants.context import inside
    from tenants.devices import pair
    from tenants.models import Location, Staff, Tenant
    from tests.conftest import Shop

    tenant = Tenant.objects.get(slug=slug)
    with inside(tenant):
        shops.change(languages=list(LANGUAGES))
        location = Location.objects.order_by("pk")[0]
        device, token = pair("Counter", location, at=timezone.now())
        return Shop(
            tenant=tenant,
            program=Program.objects.get(),
            location=location,
            owner=Staff.objects.filter(role=Staff.Role.OWNER)[0],
            cashier=Staff.objects.filter(role=Staff.Role.CASHIER)[0],
            device=device,
            token=token,
            member=_regular(),
        )


def _regular() -> Member:
    """Who was here last, of those whose name needs no font that the page would not have anyway:
    machines without fonts of their own for Arabic and Bengali fetch ours.
    """
    from loyalty.models import Account

    named = Account.objects.filter(member__name__regex=r"^[ -~]+$")
    return named.order_by("-last_activity").select_related("member")[0].member


def forget_guesses(scene: Scene) -> None:
    """Limits are lifted: every letter and every guess would count towards them."""
    from tenants.context import inside
    from tenants.models import Guess, SiteGuess

    SiteGuess.objects.all().delete()
    with inside(scene.shop.tenant):
        Guess.objects.all().delete()
