"""The owner's list of members, and what she does on the page of one of them."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from loyalty import adjustments, ledger, profiles, purchases, redemptions, rewards
from loyalty.enrolment import enrol
from loyalty.models import Consent, Entry, Identifier, Member, Program
from loyalty.profiles import Profile
from tenants import people, shops
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import Letter, Staff
from tests.portal.conftest import PIECE, give_address, prove, sign_in_link


@pytest.fixture
def sold(cafe):
    with inside(cafe.tenant):
        return purchases.record(
            cafe.member, 2450, at=timezone.now(), by=cafe.till, key=str(uuid4())
        )


@pytest.fixture
def hers(cafe):
    return f"/manage/members/{cafe.member.pk}/"


@pytest.fixture
def manager(cafe) -> Client:
    """A manager's browser."""
    with inside(cafe.tenant):
        user = people.user_with("maya@cafe.example", "Maya")
        staff = people.employ(
            "Maya", Staff.Role.MANAGER, user=user, at=timezone.now(), by=Actor.command("test")
        )
    client = Client(HTTP_HOST=cafe.host)
    cafe.owner, owner = staff, cafe.owner
    assert client.post(f"/accounts/link/{sign_in_link(cafe)}/").status_code == 303
    cafe.owner = owner
    return client


def key_in(page: str) -> str:
    return re.search(r'name="key" value="([0-9a-f-]{36})"', page)[1]


def balance(cafe) -> int:
    with inside(cafe.tenant):
        return ledger.account_of(cafe.member).balance


def test_chips_keep_who_is_in_a_segment_and_what_was_sought(owner, cafe, sold):
    page = owner.get("/manage/members/", {"keep": "today"}).text
    assert "Amina Rahman" in page
    assert re.search(r'keep=today"\s+aria-current="true"', page)
    assert "Nobody of that kind now." in owner.get("/manage/members/", {"keep": "late"}).text
    chips = owner.get("/manage/members/chips/", {"keep": "today", "q": "ami"}).text
    assert "keep=today&amp;q=ami" in chips
    assert 'Came today</bdi> <span class="num">1</span>' in chips
    assert "Blocked" not in chips, "nobody is"


def test_nobody_found_offers_to_enrol_the_number(owner):
    page = owner.get("/manage/members/", {"q": "0509"}, headers=PIECE).text
    assert "Nobody for “0509”" in page
    assert "/manage/members/new/?phone=0509" in page
    assert "Nobody found" in page
    assert 'value="0509"' in owner.get("/manage/members/new/?phone=0509").text


def test_the_count_is_told_in_a_live_region_beside_the_list(owner):
    piece = owner.get("/manage/members/", headers=PIECE).text
    assert '<hx-partial hx-target="#tally">' in piece
    assert re.search(r'<p role="status"><b>1–1</b> of 1 member</p>', piece)


def test_enrol_makes_a_member_and_finds_who_is_one(owner, cafe):
    made = owner.post("/manage/members/new/", {"phone": "050 777 6666", "name": "Lena"})
    assert made.status_code == 303
    assert made.url.endswith("?done=enrolled")
    again = owner.post("/manage/members/new/", {"phone": "0507776666"})
    assert again.url == made.url.replace("enrolled", "known")
    assert "She was a member already." in owner.get(again.url).text
    for form, name in (({}, "phone"), ({"phone": "12"}, "phone"), ({"email": "x"}, "email")):
        answer = owner.post("/manage/members/new/", form)
        assert answer.status_code == 422
        assert re.search(rf'name="{name}"[^>]*aria-invalid="true"', answer.text), name


def test_a_members_pages_are_hers_alone(owner, stranger, spa, hers):
    assert stranger.get(hers).status_code == 303
    assert stranger.get(f"{hers}export.json").status_code == 303
    for tab in ("rewards/", "privacy/", "export.json"):
        assert owner.get(hers + tab).status_code == 200, tab
    for tab in ("", "export.json"):
        assert owner.get(f"/manage/members/{spa.member.pk}/{tab}").status_code == 404, tab
    assert owner.get(f"/manage/members/{uuid4()}/").status_code == 404


def test_a_profile_is_changed_and_the_old_number_kept_as_history(owner, cafe, hers):
    page = owner.get(f"{hers}profile/").text
    assert 'value="050 123 4567"' in page
    form = {
        "name": "Amina Haddad",
        "phone": "٠٥٠ ٩٩٩ ٨٨٨٨",
        "version": 1,
        "birth_date": "1990-05-31",
    }
    assert owner.post(f"{hers}profile/", form).status_code == 303
    page = owner.get(hers).text
    assert "Amina Haddad" in page
    assert "050 999 8888" in page
    assert "until" in owner.get(f"{hers}privacy/").text


