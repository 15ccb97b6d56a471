from __future__ import annotations

from django.urls import path

from portal.till.views import (
    counter,
    enrolment,
    lock,
    pairing,
    refunds,
    rewards,
    sales,
    shift,
    training,
)

app_name = "till"
urlpatterns = [
    path("", counter.till, name="till"),
    path("pair/", pairing.code, name="pair_code"),
    path("pair/<str:secret>/", pairing.pair, name="pair"),
    path("person/", lock.person, name="person"),
    path("lock/", lock.lock, name="lock"),
    path("still/", pairing.still, name="still"),
    path("shift/", shift.shift, name="shift"),
    path("look/", shift.look, name="look"),
    path("join/", enrolment.join, name="join"),
    path("members/", counter.members, name="members"),
    path("members/new/", enrolment.newcomer, name="newcomer"),
    path("members/<uuid:pk>/", counter.member, name="member"),
    path("members/<uuid:pk>/quote/", sales.quote, name="quote"),
    path("members/<uuid:pk>/purchases/", sales.member_purchases, name="member_purchases"),
    path("members/<uuid:pk>/rewards/", rewards.rewards, name="rewards"),
    path("members/<uuid:pk>/redemptions/", rewards.gift, name="gift"),
    path("purchases/", sales.purchases, name="purchases"),
    path("purchases/<uuid:pk>/", refunds.purchase, name="purchase"),
    path("purchases/<uuid:pk>/reversal/", sales.reversal, name="reversal"),
    path("purchases/<uuid:pk>/refunds/", refunds.refund, name="refund"),
    path("redemptions/<uuid:pk>/reversal/", rewards.gift_reversal, name="gift_reversal"),
    path("training/", training.ready, name="training"),
    path("training/members/", training.members, name="training_members"),
    path("training/member/", training.member, name="training_member"),
    path("training/quote/", training.quote, name="training_quote"),
    path("training/award/", training.award, name="training_award"),
    path("training/rewards/", training.rewards, name="training_rewards"),
    path("training/gift/", training.gift, name="training_gift"),
    path("training/undo/", training.undo, name="training_undo"),
]
