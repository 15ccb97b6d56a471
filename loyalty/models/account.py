"""The ledger: what was written (entries), what is left of it (lots), and what took from what
(allocations).

The balance on an account is a sum kept beside its lock, never the truth: the books can always make
it again.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from loyalty.models.member import Member
from loyalty.models.program import Program, Tier
from loyalty.models.purchase import Purchase, Refund
from loyalty.models.voucher import Voucher
from tenants.kinds import AppendOnly
from tenants.models import TenantModel


class Account(TenantModel):
    """One member in one program. The row every command about her points locks first.

    balance: points she can spend now. pending: points that will become spendable. Both hold until
    `next_change_at`, the first moment at which time alone changes something. debt: points she owes
    after a clawback, repaid by the next credit. carry: minor units of earlier sales that have not
    made a point yet; below zero where a refund took back cents that had already made one. lifetime:
    points ever earned.

    She is in `tier` since then and until `tier_until` (the first instant without it, before days of
    grace); never below `floor_tier`, which a person granted.
    """

    member = models.ForeignKey(Member, models.PROTECT, related_name="accounts", db_index=False)
    program = models.ForeignKey(Program, models.PROTECT, related_name="accounts")
    balance = models.BigIntegerField(default=0)
    pending = models.BigIntegerField(default=0)
    debt = models.BigIntegerField(default=0)
    carry = models.IntegerField(default=0)
    lifetime = models.BigIntegerField(default=0)
    last_activity = models.DateTimeField(null=True)
    next_change_at = models.DateTimeField(null=True)
    tier = models.ForeignKey(Tier, models.PROTECT, null=True, related_name="+", db_index=False)
    tier_since = models.DateTimeField(null=True)
    tier_until = models.DateTimeField(null=True)
    floor_tier = models.ForeignKey(
        Tier, models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "member", "program"], name="account_once"),
            models.CheckConstraint(
                condition=Q(balance__gte=0, pending__gte=0, debt__gte=0),
                name="account_not_negative",
            ),
            models.CheckConstraint(condition=Q(debt=0) | Q(balance=0), name="account_debt_first"),
        ]
        indexes = [
            models.Index(fields=["tenant", "last_activity"], name="account_by_activity"),
            models.Index(fields=["tenant", "balance"], name="account_by_balance"),
            models.Index(
                fields=["tenant", "next_change_at"],
                condition=Q(next_change_at__isnull=False),
                name="account_due",
            ),
        ]

    def __str__(self) -> str:
        return f"account {self.pk}"


class Entry(AppendOnly, TenantModel):
    """A line of the ledger: `amount` points came (+) or went (-), and why. Corrections are new
    entries.

    When it was recorded is in its id (a UUIDv7). `operation` has no foreign key: operations are
    forgotten after 35 days, entries never; None is for what time did by itself. `reverses` is the
    entry that this one takes back. `reason` is what a person gave, or which bonus it is.
    """

    class Kind(models.TextChoices):
        EARN = "earn"
        BONUS = "bonus"
        REDEEM = "redeem"
        EXPIRE = "expire"
        CLAWBACK = "clawback"
        RESTORE = "restore"
        ADJUST = "adjust"
        MERGE_IN = "merge_in"
        MERGE_OUT = "merge_out"
        OPENING = "opening"
        FORFEIT = "forfeit"

    example = {"amount": 1}

    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    amount = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    operation = models.UUIDField(null=True)
    purchase = models.ForeignKey(Purchase, models.PROTECT, null=True, related_name="entries")
    refund = models.ForeignKey(
        Refund, models.PROTECT, null=True, related_name="entries", db_index=False
    )
    voucher = models.ForeignKey(Voucher, models.PROTECT, null=True, related_name="entries")
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="reversed_by", db_index=False
    )
    reason = models.CharField(max_length=140, default="")

    class Meta:
        verbose_name_plural = "entries"
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="entry_moves")]
        indexes = [
            models.Index(fields=["tenant", "account", "occurred_at"], name="entry_by_account"),
            models.Index(fields=["tenant", "occurred_at"], name="entry_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount:+}"


class Lot(TenantModel):
    """The spendable part of one credit, with its own dates. `remaining` only ever falls.

    `amount` is the credit less what repaid a debt. The soonest to expire is spent first.
    """

    example = {"amount": 1, "remaining": 1}

    account = models.ForeignKey(Account, models.PROTECT, related_name="lots", db_index=False)
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="lots", db_index=False)
    purchase = models.ForeignKey(Purchase, models.PROTECT, null=True, related_name="lots")
    amount = models.BigIntegerField()
    remaining = models.BigIntegerField()
    earned_at = models.DateTimeField()
    available_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(remaining__gte=0, remaining__lte=F("amount"), amount__gt=0),
                name="lot_remaining",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "account", "expires_at"],
                condition=Q(remaining__gt=0),
                name="lot_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.remaining} of {self.amount}"


class Allocation(AppendOnly, TenantModel):
    """That `entry`, a debit, took `amount` points out of `lot`."""

    example = {"amount": 1}

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="allocations")
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="allocations")
    amount = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="allocation_takes")]

    def __str__(self) -> str:
        return str(self.amount)
