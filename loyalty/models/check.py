"""What is kept of looking back: the nightly check of the books, and each day's figures."""

from __future__ import annotations

from django.db import models

from tenants.models import TenantModel


class BooksCheck(TenantModel):
    """That the shop's books were walked (loyalty.books), and what was wrong in them.

    `entries` is how many there were. `wrong` counts all faults, `faults` keeps the first of them:
    [{"kind": "sum", "member": "7KQ2M9XA", "amount": 5, "sentence": "…"}].
    """

    at = models.DateTimeField()
    entries = models.BigIntegerField(default=0)
    wrong = models.PositiveIntegerField(default=0)
    faults = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "at"], name="bookscheck_one_a_time"),
        ]

    def __str__(self) -> str:
        return f"{self.wrong} faults in {self.entries} entries"


class DailyStat(TenantModel):
    """The figures of one local day (loyalty.rollups), which can be made again from the books.

    Points that were `issued`, `redeemed` less what was given back, `expired`, `clawed` back and
    `forfeited`, and what was `outstanding` when the day ended. `unwritten` of the expired ones had
    no entry yet when the row was made. `visits` are sales that stand, `spent` what they come to
    less what was given back, `people` who made them. What was recorded with a key after `seen` is
    not in it.
    """

    date = models.DateField()
    issued = models.BigIntegerField(default=0)
    redeemed = models.BigIntegerField(default=0)
    expired = models.BigIntegerField(default=0)
    clawed = models.BigIntegerField(default=0)
    forfeited = models.BigIntegerField(default=0)
    outstanding = models.BigIntegerField(default=0)
    unwritten = models.BigIntegerField(default=0)
    visits = models.PositiveIntegerField(default=0)
    spent = models.BigIntegerField(default=0)
    people = models.PositiveIntegerField(default=0)
    joined = models.PositiveIntegerField(default=0)
    seen = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "date"], name="dailystat_one_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.date}"
