"""From one host to the next: the hand-over of a minute, and several shops of one person."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from loyalty.models import Member
from portal import links
from tenants.context import inside
from tenants.models import Staff
from tenants.people import employ
from tests.conftest import NOW
from tests.portal.doors.conftest import OURS


@pytest.fixture
def crossing(cafe):
    return links.across(cafe.tenant, cafe.owner.user_id, at=timezone.now()).partition("8000")[2]


def test_a_link_of_ours_signs_in_at_once_and_once(stranger, cafe, crossing):
    answer = stranger.get(crossing, headers=OURS)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/manage/")
    assert stranger.get("/accounts/").status_code == 200
    assert Client(HTTP_HOST=cafe.host).get(crossing, headers=OURS).status_code == 410


@pytest.mark.parametrize("headers", [{}, {**OURS, "Sec-Fetch-Site": "cross-site"}])
def test_any_other_browser_is_asked_first(stranger, crossing, headers):
    assert "Go on" in stranger.get(crossing, headers=headers).text
    assert stranger.get("/accounts/").status_code == 303
    assert stranger.post(crossing).status_code == 303
    assert stranger.get("/accounts/").status_code == 200


def test_it_lives_for_a_minute_and_only_here(stranger, cafe, spa):
    late = links.across(
        cafe.tenant, cafe.owner.user_id, at=timezone.now() - links.HAND_OVER_FOR
    ).partition("8000")[2]
    theirs = links.across(spa.tenant, spa.owner.user_id, at=timezone.now()).partition("8000")[2]
    not_hers = links.across(cafe.tenant, spa.owner.user_id, at=timezone.now()).partition("8000")[2]
    for path in (late, theirs, not_hers):
        assert stranger.get(path, headers=OURS).status_code == 410
        assert stranger.post(path).status_code == 410
    assert stranger.get("/accounts/").status_code == 303


def test_a_new_shop_begins_at_its_beginning(stranger, cafe, crossing):
    with inside(cafe.tenant):
        Member.objects.all().update(is_active=False)
    where = stranger.get(crossing, headers=OURS).headers["Location"]
    assert where in ("/manage/start/", "/manage/")


def test_a_person_of_two_shops_hops(owner, cafe, spa):
    with inside(spa.tenant):
        employ("Layla", Staff.Role.MANAGER, user=cafe.owner.user, at=NOW, by=spa.till)
    assert "Spa" in owner.get("/accounts/").text
    page = owner.post(f"/accounts/shops/{spa.tenant.pk}/").text
    path = re.search(r"http://spa\.localhost[:\d]*(/accounts/arrive/[^/]+/)", page)[1]
    there = Client(HTTP_HOST=spa.host)
    assert there.get(path, headers=OURS).status_code == 303
    assert there.get("/accounts/").status_code == 200


def test_a_shop_where_she_works_no_more_is_not_there(owner, cafe, spa):
    with inside(spa.tenant):
        staff = employ("L", Staff.Role.MANAGER, user=cafe.owner.user, at=NOW, by=spa.till)
        Staff.objects.filter(pk=staff.pk).update(is_active=False)
    for tenant in (spa.tenant.pk, cafe.tenant.pk):
        assert owner.post(f"/accounts/shops/{tenant}/").status_code == 404
