"""A sale and a redemption as somebody would write them in SQL who has only these two to write.

The same rows in the same tables, under the same lock, in one transaction, and the same look whether
the command was done before; over the same kind of connection, with the same login. No policy, no
tiers, no limits, no refusals.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from tenants.ids import uuid7


class ByHand:
    """One shop's till. `account`, `place`, `staff` are ids; every verb returns its statements."""

    def __init__(self, url: str, tenant: UUID, place: UUID, staff: UUID) -> None:
        # Values are put in by the client, as Django's own cursors do.
        self.connection = psycopg.connect(url, cursor_factory=psycopg.ClientCursor)
        self.tenant, self.place, self.staff = tenant, place, staff
        self.number = 0

    @property
    def pid(self) -> int:
        return self.connection.info.backend_pid

    def sell(self, account: UUID, total: int, at: dt.datetime) -> int:
        with self.connection.transaction():
            self._begin()
            found = self._locked(account)
            per, points = self._one("rule", RULE, found["program_id"])
            earned, operation, purchase, entry = total // per * points, uuid7(), uuid7(), uuid7()
            steps = [{"rule": "1", "basis": total, "per": per, "steps": earned, "each": points}]
            told = {"steps": steps, "rules": [["1", "spend", points, per, False]]}
            self._do(OPERATION, operation, "purchase", {"purchase": str(purchase)}, at)
            self._do(PURCHASE, purchase, account, self.place, self.staff, at, total, earned, told)
            self._do(ENTRY, entry, account, "earn", earned, at, operation, purchase, None)
            self._do(LOT, uuid7(), account, entry, purchase, earned, earned, at, at)
            self._do(UPDATE, found["balance"] + earned, found["lifetime"] + earned, at, account)
            self._do(AUDIT, uuid7(), at, "purchase.recorded", purchase, {"total": total})
        return self.said

    def redeem(self, account: UUID, reward: UUID, at: dt.datetime) -> int:
        with self.connection.transaction():
            self._begin()
            found = self._locked(account)
            cost, value, kind = self._one("reward", REWARD, reward)
            assert found["balance"] >= cost
            operation, voucher, entry, left = uuid7(), uuid7(), uuid7(), cost
            self._do(VOUCHER, voucher, str(voucher), kind, value, account, reward, cost, at)
            self._do(USE, uuid7(), voucher, at, self.staff)
            self._do(OPERATION, operation, "redeem", {"voucher": str(voucher)}, at)
            self._do(ENTRY, entry, account, "redeem", -cost, at, operation, None, voucher)
            for lot, remaining in self._do(LOTS, account).fetchall():
                part = min(left, remaining)
                left -= part
                self._do(TAKE, remaining - part, lot)
                self._do(ALLOCATION, uuid7(), entry, lot, part)
                if not left:
                    break
            self._do(UPDATE, found["balance"] - cost, found["lifetime"], at, account)
            self._do(AUDIT, uuid7(), at, "reward.redeemed", voucher, {"cost": cost})
        return self.said

    def _begin(self) -> None:
        self.said, self.number = 0, self.number + 1
        self.connection.execute(f"SET LOCAL app.tenant_id = '{self.tenant}'".encode())
        assert self._do(KNOWN, "hand", f"k{self.number}").fetchone() is None

    def _locked(self, account: UUID) -> dict[str, Any]:
        row = self._do(LOCK, account).fetchone()
        assert row
        return dict(zip(("balance", "lifetime", "program_id", "status"), row, strict=True))

    def _one(self, what: str, statement: str, pk: object) -> tuple[Any, ...]:
        row = self._do(statement, pk).fetchone()
        assert row, what
        return row

    def _do(self, statement: str, *values: object) -> psycopg.Cursor[tuple[Any, ...]]:
        self.said += 1
        told = [Jsonb(v, dumps=json.dumps) if isinstance(v, dict) else v for v in values]
        named = {f"v{n}": value for n, value in enumerate(told)}
        named |= {"tenant": self.tenant, "key": f"k{self.number}"}
        return self.connection.execute(statement.encode(), named)


