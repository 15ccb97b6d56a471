"""Codes: what a reward, a campaign or a gift is claimed with, and where it was."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from loyalty.models.member import Member
from loyalty.models.program import Reward
from loyalty.models.purchase import Purchase
from tenants.kinds import AppendOnly
from tenants.models import Device, Staff, TenantModel


class Voucher(TenantModel):
    """A claim ticket with a code: of a reward, a campaign, a gift card, for one person or for all.

    `code` is as a person reads it, `code_key` as it is compared (loyalty.codes). amount: `value`
    minor units off. percent: `value` per cent off, `max_discount` at most. item, gift: a thing.
    gift_card: `remaining_value` minor units to pay with. points: gives `points` to who uses it.
    pay: `value` minor units that points were changed into.

    `cost` points of `account` paid for it (0: nobody paid). `valid_from` and `valid_until` are
    whole local days, both included. While `held_by` a till until `hold_until`, no other till can
    use it. Expired and held are not states: they follow from the time.
    """

    class Kind(models.TextChoices):
        AMOUNT = "amount"
        PERCENT = "percent"
        ITEM = "item"
        GIFT = "gift"
        GIFT_CARD = "gift_card"
        POINTS = "points"
        PAY = "pay"

    class Status(models.TextChoices):
        ISSUED = "issued"
        USED = "used"
        VOIDED = "voided"

    example = {"kind": "amount"}

    code = models.CharField(max_length=40)
    code_key = models.CharField(max_length=40)
    kind = models.CharField(max_length=9, choices=Kind)
    status = models.CharField(max_length=6, choices=Status, default=Status.ISSUED)
    value = models.PositiveBigIntegerField(default=0)
    remaining_value = models.PositiveBigIntegerField(default=0)
    points = models.PositiveBigIntegerField(default=0)
    uses = models.PositiveIntegerField(default=1)
    used = models.PositiveIntegerField(default=0)
    per_member = models.PositiveIntegerField(null=True)
    owner = models.ForeignKey(Member, models.PROTECT, null=True, related_name="vouchers")
    reward = models.ForeignKey(Reward, models.PROTECT, null=True, related_name="vouchers")
    account = models.ForeignKey(
        "loyalty.Account", models.PROTECT, null=True, related_name="vouchers"
    )
    cost = models.PositiveBigIntegerField(default=0)
    is_auto = models.BooleanField(default=False)
    issued_at = models.DateTimeField()
    valid_from = models.DateField(null=True)
    valid_until = models.DateField(null=True)
    min_spend = models.PositiveBigIntegerField(default=0)
    max_discount = models.PositiveBigIntegerField(null=True)
    held_by = models.ForeignKey(Device, models.PROTECT, null=True, related_name="+", db_index=False)
    hold_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code_key"], name="voucher_code"),
            models.CheckConstraint(condition=Q(used__lte=F("uses")), name="voucher_uses"),
            models.CheckConstraint(
                condition=Q(remaining_value__lte=F("value")), name="voucher_remaining"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "issued_at"], name="voucher_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} voucher {self.pk}"


class VoucherUse(AppendOnly, TenantModel):
    """That a voucher was used, and took `amount` minor units off a bill. A use that was a mistake
    is taken back by voiding the voucher, never by deleting this.
    """

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="each_use", db_index=False)
    member = models.ForeignKey(Member, models.PROTECT, null=True, related_name="+")
    amount = models.BigIntegerField(default=0)
    at = models.DateTimeField()
    device = models.ForeignKey(Device, models.PROTECT, null=True, related_name="+", db_index=False)
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        indexes = [models.Index(fields=["tenant", "voucher", "member"], name="voucheruse_count")]

    def __str__(self) -> str:
        return f"use of {self.voucher_id}"


class Redemption(TenantModel):
    """That a reward's voucher counted in a sale: a refund of that sale asks for it."""

    purchase = models.ForeignKey(Purchase, models.PROTECT, related_name="redemptions")
    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="in_sales", db_index=False)
    restored = models.PositiveBigIntegerField(default=0)  # points given back so far

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "voucher"], name="redemption_one_sale"),
        ]

    def __str__(self) -> str:
        return f"redemption {self.pk}"
