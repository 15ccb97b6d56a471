"""What one member did: her entries and visits, for whoever shows them. A sale that was taken back
is no visit.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum

from loyalty.models import Account, Entry, Member, Purchase

TOLD = ("purchase__staff", "refund__staff", "voucher__reward")  # what an entry is told with
STANDING = Q(total=0) | ~Q(refunded=F("total"))  # of sales


@dataclass(frozen=True, slots=True)
class Totals:
    """What a member did here in all: sales that stand, and minor units spent."""

    visits: int
    spent: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of entries ends: at its last one. Its moment alone is no place, because a job
    writes many entries of one instant.
    """

    at: dt.datetime
    id: UUID

    @classmethod
    def of(cls, entry: Entry) -> Place:
        return cls(entry.occurred_at, entry.pk)


def older_than(entries: QuerySet[Entry], place: Place) -> QuerySet[Entry]:
    """Those that come after a place in "-occurred_at", "-id"."""
    # The first condition says nothing new, but it is what an index by time can be read along.
    return entries.filter(
        Q(occurred_at__lt=place.at) | Q(pk__lt=place.id), occurred_at__lte=place.at
    )


def timeline(member: Member, *, limit: int = 50, before: Place | None = None) -> list[Entry]:
    """A member's entries, newest first, each with its sale; with `before` those older than that
    place. One statement.
    """
    entries = Entry.objects.filter(account__member=member.pk)
    if before:
        entries = older_than(entries, before)
    entries = entries.select_related("account__program", *TOLD)
    return list(entries.order_by("-occurred_at", "-id")[:limit])


def visits_of(member: Member, *, limit: int = 200) -> list[dt.datetime]:
    """When a member bought, newest first: what her rhythm is drawn from. One statement."""
    sales = Purchase.objects.filter(STANDING, account__member=member.pk)
    return list(sales.order_by("-occurred_at").values_list("occurred_at", flat=True)[:limit])


def visits_of_each(
    members: Sequence[Member], *, since: dt.datetime
) -> dict[UUID, list[dt.datetime]]:
    """When each of these members bought since then, by the member's id. One statement."""
    found: dict[UUID, list[dt.datetime]] = defaultdict(list)
    sales = Purchase.objects.filter(
        STANDING, account__member__in=[member.pk for member in members], occurred_at__gt=since
    )
    for member, at in sales.values_list("account__member", "occurred_at"):
        found[member].append(at)
    return found


def totals(account: Account | None) -> Totals:
    """All sales of an account that stand. One statement."""
    if account is None:
        return Totals(0, 0)
    summed = Purchase.objects.filter(STANDING, account=account.pk).aggregate(
        visits=Count("pk"), spent=Sum("total")
    )
    return Totals(summed["visits"], summed["spent"] or 0)


def standing_before(account: Account, before: Place | None) -> int:
    """What stood in an account before the entry at that place (now for None), debts as a minus.
    No statement for None, else one.
    """
    now = account.balance - account.debt
    if before is None:
        return now
    later = Entry.objects.filter(
        Q(occurred_at__gt=before.at) | Q(pk__gte=before.id),
        account=account.pk,
        occurred_at__gte=before.at,
    )
    return now - (later.aggregate(s=Sum("amount"))["s"] or 0)


def entries_of(member: Member, *, sign: int = 0) -> QuerySet[Entry]:
    """A member's entries in every program, newest first: those that gave (+1) or took (-1), or all
    of them (0).
    """
    entries = Entry.objects.filter(account__member=member.pk)
    if sign:
        entries = entries.filter(amount__gt=0) if sign > 0 else entries.filter(amount__lt=0)
    told: QuerySet[Entry] = entries.select_related("account__program", *TOLD)
    return told.order_by("-occurred_at", "-id")


def last_entries(account: Account, *, limit: int = 5) -> list[Entry]:
    """What a customer's card shows of her account, newest first. One statement."""
    rows = Entry.objects.filter(account=account.pk).select_related(*TOLD)
    found = list(rows.order_by("-occurred_at", "-id")[:limit])
    for entry in found:
        entry.account = account  # with its program, which need not be read again
    return found
