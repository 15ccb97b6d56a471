"""Entries, lots and allocations against each other, and the sums on the account against them."""

from __future__ import annotations

from loyalty.checks.check import Check

# I1
SUM = """
    SELECT coalesce(m.code, '') AS member, a.id AS account,
           (coalesce(e.points, 0) + a.debt - coalesce(l.points, 0))::bigint AS amount,
           coalesce(e.points, 0) AS entered, coalesce(l.points, 0) AS held, a.debt
      FROM loyalty_account a
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
      LEFT JOIN (SELECT account_id, sum(amount) AS points FROM loyalty_entry
                  WHERE tenant_id = %(tenant)s GROUP BY account_id) e ON e.account_id = a.id
      LEFT JOIN (SELECT account_id, sum(remaining) AS points FROM loyalty_lot
                  WHERE tenant_id = %(tenant)s GROUP BY account_id) l ON l.account_id = a.id
     WHERE a.tenant_id = %(tenant)s
       AND coalesce(e.points, 0) <> coalesce(l.points, 0) - a.debt
"""

# I2
BALANCE = """
    SELECT coalesce(m.code, '') AS member, a.id AS account,
           (a.balance + a.pending - coalesce(l.points, 0))::bigint AS amount,
           a.balance, a.pending, coalesce(l.points, 0) AS held
      FROM loyalty_account a
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
      LEFT JOIN (SELECT account_id, sum(remaining) AS points FROM loyalty_lot
                  WHERE tenant_id = %(tenant)s GROUP BY account_id) l ON l.account_id = a.id
     WHERE a.tenant_id = %(tenant)s
       AND a.balance + a.pending <> coalesce(l.points, 0)
"""

# I2 again: which of them can be spent. Until its next change the account says so; after that it
# may say too much (a late sale wrote an earlier change), never too little.
SPENDABLE = """
    SELECT coalesce(m.code, '') AS member, a.id AS account,
           (a.balance - coalesce(l.spendable, 0))::bigint AS amount,
           a.balance, coalesce(l.spendable, 0) AS spendable
      FROM loyalty_account a
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
      LEFT JOIN (SELECT o.id, sum(l.remaining) AS points,
                        coalesce(sum(l.remaining) FILTER (
                            WHERE o.next_change_at IS NULL OR l.available_at < o.next_change_at
                        ), 0) AS spendable
                   FROM loyalty_lot l
                   JOIN loyalty_account o ON (o.tenant_id, o.id) = (l.tenant_id, l.account_id)
                  WHERE l.tenant_id = %(tenant)s AND l.remaining > 0 GROUP BY o.id
                ) l ON l.id = a.id
     WHERE a.tenant_id = %(tenant)s
       AND a.balance + a.pending = coalesce(l.points, 0)
       AND CASE WHEN a.next_change_at IS NULL OR a.next_change_at > %(at)s::timestamptz
                THEN a.balance <> coalesce(l.spendable, 0)
                ELSE a.balance < coalesce(l.spendable, 0) END
"""

DUE = """
    SELECT coalesce(m.code, '') AS member, a.id AS account, sum(l.remaining)::bigint AS amount,
           min(l.expires_at) AS due, a.next_change_at AS known
      FROM loyalty_lot l
      JOIN loyalty_account a ON (a.tenant_id, a.id) = (l.tenant_id, l.account_id)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
     WHERE l.tenant_id = %(tenant)s AND l.remaining > 0
       AND (a.next_change_at IS NULL OR l.expires_at < a.next_change_at)
       AND l.expires_at IS NOT NULL
     GROUP BY m.code, a.id, a.next_change_at
"""

# I3
LOT = """
    SELECT coalesce(m.code, '') AS member, l.account_id AS account,
           (l.amount - coalesce(x.points, 0) - l.remaining)::bigint AS amount,
           l.amount AS given, coalesce(x.points, 0) AS taken, l.remaining
      FROM loyalty_lot l
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (l.tenant_id, l.account_id)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
      LEFT JOIN (SELECT lot_id, sum(amount) AS points FROM loyalty_allocation
                  WHERE tenant_id = %(tenant)s GROUP BY lot_id) x ON x.lot_id = l.id
     WHERE l.tenant_id = %(tenant)s
       AND (l.amount - l.remaining <> coalesce(x.points, 0)
            OR l.remaining < 0 OR l.remaining > l.amount)
"""

