"""The team and the devices: a part of the portal's URLs, in its namespace."""

from __future__ import annotations

from django.urls import path

from portal.manage.views import devices, team

urlpatterns = [
    path("team/", team.team, name="team"),
    path("team/new/", team.add, name="person_add"),
    path("team/invite/", team.invite, name="invite"),
    path("team/invitations/<uuid:pk>/", team.ask_again, name="ask_again"),
    path("team/invitations/<uuid:pk>/withdraw/", team.withdraw, name="invitation_withdraw"),
    path("team/<uuid:pk>/", team.person, name="person"),
    path("team/<uuid:pk>/pin/", team.pin, name="pin"),
    path("team/<uuid:pk>/slip/", team.slip, name="slip"),
    path("team/<uuid:pk>/part/", team.part, name="part"),
    path("team/<uuid:pk>/remove/", team.remove, name="person_remove"),
    path("devices/", devices.all_devices, name="devices"),
    path("devices/pair/", devices.pair, name="pair"),
    path("devices/<uuid:pk>/", devices.device, name="device"),
    path("devices/<uuid:pk>/revoke/", devices.revoke, name="device_revoke"),
]
