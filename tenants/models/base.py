"""What every tenant-owned model stands on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any, ClassVar, Self

from django.db import models

from tenants.context import TenantMismatch, required
from tenants.fields import TenantField
from tenants.ids import uuid7
from tenants.kinds import Kept


class TenantModel(models.Model):
    """A row of one shop. Subclass it and keys, indexes, foreign keys, policy and grants follow by
    themselves.

    Django's primary key is `id`; the database's is (tenant_id, id). `tenant` fills itself with the
    tenant we are inside.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = TenantField()

    class Meta:
        abstract = True

    def save(self, **kwargs: Any) -> None:
        self._refuse_strangers()
        super().save(**kwargs)

    def delete(self, **kwargs: Any) -> Any:  # type: ignore[override]
        self._refuse_strangers()
        return super().delete(**kwargs)

    # ModelForms leave `tenant` out of validation; with it out, a taken name would be a 500 instead
    # of a message.

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        super().validate_unique(set(exclude or ()) - {"tenant"})

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        super().validate_constraints(set(exclude or ()) - {"tenant"})

    def _refuse_strangers(self) -> None:
        scope = required()
        if scope.tenant_id and self.tenant_id not in (None, scope.tenant_id):
            raise TenantMismatch(f"a {self._meta.label} of {self.tenant_id} is used in {scope}")


class Living(models.Manager[Any]):
    """Rows that were not retired."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(is_active=True)


class SoftDelete(Kept, models.Model):
    """For what people configure or enrol: rows are retired, never deleted (PostgreSQL grants no
    DELETE).

    `objects` sees living rows, `everyone` all of them; foreign keys reach retired rows, so old
    entries keep their names.
    """

    is_active = models.BooleanField(default=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    deleted_by = models.CharField(max_length=80, default="", editable=False)

    objects: ClassVar[Any] = Living()
    everyone: ClassVar[Any] = models.Manager()

    class Meta:
        abstract = True

    def retire(self, *, at: dt.datetime, by: str) -> Self:
        """Take the row out of use; `by` is an Actor's `who`. Retiring twice keeps the first time
        and person.
        """
        if self.is_active:
            self.is_active, self.deleted_at, self.deleted_by = False, at, by
            self.save(update_fields=["is_active", "deleted_at", "deleted_by"])
        return self