KNOWN = """
    SELECT result FROM loyalty_operation
     WHERE tenant_id = %(tenant)s AND source = %(v0)s AND key = %(v1)s
"""
LOCK = """
    SELECT a.balance, a.lifetime, a.program_id, m.status FROM loyalty_account a
      JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
     WHERE a.tenant_id = %(tenant)s AND a.id = %(v0)s FOR NO KEY UPDATE OF a, m
"""
RULE = """
    SELECT per, points FROM loyalty_earnrule
     WHERE tenant_id = %(tenant)s AND program_id = %(v0)s AND is_active ORDER BY id
"""
REWARD = """
    SELECT cost, value, kind FROM loyalty_reward WHERE tenant_id = %(tenant)s AND id = %(v0)s
"""
LOTS = """
    SELECT id, remaining FROM loyalty_lot
     WHERE tenant_id = %(tenant)s AND account_id = %(v0)s AND remaining > 0
     ORDER BY expires_at NULLS LAST, earned_at, id
"""
OPERATION = """
    INSERT INTO loyalty_operation (id, tenant_id, source, key, verb, fingerprint, who, at, result)
    VALUES (%(v0)s, %(tenant)s, 'hand', %(key)s, %(v1)s, %(key)s, 'staff:x', %(v3)s, %(v2)s)
"""
PURCHASE = """
    INSERT INTO loyalty_purchase (id, tenant_id, account_id, location_id, staff_id, ref,
           occurred_at, total, tax, reward_discount, refunded, earned, clawed, snapshot, flags)
    VALUES (%(v0)s, %(tenant)s, %(v1)s, %(v2)s, %(v3)s, '', %(v4)s, %(v5)s, 0, 0, 0, %(v6)s, 0,
            %(v7)s, '[]')
"""
ENTRY = """
    INSERT INTO loyalty_entry (id, tenant_id, account_id, kind, amount, occurred_at, operation,
           purchase_id, voucher_id, reason)
    VALUES (%(v0)s, %(tenant)s, %(v1)s, %(v2)s, %(v3)s, %(v4)s, %(v5)s, %(v6)s, %(v7)s, '')
"""
LOT = """
    INSERT INTO loyalty_lot (id, tenant_id, account_id, entry_id, purchase_id, amount, remaining,
           earned_at, available_at)
    VALUES (%(v0)s, %(tenant)s, %(v1)s, %(v2)s, %(v3)s, %(v4)s, %(v5)s, %(v6)s, %(v7)s)
"""
UPDATE = """
    UPDATE loyalty_account SET balance = %(v0)s, lifetime = %(v1)s, last_activity = %(v2)s
     WHERE tenant_id = %(tenant)s AND id = %(v3)s
"""
AUDIT = """
    INSERT INTO tenants_auditentry (id, tenant_id, at, who, address, request_id, act, subject,
           before, after)
    VALUES (%(v0)s, %(tenant)s, %(v1)s, 'staff:x', '', '', %(v2)s, %(v3)s, '{}', %(v4)s)
"""
VOUCHER = """
    INSERT INTO loyalty_voucher (id, tenant_id, code, code_key, kind, status, value,
           remaining_value, points, uses, used, account_id, reward_id, cost, is_auto, issued_at,
           min_spend)
    VALUES (%(v0)s, %(tenant)s, %(v1)s, %(v1)s, %(v2)s, 'used', %(v3)s, %(v3)s, 0, 1, 1, %(v4)s,
            %(v5)s, %(v6)s, false, %(v7)s, 0)
"""
USE = """
    INSERT INTO loyalty_voucheruse (id, tenant_id, voucher_id, amount, at, staff_id)
    VALUES (%(v0)s, %(tenant)s, %(v1)s, 0, %(v2)s, %(v3)s)
"""
TAKE = "UPDATE loyalty_lot SET remaining = %(v0)s WHERE tenant_id = %(tenant)s AND id = %(v1)s"
ALLOCATION = """
    INSERT INTO loyalty_allocation (id, tenant_id, entry_id, lot_id, amount)
    VALUES (%(v0)s, %(tenant)s, %(v1)s, %(v2)s, %(v3)s)
"""
