"""Cards that are closed: nothing finds them, nothing is on them, nothing tells whose they were."""

from __future__ import annotations

from loyalty.checks.check import Check

# I8
FOUND = """
    SELECT m.code AS member, NULL AS account, count(*) AS amount, m.status,
           string_agg(i.kind, ', ' ORDER BY i.kind) AS kinds
      FROM loyalty_identifier i
      JOIN loyalty_member m ON (m.tenant_id, m.id) = (i.tenant_id, i.member_id)
     WHERE i.tenant_id = %(tenant)s AND m.status IN ('merged', 'erased') AND i.is_active
     GROUP BY m.id, m.code, m.status
"""

# Of a card that was joined with an erased one too.
PERSON = """
    SELECT m.code AS member, NULL AS account, count(i.id) AS amount
      FROM loyalty_member m
      LEFT JOIN loyalty_member k ON (k.tenant_id, k.id) = (m.tenant_id, m.merged_into_id)
      LEFT JOIN loyalty_identifier i
             ON (i.tenant_id, i.member_id) = (m.tenant_id, m.id) AND i.value <> ''
     WHERE m.tenant_id = %(tenant)s AND 'erased' IN (m.status, k.status)
     GROUP BY m.id, m.code, m.name, m.name_key, m.surname_key, m.birth_date,
              m.staff_id
    HAVING m.name <> '' OR m.name_key <> '' OR m.surname_key <> '' OR m.birth_date IS NOT NULL
           OR m.staff_id IS NOT NULL OR count(i.id) > 0
"""

CLOSED = """
    SELECT m.code AS member, a.id AS account, a.balance + a.pending - a.debt AS amount, m.status
      FROM loyalty_account a
      JOIN loyalty_member m ON (m.tenant_id, m.id) = (a.tenant_id, a.member_id)
     WHERE a.tenant_id = %(tenant)s AND m.status IN ('merged', 'erased')
       AND (a.balance, a.pending, a.debt) <> (0, 0, 0)
"""

POINTER = """
    SELECT m.code AS member, NULL AS account, 0 AS amount, m.status
      FROM loyalty_member m
      LEFT JOIN loyalty_member k ON (k.tenant_id, k.id) = (m.tenant_id, m.merged_into_id)
     WHERE m.tenant_id = %(tenant)s
       AND (m.status = 'merged' AND (k.id IS NULL OR k.status = 'merged')
            OR m.status IN ('active', 'blocked') AND m.merged_into_id IS NOT NULL)
"""

CHECKS = (
    Check("found", "The card is {status}, and can still be found by {kinds}.", FOUND),
    Check("person", "The card was erased, and still tells who held it.", PERSON),
    Check("closed", "The card is {status}, and still has or owes points.", CLOSED),
    Check("pointer", "The card is {status}, and does not lead to the one that was kept.", POINTER),
)
