"""Two shops to look at, `demo` (a café) and `spa`, with real sales of real customers.

The data has no people and no today: names and phones are invented by a fixed rule, days move so
that the last is today, and times fall inside opening hours, none later than now. The same shops
again change nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from loyalty import exchange, rewards
from loyalty.enrolment import Newcomer
from loyalty.exchange import SaleLine
from loyalty.models import Reward
from loyalty.opening import open_shop
from tenants import hosts
from tenants.actors import Actor
from tenants.context import bound, inside, scope_of
from tenants.models import Staff, Tenant
from tenants.people import employ
from tenants.pins import set_pin

PARTS = Path(__file__).parent / "data"  # its README says what is in there
CDNOW = PARTS / "cdnow.txt.xz"
LAST_DAY = dt.date(1998, 6, 30)
OPENS, CLOSES = 8, 21  # local hours
PIN = "1234"

# First and last names of one script stay together.
NAMES = (
    (
        """Amina Omar Layla Karim Sara Yusuf Noor Hassan Mariam Tariq Lena Jonas Emma Paul Sofia
        Luca Ines Hugo Grace Daniel Chloé Émile Nusrat Rahim Farah Tanvir Sadia Imran""",
        """Rahman Haddad Khan Al-Amin Fischer Novak Costa Park Silva Weber Okafor Ito Jensen
        Moreau Begum Hossain""",
    ),
    ("فاطمة خالد نورة سالم مريم عمر", "الهاشمي المنصوري الكعبي النعيمي"),
    ("রহিমা করিম নাসরিন তানভীর সাদিয়া", "খান আহমেদ রহমান চৌধুরী"),
)
SCRIPTS = (0, 0, 0, 0, 0, 0, 0, 1, 1, 2)  # of ten people


@dataclass(frozen=True, slots=True)
class Offer:
    """A reward: what it costs in points, and what the shop would ask for it, in minor units."""

    name: str
    cost: int
    worth: int


@dataclass(frozen=True, slots=True)
class DemoShop:
    """The first offer is what its owner would have chosen when she opened it."""

    slug: str
    name: str
    greeting: str
    colour: str
    icon: str
    owner: str
    till_person: str
    offers: tuple[Offer, ...]


SHOPS = (
    DemoShop(
        "demo",
        "Café Aroma",
        "Good coffee, and the tenth thanks you.",
        "#5b2a4e",
        "cup",
        "Layla Haddad",
        "Maya",
        (
            Offer("Free coffee", 360, 1_800),
            Offer("Cake of the day", 520, 2_600),
            Offer("Breakfast for two", 1_500, 8_000),
        ),
    ),
    DemoShop(
        "spa",
        "Lotus Spa",
        "An hour for yourself.",
        "#0f6b54",
        "leaf",
        "Sami Rahman",
        "Ines",
        (Offer("Hand massage", 800, 4_000), Offer("An hour's massage", 4_400, 22_000)),
    ),
)


def seed(*, at: dt.datetime, everything: bool = False) -> Iterator[tuple[str, exchange.Imported]]:
    """Open the demo shops that are not there yet and replay their sales, ending today (`at`).

    `everything` replays the whole file in `demo`. Gives (slug, running total) after each batch. A
    second call knows every sale by its receipt.
    """
    for shop in SHOPS:
        tenant = Tenant.objects.filter(slug=shop.slug).first()
        if tenant is None:
            tenant = _open(shop, at)
        elif not everything:
            continue
        whole = everything and shop is SHOPS[0]
        for total in bound(_replay(tenant, shop.slug, whole=whole, at=at), scope_of(tenant)):
            yield shop.slug, total


def _open(shop: DemoShop, at: dt.datetime) -> Tenant:
    first, *further = shop.offers
    made = open_shop(
        shop.slug,
        name=shop.name,
        greeting=shop.greeting,
        colour=shop.colour,
        icon=shop.icon,
        email=f"owner@{shop.slug}.example",
        owner_name=shop.owner,
        country="AE",
        at=at,
        choices={"cost": first.cost, "worth": first.worth, "reward": first.name},
    )
    opened = made.opened
    with inside(opened.tenant):
        by = Actor.command("demo")
        for each in further:
            rewards.create(
                made.program,
                Reward.Kind.ITEM,
                each.name,
                at=at,
                by=by,
                cost=each.cost,
                value=each.worth,
            )
        for name, role in ((shop.till_person, Staff.Role.MANAGER), ("Sam", Staff.Role.CASHIER)):
            set_pin(employ(name, role, at=at, by=by), PIN)
    hosts.directory.forget()
    return opened.tenant


def _replay(
    tenant: Tenant, slug: str, *, whole: bool, at: dt.datetime
) -> Iterator[exchange.Imported]:
    zone = ZoneInfo(tenant.zone)
    lines = exchange.read(CDNOW if whole else PARTS / f"{slug}.csv.xz", zone=zone, decimals=2)
    move = _moved(at.astimezone(zone))
    told = sorted((_as_demo(line, move, at, zone) for line in lines), key=lambda line: line.at)
    yield from exchange.replay(told, name="demo", at=at, source="demo")


def _moved(now: dt.datetime) -> dt.timedelta:
    """By how many days all sales move: the last is today, or yesterday while the shop is closed."""
    return now.date() - dt.timedelta(days=now.hour < OPENS + 1) - LAST_DAY


def _as_demo(line: SaleLine, move: dt.timedelta, at: dt.datetime, zone: ZoneInfo) -> SaleLine:
    """The line as a sale of the demo: an invented person, a day near now, a time when shops are
    open.
    """
    dice = int.from_bytes(hashlib.sha256(f"{line.who.card}/{line.receipt}".encode()).digest()[:8])
    day = line.at.date() + move
    opens = dt.datetime.combine(day, dt.time(OPENS), zone)
    closes = min(dt.datetime.combine(day, dt.time(CLOSES), zone), at)
    time = opens + dt.timedelta(seconds=dice % max(1, int((closes - opens).total_seconds())))
    return replace(line, who=person(line.who.card), at=time)


def person(card: str) -> Newcomer:
    """The invented name and phone of a customer id: the same ones for ever."""
    dice = int.from_bytes(hashlib.sha256(card.encode()).digest()[:8])
    first, last = (names.split() for names in NAMES[SCRIPTS[dice % len(SCRIPTS)]])
    name = f"{first[dice // 10 % len(first)]} {last[dice // 1000 % len(last)]}"
    return Newcomer(name=name, phone=f"+97150{int(card):07d}"[:13], card=card)