# I4
DEBT = """
    SELECT coalesce(m.code, '') AS member, a.id AS account, a.debt AS amount,
           sum(l.remaining) AS held
      FROM loyalty_account a
      JOIN loyalty_lot l ON (l.tenant_id, l.account_id) = (a.tenant_id, a.id)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
     WHERE a.tenant_id = %(tenant)s AND a.debt > 0 AND l.remaining > 0
     GROUP BY m.code, a.id, a.debt
"""

# A debit takes no more than it says. What it does not find becomes a debt, where one may be made.
DEBIT = """
    SELECT coalesce(m.code, '') AS member, e.account_id AS account,
           (coalesce(x.points, 0) + e.amount)::bigint AS amount,
           e.kind, -e.amount AS told, coalesce(x.points, 0) AS taken
      FROM loyalty_entry e
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (e.tenant_id, e.account_id)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
      LEFT JOIN (SELECT entry_id, sum(amount) AS points FROM loyalty_allocation
                  WHERE tenant_id = %(tenant)s GROUP BY entry_id) x ON x.entry_id = e.id
     WHERE e.tenant_id = %(tenant)s AND e.amount < 0
       AND (coalesce(x.points, 0) > -e.amount
            OR (e.kind IN ('redeem', 'expire') AND coalesce(x.points, 0) <> -e.amount))
"""

# A credit makes lots of what did not repay a debt, and takes from none; a debit makes none.
CREDIT = """
    SELECT coalesce(m.code, '') AS member, e.account_id AS account,
           (l.points - greatest(e.amount, 0))::bigint AS amount, e.kind, e.amount AS told,
           l.points AS made
      FROM loyalty_entry e
      JOIN (SELECT entry_id, sum(amount) AS points FROM loyalty_lot
             WHERE tenant_id = %(tenant)s GROUP BY entry_id) l ON l.entry_id = e.id
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (e.tenant_id, e.account_id)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
     WHERE e.tenant_id = %(tenant)s AND l.points > greatest(e.amount, 0)
"""

# What one card spends is taken from its own lots, which are made by its own credits.
STRANGER = """
    SELECT coalesce(m.code, '') AS member, f.account, f.amount, f.what
      FROM (SELECT e.account_id AS account, x.amount, 'a debit took from a lot' AS what
              FROM loyalty_allocation x
              JOIN loyalty_entry e ON (e.tenant_id, e.id) = (x.tenant_id, x.entry_id)
              JOIN loyalty_lot l ON (l.tenant_id, l.id) = (x.tenant_id, x.lot_id)
             WHERE x.tenant_id = %(tenant)s
               AND (e.account_id <> l.account_id OR e.amount > 0)
            UNION ALL
            SELECT l.account_id, l.amount, 'a lot comes from a credit'
              FROM loyalty_lot l
              JOIN loyalty_entry e ON (e.tenant_id, e.id) = (l.tenant_id, l.entry_id)
             WHERE l.tenant_id = %(tenant)s AND e.account_id <> l.account_id) f
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (%(tenant)s, f.account)
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
"""

# Foreign keys hold this, until somebody takes them off.
ORPHAN = """
    SELECT '' AS member, e.account_id AS account, e.amount, 'an entry without its account' AS what
      FROM loyalty_entry e
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (e.tenant_id, e.account_id)
     WHERE e.tenant_id = %(tenant)s AND a.id IS NULL
    UNION ALL
    SELECT '', l.account_id, l.amount, 'a lot without its account'
      FROM loyalty_lot l
      LEFT JOIN loyalty_account a ON (a.tenant_id, a.id) = (l.tenant_id, l.account_id)
     WHERE l.tenant_id = %(tenant)s AND a.id IS NULL
    UNION ALL
    SELECT '', l.account_id, l.amount, 'a lot without its credit'
      FROM loyalty_lot l
      LEFT JOIN loyalty_entry e ON (e.tenant_id, e.id) = (l.tenant_id, l.entry_id)
     WHERE l.tenant_id = %(tenant)s AND e.id IS NULL
    UNION ALL
    SELECT '', l.account_id, x.amount, 'an allocation without its debit'
      FROM loyalty_allocation x
      LEFT JOIN loyalty_entry e ON (e.tenant_id, e.id) = (x.tenant_id, x.entry_id)
      LEFT JOIN loyalty_lot l ON (l.tenant_id, l.id) = (x.tenant_id, x.lot_id)
     WHERE x.tenant_id = %(tenant)s AND e.id IS NULL
    UNION ALL
    SELECT '', e.account_id, x.amount, 'an allocation without its lot'
      FROM loyalty_allocation x
      LEFT JOIN loyalty_lot l ON (l.tenant_id, l.id) = (x.tenant_id, x.lot_id)
      LEFT JOIN loyalty_entry e ON (e.tenant_id, e.id) = (x.tenant_id, x.entry_id)
     WHERE x.tenant_id = %(tenant)s AND l.id IS NULL
    UNION ALL
    SELECT '', a.id, a.balance, 'an account without its member'
      FROM loyalty_account a
      LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
     WHERE a.tenant_id = %(tenant)s AND m.id IS NULL
"""

