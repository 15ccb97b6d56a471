"""The day-book: what stands on the owner's first page, and what waits for her there."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

from django.db import DatabaseError, connection, transaction
from django.db.models import Count
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from loyalty import insights, programs
from loyalty.models import Draft, Entry, Member, Program, Reward
from loyalty.overview import Overview
from portal import charts
from portal.arithmetic import Told, told
from portal.unavailable import Trouble, trouble_of
from tenants import pins
from tenants.models import AuditEntry, Device, Invitation, Shop, Staff

T = TypeVar("T")
log = logging.getLogger("portal.manage")

MANY_BY_HAND = 5  # corrections of one person in a day: more than anybody makes by mistake
A_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at the counter: an entry of the ledger, or a new member."""

    at: dt.datetime
    member: Member
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class ByHand:
    name: str
    times: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What the owner has to look at. Each is empty where there is nothing. People and devices by
    name.
    """

    pins_off: Sequence[str]
    devices_off: Sequence[str]
    by_hand: Sequence[ByHand]
    sold_out: Sequence[Reward]
    invited: int
    paused: Program | None
    draft: Draft | None

    @property
    def count(self) -> int:
        parts = (*self.pins_off, *self.devices_off, *self.by_hand, *self.sold_out)
        return len(parts) + sum(map(bool, (self.invited, self.paused, self.draft)))


@dataclass(frozen=True, slots=True)
class FirstDay:
    """What a new shop has done already on the way to its first member."""

    program: Program | None
    brand: bool
    poster: bool
    tablet: bool

    @property
    def next(self) -> str:
        """The first that is not done, or ""."""
        done = {"program": self.program, "brand": self.brand, "poster": self.poster}
        return next((name for name, is_done in done.items() if not is_done), self._last)

    @property
    def left(self) -> int:
        return 4 - sum(map(bool, (self.program, self.brand, self.poster, self.tablet)))

    @property
    def _last(self) -> str:
        return "" if self.tablet else "tablet"


def unless_it_fails(read: Callable[[], T]) -> T | None:
    """A figure, or None where it alone cannot be had: it takes too long, say. What keeps the whole
    page from being made is raised.
    """
    try:
        if not connection.in_atomic_block:
            return read()
        with transaction.atomic():
            return read()
    except DatabaseError as error:
        if trouble_of(error) not in (None, Trouble.SLOW):
            raise
        log.warning("a figure of the day-book failed", exc_info=True)
        return None


def drawings(figures: Overview) -> dict[str, SafeString]:
    """The charts beside the figures."""
    today, month = figures.today, figures.month
    visits = sum(day.visits for day in month)
    return {
        "by_hour": charts.hours(
            today.by_hour,
            today.by_hour_before,
            gettext("Visits by hour, today before the same day last week"),
        ),
        "given": charts.line([day.points for day in month], gettext("Points given, day by day")),
        "chart": charts.days(
            month,
            ngettext(
                "%(n)s visit by members in the last 30 days",
                "%(n)s visits by members in the last 30 days",
                visits,
            )
            % {"n": visits},
        ),
    }


def events(limit: int) -> list[Event]:
    """The latest of the counter, newest first. Two statements."""
    found = [event_of(entry) for entry in insights.at_the_counter(limit)]
    found += [Event(member.enrolled_at, member) for member in insights.newcomers(limit)]
    return sorted(found, key=attrgetter("at"), reverse=True)[:limit]


def event_of(entry: Entry) -> Event:
    return Event(entry.occurred_at, entry.account.member, told(entry))


def needs(at: dt.datetime) -> Needs:
    """What waits for the owner. Six statements."""
    program = programs.live()
    live = Reward.objects.filter(status=Reward.Status.LIVE, stock=0)
    pins_off, devices_off = pins.switched_off(at)
    return Needs(
        pins_off=pins_off,
        devices_off=devices_off,
        by_hand=_by_hand(at),
        sold_out=list(live.order_by("position", "id")[:5]),
        invited=Invitation.objects.filter(accepted_at=None).count(),
        paused=None if program else Program.objects.filter(status=Program.Status.PAUSED).first(),
        draft=Draft.objects.filter(applied_at=None).first(),
    )


def first_day() -> FirstDay:
    """Four statements."""
    shop: Shop = Shop.objects.get()
    fresh = Shop()
    is_branded = bool(shop.logo or shop.greeting) or shop.colour != fresh.colour
    return FirstDay(
        program=programs.live(),
        brand=is_branded,
        poster=shop.poster_at is not None,
        tablet=Device.objects.exists(),
    )


def _by_hand(at: dt.datetime) -> list[ByHand]:
    """Who corrected points unusually often since yesterday. Two statements at most."""
    acts: Any = AuditEntry.objects.filter(act="points.adjusted", at__gt=at - A_DAY)
    counted = acts.filter(who__startswith="staff:").values("who").annotate(n=Count("pk"))
    often = dict(counted.filter(n__gte=MANY_BY_HAND).values_list("who", "n"))
    if not often:
        return []
    ids = [who.partition(":")[2] for who in often]
    people = Staff.everyone.filter(pk__in=ids).order_by("name")
    return [ByHand(person.name, often[f"staff:{person.pk}"]) for person in people]
