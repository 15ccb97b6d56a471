"""The people of the shop: who works here, as what, and who is asked to."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loyalty import programs, working
from portal import letters, waiting
from portal.guards import StaffRequest, freshly, manager, owner_only
from portal.manage import floods
from portal.manage.forms_people import Cashier, Invited, NewPin, Part, PersonName
from portal.manage.views.devices import spent
from portal.pages import page, see_other
from portal.templatetags.portal import role as role_word
from tenants import devices, hosts, invitations, people, pins, sessions
from tenants.guesses import TooManyGuesses
from tenants.invitations import WorksHere
from tenants.models import Invitation, Staff
from tenants.people import LastOwner, NoSignIn, NotAllowed

ASK = ["GET", "HEAD", "POST"]
SLIP = "slip"  # in the session: a PIN that is shown once
HERE = "here"  # in the address of the page: who was to be asked again works here already
LATELY = dt.timedelta(days=30)


@require_safe
@manager
def team(request: StaffRequest) -> HttpResponse:
    """Everybody with her part, what it allows, and when she was last at work."""
    is_here = request.GET.get("said") == HERE
    said = gettext("Who has this address works here already. The invitation is withdrawn.")
    return _team(request, said=said if is_here else "")


def _team(request: StaffRequest, *, said: str, status: int = 200) -> HttpResponse:
    now = timezone.now()
    work, everybody, tablets = working.since(now - LATELY), people.team(), devices.all_paired()
    seen = sessions.last_seen([each.user_id for each in everybody if each.user_id], at=now)
    rows = [
        {
            "person": each,
            "is_me": each.pk == request.staff.pk,
            "may": people.may_manage(request.staff, each) or each.pk == request.staff.pk,
            "work": work.get(each.pk),
            "seen": _last(each, work, seen),
            "pin_off": pins.is_off(each),
        }
        for each in everybody
    ]
    context = {
        "rows": rows,
        "invitations": invitations.open_ones(),
        "devices": tablets,
        "spent": spent(tablets, now),
        "now": now,
        "alone": len(rows) == 1,
        "program": programs.current(),
        "said": said,
    }
    return _page(request, "manage/team.html", context, status=status)


@require_http_methods(ASK)
@never_cache
@manager
def add(request: StaffRequest) -> HttpResponse:
    """A cashier: a name and a PIN are all she needs."""
    form = Cashier(request.POST if request.method == "POST" else None)
    if form.is_valid():
        now, given = timezone.now(), form.cleaned_data
        with transaction.atomic():
            staff = people.employ(
                given["name"],
                Staff.Role.CASHIER,
                language=given["language"],
                at=now,
                by=request.by,
            )
            pin = pins.new_pin(staff, given["pin"], at=now, by=request.by)
        return _slip_of(request, staff, pin)
    return _page(request, "manage/team_add.html", {"form": form, "digits": pins.length()}, form)


@require_http_methods(ASK)
@never_cache
@owner_only
@freshly
def invite(request: StaffRequest) -> HttpResponse:
    """Somebody who signs in herself: an owner or a manager, asked by mail."""
    form = Invited(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = form.cleaned_data
        try:
            _ask(request, given["email"], given["name"], given["role"])
        except WorksHere:
            form.add_error("email", gettext("Who has this address works here already."))
        except TooManyGuesses as many:
            form.add_error("email", waiting.sentence(many.wait))
            return _page(request, "manage/team_invite.html", {"form": form}, status=429)
        else:
            return see_other(f"{reverse('manage:team')}#asked")
    return _page(request, "manage/team_invite.html", {"form": form}, form)


@require_POST
@owner_only
def ask_again(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Another letter; the link in the one before opens nothing any more."""
    found = get_object_or_404(Invitation, pk=pk, accepted_at=None)
    try:
        _ask(request, found.email, found.name, found.role)
    except WorksHere:  # she came another way meanwhile
        invitations.withdraw(found, at=timezone.now(), by=request.by)
        return see_other(f"{reverse('manage:team')}?said={HERE}")
    except TooManyGuesses as many:
        return _team(request, said=waiting.sentence(many.wait), status=429)
    return see_other(f"{reverse('manage:team')}#asked")


@require_POST
@owner_only
def withdraw(request: StaffRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Invitation, pk=pk, accepted_at=None)
    invitations.withdraw(found, at=timezone.now(), by=request.by)
    return see_other(f"{reverse('manage:team')}#asked")


@require_http_methods(ASK)
@never_cache
@manager
def person(request: StaffRequest, pk: UUID) -> HttpResponse:
    """One of them: her name here and her language, her PIN, her part, and the way out."""
    staff = _whom(request, pk)
    posted = request.POST if request.method == "POST" else None
    form = PersonName(posted, initial=_known(staff))
    if form.is_valid():
        given = form.cleaned_data
        people.introduce(staff, given["name"], given["language"], at=timezone.now(), by=request.by)
        return see_other(reverse("manage:person", args=[pk]))
    return _of(request, staff, form)


