"""Points for a birthday: once in a calendar year, told by the ledger itself."""

from __future__ import annotations

import datetime as dt
from calendar import isleap
from collections.abc import Iterator
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet

from loyalty import automatic, finding, ledger, operations, programs
from loyalty.book import Book
from loyalty.calendar import local_date, starts
from loyalty.enrolment import FIRST_BIRTH
from loyalty.models import Account, Entry, Member
from tenants.actors import Actor
from tenants.context import tenant_id
from tenants.models import Tenant

REASON = "birthday"
BATCH = 200  # accounts locked at once
DAY = dt.timedelta(days=1)
LEAP = 29  # of February
NIGHTLY = Actor.command("birthdays")


def award(at: dt.datetime) -> int:
    """Give the program's birthday bonus to everybody whose birthday it is at `at` on the shop's
    calendar: open cards that have been members for the program's days. Returns how many got it.

    Who was born on 29 February has it on the 28th in other years. Once a calendar year: whoever has
    got it on any card of hers this year gets nothing more, so a second run, or two at once, change
    nothing. Nobody gets anything while no program is live or none pays it.
    """
    program = programs.live()
    if program is None:
        return 0
    zone = ZoneInfo(Tenant.objects.values_list("zone", flat=True).get(pk=tenant_id()))
    promise = programs.promise_of(program, zone=str(zone))
    if not promise.policy.birthday_bonus:
        return 0
    today = local_date(at, zone)
    since = starts(today - dt.timedelta(days=promise.policy.birthday_min_days) + DAY, zone)
    year = starts(today.replace(month=1, day=1), zone), starts(dt.date(today.year + 1, 1, 1), zone)
    bonus = promise.policy.birthday_bonus

    def give_all(members: list[UUID]) -> int:
        with ledger.opened(members, at=at) as book:
            given = _given(book, year)
            lucky = [a for m, a in book.accounts.items() if m not in given and a.member.is_open]
            for account in lucky:
                _give(account, book, bonus, at)
            return len(lucky)

    celebrating = _born_on(today).filter(_joined_before(since))
    batches = (partial(give_all, members) for members in _batches(celebrating))
    return sum(operations.again_if_raced(act) for act in batches)


def _born_on(today: dt.date) -> QuerySet[Member]:
    """Whoever celebrates then: born on this day of any year.

    A list of days, because under row-level security an index is used by leakproof operators alone:
    what is extracted from a date is not found by one.
    """
    days = [(today.month, today.day)]
    if today == today.replace(month=2, day=28) and not isleap(today.year):
        days.append((2, LEAP))
    born = [
        dt.date(year, month, day)
        for year in range(FIRST_BIRTH.year, today.year + 1)
        for month, day in days
        if (month, day) != (2, LEAP) or isleap(year)
    ]
    members: QuerySet[Member] = Member.objects.filter(
        birth_date__in=born, status=Member.Status.ACTIVE, erase_at=None
    )
    return members


def _joined_before(since: dt.datetime) -> Q:
    """She, or a card that was joined with hers, was enrolled before that."""
    older = Member.everyone.filter(merged_into=OuterRef("pk"), enrolled_at__lt=since)
    return Q(enrolled_at__lt=since) | Q(Exists(older))


def _batches(members: QuerySet[Member]) -> Iterator[list[UUID]]:
    found = list(members.order_by("pk").values_list("pk", flat=True)[:BATCH])
    while found:
        yield found
        later = members.filter(pk__gt=found[-1]).order_by("pk")
        found = list(later.values_list("pk", flat=True)[:BATCH])


def _given(book: Book, year: tuple[dt.datetime, dt.datetime]) -> set[UUID]:
    """Who has got it in this year, on whichever card. Asked under the lock, so that of two workers
    the second one sees what the first has written.
    """
    start, end = year
    cards = finding.all_cards(book.accounts)
    accounts = Account.objects.filter(member__in=cards)
    paid = Entry.objects.filter(
        account__in=accounts.values("pk"),
        kind=Entry.Kind.BONUS,
        reason=REASON,
        occurred_at__gte=start,
        occurred_at__lt=end,
    )
    return {cards[card] for card in paid.values_list("account__member", flat=True)}


def _give(account: Account, book: Book, points: int, at: dt.datetime) -> None:
    book.credit(account, points, kind=Entry.Kind.BONUS, at=at, operation=None, reason=REASON)
    automatic.issue(account, book, at=at, operation=None, by=NIGHTLY)
