"""What a tenant asks of us: how much of the machine, and how often wrongly at a door."""

from __future__ import annotations

from django.db import models

from tenants.models.base import TenantModel


class Usage(TenantModel):
    """What a shop's requests cost in one hour, summed over all processes (tenants.usage)."""

    hour = models.DateTimeField()
    requests = models.BigIntegerField(default=0)
    milliseconds = models.BigIntegerField(default=0)
    statements = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)  # 4xx, the limited among them
    limited = models.BigIntegerField(default=0)  # 429
    failed = models.BigIntegerField(default=0)  # 5xx

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "hour"], name="usage_one_an_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.requests} requests in {self.hour:%F %H}"


class Guess(TenantModel):
    """Wrong tries at one door by one subject (tenants.guesses).

    A row here and not a counter in a cache: a cache may be lost, and then the door stands open.
    """

    door = models.CharField(max_length=20)  # "link", "login", "code"
    subject = models.CharField(max_length=64)  # a keyed hash: whom or where the tries were about
    wrong = models.PositiveIntegerField(default=0)
    since = models.DateTimeField()
    wait_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "door", "subject"], name="guess_one_a_subject"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "since"], name="guess_by_time")]

    def __str__(self) -> str:
        return f"{self.wrong} at {self.door}"
