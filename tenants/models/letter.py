"""What is sent to people: written in the transaction of its cause, sent by the worker."""

from __future__ import annotations

from django.db import models

from tenants.ids import uuid7
from tenants.models.base import TenantModel


class Written(models.Model):
    """A letter by mail, or a text to a phone. Its words are emptied once it is sent, except where
    an outbox page shows them (development).
    """

    class Channel(models.TextChoices):
        MAIL = "mail"
        TEXT = "text"

    channel = models.CharField(max_length=4, choices=Channel, default=Channel.MAIL)
    kind = models.CharField(max_length=40)  # the template: "sign_in_code"
    to = models.CharField(max_length=254)
    subject = models.CharField(max_length=200, default="")
    text = models.TextField(default="")
    html = models.TextField(default="")
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.kind


class Letter(Written, TenantModel):
    """One of a shop's."""

    class Meta:
        indexes = [models.Index(fields=["tenant", "made_at"], name="letter_by_time")]


class SiteLetter(Written):
    """One of the house, before there is a shop: signing up, finding one's shops."""

    tenancy = "local"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        indexes = [models.Index(fields=["made_at"], name="siteletter_by_time")]
