"""Vouchers against their uses and against the entries that paid for them, and the shelf."""

from __future__ import annotations

from loyalty.checks.check import Check

# I7. A gift card is used once: when it is empty.
USED = """
    SELECT coalesce(m.code, '') AS member, v.account_id AS account,
           (v.used - coalesce(u.times, 0))::bigint AS amount,
           v.code, v.used, v.uses, coalesce(u.times, 0) AS times
      FROM loyalty_voucher v
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (v.tenant_id, v.owner_id)
      LEFT JOIN (SELECT voucher_id, count(*) AS times FROM loyalty_voucheruse
                  WHERE tenant_id = %(tenant)s GROUP BY voucher_id) u ON u.voucher_id = v.id
     WHERE v.tenant_id = %(tenant)s
       AND (v.used > v.uses
            OR (v.kind <> 'gift_card' AND v.used <> coalesce(u.times, 0))
            OR (v.status = 'issued' AND v.used >= v.uses)
            OR (v.status = 'used' AND v.used < v.uses))
"""

GIFT_CARD = """
    SELECT coalesce(m.code, '') AS member, v.account_id AS account,
           (v.remaining_value - v.value + coalesce(u.amount, 0))::bigint AS amount,
           v.code, v.value, v.remaining_value AS remaining, coalesce(u.amount, 0) AS paid
      FROM loyalty_voucher v
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (v.tenant_id, v.owner_id)
      LEFT JOIN (SELECT voucher_id, sum(amount) AS amount FROM loyalty_voucheruse
                  WHERE tenant_id = %(tenant)s GROUP BY voucher_id) u ON u.voucher_id = v.id
     WHERE v.tenant_id = %(tenant)s AND v.kind = 'gift_card'
       AND (v.remaining_value <> v.value - coalesce(u.amount, 0)
            OR (v.status <> 'voided' AND (v.used > 0) <> (v.remaining_value = 0)))
"""

PAID = """
    SELECT coalesce(m.code, '') AS member, v.account_id AS account,
           (v.cost - coalesce(e.paid, 0))::bigint AS amount,
           v.code, v.cost, coalesce(e.paid, 0) AS paid, coalesce(e.restored, 0) AS restored
      FROM loyalty_voucher v
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (v.tenant_id, v.account_id)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
      LEFT JOIN (SELECT voucher_id, -sum(amount) FILTER (WHERE kind = 'redeem') AS paid,
                        sum(amount) FILTER (WHERE kind = 'restore') AS restored
                   FROM loyalty_entry
                  WHERE tenant_id = %(tenant)s AND kind IN ('redeem', 'restore')
                    AND voucher_id IS NOT NULL
                  GROUP BY voucher_id) e ON e.voucher_id = v.id
     WHERE v.tenant_id = %(tenant)s
       AND (v.cost <> coalesce(e.paid, 0) OR coalesce(e.restored, 0) > v.cost)
"""

UNNAMED = """
    SELECT coalesce(m.code, '') AS member, e.account_id AS account, e.amount, e.kind
      FROM loyalty_entry e
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (e.tenant_id, e.account_id)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
      LEFT JOIN loyalty_voucher v ON (v.tenant_id, v.id) = (e.tenant_id, e.voucher_id)
     WHERE e.tenant_id = %(tenant)s AND e.kind IN ('redeem', 'restore') AND v.id IS NULL
"""

STOCK = """
    SELECT '' AS member, NULL AS account, r.stock AS amount, r.id AS reward, r.stock
      FROM loyalty_reward r WHERE r.tenant_id = %(tenant)s AND r.stock < 0
"""

CHECKS = (
    Check("voucher", "Voucher {code} says {used} of {uses} uses; it was used {times} times.", USED),
    Check(
        "gift_card",
        "Gift card {code} of {value}, of which {paid} were paid with, holds {remaining}.",
        GIFT_CARD,
    ),
    Check(
        "paid",
        "Voucher {code} cost {cost} points; {paid} were paid and {restored} given back.",
        PAID,
    ),
    Check("unnamed", "An entry ({kind}) of {amount} points names no voucher.", UNNAMED),
    Check("stock", "Of reward {reward} {stock} are left.", STOCK),
)
