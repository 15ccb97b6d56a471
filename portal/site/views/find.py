"""Find my shop: its address is told to whom it belongs, and to nobody else."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal import waiting
from portal.pages import page, see_other
from portal.site import letters
from portal.site.forms import Find
from tenants.guesses import TooManyGuesses


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Always the same answer: the letter knows the shops, the page does not."""
    if request.method != "POST":
        told = {"form": Find(), "sent": "sent" in request.GET, "outbox": settings.OUTBOX}
        return page(request, "site/find.html", told)
    form = Find(request.POST)
    if not form.is_valid():
        return page(request, "site/find.html", {"form": form}, status=422)
    try:
        letters.send_shops(form.cleaned_data["email"], at=timezone.now())
    except TooManyGuesses as refused:
        form.add_error("email", waiting.sentence(refused.wait))
        return page(request, "site/find.html", {"form": form}, status=429)
    return see_other(f"{reverse('find')}?sent=1")
