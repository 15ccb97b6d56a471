from __future__ import annotations

from django.urls import include, path

from portal.manage.views import acts, home, member, members, poster, start

app_name = "manage"
urlpatterns = [
    path("", home.home, name="home"),
    path("counter/", home.counter, name="counter"),
    path("start/", start.start, name="start"),
    path("poster/", poster.poster, name="poster"),
    path("poster/code.svg", poster.code, name="poster_code"),
    path("members/", members.members, name="members"),
    path("members/chips/", members.chips, name="chips"),
    path("members/new/", members.enrol, name="enrol"),
    path("members/<uuid:pk>/", member.member, name="member"),
    path("members/<uuid:pk>/rewards/", member.rewards, name="member_rewards"),
    path("members/<uuid:pk>/profile/", member.profile, name="profile"),
    path("members/<uuid:pk>/privacy/", member.privacy, name="privacy"),
    path("members/<uuid:pk>/privacy/withdraw/", member.withdraw, name="withdraw"),
    path("members/<uuid:pk>/export.json", member.export, {"form": "json"}, name="export"),
    path("members/<uuid:pk>/export.csv", member.export, {"form": "csv"}, name="export_csv"),
    path("members/<uuid:pk>/points/", acts.adjust, name="adjust"),
    path("members/<uuid:pk>/status/", acts.status, name="status"),
    path("members/<uuid:pk>/link/", acts.card_link, name="card_link"),
    path("members/<uuid:pk>/erase/", acts.erase, name="erase"),
    path("sales/<uuid:pk>/", acts.sale, name="sale"),
    path("sales/<uuid:pk>/void/", acts.void, name="void"),
    path("sales/<uuid:pk>/refund/", acts.refund, name="refund"),
    path("vouchers/<uuid:pk>/reverse/", acts.reverse_voucher, name="reverse_voucher"),
    path("", include("portal.manage.urls_people")),
    path("", include("portal.manage.urls_program")),
]
