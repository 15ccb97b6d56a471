"""The fields that say to whom a row belongs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models

from tenants.context import TenantMismatch, default_tenant_id, required


class TenantField(models.ForeignKey):  # type: ignore[type-arg]
    """Owning a TenantField is what makes a model tenant-owned.

    The compiler, the schema editor and the checks all key on it. It fills itself with the tenant
    we are inside, and refuses (TenantMismatch) a row of another one.
    """

    FIXED = ("to", "on_delete", "editable", "db_index", "related_name", "default")

    def __init__(self, **kwargs: Any) -> None:
        kwargs.update(
            to="tenants.Tenant",
            on_delete=models.PROTECT,
            editable=False,
            db_index=False,  # it begins every other index
            related_name="+",
            default=default_tenant_id,
        )
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {k: v for k, v in kwargs.items() if k not in self.FIXED}

    def pre_save(self, instance: models.Model, add: bool) -> UUID:
        """The tenant to write, for save() and bulk_create() alike."""
        value, scope = getattr(instance, self.attname), required()
        if scope.tenant_id and value is None:
            value = scope.tenant_id
            setattr(instance, self.attname, value)
        if value is None or scope.tenant_id not in (None, value):
            raise TenantMismatch(
                f"a {instance._meta.label} of {value} cannot be written in {scope}"
            )
        return value if isinstance(value, UUID) else UUID(str(value))


class LocalForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """From a tenant's row to a table outside the tenants (User): a bare id without a constraint.

    On Citus a distributed table can have no foreign key to a local one, and deleting a user must
    not walk the tenants.
    """

    FIXED = ("on_delete", "db_constraint", "related_name")

    def __init__(self, to: Any, **kwargs: Any) -> None:
        kwargs.update(on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
        super().__init__(to, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {k: v for k, v in kwargs.items() if k not in self.FIXED}


def tenant_field(model: type[models.Model]) -> TenantField | None:
    """The field that makes `model` tenant-owned, or None."""
    for field in model._meta.local_fields:
        if isinstance(field, TenantField):
            return field
    return None
