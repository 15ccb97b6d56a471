"""Members are told, enrolled, listed, found and edited."""

from __future__ import annotations

from loyalty.models import Member
from tenants.context import inside
from tenants.prefixed import read
from tests.portal.apis import (
    MONEY,
    code_of,
    member_id,
    wrong_in,
)


def test_a_member_is_told_as_she_is(api, cafe, hers):
    told = api.get(hers).json()
    assert told["id"] == member_id(cafe)
    assert (told["name"], told["phone"]) == ("Amina Rahman", "+971501234567")
    assert told["enrolled_at"] == "2026-03-02T09:00:00Z"
    assert (told["balance"], told["status"], told["merged_into"]) == (0, "active", None)


def test_who_is_new_is_enrolled_and_who_is_known_is_found(api, cafe):
    body = {"name": "  Zoya \n Khan ", "phone": "050 765 4321", "birth_date": "1991-07-14"}
    new = api.post("members", body, key="1")
    assert new.status_code == 201
    assert new.json()["name"] == "Zoya Khan"
    again = api.post("members", body, key="1")
    assert (again.status_code, again.json()) == (201, new.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    known = api.post("members", {"name": "Other", "phone": "+971507654321"}, key="2")
    assert (known.status_code, known.json()) == (200, new.json())
    assert "Idempotent-Replayed" not in known.headers
    other = api.post("members", {"name": "Other", "phone": "050 765 4322"}, key="1")
    assert code_of(other) == (422, "idempotency_conflict")
    with inside(cafe.tenant):
        assert Member.objects.count() == 2
        made = Member.objects.get(pk=read("mem", new.json()["id"]))
        assert made.source == "api"
        assert made.enrolled_by.startswith("api-key:")


UNREADABLE = [
    ({}, "no_identifier"),
    ({"phone": "12"}, "bad_phone"),
    ({"email": "x"}, "not_an_identifier"),
    ({"phone": "050 765 4321", "birth_date": "2999-01-01"}, "bad_date"),
]


def test_nobody_is_enrolled_by_what_cannot_be_read(api, cafe):
    for body, code in UNREADABLE:
        assert code_of(api.post("members", body, key="1")) == (422, code)
        with inside(cafe.tenant):
            assert Member.objects.count() == 1


def test_who_brought_her_is_kept_and_must_be_somebody(api, cafe, spa):
    body = {"phone": "050 765 4321", "referred_by": member_id(spa)}
    assert wrong_in(api.post("members", body, key="1")) == ("/referred_by", "unknown_member")
    body["referred_by"] = member_id(cafe)
    assert api.post("members", body, key="2").status_code == 201
    with inside(cafe.tenant):
        assert cafe.member.referrals.count() == 1


def test_members_are_listed_in_pages_that_hold_while_others_come(api, cafe):
    for at in range(5):
        api.post("members", {"name": f"N{at}", "phone": f"050 700 000{at}"}, key=f"n{at}")
    first = api.get("members?limit=2")
    assert [each["name"] for each in first.json()["data"]] == ["N4", "N3"]
    api.post("members", {"name": "Late", "phone": "050 700 0009"}, key="late")
    seen, link = [], first.headers["Link"]
    while link:
        path = link.removeprefix("<http://cafe.localhost").partition(">")[0]
        page = api.get(path)
        seen += [each["name"] for each in page.json()["data"]]
        link = page.headers.get("Link")
    assert seen == ["N2", "N1", "N0", "Amina Rahman"]
    assert page.json()["next"] is None


SOUGHT = [("ami", 1), ("4567", 1), ("+971 50 123 4567", 1), ("zz", 0), ("%00", 1)]


def test_members_are_found(api):
    for q, found in SOUGHT:
        query = q.replace("+", "%2B").replace(" ", "%20")
        assert len(api.get(f"members?q={query}").json()["data"]) == found


NO_PAGES = [
    ("limit=0", ("limit", "too_small")),
    ("limit=201", ("limit", "too_large")),
    ("limit=x", ("limit", "int_parsing")),
    ("limit=\u0665", ("limit", "int_parsing")),
    ("limit=1e1", ("limit", "int_parsing")),
    ("after=!", ("after", "bad_format")),
    ("after=e30", ("after", "bad_cursor")),
    ("after=WzFd", ("after", "bad_cursor")),
    ("after=W10", ("after", "bad_cursor")),
    (f"q={'x' * 201}", ("q", "too_long")),
]


def test_a_page_that_cannot_be_is_refused_by_its_parameter(api):
    for query, wrong in NO_PAGES:
        answer = api.get(f"members?{query}")
        assert answer.status_code == 422
        assert wrong_in(answer) == wrong


def test_a_member_is_edited_and_nobody_overwrites_anybody(api, cafe, hers):
    seen = api.get(hers)
    changed = api.ask("PATCH", hers, {"name": "Amina R."}, If_Match=seen.headers["ETag"])
    assert (changed.status_code, changed.json()["name"]) == (200, "Amina R.")
    assert changed.json()["phone"] == "+971501234567"
    late = api.ask("PATCH", hers, {"name": "Late"}, If_Match=seen.headers["ETag"])
    assert code_of(late) == (412, "stale_profile")
    for tag in ("x", '"1"', 'W/"1-zz"', "W/"):
        assert code_of(api.ask("PATCH", hers, {"name": "X"}, If_Match=tag)) == (412, "stale")
    now = api.ask("PATCH", hers, {"birth_date": None, "email": "a@b.example"})
    assert (now.json()["email"], now.json()["name"]) == ("a@b.example", "Amina R.")
    gone = api.ask("PATCH", hers, {"phone": None, "email": None})
    assert code_of(gone) == (422, "no_identifier")
    taken = api.post("members", {"phone": "050 765 4321"}, key="1").json()["phone"]
    assert code_of(api.ask("PATCH", hers, {"phone": taken})) == (409, "already_member")


def test_a_sale_changes_the_tag_but_not_the_version(api, hers):
    seen = api.get(hers)
    assert api.get(hers, If_None_Match=seen.headers["ETag"]).status_code == 304
    api.post(f"{hers}/purchases", {"amount": MONEY}, key="1")
    assert api.get(hers, If_None_Match=seen.headers["ETag"]).status_code == 200
    assert api.ask("PATCH", hers, {"name": "X"}, If_Match=seen.headers["ETag"]).status_code == 200