@require_POST
@never_cache
@manager
def pin(request: StaffRequest, pk: UUID) -> HttpResponse:
    """A new PIN, typed or drawn; it ends every wait, and the state of being switched off."""
    staff = _whom(request, pk)
    form = NewPin(request.POST)
    if not form.is_valid():
        return _of(request, staff, PersonName(initial=_known(staff)), pin_form=form)
    new = pins.new_pin(staff, form.cleaned_data["pin"], at=timezone.now(), by=request.by)
    return _slip_of(request, staff, new)


@require_safe
@never_cache
@manager
def slip(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The PIN on a slip to print, once: after that nobody can read it any more."""
    staff, kept = _whom(request, pk), request.session.get(SLIP)
    if not isinstance(kept, dict) or kept.get("person") != str(staff.pk):
        return see_other(reverse("manage:person", args=[pk]))
    del request.session[SLIP]
    return _page(request, "manage/team_slip.html", {"person": staff, "pin": kept["pin"]})


@require_http_methods(ASK)
@never_cache
@owner_only
@freshly
def part(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Another role."""
    staff = get_object_or_404(Staff, pk=pk)
    posted = request.POST if request.method == "POST" else None
    form = Part(posted, initial={"role": staff.role})
    if form.is_valid():
        try:
            people.change_role(staff, form.cleaned_data["role"], at=timezone.now(), by=request.by)
        except (LastOwner, NoSignIn, NotAllowed, Staff.DoesNotExist) as why:
            form.add_error("role", _sentence(why))
        else:
            return see_other(reverse("manage:team"))
    return _page(request, "manage/team_part.html", {"person": staff, "form": form}, form)


@require_http_methods(ASK)
@never_cache
@manager
@freshly
def remove(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Her place here ends. Who leaves by herself does so from her account."""
    staff, why = _whom(request, pk), ""
    if staff.pk == request.staff.pk:
        return see_other(reverse("account_leave"))
    if request.method == "POST":
        try:
            people.remove(staff, at=timezone.now(), by=request.by)
        except (LastOwner, NotAllowed) as refused:
            why = _sentence(refused)
        else:
            return see_other(reverse("manage:team"))
    context = {"person": staff, "why": why}
    return _page(request, "manage/team_remove.html", context, status=422 if why else 200)


def _last(
    each: Staff, work: dict[UUID, working.Work], seen: dict[UUID, dt.datetime]
) -> dt.datetime | None:
    """When she was last at the till or in the portal."""
    done, portal = work.get(each.pk), seen.get(each.user_id or each.pk)
    times = [done.last if done else None, portal]
    return max((time for time in times if time), default=None)


def _ask(request: StaffRequest, email: str, name: str, role: str) -> None:
    now = timezone.now()
    floods.refuse_flood(people.address_of(email), at=now)
    with transaction.atomic():
        invitation, secret = invitations.invite(email, name, role, at=now, by=request.by)
        url = hosts.url_of(request.tenant, reverse("account_join", args=[secret]))
        told = {"who": request.staff.name, "name": name, "role": role_word(role), "url": url}
        letters.write("invitation", invitation.email, told, at=now)


def _known(staff: Staff) -> dict[str, str]:
    return {"name": staff.name, "language": staff.language}


def _whom(request: StaffRequest, pk: UUID) -> Staff:
    """Herself, or somebody whom she looks after."""
    staff: Staff = get_object_or_404(Staff, pk=pk)
    if staff.pk != request.staff.pk and not people.may_manage(request.staff, staff):
        raise PermissionDenied(Staff.Role.OWNER.value)
    return staff


def _of(
    request: StaffRequest, staff: Staff, form: PersonName, pin_form: NewPin | None = None
) -> HttpResponse:
    context = {
        "person": staff,
        "is_me": staff.pk == request.staff.pk,
        "email": staff.user.email if staff.user_id else "",
        "form": form,
        "pin_form": pin_form or NewPin(),
        "digits": pins.length(),
        "pin_off": pins.is_off(staff),
        "may_change_part": request.staff.role == Staff.Role.OWNER,
    }
    return _page(request, "manage/person.html", context, pin_form or form)


def _slip_of(request: StaffRequest, staff: Staff, pin: str) -> HttpResponse:
    request.session[SLIP] = {"person": str(staff.pk), "pin": pin}
    return see_other(reverse("manage:slip", args=[staff.pk]))


def _sentence(why: Exception) -> str:
    if isinstance(why, LastOwner):
        return gettext("A shop keeps an owner. Make somebody else one first.")
    if isinstance(why, NoSignIn):
        return gettext("An owner signs in. Invite this person by mail first.")
    if isinstance(why, Staff.DoesNotExist):
        return gettext("This person does not work here any more.")
    return gettext("You cannot do this any more.")


def _page(
    request: StaffRequest,
    template: str,
    context: dict[str, object],
    form: PersonName | Cashier | Invited | NewPin | Part | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    told = {"section": "team", "staff": request.staff, **context}
    wrong = form is not None and form.is_bound and form.errors
    return page(request, template, told, status=422 if wrong else status)
