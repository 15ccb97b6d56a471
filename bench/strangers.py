"""Whether the public pages take longer for somebody they know: a clock must not tell who is one.

    python -m bench.strangers [requests of each]

Every page that takes a phone or an address is asked in turns for known and unknown people, over
HTTP on the real servers. Mann-Whitney's U test says how likely it is that both come from the same
times; the goal is p > 0.01 and medians that differ by 3 % at most.
"""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from bench.played import forget_guesses, played
from bench.stage import table

if TYPE_CHECKING:
    from tests.scene import Scene

KNOWN = 40  # people, so that each is asked for only now and then


@dataclass(frozen=True)
class Door:
    """A page that takes an identity, as `name`; the rest of its form is always the same."""

    what: str
    who: str  # at whose host
    path: str
    name: str
    known: Sequence[str]
    unknown: Callable[[int], str]
    rest: tuple[tuple[str, str], ...] = ()


def main() -> None:
    each = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with played() as (scenes, _):
        rows = []
        for door in doors(scenes[0]):
            known, unknown = asked(scenes[0], door, each)
            p = mann_whitney(known, unknown)
            apart = median(known) / median(unknown) - 1
            rows.append(
                (
                    door.what,
                    f"p {p:.3f}; {milliseconds(known)} and {milliseconds(unknown)}, {apart:+.1%}",
                    "goal p > 0.01, 3 %",
                )
            )
    table(f"{each} + {each} interleaved requests, known and unknown", rows)


def milliseconds(seconds: Sequence[float]) -> str:
    return f"{median(seconds) * 1e3:.1f} ms"


def doors(scene: Scene) -> list[Door]:
    from django.utils import timezone

    from loyalty.enrolment import enrol
    from loyalty.models import Identifier
    from tenants import people
    from tenants.actors import Actor
    from tenants.context import inside

    at, mails = timezone.now(), [f"known-{n}@people.example" for n in range(KNOWN)]
    with inside(scene.shop.tenant):
        by = Actor.of_staff(scene.shop.owner)
        for mail in mails:
            people.employ("Known", "manager", user=people.user_with(mail), at=at, by=by)
            enrol(name="Known", email=mail, at=at, by=by)
        rows = Identifier.objects.filter(kind="phone").values_list("value", flat=True)
        phones = list(rows[:KNOWN])
    nobody: Callable[[int], str] = lambda n: f"nobody-{n}@people.example"  # noqa: E731
    return [
        Door("sign in, by e-mail", "stranger", "/accounts/login/", "email", mails, nobody),
        Door("come back, by e-mail", "stranger", "/c/back?by=email", "email", mails, nobody),
        Door("join, by phone", "stranger", "/j", "phone", phones, lambda n: f"+97155{n:07d}"),
        Door("find my shop, by e-mail", "apex", "/find/", "email", mails, nobody),
        Door(
            "open a shop, by e-mail", "apex", "/start/", "email", mails, nobody,
            (("name", "Corner"), ("country", "AE")),
        ),
    ]  # fmt: skip


def asked(scene: Scene, door: Door, each: int) -> tuple[list[float], list[float]]:
    """Seconds of `each` requests for known and as many for unknown people, in turns."""
    from tests.forms import forms_of

    connection = http.client.HTTPConnection("127.0.0.1", scene.port, timeout=30)
    took: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * each + 20):
        is_known = number % 2 == 0
        who = door.known[number // 2 % len(door.known)] if is_known else door.unknown(number)
        connection.request("GET", door.path, headers={"Host": scene.host(door.who)})
        answer = connection.getresponse()
        cookies = "; ".join(
            found.partition(";")[0] for found in answer.headers.get_all("Set-Cookie", [])
        )
        html = answer.read().decode()
        form = next(f for f in forms_of(html, door.path) if door.name in f.fields)
        body = urlencode({**form.sent(), door.name: who, **dict(door.rest)})
        headers = {
            "Host": scene.host(door.who),
            "Cookie": cookies,
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Forwarded-For": "127.0.0.1",
        }
        forget_guesses(scene)
        began = time.perf_counter()
        connection.request("POST", form.action, body, headers)
        told = connection.getresponse()
        told.read()
        if number >= 20:  # the first ones warm things up
            took[not is_known].append(time.perf_counter() - began)
        assert told.status in (200, 303), (door.what, who, told.status)
    connection.close()
    return took


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """The two-sided p of Mann and Whitney's U, by the normal approximation with ties (Mann, Whitney
    1947).
    """
    n, m = len(one), len(other)
    ranked = sorted((value, side) for side, values in enumerate((one, other)) for value in values)
    ranks, ties, at = 0.0, 0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        same = end - at
        ranks += (at + end + 1) / 2 * sum(side == 0 for _, side in ranked[at:end])
        ties += same**3 - same
        at = end
    u, both = ranks - n * (n + 1) / 2, n + m
    spread = sqrt(n * m / 12 * (both + 1 - ties / (both * (both - 1))))
    return erfc(abs(u - n * m / 2) / spread / sqrt(2)) if spread else 1.0


if __name__ == "__main__":
    main()
