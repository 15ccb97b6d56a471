"""Sales against the entries they made, the refunds they had and the rules they used up."""

from __future__ import annotations

from loyalty.checks.check import Check

# I6
EARNED = """
    SELECT coalesce(m.code, '') AS member, p.account_id AS account,
           (p.earned - coalesce(e.points, 0))::bigint AS amount,
           p.id AS sale, p.earned, coalesce(e.points, 0) AS entered
      FROM loyalty_purchase p
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (p.tenant_id, p.account_id)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
      LEFT JOIN (SELECT purchase_id, sum(amount) AS points FROM loyalty_entry
                  WHERE tenant_id = %(tenant)s AND kind = 'earn' AND purchase_id IS NOT NULL
                  GROUP BY purchase_id) e ON e.purchase_id = p.id
     WHERE p.tenant_id = %(tenant)s AND p.earned <> coalesce(e.points, 0)
"""

# Presents that a sale brought are clawed back under the same sale.
CLAWED = """
    SELECT coalesce(m.code, '') AS member, p.account_id AS account,
           (e.taken - p.clawed - e.presents)::bigint AS amount,
           p.id AS sale, p.clawed, p.earned, e.taken
      FROM loyalty_purchase p
      JOIN (SELECT purchase_id,
                   coalesce(-sum(amount) FILTER (WHERE kind = 'clawback'), 0) AS taken,
                   coalesce(sum(amount) FILTER (WHERE kind = 'bonus'), 0) AS presents
              FROM loyalty_entry
             WHERE tenant_id = %(tenant)s AND kind IN ('clawback', 'bonus')
               AND purchase_id IS NOT NULL
             GROUP BY purchase_id) e ON e.purchase_id = p.id
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (p.tenant_id, p.account_id)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
     WHERE p.tenant_id = %(tenant)s
       AND (p.clawed > p.earned OR e.taken > p.clawed + e.presents)
"""

REFUNDED = """
    SELECT coalesce(m.code, '') AS member, p.account_id AS account,
           (p.refunded - coalesce(r.amount, 0))::bigint AS amount,
           p.id AS sale, p.total, p.refunded, coalesce(r.amount, 0) AS told
      FROM loyalty_purchase p
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (p.tenant_id, p.account_id)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
      LEFT JOIN (SELECT purchase_id, sum(amount) AS amount FROM loyalty_refund
                  WHERE tenant_id = %(tenant)s GROUP BY purchase_id) r ON r.purchase_id = p.id
     WHERE p.tenant_id = %(tenant)s
       AND (p.refunded <> coalesce(r.amount, 0) OR p.refunded > p.total)
"""

# What a command says it did is there.
DONE = """
    SELECT '' AS member, NULL AS account, 0 AS amount, o.verb, o.key,
           CASE WHEN v.id IS NULL AND o.result->>'voucher' IS NOT NULL
                THEN 'voucher' ELSE 'sale' END AS what
      FROM loyalty_operation o
      LEFT JOIN loyalty_purchase p
             ON (p.tenant_id, p.id) = (o.tenant_id, (o.result->>'purchase')::uuid)
      LEFT JOIN loyalty_voucher v
             ON (v.tenant_id, v.id) = (o.tenant_id, (o.result->>'voucher')::uuid)
     WHERE o.tenant_id = %(tenant)s
       AND ((o.result->>'purchase' IS NOT NULL AND p.id IS NULL)
            OR (o.result->>'voucher' IS NOT NULL AND v.id IS NULL))
"""

# A rule for the first so many counts the sales that stand.
RULE = """
    SELECT '' AS member, NULL AS account, (r.used - coalesce(u.sales, 0))::bigint AS amount,
           r.id AS rule, r.used, coalesce(u.sales, 0) AS sales
      FROM loyalty_earnrule r
      LEFT JOIN (SELECT u.rule_id, count(*) AS sales
                   FROM loyalty_ruleuse u
                   JOIN loyalty_purchase p ON (p.tenant_id, p.id) = (u.tenant_id, u.purchase_id)
                  WHERE u.tenant_id = %(tenant)s AND NOT (p.total > 0 AND p.refunded = p.total)
                  GROUP BY u.rule_id) u ON u.rule_id = r.id
     WHERE r.tenant_id = %(tenant)s AND r.conditions->>'total_uses' IS NOT NULL
       AND r.used <> coalesce(u.sales, 0)
"""

RESTORED = """
    SELECT coalesce(m.code, '') AS member, v.account_id AS account,
           (s.restored - coalesce(e.points, 0))::bigint AS amount,
           s.purchase_id AS sale, s.restored, coalesce(e.points, 0) AS entered
      FROM loyalty_redemption s
      JOIN loyalty_voucher v ON (v.tenant_id, v.id) = (s.tenant_id, s.voucher_id)
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (v.tenant_id, v.account_id)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
      LEFT JOIN (SELECT voucher_id, sum(amount) AS points FROM loyalty_entry
                  WHERE tenant_id = %(tenant)s AND kind = 'restore'
                  GROUP BY voucher_id) e ON e.voucher_id = s.voucher_id
     WHERE s.tenant_id = %(tenant)s AND s.restored <> coalesce(e.points, 0)
"""

CHECKS = (
    Check("earned", "Sale {sale} earned {earned} points, but its entry says {entered}.", EARNED),
    Check(
        "clawed",
        "Of sale {sale}, which earned {earned}, {clawed} points were taken back, but entries say "
        "{taken}.",
        CLAWED,
    ),
    Check(
        "refunded",
        "Of sale {sale}, which came to {total}, {refunded} were given back, but refunds say "
        "{told}.",
        REFUNDED,
    ),
    Check("done", "The command {verb} {key} names a {what} that is not there.", DONE),
    Check("rule", "Rule {rule} counts {used} sales, but {sales} stand.", RULE),
    Check(
        "restored",
        "For what paid for sale {sale} {restored} points were given back, but entries say "
        "{entered}.",
        RESTORED,
    ),
)
