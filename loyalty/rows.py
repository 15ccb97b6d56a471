"""What a command writes, in the order that foreign keys want: one INSERT a table."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models

from loyalty.models import (
    Account,
    Allocation,
    Entry,
    Lot,
    Operation,
    Purchase,
    Redemption,
    Refund,
    RuleUse,
    Voucher,
    VoucherUse,
)
from tenants.models import AuditEntry

AT_ONCE = 1_000  # rows an INSERT
# What is pointed at is written before what points at it.
ORDER: tuple[type[models.Model], ...] = (
    *(Operation, Purchase, Refund, Voucher, VoucherUse, Redemption, RuleUse),
    *(Entry, Lot, Allocation, AuditEntry),
)
KEPT_SUMS = [
    *("balance", "pending", "debt", "carry", "lifetime", "last_activity", "next_change_at"),
    *("tier", "tier_since", "tier_until", "floor_tier"),
]


class Rows:
    """Unsaved rows of the tables in ORDER; KeyError for one of another table."""

    def __init__(self) -> None:
        self._rows: dict[type[models.Model], list[models.Model]] = {kind: [] for kind in ORDER}

    def add(self, *rows: models.Model) -> None:
        for row in rows:
            self._rows[type(row)].append(row)

    def lots_of(self, account: Account) -> list[Lot]:
        """Those that are not written yet."""
        lots = (row for row in self._rows[Lot] if isinstance(row, Lot))
        return [lot for lot in lots if lot.account_id == account.pk]

    def write(self) -> None:
        for kind, rows in self._rows.items():
            if rows:
                kind._default_manager.bulk_create(rows, batch_size=AT_ONCE)
                rows.clear()


def save_sums(accounts: Iterable[Account]) -> None:
    """Write the sums of these accounts, which are locked and known: so it is one statement for any
    number of them.
    """
    Account.objects.bulk_create(
        accounts,
        batch_size=AT_ONCE,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=KEPT_SUMS,
    )
