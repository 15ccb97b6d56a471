"""The second step: where guests find the shop."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.pages import page, see_other
from portal.site import road
from portal.site.forms import Address
from portal.site.road import StartRequest
from tenants import signups, slugs


@require_http_methods(["GET", "HEAD", "POST"])
@road.step("start_address")
def address(request: StartRequest) -> HttpResponse:
    """GET with a slug only looks whether it is free. Somebody may take it until the shop opens:
    then it is said here.
    """
    signup = request.signup
    if request.method == "POST":
        form = Address(request.POST)
        if form.is_valid():
            signups.say(signup, slug=form.cleaned_data["slug"])
            return see_other(reverse(road.first_missing(signup)))
        return _asked(request, form, status=422)
    first = signup.slug or slugs.from_name(signup.name)
    typed = request.GET.get("slug")
    form = Address({"slug": first if typed is None else typed})
    form.is_valid()
    if not typed and not signup.slug and form.errors:  # the name's own is taken: begin with another
        others = slugs.free(first, country=signup.country, count=1)
        form = Address({"slug": others[0] if others else first})
        form.is_valid()
    return _asked(request, form)


def _asked(request: StartRequest, form: Address, *, status: int = 200) -> HttpResponse:
    slug = form.cleaned_data.get("slug", "")
    told = road.at_step(
        "start_address",
        called=request.signup.name,
        form=form,
        signup=request.signup,
        slug=slug or slugs.from_name(request.signup.name),
        free=slugs.free(slug or request.signup.name, country=request.signup.country),
        domain=settings.BASE_DOMAIN,
    )
    return page(
        request, "site/address.html", told, fragment="state", also=("preview",), status=status
    )
