"""What the people at the tills did: for the list of the team."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Max, Sum

from loyalty.models import Purchase


@dataclass(frozen=True, slots=True)
class Work:
    """Sales of one person since a moment, the points they earned, and when she made the last."""

    sales: int
    points: int
    last: dt.datetime


def since(moment: dt.datetime) -> dict[UUID, Work]:
    """The work of everybody who recorded a sale since then, by the id of her Staff."""
    rows = (
        Purchase.objects.filter(occurred_at__gte=moment)
        .exclude(staff=None)
        .order_by()
        .values("staff")
        .annotate(sales=Count("pk"), points=Sum("earned"), last=Max("occurred_at"))
    )
    return {row["staff"]: Work(row["sales"], row["points"] or 0, row["last"]) for row in rows}
