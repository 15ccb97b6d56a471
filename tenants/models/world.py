"""The world that all tenants share: read-only to the application, filled by migrations."""

from __future__ import annotations

from django.db import models

from tenants.kinds import Reference


class Currency(Reference, models.Model):
    """ISO 4217. `digits` is how many decimals its minor unit has (JPY 0, EUR 2, KWD 3)."""

    code = models.CharField(max_length=3, primary_key=True)
    name = models.CharField(max_length=60)
    digits = models.PositiveSmallIntegerField(default=2)

    def __str__(self) -> str:
        return self.code


class Language(Reference, models.Model):
    """A language the product speaks; `name` is what its speakers call it."""

    code = models.CharField(max_length=12, primary_key=True)
    name = models.CharField(max_length=60)
    is_rtl = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.code


class Country(Reference, models.Model):
    """ISO 3166-1, with what a shop there most likely wants: its currency and time zone."""

    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=60)
    currency = models.ForeignKey(Currency, models.PROTECT, related_name="+")
    zone = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.code