def test_a_colleague_who_was_faster_is_not_overwritten_unseen(owner, cafe, hers):
    with inside(cafe.tenant):
        maya = people.employ(
            "Maya", Staff.Role.MANAGER, at=timezone.now(), by=Actor.command("test")
        )
        profiles.change(
            cafe.member,
            Profile("Amina By Maya", "0501234567"),
            version=1,
            at=timezone.now(),
            by=Actor.of_staff(maya),
        )
    mine = {"name": "Amina Mine", "phone": "050 123 4567", "version": 1}
    answer = owner.post(f"{hers}profile/", mine, headers=PIECE)
    assert answer.status_code == 409
    assert answer.text.lstrip().startswith('<form id="profile"')
    assert "Maya</bdi> changed this meanwhile" in answer.text
    assert 'value="Amina Mine"' in answer.text, "what she typed stays"
    assert "Amina By Maya" in answer.text, "and what stands there now is shown"
    mine["version"] = int(re.search(r'name="version" value="(\d+)"', answer.text)[1])
    assert owner.post(f"{hers}profile/", mine).status_code == 303
    assert "Amina Mine" in owner.get(hers).text


def test_a_taken_number_is_a_sentence_at_its_field(owner, cafe, hers):
    with inside(cafe.tenant):
        enrol(phone="0507776666", at=timezone.now(), by=Actor.command("test"))
    answer = owner.post(f"{hers}profile/", {"name": "A", "phone": "0507776666", "version": 1})
    assert answer.status_code == 422
    assert re.search(r'name="phone"[^>]*aria-invalid="true"', answer.text)
    assert "Somebody here is known by that already." in answer.text


TOO_LONG = [
    ("profile/", "name", "x" * 81, "Keep it under 80 letters."),
    ("profile/", "phone", "0" * 41, "Keep it under 40 letters."),
    # Cut after 200 letters it would be another address, and a valid one.
    (
        "profile/",
        "email",
        f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'example' * 4}",
        "Keep it under 200 letters.",
    ),
    ("new/", "name", "x" * 10_000, "Keep it under 80 letters."),
    ("new/", "email", f"{'a' * 190}@b.example.com", "Keep it under 200 letters."),
    ("points/", "reason", "x" * 141, "Keep it under 140 letters."),
]


@pytest.mark.parametrize("case", TOO_LONG)
def test_too_long_a_text_is_refused_at_its_field_and_nothing_is_cut(owner, cafe, hers, case):
    url, field, value, sentence = case
    good = {
        "profile/": {"name": "Amina", "phone": "0501234567", "version": 1},
        "new/": {"name": "Lena", "phone": "0507776666"},
        "points/": {"points": "5", "reason": "sorry", "key": str(uuid4())},
    }[url]
    where = "/manage/members/new/" if url == "new/" else hers + url
    answer = owner.post(where, {**good, field: value})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', answer.text)
    assert value in answer.text, "what was typed stays"
    with inside(cafe.tenant):
        assert [m.name for m in Member.objects.all()] == ["Amina Rahman"]
        assert not Entry.objects.exists()


def test_her_own_language_stays_hers_though_the_shop_offers_it_no_more(owner, cafe, hers):
    with inside(cafe.tenant):
        Member.objects.update(language="bn")
        shops.change(languages=["en", "ar"])
    page = owner.get(f"{hers}profile/").text
    assert '<option value="bn" selected>' in page
    form = {"name": "Amina H.", "phone": "0501234567", "language": "bn", "version": 1}
    assert owner.post(f"{hers}profile/", form).status_code == 303
    stale = owner.post(f"{hers}profile/", {**form, "name": "Amina Mine"})
    assert (stale.status_code, '<option value="bn" selected>' in stale.text) == (409, True)
    form |= {"language": "fr", "version": 2}
    assert owner.post(f"{hers}profile/", form).status_code == 422, "nobody speaks it here"
    with inside(cafe.tenant):
        assert Member.objects.get().language == "bn"


def test_points_are_corrected_once_with_a_reason(owner, cafe, hers, sold):
    key = key_in(owner.get(f"{hers}points/").text)
    form = {"points": "+٥٠", "reason": "The till was down", "key": key}
    for _ in range(2):
        assert owner.post(f"{hers}points/", form).status_code == 303
    assert balance(cafe) == 74
    page = owner.get(f"{hers}?done=points").text
    assert "The till was down" in page
    assert "The points are corrected." in page


