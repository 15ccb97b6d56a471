"""What opens a door once: sign-in links, pairing, customers' links."""

from __future__ import annotations

from django.db import models

from tenants.models.base import TenantModel


class OneTimeSecret(TenantModel):
    """A single-use secret, kept as its hash. `tenants.secrets` mints and uses them."""

    purpose = models.CharField(max_length=20)
    subject = models.UUIDField()
    hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "purpose", "hash"], name="secret_once"),
        ]

    def __str__(self) -> str:
        return self.purpose
