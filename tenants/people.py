"""Who may come in: the one place where a person (global) meets her shops (tenant-owned)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from tenants import sessions
from tenants.actors import Actor
from tenants.context import inside, tenant_id
from tenants.models import Seat, Shop, Staff, Tenant, User
from tenants.trace import write

Role = Staff.Role
RANK = {Role.OWNER: 0, Role.MANAGER: 1, Role.CASHIER: 2}


class LastOwner(Exception):
    """The shop would be left without an owner who can sign in."""


class NotAllowed(Exception):
    """Who acts has not the right, or has it no more."""


class NoSignIn(Exception):
    """An owner must be able to sign in, and this person has only a PIN."""


class AddressTaken(Exception):
    """Another person signs in with this address."""


@dataclass(frozen=True, slots=True)
class Place:
    """A shop that a person works in, as she finds it in her list."""

    tenant: Tenant
    name: str
    staff: Staff


# --- Persons -------------------------------------------------------------------------------------


def address_of(email: str) -> str:
    """An address as it is kept and compared."""
    return User.objects.normalize_email(email).strip().lower()


def user_with(email: str, name: str = "") -> User:
    """The person with this address, known or new. Asking twice finds the same one."""
    address = address_of(email)
    known = User.objects.filter(email=address).first()
    return known or User.objects.create_user(address, name=name)


def user_here(email: str) -> User | None:
    """The person who signs in here with this address. One statement, whoever asks."""
    staff = _signing_in().filter(user__email=address_of(email)).first()
    return staff.user if staff else None


def signed_in(user: UUID) -> User | None:
    """The person of a session, if she still works in the shop we are inside."""
    staff = _signing_in().filter(user=user).first()
    if staff is None:
        return None
    person: User = staff.user
    person.staff_here = staff  # type: ignore[attr-defined]
    return person


def staff_of(user: User) -> Staff | None:
    """The living place of a signed-in person in the shop we are inside."""
    known: Staff | None = getattr(user, "staff_here", None)
    if known and known.tenant_id == tenant_id():
        return known
    found: Staff | None = Staff.objects.filter(user=user.pk).first()
    return found


def shops_of(user: User) -> Iterator[Place]:
    """Where this person works, by name: a seat of hers, and a place there that still lives."""
    seats = Seat.objects.filter(user=user).values_list("tenant_id", flat=True)
    found = []
    for tenant in Tenant.objects.filter(pk__in=list(seats)).exclude(state=Tenant.State.CLOSING):
        with inside(tenant):
            staff = Staff.objects.filter(user=user.pk).first()
            if staff:
                name = Shop.objects.values_list("name", flat=True).get()
                found.append(Place(tenant, name, staff))
    return iter(sorted(found, key=lambda place: (place.name, place.tenant.slug)))


def change_address(user: User, email: str, *, at: dt.datetime, by: Actor) -> None:
    """Sign in with another address from now on, in every shop of hers. It was proved before.

    Raises AddressTaken. The same address again changes nothing.
    """
    address = address_of(email)
    if user.email == address:
        return
    try:
        with transaction.atomic():
            user.email = address
            user.save(update_fields=["email"])
            write(by, "staff.address_changed", by.staff.pk if by.staff else None, at=at)
    except IntegrityError:
        user.refresh_from_db(fields=["email"])
        raise AddressTaken from None


# --- The people of a shop ------------------------------------------------------------------------


def employ(
    name: str,
    role: str,
    *,
    user: User | None = None,
    language: str = "",
    at: dt.datetime,
    by: Actor,
) -> Staff:
    """Give a person a place in the shop we are inside, and a seat if she signs in herself.
    `language` is what she is spoken to in, "" as her device says.
    """
    staff: Staff = Staff.objects.create(name=name, role=role, user=user, language=language)
    if user:
        Seat.objects.get_or_create(user=user, tenant_id=tenant_id())
    write(by, "staff.employed", staff.pk, at=at, after={"role": role})
    return staff


def staff_with(pk: UUID) -> Staff | None:
    found: Staff | None = Staff.objects.filter(pk=pk).first()
    return found


def crew() -> list[Staff]:
    """Who can unlock the till: everybody here with a PIN, by name."""
    return list(Staff.objects.exclude(pin_hash="").order_by("name", "pk"))


def team() -> list[Staff]:
    """Everybody who works here with their person, owners first, then by name."""
    people = Staff.objects.select_related("user").order_by("name", "pk")
    return sorted(people, key=lambda staff: RANK[Role(staff.role)])


def may_manage(by: Staff, other: Staff) -> bool:
    """Owners look after everybody, managers after cashiers."""
    return by.role == Role.OWNER or (by.role == Role.MANAGER and other.role == Role.CASHIER)


def introduce(staff: Staff, name: str, language: str, *, at: dt.datetime, by: Actor) -> None:
    """What this person is called here, and the language she is spoken to in ("": as her device
    says).
    """
    changed = {"name": staff.name != name, "language": staff.language != language}
    if any(changed.values()):
        staff.name, staff.language = name, language
        with transaction.atomic():
            staff.save(update_fields=["name", "language"])
            what = sorted(field for field, is_new in changed.items() if is_new)
            write(by, "staff.introduced", staff.pk, at=at, after={"changed": what})


def change_role(staff: Staff, role: str, *, at: dt.datetime, by: Actor) -> Staff:
    """Give a person another role. Only an owner may; the last one cannot lose hers.

    Raises NotAllowed, LastOwner, NoSignIn, or Staff.DoesNotExist if she was removed meanwhile.
    """
    with transaction.atomic():
        person, owners = _locked(staff)
        _require_owner(owners, by)
        if person.role == role:
            return person
        if role == Role.OWNER and person.user_id is None:
            raise NoSignIn
        _keep_an_owner(person, owners)
        before, person.role = person.role, role
        person.save(update_fields=["role"])
        write(
            by,
            "staff.role_changed",
            person.pk,
            at=at,
            before={"role": before},
            after={"role": role},
        )
    return person


def remove(staff: Staff, *, at: dt.datetime, by: Actor) -> None:
    """End a person's place here: she is signed out, her PIN opens nothing; entries keep her name.

    Raises NotAllowed (managers remove cashiers, anybody may leave) or LastOwner. Twice changes
    nothing.
    """
    with transaction.atomic():
        try:
            person, owners = _locked(staff)
        except Staff.DoesNotExist:
            return
        leaves = by.staff is not None and by.staff.pk == person.pk
        if not leaves and person.role != Role.CASHIER:
            _require_owner(owners, by)
        elif not (leaves or by.manages):
            raise NotAllowed
        _keep_an_owner(person, owners)
        person.pin_hash = ""
        person.save(update_fields=["pin_hash"])
        person.retire(at=at, by=by.who)
        if person.user_id:
            Seat.objects.filter(user=person.user_id, tenant_id=tenant_id()).delete()
            sessions.end_all(person.user_id)
        write(by, "staff.removed", person.pk, at=at, before={"role": person.role})


def _signing_in() -> QuerySet[Staff]:
    rows: QuerySet[Staff] = Staff.objects.select_related("user").filter(user__is_active=True)
    return rows


def _locked(staff: Staff) -> tuple[Staff, dict[UUID, Staff]]:
    """The person, and the owners who can sign in. Until the end of the transaction nobody else
    changes them, so of two owners who leave in the same moment one stays.
    """
    rows = Staff.objects.select_for_update().order_by("pk")
    owners = {each.pk: each for each in rows.filter(role=Role.OWNER).exclude(user=None)}
    person = owners.get(staff.pk) or rows.get(pk=staff.pk)
    return person, owners


def _require_owner(owners: dict[UUID, Staff], by: Actor) -> None:
    if by.staff and by.staff.pk not in owners:
        raise NotAllowed


def _keep_an_owner(person: Staff, owners: dict[UUID, Staff]) -> None:
    if person.pk in owners and len(owners) == 1:
        raise LastOwner
