"""Who may see a page: owner and managers by their session, the till by its device and the person
who unlocked it.

A guard finds the person and hands her to the view on the request; a stranger is sent to the door,
a colleague without the right gets 403.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from portal.forms import uuid_of
from portal.language import PERSON
from portal.pages import go, wants_piece
from tenants import devices, logs, people
from tenants.actors import Actor
from tenants.models import Device, Shop, Staff, Tenant, User

# Seconds after a touch within which no till locks itself; how often a touch is noted. So what was
# noted last may be that much older than the last touch.
AWAKE = 60
NOTED_EVERY = 30

DEVICE_COOKIE = "device"
CARD_COOKIE = "card"
KEPT_FOR = 400 * 24 * 3600  # seconds; browsers keep no cookie for longer


class TenantRequest(HttpRequest):
    tenant: Tenant


class StaffRequest(TenantRequest):
    """An owner or manager in the portal."""

    staff: Staff
    by: Actor


class DeviceRequest(TenantRequest):
    """A paired device; nobody has to stand before it."""

    device: Device


class TillRequest(DeviceRequest):
    """A person at a paired device."""

    staff: Staff
    by: Actor


P = ParamSpec("P")
_View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def manager(view: Callable[Concatenate[StaffRequest, P], HttpResponse]) -> _View[P]:
    """For owner and managers, signed in on this shop's host."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        staff = people.staff_of(request.user) if isinstance(request.user, User) else None
        if staff is None:
            return to_the_door(request)
        if not staff.manages:
            raise PermissionDenied
        request.staff, request.by = staff, Actor.of_staff(staff)  # type: ignore[attr-defined]
        logs.acting(Actor.of_staff(staff).who)
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    return guarded


def owner_only(view: Callable[Concatenate[StaffRequest, P], HttpResponse]) -> _View[P]:
    """For owners, signed in on this shop's host. Whoever else manages is told whose right it is."""

    @wraps(view)
    def guarded(request: StaffRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.staff.role != Staff.Role.OWNER:
            raise PermissionDenied(Staff.Role.OWNER.value)
        return view(request, *args, **kwargs)

    return manager(guarded)


def colleague(view: Callable[Concatenate[StaffRequest, P], HttpResponse]) -> _View[P]:
    """For everybody who signed in here, whatever her role: about herself."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        staff = people.staff_of(request.user) if isinstance(request.user, User) else None
        if staff is None:
            return to_the_door(request)
        request.staff, request.by = staff, Actor.of_staff(staff)  # type: ignore[attr-defined]
        logs.acting(Actor.of_staff(staff).who)
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    return guarded


R = TypeVar("R", bound=HttpRequest)


def freshly(
    view: Callable[Concatenate[R, P], HttpResponse],
) -> Callable[Concatenate[R, P], HttpResponse]:
    """For what must not be done by whoever finds a browser open: the person has proved who she is
    within the last five minutes, else she is asked and comes back to the page she was on.

    Stands under the guard that finds the person: `@manager`, then `@freshly`.
    """

    @wraps(view)
    def guarded(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if is_fresh(request):
            return view(request, *args, **kwargs)
        where = urlencode({"next": _page_of(request)})
        return go(request, f"{reverse('account_reauthenticate')}?{where}")

    return guarded


def is_fresh(request: HttpRequest) -> bool:
    """Whether the signed-in person proved who she is lately: by code, passkey or authenticator."""
    user = request.user if isinstance(request.user, User) else None
    since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    return any(record.get("at", 0) > since for record in get_authentication_records(request, user))


def to_the_door(request: HttpRequest) -> HttpResponse:
    """Ask a stranger to sign in, and bring her back to what she asked for."""
    where = urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
    return go(request, f"{reverse('account_login')}?{where}".rstrip("?"))


def _page_of(request: HttpRequest) -> str:
    """The page that the browser shows: of a form or a piece, where it stands."""
    if request.method == "GET" and not wants_piece(request):
        return request.get_full_path()
    came_from = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, {request.get_host()}, request.is_secure()):
        url = urlsplit(came_from)
        return f"{url.path}?{url.query}".rstrip("?")
    return reverse("manage:home")


def paired(view: Callable[Concatenate[DeviceRequest, P], HttpResponse]) -> _View[P]:
    """For a device that the owner paired."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        device = device_of(request)
        if device is None:
            return go(request, reverse("till:till"))
        request.device = device  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    return guarded


def unlocked(view: Callable[Concatenate[TillRequest, P], HttpResponse]) -> _View[P]:
    """For the person who unlocked this device and touched it lately."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        found = person_at_till(request)
        if found is None:
            return go(request, reverse("till:till"))
        staff, device = found
        request.staff, request.device = staff, device  # type: ignore[attr-defined]
        request.by = Actor.at_till(staff, device)  # type: ignore[attr-defined]
        logs.acting(Actor.at_till(staff, device).who)
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    return guarded


def device_of(request: HttpRequest) -> Device | None:
    token = request.COOKIES.get(cookie_name(DEVICE_COOKIE))
    return devices.find(token, at=timezone.now()) if token else None


def person_at_till(request: HttpRequest) -> tuple[Staff, Device] | None:
    """The person who unlocked this browser's device, unless it is idle; notes the touch."""
    device = device_of(request)
    if device is None:
        return None
    kept, now = request.session.get(PERSON), int(time.time())
    if not isinstance(kept, dict) or kept.get("device") != str(device.pk):
        return None
    if _is_idle(now - int(kept.get("touched", 0))):
        lock(request)
        return None
    staff = people.staff_with(uuid_of(str(kept.get("person"))) or UUID(int=0))
    if staff is None or not staff.pin_hash:
        lock(request)
        return None
    if now - int(kept["touched"]) >= NOTED_EVERY:
        request.session[PERSON] = {**kept, "touched": now}
    return staff, device


def idle_after() -> int:
    """Seconds without a touch after which the tills of this shop lock themselves, by its row."""
    return 60 * int(Shop.objects.values_list("lock_after", flat=True).get())


def _is_idle(seconds: int) -> bool:
    """Asks the shop only where it may matter: a touch of the last minute is none too old."""
    return seconds > AWAKE and seconds > idle_after() + NOTED_EVERY


def unlock(request: HttpRequest, staff: Staff, device: Device) -> None:
    """Let `staff` stand at `device`, under a new session key."""
    request.session.cycle_key()
    request.session[PERSON] = {
        "person": str(staff.pk),
        "device": str(device.pk),
        "touched": int(time.time()),
        "language": staff.language,
    }


def lock(request: HttpRequest) -> None:
    request.session.pop(PERSON, None)


def cookie_name(name: str) -> str:
    """`__Host-` on https, which binds a cookie to this host; nothing on plain http, where Safari
    refuses it.
    """
    return f"{settings.COOKIE_PREFIX}{name}"


def keep_cookie(response: HttpResponse, name: str, value: str) -> None:
    """Give the browser a secret of ours to keep: for this host only, unseen by scripts."""
    response.set_cookie(
        cookie_name(name),
        value,
        max_age=KEPT_FOR,
        path="/",
        secure=bool(settings.COOKIE_PREFIX),
        httponly=True,
        samesite="Lax",
    )
