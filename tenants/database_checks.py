"""What PostgreSQL must hold: tenants.E010 … E019 (`manage.py check --database default`, and the
tests).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from tenants.backend.schema import OWNS, POLICY
from tenants.context import owner
from tenants.fields import tenant_field

BACKEND = "tenants.backend"
# Tables with a column tenant_id that are not tenant-owned: they say which tenant a person's row
# is about, and are read outside every tenant.
KNOWN_LOCAL = frozenset({"tenants_seat", "tenants_session", "tenants_domain"})

TABLES = """
    SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
           pg_get_userbyid(c.relowner) = current_user,
           array_agg(concat_ws('|', p.polname, p.polpermissive, p.polcmd, p.polroles = '{0}',
                               pg_get_expr(p.polqual, p.polrelid),
                               pg_get_expr(p.polwithcheck, p.polrelid))),
           (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
             WHERE k.conrelid = c.oid AND k.contype = 'p'),
           EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
      FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
     WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
     GROUP BY c.oid
"""
VIEWS = """
    SELECT c.relname FROM pg_class c
     WHERE c.relkind IN ('v', 'm') AND c.relnamespace = current_schema()::regnamespace
       AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false)
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
"""
FUNCTIONS = """
    SELECT p.proname FROM pg_proc p
     WHERE p.prosecdef AND p.pronamespace = current_schema()::regnamespace
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
ROLE = "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
RIGHTS = """
    SELECT has_function_privilege(
               'portal_app', 'pg_catalog.set_config(text,text,boolean)', 'EXECUTE'),
           has_database_privilege('portal_app', current_database(), 'TEMPORARY')
"""


@register(Tags.database)
def check_database(app_configs: Any, databases: Any = None, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection: Any = connections[alias]
        if connection.settings_dict["ENGINE"] != BACKEND:
            found.append(Error(f"DATABASES[{alias!r}] does not use {BACKEND}", id="tenants.E010"))
            continue
        with owner("checking"), connection.cursor() as cursor:
            found += role_rules(cursor, migrating=bool(connection.options.get("owner")))
            found += table_rules(cursor, migrating=bool(connection.options.get("owner")))
    return found


def role_rules(cursor: Any, *, migrating: bool) -> Iterator[CheckMessage]:
    cursor.execute(ROLE)
    name, superuser, bypass = cursor.fetchone()
    if (superuser or bypass) and not migrating:
        yield Error(f"role {name} bypasses row-level security", id="tenants.E011")
    cursor.execute(RIGHTS)
    may_set, may_temporary = cursor.fetchone()
    if may_set:
        # A warning, because on managed PostgreSQL nobody may revoke it.
        yield checks.Warning(
            "portal_app may call set_config(), which can switch tenants inside one SELECT",
            hint="Run `manage.py roles` with a superuser's DATABASE_ADMIN_URL.",
            id="tenants.E019",
        )
    if may_temporary and not migrating:  # migrating is what mends it
        yield Error(
            "portal_app may make temporary tables, which outlive a tenant on a kept connection",
            hint="Run `manage.py migrate` as the owner of the database.",
            id="tenants.E019",
        )


def table_rules(cursor: Any, *, migrating: bool) -> Iterator[CheckMessage]:
    cursor.execute(VIEWS)
    for (view,) in cursor.fetchall():
        hint = "Create it WITH (security_invoker = true)."
        yield Error(f"view {view} reads with its owner's rights", hint=hint, id="tenants.E015")
    cursor.execute(FUNCTIONS)
    for (function,) in cursor.fetchall():
        yield Error(f"function {function} is SECURITY DEFINER", id="tenants.E016")
    cursor.execute(TABLES)
    tables = {row[0]: row[1:] for row in cursor.fetchall()}
    owned = {
        model._meta.db_table: field.column
        for model in apps.get_models(include_auto_created=True)
        if (field := tenant_field(model))
    }
    for table, (enabled, forced, is_mine, policies, key, has_tenant) in tables.items():
        if table not in owned:
            if has_tenant and table not in KNOWN_LOCAL:
                yield Error(
                    f"table {table} has a tenant_id that Django knows nothing of", id="tenants.E018"
                )
            continue
        column = owned[table]
        if not enabled or forced:
            yield Error(
                f"{table} needs row-level security enabled, and never forced", id="tenants.E012"
            )
        told = OWNS % column
        told = told.replace("'app.tenant_id'", "'app.tenant_id'::text")
        told = f"({column} = ({told.partition(' = ')[2].removesuffix('::uuid')})::uuid)"
        if policies != [f"{POLICY}|t|*|t|{told}|{told}"]:
            yield Error(f"{table} has policies {policies}", id="tenants.E013")
        if is_mine and not migrating:
            yield Error(f"the portal's role owns {table}", id="tenants.E014")
        if not (key or "").startswith(f"PRIMARY KEY ({column}, "):
            yield Error(f"{table} has {key}", id="tenants.E017")
