"""What must hold before the portal may start: tenants.E001 … E009 of the models, E020 of the
settings.

Every rule fails closed: an Error, never a Warning. What PostgreSQL itself must hold is in
`tenants.database_checks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import models

from tenants import database_checks  # noqa: F401 (registers)
from tenants.fields import LocalForeignKey, TenantField, tenant_field
from tenants.kinds import Reference


def kind(model: Any) -> str | None:
    """ "tenant" (distributed), "reference" (on every node) or "local"; None when nobody decided."""
    if tenant_field(model):
        return "tenant"
    if issubclass(model, Reference):
        return "reference"
    if getattr(model, "tenancy", None) == "local":
        return "local"
    return "local" if model._meta.app_label in settings.TENANTS_LOCAL_APPS else None


@register(Tags.models)
def check_models(app_configs: Any, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            found += tenant_rules(model) if tenant_field(model) else other_rules(model)
    return found


def error(code: int, model: Any, message: str, hint: str | None = None) -> Error:
    text = f"{model._meta.label}: {message}"
    return Error(text, hint=hint, obj=model, id=f"tenants.E{code:03}")


def other_rules(model: Any) -> Iterator[Error]:
    meta, mine = model._meta, kind(model)
    if meta.auto_created:
        targets = [f.related_model for f in meta.local_fields if f.is_relation]
        if any(tenant_field(target) for target in targets):
            yield error(
                5,
                model,
                "an automatic many-to-many table joins tenant-owned rows but has no tenant",
                "Declare a `through` model that is a TenantModel.",
            )
        return
    if mine is None:
        yield error(
            1,
            model,
            "neither tenant-owned nor reference nor local",
            "Inherit from TenantModel or Reference, or say `tenancy = 'local'` on purpose.",
        )
    for field in meta.local_fields:
        if field.is_relation and field.related_model and field.db_constraint:
            theirs = kind(field.related_model)
            if theirs == "tenant" or (theirs and theirs != mine):
                yield error(
                    6,
                    model,
                    f"a {mine} table has a foreign key to the {theirs} table of {field.name}",
                )


def tenant_rules(model: Any) -> Iterator[Error]:
    meta = model._meta
    own: Any = tenant_field(model)
    if own.null:
        yield error(2, model, "the tenant may be NULL")
    if sum(isinstance(f, TenantField) for f in meta.local_fields) > 1 or meta.parents:
        yield error(2, model, "exactly one TenantField a table, and no multi-table inheritance")
    for field in meta.local_fields:
        yield from field_rules(model, field)
    if circles(model, model, frozenset()):
        yield error(
            21,
            model,
            "deletes cascade back to its own rows: immediate keys refuse that above 100 rows",
            "Break the circle with SET_NULL or PROTECT.",
        )
    for constraint in meta.constraints:
        spans = isinstance(constraint, models.UniqueConstraint) or (
            type(constraint).__name__ == "ExclusionConstraint"
        )
        if spans and own.name not in column_names(constraint):
            yield error(3, model, f"constraint {constraint.name} spans tenants")
    for names in meta.unique_together:
        if own.name not in names:
            yield error(3, model, f"unique_together {names} spans tenants")
    for index in meta.indexes:
        if column_names(index)[:1] != [own.name]:
            yield error(4, model, f"index {index.name} does not begin with {own.name}")
    for field in meta.private_fields:
        if type(field).__name__ == "GenericForeignKey":
            yield error(9, model, f"{field.name} is a generic foreign key: nothing keeps it inside")


def field_rules(model: Any, field: Any) -> Iterator[Error]:
    if field.unique and not field.primary_key and not field.one_to_one:
        yield error(
            3,
            model,
            f"{field.name} is unique across all tenants",
            f"Use UniqueConstraint(fields=['tenant', '{field.name}']).",
        )
    if field.primary_key and field.get_internal_type() != "UUIDField":
        yield error(7, model, f"guessable primary key {field.name}", "Use a UUID.")
    if not field.is_relation or isinstance(field, TenantField):
        return
    if isinstance(field, LocalForeignKey) != (kind(field.related_model) == "local"):
        yield error(
            8,
            model,
            f"{field.name}: constraints belong to tenant-owned and reference tables alone",
            "Use ForeignKey to those and LocalForeignKey to local tables.",
        )
    elif not field.db_constraint and not isinstance(field, LocalForeignKey):
        yield error(
            8, model, f"{field.name} has no constraint, so nothing keeps it inside the tenant"
        )


def column_names(thing: Any) -> list[str]:
    """The fields of a constraint or an index, in order; expressions by the name they wrap."""
    if fields := list(thing.fields):
        return [name.removeprefix("-") for name in fields]
    return [getattr(e, "name", "") for e in getattr(thing, "expressions", ())]


def circles(model: Any, start: Any, seen: frozenset[Any]) -> bool:
    """Does deleting a row of `model` lead back to rows of `start`?"""
    for relation in model._meta.related_objects:
        target = relation.related_model
        if relation.on_delete is not models.CASCADE or not tenant_field(target) or target in seen:
            continue
        if target is start or circles(target, start, seen | {target}):
            return True
    return False


@register(Tags.security)
def check_settings(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """E020: settings by which a browser, a cache or a proxy could mix tenants."""
    rules = {
        "SESSION_COOKIE_DOMAIN must stay unset: cookies belong to one host": bool(
            settings.SESSION_COOKIE_DOMAIN or settings.CSRF_COOKIE_DOMAIN
        ),
        "ALLOWED_HOSTS must name the base domain, not '*'": "*" in settings.ALLOWED_HOSTS,
        "CSRF_TRUSTED_ORIGINS must not have wildcards": any(
            "*" in origin for origin in settings.CSRF_TRUSTED_ORIGINS
        ),
        "USE_X_FORWARDED_HOST must stay off: the Host header names the tenant": (
            settings.USE_X_FORWARDED_HOST
        ),
        "CACHES['tenant'] must use tenants.cache.tenant_key": (
            settings.CACHES["tenant"].get("KEY_FUNCTION") != "tenants.cache.tenant_key"
        ),
        "SESSION_ENGINE must be tenants.sessions": settings.SESSION_ENGINE != "tenants.sessions",
        "server_side_binding must stay off: the tenant travels in the statement's own message": (
            bool(settings.DATABASES["default"]["OPTIONS"].get("server_side_binding"))
        ),
    }
    return [Error(text, id="tenants.E020") for text, broken in rules.items() if broken]
