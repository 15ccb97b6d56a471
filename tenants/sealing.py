"""What the database must refuse, said again after every migrate: grants on tables that no schema
editor of ours made, and the rights that everybody has by default.

Runs as the owner, so it can only give and take what the owner may.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections

from tenants.context import owner

# Django's own bookkeeping: the application may read it and no more.
READABLE = ("django_migrations", "django_content_type", "auth_permission", "auth_group")
READ_ONLY = "REVOKE INSERT, UPDATE, DELETE ON {} FROM portal_app, portal_platform"

# The application may put a job in, in the transaction of its cause. It cannot read arguments of
# jobs, so nobody sees another shop's.
JOBS = (
    "GRANT INSERT ON procrastinate_jobs, procrastinate_events TO portal_app",
    "GRANT SELECT (id, queue_name, status) ON procrastinate_jobs TO portal_app",
    "GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq TO portal_app",
    "GRANT ALL ON procrastinate_jobs, procrastinate_events TO portal_worker",
    "GRANT ALL ON procrastinate_periodic_defers, procrastinate_workers TO portal_worker",
    "GRANT ALL ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq TO portal_worker",
    "GRANT ALL ON SEQUENCE procrastinate_periodic_defers_id_seq TO portal_worker",
    "GRANT ALL ON SEQUENCE procrastinate_workers_id_seq TO portal_worker",
)

EVERYBODY = """
    DO $$ BEGIN
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
        EXECUTE format('ALTER DATABASE %I SET timezone = ''UTC''', current_database());
    END $$
"""
SCHEMA = (
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO portal_app, portal_platform, portal_worker",
)


def seal(sender: AppConfig, using: str, **_: Any) -> None:
    """Connected to post_migrate. Saying it again changes nothing."""
    connection: Any = connections[using]
    if connection.vendor != "postgresql" or not connection.options.get("owner"):
        return
    with owner("sealing"), connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        statements = [EVERYBODY, *SCHEMA]
        readable = [connection.ops.quote_name(table) for table in READABLE if table in tables]
        statements += [READ_ONLY.format(table) for table in readable]
        if "procrastinate_jobs" in tables:
            statements += JOBS
        for statement in statements:
            cursor.execute(statement)
