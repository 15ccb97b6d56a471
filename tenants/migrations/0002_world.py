"""Countries, currencies and languages, from the files beside this one (CLDR 46 by way of Babel; IANA tz)."""

import csv
from pathlib import Path

from django.db import migrations

WORLD = Path(__file__).with_name("world")
LANGUAGES = [("en", "English", False), ("ar", "العربية", True), ("bn", "বাংলা", False)]


def rows(name):
    with (WORLD / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fill(apps, schema_editor):
    Currency, Language, Country = (
        apps.get_model("tenants", name) for name in ("Currency", "Language", "Country")
    )
    Currency.objects.bulk_create(
        Currency(code=row["code"], name=row["name"], digits=row["digits"])
        for row in rows("currencies.csv")
    )
    Language.objects.bulk_create(
        Language(code=code, name=name, is_rtl=is_rtl) for code, name, is_rtl in LANGUAGES
    )
    Country.objects.bulk_create(
        Country(code=row["code"], name=row["name"], currency_id=row["currency"], zone=row["zone"])
        for row in rows("countries.csv")
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
