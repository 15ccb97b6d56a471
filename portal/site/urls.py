"""The URLs of the apex, where no shop is."""

from __future__ import annotations

from django.urls import path

from portal.site.views import home

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.forbidden"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.broken"

urlpatterns = [path("", home.home, name="home")]
