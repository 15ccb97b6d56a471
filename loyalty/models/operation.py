"""Idempotency: which commands were carried out, and with what result."""

from __future__ import annotations

from django.db import models

from tenants.models import TenantModel


class Operation(TenantModel):
    """One command, written in the transaction of its effect: the same key never has two effects.

    `fingerprint` tells the same command from another with the same key. Kept for 35 days.
    """

    source = models.CharField(max_length=80)  # an Actor's `source`
    key = models.CharField(max_length=80)
    verb = models.CharField(max_length=20)
    fingerprint = models.CharField(max_length=32)
    who = models.CharField(max_length=80)
    at = models.DateTimeField()
    result = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "source", "key"], name="operation_once"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.key}"