# What was ever earned, less what was taken back of it, even where that was forgiven. Cards that
# were joined have it together.
LIFETIME = """
    WITH joined AS (
        SELECT kept_id AS id FROM loyalty_merge WHERE tenant_id = %(tenant)s
        UNION SELECT gone_id FROM loyalty_merge WHERE tenant_id = %(tenant)s
    ), told AS (
        SELECT m.code, a.id, a.lifetime, coalesce(e.given, 0) AS given,
               coalesce(e.taken, 0) AS taken, coalesce(e.presents, 0) AS presents,
               coalesce(p.clawed, 0) AS clawed,
               CASE WHEN a.member_id IN (SELECT id FROM joined)
                    THEN a.program_id ELSE a.id END AS together
          FROM loyalty_account a
          LEFT JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
          LEFT JOIN (SELECT account_id,
                            sum(amount) FILTER (WHERE amount > 0 AND kind IN
                                ('earn', 'bonus', 'opening', 'adjust')) AS given,
                            -sum(amount) FILTER (WHERE kind = 'clawback') AS taken,
                            sum(amount) FILTER (WHERE kind = 'bonus' AND purchase_id IS NOT NULL)
                            AS presents
                       FROM loyalty_entry WHERE tenant_id = %(tenant)s
                      GROUP BY account_id) e ON e.account_id = a.id
          LEFT JOIN (SELECT account_id, sum(clawed) AS clawed FROM loyalty_purchase
                      WHERE tenant_id = %(tenant)s GROUP BY account_id) p ON p.account_id = a.id
         WHERE a.tenant_id = %(tenant)s
    )
    SELECT CASE WHEN count(*) = 1 THEN coalesce(min(code), '') ELSE '' END AS member,
           CASE WHEN count(*) = 1 THEN min(id::text)::uuid END AS account,
           (sum(lifetime) - sum(given - taken))::bigint AS amount,
           sum(lifetime) AS lifetime, sum(given) AS given, sum(taken) AS taken
      FROM told
     GROUP BY together
    HAVING sum(lifetime) > sum(given - taken)
        OR sum(lifetime) < sum(given - clawed - presents)
"""

CHECKS = (
    Check(
        "sum",
        "Entries come to {entered} points, but {held} are there and {debt} are owed.",
        SUM,
    ),
    Check(
        "balance",
        "The account says {balance} points and {pending} pending, but {held} are there.",
        BALANCE,
    ),
    Check(
        "spendable",
        "The account says that {balance} points can be spent, but {spendable} can.",
        SPENDABLE,
    ),
    Check(
        "due",
        "Points end at {due}, but the account expects its next change at {known}.",
        DUE,
    ),
    Check(
        "lot",
        "A lot of {given} points of which {taken} were taken holds {remaining}.",
        LOT,
    ),
    Check("debt", "The card owes {amount} points and has {held}.", DEBT),
    Check("debit", "An entry ({kind}) of {told} points took {taken} from lots.", DEBIT),
    Check("credit", "An entry ({kind}) of {told} points made lots of {made}.", CREDIT),
    Check("stranger", "Of {amount} points {what} of another card.", STRANGER),
    Check(
        "lifetime",
        "The account says {lifetime} points ever earned, but {given} were given and {taken} taken "
        "back.",
        LIFETIME,
    ),
    Check("orphan", "There is {what}, of {amount} points.", ORPHAN),
)
