"""A client of the bank: a process that writes down what it will ask for before it asks.

    python -m tests.faults.clients SPEC.json

It sells at a till of its own like the till's page does, takes some sales back, looks members up,
and asks again with the same key for as long as it does not know what became of a command. Its log
has one JSON object a line; each is written before the next byte goes to the portal.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import threading
import time
import uuid
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

TIMEOUT = 8  # seconds for an answer
PAUSE = 0.05  # seconds before asking again
PIECE = {"HX-Request": "true", "HX-Request-Type": "partial"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNDO = re.compile(r'action="/till/purchases/([0-9a-f-]{36})/')
REFUSED = (404, 409, 410, 422)


class NoAnswer(Exception):
    """Nobody knows what became of it: the connection broke, or nothing came in time."""


class Browser:
    """One connection of one browser: cookies by hand, because its host has no address."""

    def __init__(self, port: int, host: str, cookies: dict[str, str]) -> None:
        self.port, self.host, self.cookies = port, host, dict(cookies)
        self._connection: HTTPConnection | None = None

    def ask(
        self, method: str, path: str, form: dict[str, str] | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and body; NoAnswer if there was none."""
        sent = {"Host": self.host, "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if method == "POST":
            sent |= FORM | {"X-CSRFToken": self.cookies.get("csrftoken", "")}
        try:
            if self._connection is None:
                self._connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
            body = urlencode(form) if form is not None else None
            self._connection.request(method, path, body, sent | headers)
            response = self._connection.getresponse()
            told = response.read().decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            self.close()
            raise NoAnswer from error
        for name, value in response.headers.items():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return response.status, {k.lower(): v for k, v in response.headers.items()}, told

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None


class Client:
    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.shop, self.till = spec["shop"], spec["till"]
        self.dice = random.Random(spec["seed"])  # noqa: S311 (a schedule)
        self.log = os.open(spec["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.foreign = re.compile("|".join(map(re.escape, spec["foreign"])) or "$^")
        cookies = {"device": self.till["token"], "card": self.till["card"]}
        self.browser = Browser(spec["port"], self.shop["host"], cookies)
        self.owner = Browser(spec["port"], self.shop["host"], {})
        self.count = 0
        self.sales: list[str] = []  # purchases of ours that are not taken back

    def write(self, what: str, **told: object) -> None:
        line = json.dumps({"at": time.monotonic(), "what": what, **told})
        os.write(self.log, line.encode() + b"\n")

    @property
    def is_over(self) -> bool:
        return Path(self.spec["stop"]).exists()

    @property
    def is_too_late(self) -> bool:
        return Path(self.spec["end"]).exists()

    def run(self) -> None:
        self.unlock()
        while not self.is_over:
            act = self.dice.random()
            if act < self.spec["voids"] and self.sales:
                self.take_back()
            elif act < self.spec["voids"] + self.spec["looks"]:
                self.look()
            else:
                self.sell()
        self.write("end")

    # Commands ------------------------------------------------------------------------------

    def member(self) -> dict[str, str]:
        """Some are here all the time (Pareto), so that clients meet on an account."""
        members = self.shop["members"]
        return members[min(int(self.dice.paretovariate(1.2)) - 1, len(members) - 1)]  # type: ignore[no-any-return]

    def sell(self) -> None:
        """Each sale of a till has a total of its own, by which it is found again."""
        self.count += 1
        member, total = self.member()["id"], 1_000 + self.count
        key = str(uuid.UUID(int=self.dice.getrandbits(128), version=4))
        self.write(
            "invoke", verb="award", key=key, member=member, total=total, till=self.till["id"]
        )
        form = {"amount": f"{total // 100}.{total % 100:02}", "key": key}
        body = self.command(self.browser, key, f"/till/members/{member}/purchases/", form)
        if body and (sold := UNDO.search(body)):
            self.sales.append(sold[1])

    def take_back(self) -> None:
        """Sometimes by two taps that do not know of each other: two keys, at once."""
        purchase = self.sales.pop(self.dice.randrange(len(self.sales)))
        taps = [threading.Thread(target=self._tap, args=(purchase,))]
        if self.dice.random() < self.spec["twice"]:
            twin = Browser(self.browser.port, self.browser.host, self.browser.cookies)
            taps.append(threading.Thread(target=self._tap, args=(purchase, twin)))
        for tap in taps:
            tap.start()
        for tap in taps:
            tap.join()

    def _tap(self, purchase: str, browser: Browser | None = None) -> None:
        key = str(uuid.uuid4())
        self.write("invoke", verb="void", key=key, purchase=purchase, till=self.till["id"])
        path = f"/till/purchases/{purchase}/reversal/"
        self.command(browser or self.browser, key, path, {"key": key})

    def command(self, browser: Browser, key: str, path: str, form: dict[str, str]) -> str | None:
        """Ask until there is an answer; what the portal said, or None if it did not do it."""
        while True:
            try:
                status, headers, body = browser.ask("POST", path, form, **PIECE)
            except NoAnswer:
                status, headers, body = 0, {}, ""
            self.scan(path, headers, body)
            if status == 200 and "hx-redirect" not in headers:
                self.write("ok", key=key)
                return body
            if status in REFUSED:
                self.write("refused", key=key, status=status)
                return None
            self.write("unknown", key=key, status=status)
            if self.is_too_late:
                return None
            if status in (200, 303, 403):
                self.unlock(browser)
            time.sleep(PAUSE)

    def unlock(self, browser: Browser | None = None) -> None:
        """Open the page, and type the PIN if it asks."""
        browser = browser or self.browser
        while not self.is_too_late:
            try:
                _, _, page = browser.ask("GET", "/till/")
                if 'action="/till/person/"' not in page and "/till/person/" not in page:
                    return
                form = {"person": self.shop["person"], "pin": self.shop["pin"]}
                if browser.ask("POST", "/till/person/", form)[0] == 303:
                    return
            except NoAnswer:
                pass
            time.sleep(PAUSE)

    # Looking -------------------------------------------------------------------------------

    def look(self) -> None:
        """Search a member, open a page: to see whether a neighbour shows."""
        ways = [
            lambda: self.browser.ask("GET", f"/till/members/?q={self.member()['digits']}", **PIECE),
            lambda: self.browser.ask("GET", "/c"),
            lambda: self.browser.ask("GET", "/"),
            self.home,
        ]
        try:
            status, headers, body = self.dice.choice(ways)()
        except NoAnswer:
            return
        self.scan("look", headers, body)
        if status < 500:
            self.write("seen", status=status)

    def home(self) -> tuple[int, dict[str, str], str]:
        if "sessionid" not in self.owner.cookies:
            link = f"/accounts/link/{self.till['link']}/"
            self.owner.ask("GET", link)
            self.owner.ask("POST", link, {})
        return self.owner.ask("GET", "/manage/")

    def scan(self, where: str, headers: dict[str, str], body: str) -> None:
        if found := self.foreign.search(f"{headers}{body}"):
            self.write("leak", where=where, found=found[0])


def main() -> None:
    Client(json.loads(Path(sys.argv[1]).read_text())).run()


if __name__ == "__main__":
    main()
