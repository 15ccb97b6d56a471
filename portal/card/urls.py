from __future__ import annotations

from django.urls import path, re_path

from portal.card.views import account, back, card, join, leaving, privacy, proof, proving, shop

app_name = "card"
urlpatterns = [
    path("", shop.front, name="shop"),
    path("j", join.join, name="join"),
    path("c", card.card, name="card"),
    path("c/back", back.back, name="back"),
    path("c/back/code", back.code, name="back_code"),
    path("c/confirm", proving.confirm, name="confirm"),
    path("c/add", proving.add, name="add"),
    path("c/confirm/send", proving.send, name="confirm_send"),
    path("c/use/<uuid:reward>", proof.use, name="use"),
    path("c/history", account.history, name="history"),
    path("c/me", account.me, name="me"),
    path("c/privacy", privacy.privacy, name="privacy"),
    path("c/privacy/consent", privacy.consent, name="consent"),
    path("c/data.json", privacy.as_json, name="data_json"),
    path("c/data.csv", privacy.as_csv, name="data_csv"),
    path("c/leave", leaving.leave, name="leave"),
    path("c/stay", leaving.stay, name="stay"),
    path("c/leave/send", leaving.send, name="leave_send"),
    path("c/<str:secret>/", card.link, name="link"),
    # In capitals too: so the code on the card is coarser and scans faster.
    re_path(r"^[mM]/(?P<code>[0-9A-Za-z]{6,20})/?$", shop.scanned, name="scanned"),
]