def test_below_nought_is_refused_and_the_most_is_offered(owner, cafe, hers, sold):
    form = {"points": "−100", "reason": "Wrong card", "key": str(uuid4())}
    answer = owner.post(f"{hers}points/", form, headers=PIECE)
    assert answer.status_code == 422
    assert answer.text.lstrip().startswith('<section id="act"')
    assert "Take all 24" in answer.text
    assert 'value="Wrong card"' in answer.text
    assert key_in(answer.text) != form["key"], "that one stays refused"
    assert balance(cafe) == 24
    form |= {"points": "-24", "key": key_in(answer.text)}
    assert owner.post(f"{hers}points/", form).status_code == 303
    assert balance(cafe) == 0


def test_a_manager_corrects_up_to_the_limit_and_a_cashier_nothing(manager, till, cafe, hers):
    small = {"points": "500", "reason": "x", "key": str(uuid4())}
    assert manager.post(f"{hers}points/", small).status_code == 303
    large = {**small, "points": "501", "key": str(uuid4())}
    answer = manager.post(f"{hers}points/", large)
    assert answer.status_code == 422
    assert "Somebody who may do more has to agree to that." in answer.text
    assert till.post(f"{hers}points/", small).status_code == 303
    assert balance(cafe) == 500


@pytest.mark.parametrize(
    "name", ["\x00", pytest.param("x" * 10_000, marks=pytest.mark.thorough), "-1", "\ufffd;'٪²"]
)
def test_no_form_of_a_member_breaks(owner, cafe, hers, name):
    every = dict.fromkeys(
        ("name", "phone", "email", "birth_date", "language", "version", "points", "reason", "key"),
        name,
    )
    for url in ("points/", "profile/"):
        assert owner.post(hers + url, every).status_code == 422, url
    assert owner.post("/manage/members/new/", every).status_code == 422
    assert owner.post(f"{hers}status/", {"to": name}).status_code == 303
    assert owner.post(f"{hers}link/", {"how": name}).status_code == 200
    assert owner.get(hers, {"done": name, "before": name}).status_code == 200
    assert owner.get("/manage/counter/", {"kind": name, "before": name}).status_code == 200
    assert owner.get("/manage/members/chips/", {"keep": name, "q": name}).status_code == 200


def test_a_card_is_blocked_and_works_again(owner, cafe, hers):
    assert owner.post(f"{hers}status/", {"to": "blocked"}).url == f"{hers}?done=blocked"
    page = owner.get(hers).text
    assert 'badge bad">Blocked' in page
    assert "Unblock the card" in page
    owner.post(f"{hers}status/", {"to": "active"})
    assert 'badge bad">Blocked' not in owner.get(hers).text


def test_a_sale_is_taken_back_in_part_and_whole_each_once(owner, cafe, sold):
    url = f"/manage/sales/{sold.purchase.pk}/"
    page = owner.get(url, headers=PIECE).text
    assert "24 \u00d7 AED\u00a01.00" in page
    part = {"amount": "10", "key": key_in(page)}
    for _ in range(2):
        assert owner.post(f"{url}refund/", part).status_code == 303
    assert balance(cafe) == 14
    more = owner.post(f"{url}refund/", {"amount": "999", "key": str(uuid4())})
    assert more.status_code == 422
    assert "More would be given back" in more.text
    assert owner.post(f"{url}refund/", {"amount": "x", "key": str(uuid4())}).status_code == 422
    assert owner.post(f"{url}void/", {"key": str(uuid4())}).status_code == 303
    assert balance(cafe) == 0
    assert "All of it was taken back." in owner.get(url).text
    assert owner.post(f"{url}void/", {"key": str(uuid4())}).status_code == 422
    assert owner.post(f"{url}void/", {}).status_code == 422


def test_the_neighbours_sale_and_voucher_are_nobodys(owner, spa):
    with inside(spa.tenant):
        theirs = purchases.record(spa.member, 2450, at=timezone.now(), by=spa.till, key="a")
    for url in ("", "void/", "refund/"):
        ask = owner.post if url else owner.get
        assert ask(f"/manage/sales/{theirs.purchase.pk}/{url}").status_code == 404
        assert ask(f"/manage/sales/{uuid4()}/{url}").status_code == 404
    assert owner.post(f"/manage/vouchers/{uuid4()}/reverse/").status_code == 404


