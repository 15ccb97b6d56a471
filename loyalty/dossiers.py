"""All that is kept of one member, to be handed to her: the copy that privacy laws promise."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

from loyalty import finding
from loyalty.models import Account, Consent, Entry, Identifier, Member, Purchase, Voucher

MOST = 100_000  # rows of one kind; nobody has as many
# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def dossier(member: Member, *, at: dt.datetime) -> dict[str, Any]:
    """Everything kept of a member, as JSON: also of the cards that were joined with hers. Points
    are ints, money is minor units, times are ISO 8601.

    The secrets of her links are not in it: only their hashes are kept. Seven statements.
    """
    cards = finding.all_cards([member.pk])
    mine = {"member__in": list(cards)}
    accounts = list(Account.objects.filter(**mine).select_related("program", "tier"))
    of_mine = {"account__in": [account.pk for account in accounts]}
    return {
        "as_of": at.isoformat(),
        "member": _member(member),
        "known_by": [_identifier(row) for row in Identifier.everyone.filter(**mine).order_by("id")],
        "agreed": [_consent(row) for row in Consent.objects.filter(**mine).order_by("at", "id")],
        "accounts": [_account(account) for account in accounts],
        "sales": list(_sales(of_mine)),
        "entries": list(_entries(of_mine)),
        "vouchers": [
            _voucher(row)
            for row in Voucher.objects.filter(owner__in=list(cards)).select_related("reward")[:MOST]
        ],
    }


def entries_as_csv(member: Member) -> str:
    """The lines of her account as a table for a spreadsheet, the oldest first."""
    cards = finding.all_cards([member.pk])
    accounts = Account.objects.filter(member__in=list(cards)).values("pk")
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(["at", "kind", "points", "reason", "sale", "receipt"])
    for row in _entries({"account__in": accounts}):
        told = (row[name] for name in ("at", "kind", "points", "reason", "sale", "receipt"))
        table.writerow([_harmless(value) for value in told])
    return file.getvalue()


# Inside


def _harmless(value: object) -> object:
    """Text that no spreadsheet computes with. A number may begin with a minus."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _member(member: Member) -> dict[str, Any]:
    return {
        "id": str(member.pk),
        "code": member.code,
        "name": member.name,
        "birth_date": member.birth_date and member.birth_date.isoformat(),
        "language": member.language,
        "status": member.status,
        "erase_at": member.erase_at and member.erase_at.isoformat(),
        "enrolled_at": member.enrolled_at.isoformat(),
        "source": member.source,
    }


def _identifier(row: Identifier) -> dict[str, Any]:
    is_link = row.kind == Identifier.Kind.LINK
    return {
        "kind": row.kind,
        "value": "" if is_link else row.value,
        "verified_at": row.verified_at and row.verified_at.isoformat(),
        "retired_at": row.deleted_at and row.deleted_at.isoformat(),
    }


def _consent(row: Consent) -> dict[str, Any]:
    return {
        "purpose": row.purpose,
        "granted": row.granted,
        "at": row.at.isoformat(),
        "source": row.source,
        "text_version": row.text_version,
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "program": account.program.name,
        "unit": account.program.unit,
        "balance": account.balance,
        "pending": account.pending,
        "debt": account.debt,
        "lifetime": account.lifetime,
        "tier": account.tier.name if account.tier else "",
    }


def _sales(of_mine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    rows = Purchase.objects.filter(**of_mine).order_by("occurred_at", "id")
    for row in rows[:MOST]:
        yield {
            "at": row.occurred_at.isoformat(),
            "total": row.total,
            "refunded": row.refunded,
            "earned": row.earned,
            "receipt": row.ref,
            "lines": row.lines,
        }


def _entries(of_mine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    rows = Entry.objects.filter(**of_mine).select_related("purchase")
    for row in rows.order_by("occurred_at", "id")[:MOST]:
        yield {
            "at": row.occurred_at.isoformat(),
            "kind": row.kind,
            "points": row.amount,
            "reason": row.reason,
            "sale": row.purchase.total if row.purchase else None,
            "receipt": row.purchase.ref if row.purchase else "",
        }


def _voucher(row: Voucher) -> dict[str, Any]:
    return {
        "code": row.code,
        "kind": row.kind,
        "status": row.status,
        "reward": row.reward.name if row.reward else "",
        "value": row.value,
        "cost": row.cost,
        "issued_at": row.issued_at.isoformat(),
        "valid_until": row.valid_until and row.valid_until.isoformat(),
    }
