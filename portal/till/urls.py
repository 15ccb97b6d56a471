from __future__ import annotations

from django.urls import path

from portal.till.views import counter, lock, pairing, sales

app_name = "till"
urlpatterns = [
    path("", counter.till, name="till"),
    path("pair/<str:secret>/", pairing.pair, name="pair"),
    path("person/", lock.person, name="person"),
    path("lock/", lock.lock, name="lock"),
    path("members/", counter.members, name="members"),
    path("members/<uuid:pk>/", counter.member, name="member"),
    path("members/<uuid:pk>/quote/", sales.quote, name="quote"),
    path("members/<uuid:pk>/purchases/", sales.member_purchases, name="member_purchases"),
    path("purchases/", sales.purchases, name="purchases"),
    path("purchases/<uuid:pk>/reversal/", sales.reversal, name="reversal"),
]
