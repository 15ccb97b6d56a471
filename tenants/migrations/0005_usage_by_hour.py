"""An index of the usage of all shops by hour: what the operator asks, across tenants.

Not an index of the model, because those begin with the tenant, and this question has none.
"""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0004_waiting_jobs'),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX tenants_usage_by_hour ON tenants_usage (hour)",
            "DROP INDEX tenants_usage_by_hour",
        ),
    ]
