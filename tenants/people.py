"""Who may come in: the one place where a person (global) meets her shops (tenant-owned)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from tenants.actors import Actor
from tenants.context import tenant_id
from tenants.models import Seat, Staff, User
from tenants.trace import write


def user_with(email: str, name: str = "") -> User:
    """The person with this address, known or new. Asking twice finds the same one."""
    address = User.objects.normalize_email(email).lower()
    known = User.objects.filter(email=address).first()
    return known or User.objects.create_user(address, name=name)


def employ(name: str, role: str, *, user: User | None = None, at: dt.datetime, by: Actor) -> Staff:
    """Give a person a place in the shop we are inside, and a seat if she signs in herself."""
    staff: Staff = Staff.objects.create(name=name, role=role, user=user)
    if user:
        Seat.objects.get_or_create(user=user, tenant_id=tenant_id())
    write(by, "staff.employed", staff.pk, at=at, after={"role": role})
    return staff


def staff_of(user: User) -> Staff | None:
    """The living place of a signed-in person in the shop we are inside."""
    found: Staff | None = Staff.objects.filter(user=user.pk).first()
    return found


def staff_with(pk: UUID) -> Staff | None:
    found: Staff | None = Staff.objects.filter(pk=pk).first()
    return found


def crew() -> list[Staff]:
    """Who can unlock the till: everybody here with a PIN, by name."""
    return list(Staff.objects.exclude(pin_hash="").order_by("name", "pk"))
