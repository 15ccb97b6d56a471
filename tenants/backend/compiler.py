"""SQL for a tenant-owned table always names the tenant, whoever built the query.

The tenant is read when SQL is made, not when the query was built: a queryset kept at import, in a
form, pickled or made in another tenant is harmless. Outside every tenant no SQL comes into being:
OutsideTenant is raised first.

Relied on in Django 5.2 (look again at each upgrade): `SQLCompiler.pre_sql_setup`, `compile`,
`collapse_group_by`, `SQLDeleteCompiler._as_sql`, `SQLUpdateCompiler.pre_sql_setup`, and that
`Join.as_sql()` ends with ")"; and that all writes go through `execute_sql` of their compiler.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.backends.postgresql import compiler as base
from django.db.models.sql import compiler as generic
from django.db.models.sql.datastructures import Join
from django.db.models.sql.where import AND, WhereNode

from tenants import changes
from tenants.context import TenantMismatch, required
from tenants.fields import TenantField, tenant_field

__all__ = [
    "SQLAggregateCompiler",
    "SQLCompiler",
    "SQLDeleteCompiler",
    "SQLInsertCompiler",
    "SQLUpdateCompiler",
]


@lru_cache(maxsize=1)
def owned_tables() -> dict[str, str]:
    """Table → tenant column, of every tenant-owned model."""
    models = apps.get_models(include_auto_created=True)
    return {m._meta.db_table: f.column for m in models if (f := tenant_field(m))}


def tenant_column(compiler: Any, alias: str, column: str) -> str:
    quoted: str = compiler.connection.ops.quote_name(column)
    return f"{compiler.quote_name_unless_alias(alias)}.{quoted}"


class Owned:
    """The condition `alias.tenant_id = <the tenant>`, as a node of a WHERE."""

    contains_aggregate = contains_over_clause = False
    conditional = True

    def __init__(self, alias: str, column: str, tenant_id: UUID) -> None:
        self.alias, self.column, self.tenant_id = alias, column, tenant_id

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[UUID]]:
        return f"{tenant_column(compiler, self.alias, self.column)} = %s", [self.tenant_id]


def owned(query: Any, where: Any) -> Any:
    """`where`, and the tenant for each tenant-owned table that the query begins with (joins get
    theirs in ON).
    """
    tables, conditions = owned_tables(), []
    for alias, table in query.alias_map.items():
        column = tables.get(table.table_name)
        if not column or not query.alias_refcount[alias] or isinstance(table, Join):
            continue
        if tenant_id := required().tenant_id:
            conditions.append(Owned(alias, column, tenant_id))
    if not conditions:
        return where
    return WhereNode([where, *conditions] if where is not None else conditions, connector=AND)


class Telling:
    """What the compilers of INSERT, UPDATE and DELETE have in common: they say which table it was,
    so that after the commit no kept read of it is shown again (tenants.changes).
    """

    query: Any
    connection: Any

    def execute_sql(self, *args: Any, **kwargs: Any) -> Any:
        done = super().execute_sql(*args, **kwargs)
        changes.wrote(self.connection, self.query.get_meta().db_table)
        return done


class TenantCompiler:
    """What the compilers of SELECT, UPDATE and DELETE have in common."""

    query: Any
    connection: Any

    def pre_sql_setup(self, *args: Any, **kwargs: Any) -> Any:
        result = super().pre_sql_setup(*args, **kwargs)
        self.where = owned(self.query, self.where)
        return result

    def compile(self, node: Any) -> tuple[str, Any]:
        sql, params = super().compile(node)
        if isinstance(node, Join) and (column := owned_tables().get(node.table_name)):
            mine = tenant_column(self, node.table_alias, column)
            if tenant_id := required().tenant_id:
                return f"{sql[:-1]} AND {mine} = %s)", [*params, tenant_id]
            parent = self.query.alias_map[node.parent_alias]
            if theirs := owned_tables().get(parent.table_name):
                # All tenants: each row with rows of its own.
                equal = f"{mine} = {tenant_column(self, node.parent_alias, theirs)}"
                return f"{sql[:-1]} AND {equal})", params
        return sql, params

    def collapse_group_by(self, expressions: Any, having: Any) -> Any:
        """Django groups by the primary key alone where that determines the row; here only
        (tenant_id, id) does.
        """
        grouped = super().collapse_group_by(expressions, having)
        for expression in list(grouped):
            target = getattr(expression, "target", None)
            if target is not None and target.primary_key and (own := tenant_field(target.model)):
                column = own.get_col(expression.alias)
                if column not in grouped:
                    grouped.append(column)
        return grouped


class SQLCompiler(TenantCompiler, base.SQLCompiler):
    pass


class SQLAggregateCompiler(base.SQLAggregateCompiler):
    pass


class SQLInsertCompiler(Telling, generic.SQLInsertCompiler):
    """Not PostgreSQL's own one: Citus makes COPY of its INSERT … SELECT FROM UNNEST, which
    row-level security forbids.
    """

    def as_sql(self) -> Any:
        if own := tenant_field(self.query.model):
            required()
            query: Any = self.query
            if query.unique_fields and own not in query.unique_fields:
                query.unique_fields = [own, *query.unique_fields]  # so begins every unique key
            if own in query.update_fields:
                raise TenantMismatch("a row never changes its tenant")
        return super().as_sql()

    def assemble_as_sql(self, fields: Any, value_rows: Any) -> Any:
        """Django asks for the placeholder of every single value; plain ones are all alike.

        Saves a sixth of the CPU of inserting many rows (bench/replay.py).
        """
        plain = not any(hasattr(field, "get_placeholder") for field in fields) and not any(
            hasattr(value, "as_sql") for row in value_rows for value in row
        )
        if not plain:
            return super().assemble_as_sql(fields, value_rows)
        return [["%s"] * len(fields)] * len(value_rows), value_rows


class SQLDeleteCompiler(Telling, TenantCompiler, base.SQLDeleteCompiler):
    def _as_sql(self, query: Any) -> Any:
        query = query.clone()
        query.get_initial_alias()
        query.where = owned(query, query.where)
        return super()._as_sql(query)


class SQLUpdateCompiler(Telling, TenantCompiler, base.SQLUpdateCompiler):
    def pre_sql_setup(self) -> None:
        # Django replaces the whole WHERE when the update goes over a join, so the tenant comes
        # after it.
        super(TenantCompiler, self).pre_sql_setup()
        self.query.where = owned(self.query, self.query.where)

    def as_sql(self) -> Any:
        query = self.query = self.query.clone()
        if query.get_meta().db_table in owned_tables():
            query.values = [v for v in query.values if not self._is_same_tenant(v[0], v[2])]
        return super().as_sql()

    @staticmethod
    def _is_same_tenant(field: Any, value: Any) -> bool:
        """True for the assignment of a row's own tenant (save() makes one), which need not be
        written.
        """
        if not isinstance(field, TenantField):
            return False
        scope = required()
        if scope.tenant_id and getattr(value, "pk", value) != scope.tenant_id:
            raise TenantMismatch("a row never changes its tenant")
        return True
