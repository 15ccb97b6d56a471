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
    logo = models.CharField(max_length=64, default="", blank=True)  # the digest of a Logo
    phone = models.CharField(max_length=20, default="", blank=True)  # E.164, for customers
    email = models.EmailField(default="", blank=True)
    address = models.CharField(max_length=200, default="", blank=True)
    privacy = models.TextField(default="", blank=True)  # the shop's own words on what it keeps
    lock_after = models.PositiveSmallIntegerField(default=5)  # minutes without a touch, at the till
    # At the till: a sale above it needs a manager's PIN (minor units); a reward above it needs the
    # code on the customer's screen (points). NULL: none does.
    award_limit = models.PositiveBigIntegerField(null=True, blank=True)
    proof_above = models.PositiveBigIntegerField(null=True, blank=True)
    poster_at = models.DateTimeField(null=True, blank=True)  # when the owner first printed it

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="shop_one_a_tenant")]

    def __str__(self) -> str:
        return self.name


class Logo(TenantModel):
    """A shop's picture, made safe and small by `portal.logos`. Kept in the database, so that a shop
    is whole in one place; its bytes are served under their digest and never change.
    """

    kind = models.CharField(max_length=20)  # "image/webp", "image/svg+xml"
    digest = models.CharField(max_length=64)
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="logo_once")]

    def __str__(self) -> str:
        return self.digest