def test_a_voucher_is_given_back_and_its_points_return(owner, cafe, hers, sold):
    with inside(cafe.tenant):
        reward = rewards.create(
            Program.objects.get(), "gift", "Mug", at=timezone.now(), by=cafe.till, cost=20
        )
        done = redemptions.redeem(cafe.member, reward, at=timezone.now(), by=cafe.till, key="r")
    assert balance(cafe) == 4
    page = owner.get(f"{hers}rewards/").text
    assert "Mug" in page
    form = {"key": key_in(page)}
    for _ in range(2):
        answer = owner.post(f"/manage/vouchers/{done.voucher.pk}/reverse/", form)
        assert answer.url == f"{hers}rewards/?done=reversed"
    assert balance(cafe) == 24


def test_a_card_link_is_shown_once_or_sent(owner, cafe, hers):
    shown = owner.post(f"{hers}link/", {"how": "show"}, headers=PIECE)
    url = re.search(r'id="card-link">([^<]+)<', shown.text)[1]
    assert "/c/" in url
    assert shown.headers["Cache-Control"] == "private, no-store"
    assert url not in owner.get(hers).text
    give_address(cafe)
    assert owner.post(f"{hers}link/", {"how": "mail"}).url == f"{hers}?done=sent"
    with inside(cafe.tenant):
        letter = Letter.objects.get()
        assert (letter.to, letter.kind) == ("amina@x.example", "card_link")
        assert "/c/" in letter.text
        assert "/c/" in letter.html


def test_she_wants_no_news_any_more(owner, cafe, hers):
    with inside(cafe.tenant):
        Consent.objects.create(
            member=cafe.member, purpose="marketing", granted=True, at=timezone.now(), source="card"
        )
    assert "She wants no news any more" in owner.get(f"{hers}privacy/").text
    for _ in range(2):
        assert owner.post(f"{hers}privacy/withdraw/").status_code == 303
    page = owner.get(f"{hers}privacy/").text
    assert "She wants no news any more" not in page
    assert "in the portal" in page


def test_a_copy_of_her_is_a_file(owner, cafe, hers, sold):
    told = owner.get(f"{hers}export.json")
    assert json.loads(told.content)["member"]["name"] == "Amina Rahman"
    assert "attachment" in told.headers["Content-Disposition"]
    assert owner.get(f"{hers}export.csv").text.startswith("at,kind,points")


def test_erasing_asks_who_it_is_then_whether_and_forgets(owner, cafe, hers):
    assert "reauthenticate" in owner.get(f"{hers}erase/").url, "a link has let her in"
    assert "reauthenticate" in owner.post(f"{hers}erase/", {"key": str(uuid4())}).url
    prove(owner, cafe)
    page = owner.get(f"{hers}erase/")
    assert "Keep her" in page.text
    assert owner.post(f"{hers}erase/", {"key": "x"}).status_code == 422
    assert owner.post(f"{hers}erase/", {"key": key_in(page.text)}).status_code == 303
    assert owner.get(hers).status_code == 404
    with inside(cafe.tenant):
        assert Member.everyone.get(pk=cafe.member.pk).name == ""
        assert not Identifier.objects.exists()


def test_what_is_done_by_hand_is_found_at_the_counter(owner, cafe, hers, sold):
    with inside(cafe.tenant):
        adjustments.adjust(
            cafe.member,
            5,
            reason="x",
            at=timezone.now(),
            by=Actor.of_staff(cafe.owner),
            key=str(uuid4()),
        )
    everything = owner.get("/manage/counter/").text
    assert "Bought for AED\u00a024.50" in everything
    by_hand = owner.get("/manage/counter/", {"kind": "adjust"}).text
    assert "Corrected by hand" in by_hand
    assert "Bought for" not in by_hand
    assert "Nothing of that kind yet" in owner.get("/manage/counter/", {"kind": "expire"}).text


def test_a_members_page_asks_the_same_for_one_entry_and_for_many(owner, cafe, hers, statements):
    with inside(cafe.tenant):
        purchases.record(cafe.member, 100, at=timezone.now(), by=cafe.till, key="0")
    with statements() as few:
        owner.get(hers)
    with inside(cafe.tenant):
        for n in range(1, 12):
            purchases.record(cafe.member, 100, at=timezone.now(), by=cafe.till, key=str(n))
    with statements() as many:
        owner.get(hers)
    assert len(few) == len(many)
    assert len(many) <= 22, "\n".join(many)
