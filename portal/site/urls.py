"""The URLs of the apex, where no shop is."""

from __future__ import annotations

from django.urls import path

from portal import outbox
from portal.site.views import address, brand, find, home, opened, program, start

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.forbidden"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.broken"

urlpatterns = [
    path("", home.home, name="home"),
    path("start/", start.start, name="start"),
    path("start/code/", start.code, name="start_code"),
    path("start/code/again/", start.again, name="start_again"),
    path("start/address/", address.address, name="start_address"),
    path("start/program/", program.program, name="start_program"),
    path("start/brand/", brand.brand, name="start_brand"),
    path("start/brand/logo/", brand.logo, name="start_brand_logo"),
    path("start/logo.<str:digest>", brand.shown_logo, name="start_logo"),
    path("start/theme.<str:colour>.css", brand.theme_css, name="start_theme"),
    path("start/open/", opened.opened, name="start_open"),
    path("find/", find.find, name="find"),
    path("outbox/", outbox.outbox, name="outbox"),
]
