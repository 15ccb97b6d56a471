"""The program, rewards, tiers and settings: a part of the portal's URLs, in its namespace."""

from __future__ import annotations

from django.urls import path

from portal.manage.views import program, rehearsals, rewards, settings, tiers

urlpatterns = [
    path("program/", program.program, name="program"),
    path("program/draft/", program.edit, name="program_edit"),
    path("program/preview/", program.preview, name="program_preview"),
    path("program/start/", program.start, name="program_start"),
    path("program/start/removal/", program.put_back, name="program_put_back"),
    path("program/draft/removal/", program.remove, name="program_remove"),
    path("program/rehearsals/", rehearsals.rehearse, name="rehearse"),
    path("program/rehearsal/", rehearsals.rehearsal, name="rehearsal"),
    path("rewards/", rewards.rewards, name="rewards"),
    path("rewards/new/", rewards.new, name="reward_new"),
    path("rewards/<uuid:pk>/", rewards.reward, name="reward"),
    path("rewards/<uuid:pk>/place/", rewards.move, name="reward_move"),
    path("rewards/<uuid:pk>/status/", rewards.status, name="reward_status"),
    path("rewards/<uuid:pk>/stock/", rewards.stock, name="reward_stock"),
    path("tiers/", tiers.tiers, name="tiers"),
    path("tiers/new/", tiers.new, name="tier_new"),
    path("tiers/window/", tiers.window, name="tier_window"),
    path("tiers/<uuid:pk>/", tiers.tier, name="tier"),
    path("tiers/<uuid:pk>/removal/", tiers.remove, name="tier_remove"),
    path("settings/", settings.settings, name="settings"),
    path("settings/look/", settings.preview, name="settings_look"),
    path("settings/colour.<slug:colour>.css", settings.colours, name="settings_colour"),
    path("settings/<slug:part>/", settings.settings, name="settings_part"),
]
