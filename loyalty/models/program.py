"""What a shop promises: a program in one unit, and the rules by which sales earn it."""

from __future__ import annotations

from django.db import models

from tenants.models import SoftDelete, TenantModel


class Program(SoftDelete, TenantModel):
    """The rules for one currency of loyalty: points, stamps or money."""

    class Unit(models.TextChoices):
        POINT = "point"
        STAMP = "stamp"
        MONEY = "money"

    class Status(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        PAUSED = "paused"
        ENDED = "ended"

    class Rounding(models.TextChoices):
        FLOOR = "floor"
        NEAREST = "nearest"
        CEIL = "ceil"

    name = models.CharField(max_length=80)
    unit = models.CharField(max_length=5, choices=Unit, default=Unit.POINT)
    unit_words = models.JSONField(default=dict)  # {"en": ["point", "points"]}: forms per language
    status = models.CharField(max_length=6, choices=Status, default=Status.DRAFT)
    rounding = models.CharField(max_length=7, choices=Rounding, default=Rounding.FLOOR)
    carries = models.BooleanField(default=False)  # unspent cents count next time

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"],
                condition=models.Q(status="live", is_active=True),
                name="program_one_live",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EarnRule(SoftDelete, TenantModel):
    """One reason to earn. A live rule is replaced, not edited: sales keep a snapshot of the old
    one.

    spend: `points` for every full `per` minor units, or exactly in proportion where `is_smooth`.
    visit: `points` for a sale of any amount above zero.
    """

    class Kind(models.TextChoices):
        SPEND = "spend"
        VISIT = "visit"

    example = {"kind": "spend", "points": 1, "per": 100}

    program = models.ForeignKey(Program, models.PROTECT, related_name="rules")
    kind = models.CharField(max_length=10, choices=Kind)
    points = models.PositiveIntegerField()
    per = models.PositiveIntegerField(default=0)
    is_smooth = models.BooleanField(default=False)
    conditions = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(kind="spend") | models.Q(per__gt=0), name="earnrule_spend_per"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.points}/{self.per}"
