"""An index of the jobs that wait, by queue: what `tenants.jobs.enqueue` counts."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0003_traffic'),
        ('procrastinate', '0041_post_retry_failed_job'),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX tenants_waiting_jobs ON procrastinate_jobs (queue_name) WHERE status = 'todo'",
            "DROP INDEX tenants_waiting_jobs",
        ),
    ]
