"""Recorded sales, with the terms they earned by, and what was given back of them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tenants.models import Device, Location, Staff, TenantModel


class Purchase(TenantModel):
    """A sale. Money is in minor units of the shop's currency.

    `lines` are [sku, category, quantity, minor units] each. `flags` are what looked odd: "clock"
    for a till that was ahead of us. `snapshot` keeps the terms and the arithmetic of its points
    (pricing.Price.snapshot), so that a later refund prices what remains by the rules of that day.
    `ref` is the receipt's number, or "".
    """

    account = models.ForeignKey(
        "loyalty.Account", models.PROTECT, related_name="purchases", db_index=False
    )
    location = models.ForeignKey(Location, models.PROTECT, related_name="+", db_index=False)
    device = models.ForeignKey(Device, models.PROTECT, null=True, related_name="+", db_index=False)
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+", db_index=False)
    ref = models.CharField(max_length=80, default="")
    occurred_at = models.DateTimeField()
    total = models.BigIntegerField()
    tax = models.BigIntegerField(default=0)
    reward_discount = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    earned = models.BigIntegerField(default=0)
    clawed = models.BigIntegerField(default=0)
    lines = models.JSONField(null=True)
    snapshot = models.JSONField(default=dict)
    flags = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "location", "ref"],
                condition=~Q(ref=""),
                name="purchase_receipt",
            ),
            models.CheckConstraint(
                condition=Q(total__gte=0, refunded__gte=0, refunded__lte=F("total")),
                name="purchase_refunded",
            ),
            models.CheckConstraint(
                condition=Q(tax__gte=0, reward_discount__gte=0)
                & Q(total__gte=F("tax") + F("reward_discount")),
                name="purchase_parts",
            ),
            models.CheckConstraint(
                condition=Q(clawed__gte=0, clawed__lte=F("earned")), name="purchase_clawed"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "occurred_at"], name="purchase_by_time"),
            models.Index(fields=["tenant", "account", "occurred_at"], name="purchase_by_account"),
        ]

    def __str__(self) -> str:
        return f"purchase {self.pk}"


class Refund(TenantModel):
    """Money given back of a purchase; a void is the whole of it.

    `lines` is {sku: quantity} where goods came back, else None.
    """

    purchase = models.ForeignKey(Purchase, models.PROTECT, related_name="refunds")
    ref = models.CharField(max_length=80, default="")
    amount = models.BigIntegerField()
    lines = models.JSONField(null=True)
    occurred_at = models.DateTimeField()
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "purchase", "ref"], condition=~Q(ref=""), name="refund_receipt"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="refund_not_negative"),
        ]

    def __str__(self) -> str:
        return f"refund {self.pk}"
