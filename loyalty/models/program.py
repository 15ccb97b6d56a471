"""What a shop promises: a program in one unit, and the rules by which sales earn it."""

from __future__ import annotations

from django.db import models

from tenants.models import SoftDelete, TenantModel


class Program(SoftDelete, TenantModel):
    """The rules for one currency of loyalty: points, stamps or money.

    `policy` is everything else it promises (loyalty.policy.Policy): expiry, caps, refunds, tiers,
    bonuses. It is written through Policy only, which refuses what it does not know.
    """

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
    policy = models.JSONField(default=dict)

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

    @property
    def is_live(self) -> bool:
        return self.is_active and self.status == self.Status.LIVE


class EarnRule(SoftDelete, TenantModel):
    """One reason to earn. A live rule is replaced, not edited: sales keep a snapshot of the old
    one.

    spend: `points` for every full `per` minor units, or exactly in proportion where `is_smooth`.
    visit: `points` for a sale of any amount above zero. item: `points` for each unit sold.
    bonus: `points` once a sale, multiplied by nothing. multiplier: `factor` times what is spent.
    `conditions` say when it applies (loyalty.conditions). `used` counts sales of a rule that is for
    the first so many.
    """

    class Kind(models.TextChoices):
        SPEND = "spend"
        VISIT = "visit"
        ITEM = "item"
        BONUS = "bonus"
        MULTIPLIER = "multiplier"

    example = {"kind": "spend", "points": 1, "per": 100}

    program = models.ForeignKey(Program, models.PROTECT, related_name="rules")
    name = models.CharField(max_length=80, default="", blank=True)
    kind = models.CharField(max_length=10, choices=Kind)
    points = models.PositiveIntegerField(default=0)
    per = models.PositiveIntegerField(default=0)
    is_smooth = models.BooleanField(default=False)
    factor = models.DecimalField(max_digits=8, decimal_places=3, default=1)
    conditions = models.JSONField(default=dict)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(kind="spend") | models.Q(per__gt=0), name="earnrule_spend_per"
            ),
            models.CheckConstraint(
                condition=models.Q(factor__gte=1), name="earnrule_factor_multiplies"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.points}/{self.per}"


class Tier(SoftDelete, TenantModel):
    """A level of status: whoever reached `threshold` of the program's metric within its window.

    What a sale earns is multiplied by `multiplier`. The lowest has the threshold 0.
    """

    program = models.ForeignKey(Program, models.PROTECT, related_name="tiers")
    name = models.CharField(max_length=80)
    threshold = models.PositiveBigIntegerField(default=0)
    multiplier = models.DecimalField(max_digits=8, decimal_places=3, default=1)
    perks = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "program", "threshold"],
                condition=models.Q(is_active=True),
                name="tier_one_a_threshold",
            ),
            models.CheckConstraint(condition=models.Q(multiplier__gt=0), name="tier_multiplies"),
        ]

    def __str__(self) -> str:
        return self.name


class Reward(SoftDelete, TenantModel):
    """What points buy.

    amount: `value` minor units off. percent: `value` per cent off. item: a product worth `value`.
    gift: a thing from the shelf. pay: points as money, at the rate in its conditions. `cost` is in
    points (0 for pay, where the payer chooses), `unit_cost` what it costs the shop in minor units.
    `stock` is what is left, None for as many as one likes. An automatic reward is issued as soon as
    its cost is there.
    """

    class Kind(models.TextChoices):
        AMOUNT = "amount"
        PERCENT = "percent"
        ITEM = "item"
        GIFT = "gift"
        PAY = "pay"

    class Status(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        PAUSED = "paused"
        ENDED = "ended"

    program = models.ForeignKey(Program, models.PROTECT, related_name="rewards")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=7, choices=Kind)
    cost = models.PositiveBigIntegerField(default=0)
    value = models.PositiveBigIntegerField(default=0)
    unit_cost = models.PositiveBigIntegerField(null=True)
    stock = models.PositiveIntegerField(null=True)
    per_member = models.PositiveIntegerField(null=True)
    valid_days = models.PositiveIntegerField(null=True)
    conditions = models.JSONField(default=dict)
    is_auto = models.BooleanField(default=False)
    status = models.CharField(max_length=6, choices=Status, default=Status.LIVE)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_auto=False) | models.Q(cost__gt=0),
                name="reward_auto_costs",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RuleUse(TenantModel):
    """That a rule with a limit counted in a sale."""

    rule = models.ForeignKey(EarnRule, models.PROTECT, related_name="+", db_index=False)
    purchase = models.ForeignKey("loyalty.Purchase", models.PROTECT, related_name="rule_uses")
    account = models.ForeignKey("loyalty.Account", models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "account", "rule", "at"], name="ruleuse_count")]

    def __str__(self) -> str:
        return f"use of {self.rule_id}"
