"""Finds every tenant-owned model and every URL by itself, and tries to cross the border by every
road.

Nothing here names a model: a new one is swept from the day it exists. What comes back is a list of
faults, so that a test can ask for none, and a planted hole can be asked to show.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from tenants.context import OutsideTenant, TenantMismatch, enter, inside
from tenants.fields import LocalForeignKey, TenantField, tenant_field
from tenants.ids import uuid7
from tenants.kinds import Reference
from tenants.models import Country, Tenant
from tenants.roads import roads

REFUSED = (OutsideTenant, TenantMismatch, DatabaseError, psycopg.Error)
_count = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Fault:
    """A road that led across: by `model`, called `road`, from `where`, and what it found."""

    model: str
    road: str
    where: str
    found: str

    def __str__(self) -> str:
        return f"{self.model} by {self.road} {self.where}: {self.found}"


def owned_models() -> list[Any]:
    """Every tenant-owned model of the project."""
    return [model for model in apps.get_models(include_auto_created=True) if tenant_field(model)]


def make_tenant(slug: str) -> Tenant:
    """A tenant with nothing in it: no shop, no people."""
    country = Country.objects.get(pk="AE")
    return Tenant.objects.create(
        slug=slug, country=country, currency_id=country.currency_id, zone=country.zone
    )


def make(model: Any, **given: Any) -> Any:
    """A saved row of any tenant-owned model in the tenant we are inside, its parents included.

    A model whose fields cannot be just anything says what can be in a dict `example`.
    """
    given = {**getattr(model, "example", {}), **given}
    for field in model._meta.local_concrete_fields:
        named = field.name in given or field.attname in given
        if named or field.has_default() or field.null or isinstance(field, TenantField):
            continue
        if field.is_relation:
            given[field.name] = _parent(field)
        elif field.choices:
            given[field.name] = field.flatchoices[0][0]
        else:
            given[field.name] = next(v() for k, v in VALUES.items() if isinstance(field, k))
    return model._base_manager.create(**given)


def _parent(field: Any) -> Any:
    if issubclass(field.related_model, Reference):
        return field.related_model._base_manager.order_by("pk").first()
    return make(field.related_model)


def _text() -> str:
    return f"x{next(_count)}"


VALUES: dict[type[models.Field[Any, Any]], Callable[[], object]] = {
    models.EmailField: lambda: f"{_text()}@x.example",
    models.UUIDField: uuid7,
    models.BooleanField: bool,
    models.BinaryField: lambda: b"x",
    models.DateTimeField: lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    models.DateField: lambda: dt.date(2026, 1, 1),
    models.DecimalField: lambda: Decimal(1),
    models.IntegerField: lambda: 1,
    models.JSONField: dict,
    models.CharField: _text,
    models.TextField: _text,
}


class _Undo(Exception):
    """Rolls back whatever a road did."""


def _attempt(road: Callable[[], Any], *, in_transaction: bool) -> Any:
    """What a road found; None if it was refused or found nothing."""
    found: list[Any] = []
    try:
        if not in_transaction:
            return road()
        with transaction.atomic():
            found.append(road())
            raise _Undo
    except (_Undo, *REFUSED):
        return found[0] if found else None


def sweep(
    a: Tenant, b: Tenant, *, in_transaction: bool = True, of: Collection[Any] | None = None
) -> tuple[int, list[Fault]]:
    """Try every model (or those `of`) by every road to b's rows, inside a and as nobody.

    Gives (tries, faults). In autocommit (`in_transaction=False`) what a road does stays, and is
    missed afterwards.
    """
    faults: list[Fault] = []
    tries = 0
    fresh = make_tenant(f"{a.slug}-2")
    for model in owned_models() if of is None else of:
        with inside(a):
            mine = make(model)
        with inside(b):
            other = make(model)
            before = _row(model, other.pk)
        for name, road in roads(model, mine, other):
            for where, scope in (("inside another", inside(a)), ("outside all", enter(None))):
                tries += 1
                with scope:
                    found = _attempt(road, in_transaction=in_transaction)
                if found:
                    faults.append(Fault(model._meta.label, name, where, repr(found)[:80]))
        with inside(b):
            if _row(model, other.pk) != before:
                faults.append(Fault(model._meta.label, "some road", "at the end", "row changed"))
        faults += _inferred(model, fresh, other.pk)
    return tries, faults


def _row(model: Any, pk: UUID) -> Any:
    return model._base_manager.filter(pk=pk).values_list().first()


def _inferred(model: Any, fresh: Tenant, pk: UUID) -> list[Fault]:
    """Could a tenant tell from an error that b has a row with this key? It must be free to take."""
    with inside(fresh):
        try:
            with transaction.atomic():
                make(model, pk=pk)
                raise _Undo
        except _Undo:
            return []
        except IntegrityError as error:
            return [Fault(model._meta.label, "taking its key", "inside another", str(error)[:80])]


def nameless(a: Tenant, *, of: Collection[Any] | None = None) -> list[Fault]:
    """Statements that the ORM makes for each model without naming the tenant, or makes for nobody.

    This is the compiler's own promise; with the compiler off, row-level security still holds.
    """
    faults: list[Fault] = []
    for model in owned_models() if of is None else of:
        label = model._meta.label
        with CaptureQueriesContext(connection) as captured:
            try:
                list(model._base_manager.all()[:1])
                faults.append(Fault(label, "select", "outside all", "made a statement"))
            except OutsideTenant:
                pass
            except DatabaseError:
                faults.append(Fault(label, "select", "outside all", "asked PostgreSQL"))
        if captured.captured_queries:
            faults.append(Fault(label, "select", "outside all", "made a statement"))
        for name, statement in _plain_statements(model):
            with inside(a), CaptureQueriesContext(connection) as captured:
                _attempt(statement, in_transaction=True)
            faults += [
                Fault(label, name, "inside", query["sql"][:400])
                for query in captured.captured_queries
                if not _names_tenant(query["sql"], model._meta.db_table, a.pk)
            ]
    return faults


def _plain_statements(model: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    rows = model._base_manager.all()
    yield "select", lambda: list(rows[:1])
    yield "count", rows.count
    yield "delete", lambda: rows._raw_delete("default")
    column = next(f.name for f in model._meta.local_fields if not isinstance(f, TenantField))
    yield "update", lambda: rows.update(**{column: models.F(column)})
    for field in model._meta.local_fields:
        if field.is_relation and not isinstance(field, TenantField | LocalForeignKey):
            yield f"join {field.name}", partial(list, rows.select_related(field.name)[:1])


def _names_tenant(sql: str, table: str, tenant: UUID) -> bool:
    """Does every mention of a tenant-owned table in FROM or JOIN come with the tenant?"""
    if f'"{table}"' not in sql:
        return True
    body = sql.partition(";")[2] if sql.startswith("SET LOCAL") else sql
    joined = [m for m in owned_models() if f'JOIN "{m._meta.db_table}"' in body]
    return body.count(tenant.hex) >= 1 + len(joined)  # psycopg writes a UUID without its hyphens


# URLs


@dataclass(frozen=True, slots=True)
class Route:
    """A URL of the project: its pattern, its name and its converters by argument."""

    pattern: str
    name: str
    converters: dict[str, Any]
    callback: Any


def routes(urlconf: str | None = None) -> list[Route]:
    """Every URL below an urlconf (the tenants' one by default)."""
    return list(_routes(get_resolver(urlconf), "", {}, ""))


def _routes(
    resolver: URLResolver, prefix: str, converters: dict[str, Any], space: str
) -> Iterator[Route]:
    for each in resolver.url_patterns:
        here = {**converters, **each.pattern.converters}
        pattern = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            below = f"{space}{each.namespace}:" if each.namespace else space
            yield from _routes(each, pattern, here, below)
        elif isinstance(each, URLPattern):
            yield Route(pattern, f"{space}{each.name}" if each.name else "", here, each.callback)
