"""What people do at a shop, for the matrix, one feature each: how it ended and how long it took."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Any

from portal.home import ROOT
from tests.faults.clients import PIECE, Browser, NoAnswer
from tests.faults.stage import Stage

LINES = 40  # sales in a file
BATCH = 5


@dataclass(frozen=True)
class Answer:
    """`status` is 0 where nothing came at all."""

    status: int
    seconds: float
    body: str = ""
    retry_after: str = ""

    @property
    def is_fine(self) -> bool:
        return self.status in (200, 303)

    @property
    def is_503(self) -> bool:
        """A clean refusal: our own page, and when to come again."""
        return self.status == 503 and self.retry_after.isdigit() and 'class="say"' in self.body


class Desk:
    """A shop with its till unlocked, its owner signed in and a customer at her card."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        (self.shop,) = stage.open_shops(1, tills=2, members=8)
        first, second = self.shop["tills"]
        till = {"device": first["token"], "card": first["card"]}
        self.browser = Browser(stage.port, self.shop["host"], till)
        self.owner = Browser(stage.port, self.shop["host"], {})
        self.guesser = Browser(stage.port, self.shop["host"], {"device": second["token"]})
        self.browser.ask("GET", "/till/")
        self.guesser.ask("GET", "/till/")
        assert self.login().is_fine
        link = f"/accounts/link/{first['link']}/"
        self.owner.ask("GET", link)
        self.owner.ask("POST", link, {})
        for feature in (self.award, self.search, self.card, self.home):
            assert feature().is_fine, feature

    def close(self) -> None:
        for browser in (self.browser, self.owner, self.guesser):
            browser.close()

    def _ask(
        self, browser: Browser, method: str, path: str, form: Any = None, **headers: str
    ) -> Answer:
        began = time.monotonic()
        try:
            status, told, body = browser.ask(method, path, form, **headers)
        except NoAnswer:
            status, told, body = 0, {}, ""
        if "hx-redirect" in told:
            status = 401  # the till locked itself
        return Answer(status, time.monotonic() - began, body, told.get("retry-after", ""))

    def award(self, key: str = "") -> Answer:
        member = self.shop["members"][0]["id"]
        form = {"amount": "24.50", "key": key or str(uuid.uuid4())}
        return self._ask(self.browser, "POST", f"/till/members/{member}/purchases/", form)

    def sales_with(self, key: str) -> int:
        query = "SELECT count(*) FROM loyalty_operation WHERE tenant_id = %s AND key = %s"
        return int(self.stage.ask(query, self.shop["tenant"], key)[0][0])

    def search(self) -> Answer:
        member = self.shop["members"][1]
        found = self._ask(self.browser, "GET", f"/till/members/?q={member['digits']}", **PIECE)
        assert not found.is_fine or member["name"] in found.body
        return found

    def card(self) -> Answer:
        return self._ask(self.browser, "GET", "/c")

    def home(self) -> Answer:
        found = self._ask(self.owner, "GET", "/manage/")
        assert not found.is_fine or "Visits today" in found.body or "in yet today" in found.body
        return found

    def login(self) -> Answer:
        """At the till, by PIN."""
        form = {"person": self.shop["person"], "pin": self.shop["pin"]}
        return self._ask(self.browser, "POST", "/till/person/", form)

    def guess(self) -> Answer:
        """Wrong PINs at another till, then the right one of the same person."""
        form = {"person": self.shop["person"], "pin": "111111"}
        for _ in range(5):
            self._ask(self.guesser, "POST", "/till/person/", form)
        return self._ask(self.guesser, "POST", "/till/person/", {**form, "pin": self.shop["pin"]})

    def forget_guesses(self) -> None:
        query = """
            UPDATE tenants_staff SET pin_wrong = 0, pin_wait_until = NULL WHERE tenant_id = %s
            RETURNING 1
        """
        self.stage.ask(query, self.shop["tenant"])
        self.stage.ask(
            "UPDATE tenants_device SET wrong_pins = 0 WHERE tenant_id = %s RETURNING 1",
            self.shop["tenant"],
        )

    def resolution(self) -> Answer:
        """Is this name known? Whatever the page says."""
        return self._ask(self.browser, "GET", "/")

    def livez(self) -> Answer:
        return self._ask(self.browser, "GET", "/livez")

    def readyz(self) -> Answer:
        return self._ask(self.browser, "GET", "/readyz")

    def ready(self) -> dict[str, Any]:
        found = self.readyz()
        try:
            told: dict[str, Any] = json.loads(found.body)
        except ValueError:
            told = {}
        return {"status": found.status, **told}

    def import_sales(self, name: str) -> subprocess.CompletedProcess[str]:
        """The command, in small batches; run again under the same name it goes on."""
        # Beside the home, whose small disk the command would not see.
        path = self.stage.home.with_name(f"{self.stage.home.name}-{name}.csv")
        rows = [f"new-{name}-{n},2026-03-02T10:{n % 60:02},12.50,{name}-{n}" for n in range(LINES)]
        path.write_text("\n".join(["customer,date,amount,receipt", *rows]) + "\n")
        command = [sys.executable, "manage.py", "import_sales", "--shop", self.shop["slug"]]
        command += ["--name", name, "--batch", str(BATCH), str(path)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.stage.crew.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        path.unlink()
        return done

    def imported(self, name: str) -> int:
        query = "SELECT count(*) FROM loyalty_purchase WHERE tenant_id = %s AND ref LIKE %s"
        return int(self.stage.ask(query, self.shop["tenant"], f"{name}-%")[0][0])
