"""What this is, said to somebody who came to the bare domain."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.pages import page


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return page(request, "site/home.html")
