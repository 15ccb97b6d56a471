"""Which tenant may this piece of code touch? One immutable answer per execution context.

Nothing is the default: code that enters neither `inside()` nor `platform()` is nobody, and the
database refuses it. The answer travels through `async` tasks by itself; a plain thread starts as
nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from django.db import transaction

T = TypeVar("T")


class OutsideTenant(RuntimeError):
    """A tenant-owned table was addressed outside any tenant."""


class TenantMismatch(RuntimeError):
    """An object of one tenant was used inside another."""


class HasKey(Protocol):
    """A Tenant, as seen from here: this module knows no models."""

    @property
    def pk(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What PostgreSQL must hear before any statement of this piece of code.

    `role` and `settings` are ready-made SQL, so that a statement costs one attribute look-up. A
    scope with no `tenant_id` sees all tenants (`platform`) or none (`owner`, which migrates).
    """

    tenant_id: UUID | None = None
    role: str = ""
    settings: str = ""
    why: str = ""

    def __str__(self) -> str:
        return f"tenant {self.tenant_id}" if self.tenant_id else f"“{self.why}”"


_scope: ContextVar[Scope | None] = ContextVar("tenants.scope", default=None)


@contextmanager
def enter(scope: Scope | None) -> Iterator[Scope | None]:
    """Be in `scope` for a while: what jobs, streams and commit hooks use to return to where they
    began.
    """
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)


def scope_of(tenant: HasKey | UUID) -> Scope:
    """The scope of a Tenant or its UUID.

    A string is refused, because text from outside never names a tenant by itself.
    """
    pk = tenant if isinstance(tenant, UUID) else getattr(tenant, "pk", tenant)
    if not isinstance(pk, UUID):
        raise TypeError(f"a tenant is named by its UUID, not by {type(pk).__name__}")
    return Scope(pk, settings=f"SET LOCAL app.tenant_id='{pk}';")


@contextmanager
def inside(tenant: HasKey | UUID) -> Iterator[Scope]:
    """`with inside(cafe):`: everything in it belongs to that shop, and only to it."""
    scope = scope_of(tenant)
    with enter(scope):
        yield scope


def bound(items: Iterable[T], scope: Scope) -> Iterator[T]:
    """The items of a generator, each made in `scope` and read in the reader's own.

    A generator that yields inside a scope would leak it into whoever reads it; this one leaves the
    scope before each item.
    """
    iterator = iter(items)
    while True:
        with enter(scope):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


@contextmanager
def platform(why: str, *, using: str | None = None) -> Iterator[Scope]:
    """`with platform("nightly roll-up"):`: work across all tenants, by name and on purpose.

    Only a login that may SET ROLE portal_platform can do it (portal_worker; the web's login
    cannot). It is one transaction of its own, because a transaction that writes stays with one
    role.
    """
    scope = Scope(role="SET LOCAL ROLE portal_platform;", why=why)
    with enter(scope), transaction.atomic(using=using, durable=True):
        yield scope


@contextmanager
def owner(why: str) -> Iterator[Scope]:
    """The schema's owner at work. Migrations enter it by themselves; nothing else has a reason
    to.
    """
    scope = Scope(why=why)
    with enter(scope):
        yield scope


def current() -> Scope | None:
    """The scope we are in, or None for nobody."""
    return _scope.get()


def required() -> Scope:
    """The scope we are in; raises OutsideTenant for nobody."""
    scope = _scope.get()
    if scope is None:
        raise OutsideTenant("no tenant here: wrap the code in `with inside(tenant):`")
    return scope


def tenant_id() -> UUID:
    """The tenant we are inside; raises OutsideTenant for nobody and for platform work."""
    scope = required()
    if scope.tenant_id is None:
        raise OutsideTenant(f"{scope} is about all tenants: this needs `with inside(tenant):`")
    return scope.tenant_id


def default_tenant_id() -> UUID | None:
    """The default of every TenantField: the tenant we are inside, if any."""
    scope = _scope.get()
    return scope.tenant_id if scope else None
