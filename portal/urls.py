"""The URLs of a tenant's host. The apex has its own: portal.site.urls."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from portal import brand, logos, outbox

urlpatterns: list[URLPattern | URLResolver] = [
    path("theme.<str:version>.css", brand.theme_css, name="theme"),
    path("logo.<str:digest>", logos.serve, name="logo"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("styleguide/", include("portal.styleguide")),
    path("accounts/", include("portal.doors.urls")),
    path("till/", include("portal.till.urls")),
    path("manage/", include("portal.manage.urls")),
    path("", include("portal.api.urls")),
    path("", include("portal.card.urls")),
]
handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.forbidden"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.broken"
