"""Being asked to work in a shop: a link by mail that makes a person one of its people."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction

from tenants import people, secrets
from tenants.actors import Actor
from tenants.models import Invitation, OneTimeSecret, Staff
from tenants.people import NotAllowed
from tenants.trace import write

LIVES = dt.timedelta(days=7)


class WorksHere(Exception):
    """This address belongs to somebody who works here already."""


def invite(
    email: str, name: str, role: str, *, at: dt.datetime, by: Actor
) -> tuple[Invitation, str]:
    """Ask somebody to work here; the secret is for the link in her letter.

    Only an owner may (NotAllowed). Asking the same address again renews the invitation, and the
    link before it opens nothing any more. Raises WorksHere.
    """
    if by.staff is None or by.staff.role != Staff.Role.OWNER:
        raise NotAllowed
    address = people.address_of(email)
    if Staff.objects.filter(user__email=address).exists():
        raise WorksHere
    with transaction.atomic():
        invitation, is_new = Invitation.objects.get_or_create(
            email=address,
            accepted_at=None,
            defaults={"name": name, "role": role, "invited_by": by.staff, "at": at},
        )
        if not is_new:
            invitation.name, invitation.role = name, role
            invitation.invited_by, invitation.at = by.staff, at
            invitation.save(update_fields=["name", "role", "invited_by", "at"])
        _forget_links(invitation)
        secret = secrets.mint(secrets.INVITE, invitation.pk, LIVES, at=at)
        write(by, "invitation.sent", invitation.pk, at=at, after={"role": role})
    return invitation, secret


def open_ones() -> list[Invitation]:
    """Who was asked and has not answered, the latest first."""
    rows = Invitation.objects.filter(accepted_at=None).select_related("invited_by")
    return list(rows.order_by("-at", "pk"))


def of_link(subject: UUID | None) -> Invitation | None:
    """The invitation that a link is for, if it still stands."""
    rows = Invitation.objects.select_related("invited_by").filter(accepted_at=None)
    found: Invitation | None = rows.filter(pk=subject).first() if subject else None
    return found


def withdraw(invitation: Invitation, *, at: dt.datetime, by: Actor) -> None:
    """Take an invitation back; its link opens nothing any more. Twice changes nothing."""
    with transaction.atomic():
        if invitation.is_active and invitation.accepted_at is None:
            invitation.retire(at=at, by=by.who)
            _forget_links(invitation)
            write(by, "invitation.withdrawn", invitation.pk, at=at)


def accept(invitation: Invitation, *, at: dt.datetime) -> Staff:
    """Make the invited person one of the shop's. Who got in meanwhile another way gets the role."""
    by = Actor.of_staff(invitation.invited_by)
    with transaction.atomic():
        user = people.user_with(invitation.email, invitation.name)
        staff: Staff | None = Staff.objects.filter(user=user.pk).first()
        if staff is None:
            staff = people.employ(invitation.name, invitation.role, user=user, at=at, by=by)
        elif staff.role not in (invitation.role, Staff.Role.OWNER):
            staff.role = invitation.role
            staff.save(update_fields=["role"])
        invitation.accepted_at = at
        invitation.save(update_fields=["accepted_at"])
        write(Actor.of_staff(staff), "invitation.accepted", invitation.pk, at=at)
    return staff


def _forget_links(invitation: Invitation) -> None:
    OneTimeSecret.objects.filter(purpose=secrets.INVITE, subject=invitation.pk).delete()
