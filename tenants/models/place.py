"""Where: the shop's locations and the tablets paired there."""

from __future__ import annotations

from django.db import models

from tenants.models.base import SoftDelete, TenantModel


class Location(SoftDelete, TenantModel):
    """An outlet. Every shop opens with one, and every purchase has one."""

    name = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.name


class Device(SoftDelete, TenantModel):
    """A paired tablet, which the screens call till. Known by the hash of the token in its
    cookie.
    """

    location = models.ForeignKey(Location, models.PROTECT, related_name="devices")
    name = models.CharField(max_length=80)
    token_hash = models.CharField(max_length=64, editable=False)
    last_seen = models.DateTimeField(null=True, editable=False)
    wrong_pins = models.PositiveSmallIntegerField(default=0, editable=False)  # on `wrong_pins_on`
    wrong_pins_on = models.DateField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "token_hash"], name="device_token"),
        ]

    def __str__(self) -> str:
        return self.name
