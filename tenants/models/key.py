"""What a shop's own systems come in with."""

from __future__ import annotations

from django.db import models

from tenants.models.base import SoftDelete, TenantModel


class ApiKey(SoftDelete, TenantModel):
    """A secret key of the API, kept as its hash and shown once. `prefix` is what a list shows of
    it; `scopes` what its tokens may at most; `origins` the sites whose browsers may use them.
    """

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16)
    hash = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    origins = models.JSONField(default=list)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=80)  # an Actor's `who`
    last_used = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "hash"], name="apikey_once")]

    def __str__(self) -> str:
        return self.prefix


class RevokedToken(TenantModel):
    """A token that was taken back before its time. A token whose key was retired needs no row."""

    jti = models.UUIDField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "jti"], name="revokedtoken_once")]

    def __str__(self) -> str:
        return str(self.jti)
