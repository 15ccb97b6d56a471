"""A shop that is about to open: what its owner has said so far, on the apex, where no tenant is."""

from __future__ import annotations

from django.db import models

from tenants.ids import uuid7


class SignUp(models.Model):
    """The steps of one sign-up. The browser's session on the apex knows its id, so every step
    survives reload and Back. It is forgotten a day after it was opened or left.
    """

    tenancy = "local"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)  # of the business
    email = models.EmailField()
    country = models.CharField(max_length=2)
    language = models.CharField(max_length=12, default="en")
    code_hash = models.CharField(max_length=64, default="")
    code_until = models.DateTimeField(null=True)
    code_wrong = models.PositiveSmallIntegerField(default=0)
    code_sent_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    slug = models.CharField(max_length=63, default="")
    preset = models.CharField(max_length=20, default="")
    choices = models.JSONField(default=dict)  # what the preset asks
    colour = models.CharField(max_length=7, default="")
    greeting = models.CharField(max_length=140, default="")
    icon = models.CharField(max_length=20, default="cup")
    logo = models.BinaryField(null=True)
    logo_kind = models.CharField(max_length=20, default="")
    opened = models.UUIDField(null=True)  # the tenant it became
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["made_at"], name="signup_by_time")]

    def __str__(self) -> str:
        return str(self.pk)


class SiteGuess(models.Model):
    """As Guess, where no shop is: wrong tries on the apex."""

    tenancy = "local"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    door = models.CharField(max_length=20)
    subject = models.CharField(max_length=64)
    wrong = models.PositiveIntegerField(default=0)
    since = models.DateTimeField()
    wait_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["door", "subject"], name="siteguess_one_a_subject")
        ]
        indexes = [models.Index(fields=["since"], name="siteguess_by_time")]

    def __str__(self) -> str:
        return f"{self.wrong} at {self.door}"
