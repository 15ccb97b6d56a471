"""The list of tenants, the names they answer to, and the shop that each of them is."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from tenants.ids import uuid7
from tenants.kinds import AppendOnly, Reference
from tenants.models.base import TenantModel
from tenants.models.world import Country, Currency, Language


class Tenant(AppendOnly, Reference, models.Model):
    """One shop's business, as thin as can be: this table is copied to every node and changed by
    `platform()` alone.
    """

    class State(models.TextChoices):
        TRIAL = "trial"
        ACTIVE = "active"
        PAST_DUE = "past_due"
        SUSPENDED = "suspended"
        CLOSING = "closing"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(max_length=63, unique=True)
    state = models.CharField(max_length=12, choices=State, default=State.ACTIVE)
    plan = models.CharField(max_length=20, default="free")
    country = models.ForeignKey(Country, models.PROTECT, related_name="+")
    currency = models.ForeignKey(Currency, models.PROTECT, related_name="+")
    zone = models.CharField(max_length=40)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.slug

    @property
    def is_suspended(self) -> bool:
        return self.state == self.State.SUSPENDED


class Domain(AppendOnly, Reference, models.Model):
    """A name under the base domain that a tenant answers to: "demo" for demo.<domain>."""

    name = models.CharField(max_length=253, primary_key=True)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="domains")

    def __str__(self) -> str:
        return self.name


class Shop(TenantModel):
    """Everything about a tenant that its owner may change: brand, words, languages. One row a
    tenant.
    """

    name = models.CharField(max_length=80)
    greeting = models.CharField(max_length=140, default="", blank=True)
    colour = models.CharField(max_length=7, default="#5b2a4e")
    icon = models.CharField(max_length=20, default="cup")
    language = models.ForeignKey(Language, models.PROTECT, related_name="+", default="en")
    languages = models.JSONField(default=list)
    native_digits = models.BooleanField(default=False)
    pin_length = models.PositiveSmallIntegerField(default=4)

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="shop_one_a_tenant")]

    def __str__(self) -> str:
        return self.name
