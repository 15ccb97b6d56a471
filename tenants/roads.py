"""The roads by which code might reach another tenant's row. Each is a callable that gives nothing
if the wall holds.

Part of `tenants.testing`. SQL is made with psycopg.sql here, because the roads are what careless
code would write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.db import DatabaseError, connection, models, transaction
from django.db.models import Count, Exists, Subquery
from psycopg.sql import SQL, Identifier

from tenants.context import OutsideTenant, TenantMismatch
from tenants.fields import LocalForeignKey, TenantField, tenant_field
from tenants.ids import uuid7

Road = tuple[str, Callable[[], Any]]


def roads(model: Any, mine: Any, other: Any) -> Iterator[Road]:
    """Every way to other's row, for code that holds `mine`: by the ORM, by SQL, by relations, by
    writing.
    """
    yield from _by_query(model, other.pk)
    yield from _by_sql(model, mine, other)
    yield from _by_writing(model, mine, other)
    yield from _by_relation(model, mine, other)


def _by_query(model: Any, pk: Any) -> Iterator[Road]:
    base, default = model._base_manager, model._default_manager
    found = base.filter(pk=pk)
    yield "default manager", lambda: list(default.filter(pk=pk))
    yield "base manager", lambda: list(found.all())
    yield "in_bulk", lambda: base.in_bulk([pk])
    yield "count", found.count
    yield "exists", found.exists
    yield "aggregate", lambda: found.aggregate(n=Count("pk"))["n"]
    yield "values", lambda: list(found.values_list("pk"))
    yield "iterator", lambda: list(found.iterator(chunk_size=1))
    yield "union", lambda: [o for o in base.none().union(base.all()) if o.pk == pk]
    yield "all of them", lambda: [o for o in base.all() if o.pk == pk]
    yield "exclude", lambda: [o for o in base.exclude(pk=uuid7()) if o.pk == pk]
    yield "subquery", lambda: list(base.filter(pk__in=Subquery(found.values("pk"))))
    yield "exists()", lambda: [o for o in base.annotate(x=Exists(found)) if o.x]
    yield "group by", lambda: [r for r in base.values("pk").annotate(n=Count("*")) if r["pk"] == pk]
    yield "for update", lambda: list(found.select_for_update())
    yield "offset", lambda: [o for o in base.order_by("-pk")[:1000] if o.pk == pk]


def run(statement: SQL | Any, *arguments: Any) -> Any:
    """Run SQL on Django's cursor; its rows, or how many it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def _by_sql(model: Any, mine: Any, other: Any) -> Iterator[Road]:
    table = Identifier(model._meta.db_table)
    pk, base = other.pk, model._base_manager

    def sql(text: str) -> Any:
        return SQL(text).format(t=table)

    raw = f'SELECT * FROM "{model._meta.db_table}" WHERE id = %s'  # noqa: S608 (a table's name)
    yield "raw()", lambda: list(base.raw(raw, [pk]))
    yield "cursor", lambda: run(sql("SELECT 1 FROM {t} WHERE id = %s"), pk)
    yield (
        "cursor, tenant named",
        lambda: run(sql("SELECT 1 FROM {t} WHERE id = %s AND tenant_id = %s"), pk, other.tenant_id),
    )
    yield (
        "cursor join",
        lambda: run(sql("SELECT 1 FROM {t} a JOIN {t} b USING (id) WHERE a.id = %s"), pk),
    )
    yield "cursor count", lambda: run(sql("SELECT count(*) FROM {t} WHERE id = %s"), pk)[0][0]
    yield "cursor update", lambda: run(sql("UPDATE {t} SET id = id WHERE id = %s"), pk)
    yield "cursor delete", lambda: run(sql("DELETE FROM {t} WHERE id = %s"), pk)
    yield "cursor lock", lambda: run(sql("SELECT 1 FROM {t} WHERE id = %s FOR SHARE"), pk)
    yield (
        "statistics",
        lambda: run("SELECT 1 FROM pg_stats WHERE tablename = %s", model._meta.db_table),
    )
    yield "copy out", lambda: _copied_out(sql("COPY (SELECT id FROM {t}) TO STDOUT"), pk)
    yield "temporary table", lambda: run(sql("CREATE TEMPORARY TABLE loot AS SELECT * FROM {t}"))
    yield "executemany", lambda: _many(sql("UPDATE {t} SET id = id WHERE id = %s"), pk)
    yield (
        "another setting",
        lambda: run(
            sql("SELECT set_config('app.tenant_id', %s, true), count(*) FROM {t} WHERE id = %s"),
            str(other.tenant_id),
            pk,
        ),
    )
    yield "raw connection", lambda: _on_raw(sql("SELECT 1 FROM {t} WHERE id = %s"), pk)
    yield "named cursor", lambda: _by_name(sql("SELECT 1 FROM {t} WHERE id = %s"), pk)
    yield (
        "moving mine by SQL",
        lambda: _forbidden(
            lambda: run(
                sql("UPDATE {t} SET tenant_id = %s WHERE id = %s"), other.tenant_id, mine.pk
            )
        ),
    )
    yield (
        "copying theirs by SQL",
        lambda: run(sql("INSERT INTO {t} SELECT * FROM {t} WHERE id = %s RETURNING 1"), pk),
    )


