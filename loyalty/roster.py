"""The list of a shop's members in pages, by their last visit, name, points or day of joining."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, FilteredRelation, Q, QuerySet

from loyalty.models import Account, Member, Program

PAGE = 50
MANY = 5_000  # members: more are not sorted for one page
SORTS = {
    "last": "-held__last_activity",
    "name": "name_key",
    "points": "-held__balance",
    "joined": "-enrolled_at",
}


def page_of(
    found: QuerySet[Member], program: Program | None, *, sort: str = "last", number: int = 1
) -> Page[Any]:
    """A page of members, each with the `balance`, `last_activity` and `tier` of a program
    (programs.current, as a rule). Two statements, three where there are very MANY.
    """
    current = program and program.pk
    order = SORTS.get(sort, SORTS["last"])
    by = F(order.lstrip("-"))
    told = found.annotate(
        held=FilteredRelation("accounts", condition=Q(accounts__program=current)),
        balance=F("held__balance"),
        last_activity=F("held__last_activity"),
        tier=F("held__tier__name"),
    )
    ordered = told.order_by(by.desc(nulls_last=True) if order.startswith("-") else by.asc(), "pk")
    field = order.removeprefix("-held__")
    accounts = None
    if field != order:
        accounts = Account.objects.filter(
            program=current, member__in=found.values("pk"), **{f"{field}__isnull": False}
        ).order_by(f"-{field}", "member")
    in_order: Any = _InOrder(ordered, told, accounts, found.count())
    return Paginator(in_order, PAGE).get_page(number)


class _InOrder:
    """Members in an order, as a paginator wants them.

    A page of a big shop is read along the index of its accounts, so that its hundred thousands are
    not sorted for fifty. Members without a visit come after all others, and are read in the long
    way.
    """

    ordered = True

    def __init__(
        self,
        members: QuerySet[Member],
        told: QuerySet[Member],
        accounts: QuerySet[Account] | None,
        total: int,
    ) -> None:
        self.members, self.told, self.total = members, told, total
        self.accounts = accounts if total > MANY else None

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, cut: slice) -> list[Member]:
        if self.accounts is not None:
            ids = list(self.accounts[cut].values_list("member", flat=True))
            if len(ids) == cut.stop - cut.start:
                found = self.told.in_bulk(ids)
                return [found[pk] for pk in ids if pk in found]
        return list(self.members[cut])
