from __future__ import annotations

from django.urls import path

from portal.manage.views import home, members

app_name = "manage"
urlpatterns = [
    path("", home.home, name="home"),
    path("members/", members.members, name="members"),
    path("members/<uuid:pk>/", members.member, name="member"),
]
