"""The audit trail: who did what, when, from where, and what changed."""

from __future__ import annotations

from django.db import models

from tenants.kinds import AppendOnly
from tenants.models.base import TenantModel


class AuditEntry(AppendOnly, TenantModel):
    """One act. Written in the transaction of its effect by `tenants.trace.write`, never changed."""

    at = models.DateTimeField()
    who = models.CharField(max_length=80)  # an Actor's `who`: "staff:<id>", "command:demo"
    device = models.UUIDField(null=True)
    address = models.CharField(max_length=45, default="")  # the network, not the host: 203.0.113.0
    request_id = models.CharField(max_length=36, default="")
    act = models.CharField(max_length=40)  # "purchase.recorded"
    subject = models.UUIDField(null=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "at"], name="audit_by_time"),
            models.Index(fields=["tenant", "subject", "at"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.act} by {self.who}"