def _copied_out(statement: Any, pk: Any) -> Any:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        return str(pk) in b"".join(bytes(block) for block in copy).decode()


def _many(statement: Any, pk: Any) -> int:
    with connection.cursor() as cursor:
        cursor.executemany(statement.as_string(connection.connection), [[pk], [pk]])
        return int(cursor.rowcount)


def _on_raw(statement: Any, pk: Any) -> Any:
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        return cursor.execute(statement, [pk]).fetchall()


def _by_name(statement: Any, pk: Any) -> Any:
    connection.ensure_connection()
    with transaction.atomic(), connection.connection.cursor("swept") as cursor:
        return cursor.execute(statement, [pk]).fetchall()


def _by_writing(model: Any, mine: Any, other: Any) -> Iterator[Road]:
    base, found = model._base_manager, model._base_manager.filter(pk=other.pk)
    columns = [f for f in model._meta.local_concrete_fields if not isinstance(f, TenantField)]
    values = {f.attname: getattr(mine, f.attname) for f in columns if not f.primary_key}
    plain = next(f for f in reversed(columns) if not f.primary_key)
    yield "update()", lambda: found.update(**{plain.attname: getattr(mine, plain.attname)})
    yield "delete()", lambda: found._raw_delete("default")
    yield "queryset delete", lambda: found.delete()[0]
    yield "bulk_update", lambda: base.bulk_update([other], [plain.name])
    yield "refresh", lambda: _forbidden(other.refresh_from_db, model.DoesNotExist)
    yield "save", lambda: _forbidden(other.save)
    yield "instance delete", lambda: _forbidden(other.delete)
    yield (
        "moving mine",
        lambda: _forbidden(lambda: base.filter(pk=mine.pk).update(tenant=other.tenant_id)),
    )
    yield "forging", lambda: _forbidden(lambda: model(tenant_id=other.tenant_id, **values).save())
    yield (
        "forging many",
        lambda: _forbidden(lambda: base.bulk_create([model(tenant_id=other.tenant_id, **values)])),
    )
    yield (
        "upsert",
        lambda: _forbidden(
            lambda: base.bulk_create(
                [model(pk=other.pk, tenant_id=other.tenant_id, **values)],
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=[plain.name],
            )
        ),
    )


def _by_relation(model: Any, mine: Any, other: Any) -> Iterator[Road]:
    for field in model._meta.local_fields:
        if isinstance(field, TenantField | LocalForeignKey) or not field.is_relation:
            continue
        if tenant_field(field.related_model) and (theirs := getattr(other, field.attname)):
            across = model._base_manager.filter(**{f"{field.name}__pk": theirs})
            yield f"linking {field.name}", partial(_forbidden, _link(model, mine, field, theirs))
            yield f"lazy {field.name}", partial(_lazy, model, field, theirs)
            yield f"across {field.name}", across.count
    for relation in model._meta.related_objects:
        if relation.one_to_many and tenant_field(relation.related_model) and not relation.hidden:
            name = relation.get_accessor_name()
            yield f"reverse {name}", partial(_reverse, other, name)
            yield f"prefetch {name}", partial(_prefetched, other, name)


def _reverse(other: Any, name: str) -> Any:
    return list(getattr(other, name).all())


def _link(model: Any, mine: Any, field: Any, theirs: Any) -> Callable[[], Any]:
    """Mine with a reference to theirs, as a new row: tables that are only appended to can be made
    so too.
    """
    columns = [f for f in model._meta.local_concrete_fields if not f.primary_key]
    values = {
        f.attname: getattr(mine, f.attname) for f in columns if not isinstance(f, TenantField)
    }
    return lambda: model(**{**values, field.attname: theirs}).save()


def _lazy(model: Any, field: Any, theirs: Any) -> Any:
    try:
        return getattr(model(**{field.attname: theirs}), field.name)
    except field.related_model.DoesNotExist:
        return None


def _prefetched(other: Any, name: str) -> Any:
    models.prefetch_related_objects([other], name)
    found = list(getattr(other, name).all())
    other._prefetched_objects_cache.clear()
    return found


def _forbidden(act: Callable[[], Any], *allowed: Any) -> str | None:
    """Nothing if the act was refused, else that it was not."""
    try:
        with transaction.atomic():
            act()
    except (OutsideTenant, TenantMismatch, DatabaseError, *allowed):
        return None
    return "not refused"
