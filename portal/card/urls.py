from __future__ import annotations

from django.urls import path, re_path

from portal.card.views import card, shop

app_name = "card"
urlpatterns = [
    path("", shop.front, name="shop"),
    path("c", card.card, name="card"),
    path("c/<str:secret>/", card.link, name="link"),
    # In capitals too: so the code on the card is coarser and scans faster.
    re_path(r"^[mM]/(?P<code>[0-9A-Za-z]{6,20})/?$", shop.scanned, name="scanned"),
]
