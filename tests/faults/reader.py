"""Reads the books while they are written: a snapshot every 50 ms, in which every sum must hold."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import psycopg

from tests.faults.stage import Stage

EVERY = 0.05  # seconds
WRONG = """
    WITH entries AS (
        SELECT tenant_id, account_id, sum(amount) AS amount FROM loyalty_entry
         WHERE tenant_id = ANY(%(shops)s) GROUP BY 1, 2
    ), lots AS (
        SELECT tenant_id, account_id, sum(remaining) AS amount FROM loyalty_lot
         WHERE tenant_id = ANY(%(shops)s) GROUP BY 1, 2
    )
    SELECT a.tenant_id::text, a.id::text, a.balance + a.pending, a.debt,
           coalesce(e.amount, 0)::bigint, coalesce(l.amount, 0)::bigint
      FROM loyalty_account a
      LEFT JOIN entries e ON (e.tenant_id, e.account_id) = (a.tenant_id, a.id)
      LEFT JOIN lots l ON (l.tenant_id, l.account_id) = (a.tenant_id, a.id)
     WHERE a.tenant_id = ANY(%(shops)s)
       AND (a.balance + a.pending - a.debt <> coalesce(e.amount, 0)
            OR a.balance + a.pending <> coalesce(l.amount, 0)
            OR a.balance < 0 OR a.pending < 0 OR a.debt < 0)
"""


@dataclass
class Reader:
    """`with Reader(stage, shops) as reader:`; afterwards `reads`, and what was `wrong` in them.

    Each snapshot looks at every member of every shop: her points less her debt are the sum of her
    entries, her open lots are her points, and none of it is ever below nothing. What a sale gave is
    pending to a command that came to the till before it and to its turn after it.
    """

    stage: Stage
    shops: Sequence[str]
    reads: int = 0
    wrong: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(10)

    def _read(self) -> None:
        while not self._ending.is_set():
            try:
                with self.stage.connect() as connection:
                    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                    connection.read_only = True
                    while not self._ending.wait(EVERY):
                        self.look(connection)
            except psycopg.Error:
                self._ending.wait(EVERY)

    def look(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        rows = connection.execute(WRONG, {"shops": list(self.shops)}).fetchall()
        self.reads += 1
        self.wrong += [
            f"account {account}: balance {balance}, debt {debt}, entries {entries}, lots {lots}"
            for _, account, balance, debt, entries, lots in rows
        ]
