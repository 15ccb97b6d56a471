"""What a hand in the database can do to the books of the shop that lived, by the kind of fault that
must be found; and by how much it is then wrong (None: by whatever it is).
"""

from __future__ import annotations

from django.db import connection

from loyalty.models import Account, Allocation, Entry, Lot

CORRUPTIONS = {
    "sum": ("UPDATE loyalty_entry SET amount = amount + 7 WHERE kind = 'adjust' AND amount > 0", 7),
    "balance": ("UPDATE loyalty_account SET balance = balance + 3 WHERE id = %(account)s", 3),
    "spendable": (
        """UPDATE loyalty_account SET balance = balance - 2, pending = pending + 2
            WHERE id = %(account)s""",
        -2,
    ),
    "due": ("UPDATE loyalty_account SET next_change_at = NULL WHERE id = %(account)s", None),
    "lot": ("UPDATE loyalty_lot SET remaining = remaining - 1 WHERE id = %(lot)s", 1),
    "debit": ("UPDATE loyalty_allocation SET amount = amount + 1 WHERE id = %(expiry)s", 1),
    "debt": (
        """UPDATE loyalty_account SET debt = 8, pending = pending + balance, balance = 0
            WHERE id = %(account)s""",
        8,
    ),
    "credit": ("UPDATE loyalty_lot SET amount = amount + 4 WHERE id = %(lot)s", 4),
    "stranger": ("UPDATE loyalty_lot SET account_id = %(account)s WHERE id = %(strange)s", None),
    "lifetime": ("UPDATE loyalty_account SET lifetime = lifetime + 9 WHERE id = %(bobs)s", 9),
    "earned": ("UPDATE loyalty_purchase SET earned = earned + 6 WHERE id = %(sale)s", 6),
    "clawed": ("UPDATE loyalty_purchase SET clawed = clawed - 1 WHERE id = %(part)s", 1),
    "refunded": ("UPDATE loyalty_purchase SET refunded = refunded + 25 WHERE id = %(sale)s", 25),
    "done": (
        """UPDATE loyalty_operation
              SET result = result || jsonb_build_object('purchase', gen_random_uuid())
            WHERE verb = 'adjust' AND key = 'a1'""",
        0,
    ),
    "rule": (
        """UPDATE loyalty_earnrule SET used = used + 1
            WHERE conditions->>'total_uses' IS NOT NULL""",
        1,
    ),
    "restored": ("UPDATE loyalty_redemption SET restored = restored + 1", 1),
    "voucher": ("UPDATE loyalty_voucher SET used = 0 WHERE id = %(used)s", -1),
    "gift_card": (
        "UPDATE loyalty_voucher SET remaining_value = remaining_value + 50 WHERE id = %(card)s",
        50,
    ),
    "paid": ("UPDATE loyalty_voucher SET cost = cost - 5 WHERE id = %(used)s", -5),
    "unnamed": ("UPDATE loyalty_entry SET voucher_id = NULL WHERE id = %(redeem)s", None),
    "found": ("UPDATE loyalty_member SET status = 'merged' WHERE id = %(bob)s", 1),
    "person": ("UPDATE loyalty_member SET name = 'Dan' WHERE id = %(dan)s", None),
    "closed": ("UPDATE loyalty_account SET debt = 8 WHERE member_id = %(dan)s", -8),
    "pointer": ("UPDATE loyalty_member SET merged_into_id = NULL WHERE id = %(eve)s", 0),
}


def by_hand(statement, **values):
    """What somebody does in the database itself, whom nothing holds; rolled back with the test."""
    with connection.as_owner(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount != 0, "that changed nothing"
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE portal_app")


def corrupt(lived, kind):
    """Plant one of CORRUPTIONS; returns by how much it is wrong."""
    statement, amount = CORRUPTIONS[kind]
    ann, bob = (Account.objects.get(member=m) for m in (lived.ann, lived.bob))
    expiry = Allocation.objects.filter(entry__kind=Entry.Kind.EXPIRE).order_by("pk")
    values = {
        **{name: getattr(lived, name).pk for name in ("bob", "dan", "eve", "part", "used", "card")},
        "account": ann.pk,
        "bobs": bob.pk,
        "sale": lived.recent.pk,
        "lot": Lot.objects.filter(account=ann, remaining__gt=0).latest("pk").pk,
        "strange": Lot.objects.filter(account=bob, remaining__gt=0).latest("pk").pk,
        "expiry": expiry.first().pk,
        "redeem": Entry.objects.filter(voucher=lived.used, kind=Entry.Kind.REDEEM).get().pk,
    }
    by_hand(statement, **values)
    return amount


def without_keys(table):
    """As the owner could: no foreign key and no check holds this table any longer."""
    query = (
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('f', 'c')"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [table])
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        by_hand(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
