"""What a shop means to promise from some day on."""

from __future__ import annotations

from django.db import models

from loyalty.models.program import Program
from tenants.models import TenantModel


class Draft(TenantModel):
    """A version of a program: a draft, then one in force since `applied_at`. Kept for ever, because
    "why did I get fewer points in May" is answered by it.

    `rules` are EarnRule fields, `policy` what changes in Policy, and the program's `rounding` and
    `carries`; `before` is what all of it was when this came into force. A program has one open
    draft. `starts_on` is a local day; NULL: not decided. `rehearsal` is what it would have given on
    real sales, as data.
    """

    program = models.ForeignKey(Program, models.PROTECT, related_name="drafts", db_index=False)
    rules = models.JSONField(default=list)
    policy = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    starts_on = models.DateField(null=True)
    version = models.PositiveIntegerField(default=1)  # of the edit: two people at once
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=80)  # an Actor's `who`
    applied_at = models.DateTimeField(null=True)
    rehearsal = models.JSONField(null=True)
    rehearsing_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "program"],
                condition=models.Q(applied_at=None),
                name="draft_one_open",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "program", "applied_at"], name="draft_by_time"),
        ]

    def __str__(self) -> str:
        return f"draft of {self.program_id}"
