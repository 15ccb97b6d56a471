"""DDL for tenant-owned models: composite keys, indexes and foreign keys, row-level security,
grants; on Citus, shards.

Models and migrations stay plain Django. Owning a TenantField is enough, so nobody can forget.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.ddl_references import Columns
from django.db.backends.postgresql.schema import DatabaseSchemaEditor as Base

from tenants import kinds
from tenants.context import owner
from tenants.fields import TenantField, tenant_field

POLICY = "tenant_isolation"
OWNS = "%s = current_setting('app.tenant_id')::uuid"


def is_reference(model: Any) -> bool:
    return issubclass(model, kinds.Reference)


class DatabaseSchemaEditor(Base):
    # A composite key cannot be written beside its column.
    sql_create_column_inline_fk = None
    # One statement per execute(), because Citus forwards the whole message. ENABLE and never
    # FORCE, because Citus
    # copies rows as the owner, and under FORCE it would copy none and drop the old table (seen).
    sql_enable_rls = (
        "ALTER TABLE %(table)s ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY %(policy)s ON %(table)s USING (%(owns)s) WITH CHECK (%(owns)s)",
    )
    sql_disable_rls = (
        "DROP POLICY %(policy)s ON %(table)s",
        "ALTER TABLE %(table)s DISABLE ROW LEVEL SECURITY",
    )
    sql_grant = "GRANT %(privileges)s ON %(table)s TO portal_app"
    sql_grant_platform = "GRANT SELECT, INSERT, UPDATE, DELETE ON %(table)s TO portal_platform"
    # Foreign keys of tenants are immediate, so there is nothing pending to settle before a table
    # is altered.
    sql_update_with_default = (
        "UPDATE %(table)s SET %(column)s = %(default)s WHERE %(column)s IS NULL"
    )

    @property
    def on_citus(self) -> bool:
        return bool(self.connection.on_citus) and not self.collect_sql

    def __enter__(self) -> DatabaseSchemaEditor:
        self._scope = owner("migration")
        self._scope.__enter__()
        self.connection.elevate()
        super().__enter__()
        if self.on_citus and self.atomic_migration:
            self.execute("SET LOCAL citus.multi_shard_modify_mode = 'sequential'", None)
        return self

    def __exit__(self, *exc: Any) -> Any:
        try:
            return super().__exit__(*exc)
        finally:
            self._scope.__exit__(*exc)
            self.connection.lower()

    # Whose table it is

    def create_model(self, model: Any) -> None:
        super().create_model(model)
        field, table = tenant_field(model), self.quote_name(model._meta.db_table)
        if self.on_citus:  # before any foreign key touches the table
            self._shard(model, field)
        privileges = kinds.privileges(model)
        self.execute(self.sql_grant % {"privileges": privileges, "table": table}, None)
        self.execute(self.sql_grant_platform % {"table": table}, None)
        if field:
            self._row_security(self.sql_enable_rls, model, field)

    def add_field(self, model: Any, field: Any) -> None:
        super().add_field(model, field)
        if isinstance(field, TenantField):
            self._row_security(self.sql_enable_rls, model, field)

    def remove_field(self, model: Any, field: Any) -> None:
        if isinstance(field, TenantField):
            self._row_security(self.sql_disable_rls, model, field)
        super().remove_field(model, field)

    def _row_security(self, statements: tuple[str, ...], model: Any, field: TenantField) -> None:
        words = {
            "table": self.quote_name(model._meta.db_table),
            "policy": POLICY,
            "owns": OWNS % self.quote_name(field.column),
        }
        for statement in statements:
            self.execute(statement % words, None)

    def _shard(self, model: Any, field: TenantField | None) -> None:
        table = self.quote_name(model._meta.db_table)
        with self.connection.cursor() as cursor:
            if field:
                cursor.execute(
                    "SELECT logicalrelid::text FROM pg_dist_partition"
                    " WHERE partmethod = 'h' ORDER BY 1 LIMIT 1"
                )
                (together,) = cursor.fetchone() or ("none",)
                cursor.execute(
                    "SELECT create_distributed_table(%s::regclass, %s, colocate_with => %s)",
                    [table, field.column, together],
                )
            elif is_reference(model):
                cursor.execute("SELECT create_reference_table(%s::regclass)", [table])

    # PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, x)

    def _iter_column_sql(self, column_db_type: Any, params: Any, model: Any, *rest: Any) -> Any:
        for part in super()._iter_column_sql(column_db_type, params, model, *rest):
            if not (part in ("PRIMARY KEY", "UNIQUE") and tenant_field(model)):
                yield part

    def table_sql(self, model: Any) -> Any:
        sql, params = super().table_sql(model)
        if field := tenant_field(model):
            keys = [self._pk_constraint_sql([field.column, model._meta.pk.column])]
            for other in model._meta.local_fields:
                if other.unique and not other.primary_key:
                    columns = f"{self.quote_name(field.column)}, {self.quote_name(other.column)}"
                    keys.append(f"UNIQUE ({columns})")
            sql = f"{sql[:-1]}, {', '.join(keys)})"
        return sql, params

    def _constraint_names(self, model: Any, column_names: Any = None, *args: Any, **kw: Any) -> Any:
        field = tenant_field(model)
        wanted = kw.get("unique") or kw.get("index") or kw.get("foreign_key")
        if field and wanted and column_names and len(column_names) == 1:
            column_names = list(dict.fromkeys([field.column, *column_names]))
        return super()._constraint_names(model, column_names, *args, **kw)

    # FOREIGN KEY (tenant_id, x) REFERENCES y (tenant_id, id), immediate

    def _create_fk_sql(self, model: Any, field: Any, suffix: Any) -> Any:
        statement = super()._create_fk_sql(model, field, suffix)
        target = field.target_field
        here, there = tenant_field(model), tenant_field(target.model)
        if here or is_reference(model):
            statement.parts["deferrable"] = ""
        if here and there:
            statement.parts["column"] = Columns(
                model._meta.db_table, [here.column, field.column], self.quote_name
            )
            statement.parts["to_column"] = Columns(
                target.model._meta.db_table, [there.column, target.column], self.quote_name
            )
        return statement

    def _delete_fk_sql(self, model: Any, name: Any) -> Any:
        template = self.sql_delete_fk
        if tenant_field(model) or is_reference(model):
            template = self.sql_delete_constraint  # SET CONSTRAINTS refuses an immediate one
        return self._delete_constraint_sql(template, model, name)

    # Indexes begin with the tenant too.

    def _create_index_sql(self, model: Any, *, fields: Any = None, **kwargs: Any) -> Any:
        field = tenant_field(model)
        if field and fields and len(fields) == 1 and fields[0] is not field:
            fields = [field, *fields]
            if kwargs.get("opclasses"):
                kwargs["opclasses"] = ["uuid_ops", *kwargs["opclasses"]]
        return super()._create_index_sql(model, fields=fields, **kwargs)
