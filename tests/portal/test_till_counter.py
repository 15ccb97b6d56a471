"""The till beside the plain sale: find, enrol, stamp, allow, hand over, night and training."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.utils import timezone

from loyalty import adjustments, ledger, merging, programs, rewards
from loyalty.enrolment import enrol
from loyalty.models import Consent, Identifier, Member, Purchase
from loyalty.numbers import read_code
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import AuditEntry, Shop
from tenants.pins import set_pin
from tests.conftest import PIN, settled
from tests.portal.conftest import PIECE

BOSS_PIN = "1357"


@pytest.fixture
def boss(cafe):
    """The owner, with a PIN of her own."""
    with inside(cafe.tenant):
        set_pin(cafe.owner, BOSS_PIN)
    return cafe.owner


def points(cafe) -> int:
    with inside(cafe.tenant):
        return ledger.account_of(cafe.member).balance


def sell(till, cafe, **data):
    url = f"/till/members/{cafe.member.pk}/purchases/"
    return till.post(url, {"amount": "24.50", "key": uuid4(), **data}, headers=PIECE)


def stamping(cafe, *, kind="item") -> None:
    owner = Actor.of_staff(cafe.owner)
    with inside(cafe.tenant):
        cafe.program.unit = "stamp"
        cafe.program.save()
        rule = [{"kind": kind, "points": 1}]
        programs.set_rules(cafe.program, rule, at=timezone.now(), by=owner)


# Finding


def test_what_is_typed_is_answered(till):
    for q, says in [
        ("ami", "1 customer for"),
        ("zz", "Nobody is called"),
        ("999", "Nobody ends in"),
        ("0501234999", "Make the card"),
        ("+971 50 123 4999", "Make the card"),
        ("042345678", "A landline"),
        ("0501234567", "Amina R."),
        ("7K3Q9ZT4XN2B", "Nobody"),
        ("00000000000000000", "Nobody ends in"),
    ]:
        assert says in till.get("/till/members/", {"q": q}, headers=PIECE).text


def test_the_card_of_another_business_is_told_from_a_mistake(till, spa):
    told = till.get("/till/members/", {"q": spa.member.code}, headers=PIECE).text
    assert "another business" in told


@pytest.fixture
def maria(cafe):
    """Her name and her phone pass for codes of cards: one in 32 does."""
    name, phone = "Maria Fischer", "971501234048"
    assert read_code(name)
    assert read_code(phone)
    with inside(cafe.tenant):
        return enrol(name=name, phone=f"+{phone}", at=timezone.now(), by=cafe.till)


def test_a_number_that_could_be_a_code_makes_a_card(till, cafe):
    for phone in ("971501234048", "97150 123 4048"):
        page = till.get("/till/members/", {"q": phone}, headers=PIECE).text
        assert "Make the card" in page, phone
    assert "Nobody ends in" in till.get("/till/members/", {"q": "120000000000"}, headers=PIECE).text
    for name in ("Clara Fischer", "clarafischer"):
        assert "Nobody is called" in till.get("/till/members/", {"q": name}, headers=PIECE).text


def test_a_number_or_a_name_that_could_be_a_code_finds_its_owner(till, maria):
    for sought in ("971501234048", "Maria Fischer"):
        page = till.get("/till/members/", {"q": sought}, headers=PIECE).text
        assert "Maria F." in page, sought
        assert 'class="hit"' in page, "found, and asked about"


def test_the_code_of_a_card_that_was_joined_opens_the_one_that_was_kept(till, cafe, maria):
    with inside(cafe.tenant):
        gone = str(maria.code)
        merging.merge(maria, into=cafe.member, at=timezone.now(), by=cafe.till, key="m")
    page = till.get("/till/members/", {"q": gone}, headers=PIECE).text
    assert "Amina Rahman" in page
    assert 'id="sale"' in page


def test_who_is_blocked_is_sent_to_a_manager(till, cafe):
    """By her code or her whole number; her last digits tell nobody that she is one."""
    with inside(cafe.tenant):
        Identifier.objects.create(member=cafe.member, kind="card", value="P-77")
        Member.objects.filter(pk=cafe.member.pk).update(status="blocked")
    for sought in (cafe.member.code, "050 123 4567", "+971501234567", "P-77"):
        page = till.get("/till/members/", {"q": sought}, headers=PIECE).text
        assert "This card is blocked. Ask a manager." in page, sought
        assert "Amina" not in page
        assert "Make the card" not in page
    assert "Nobody ends in" in till.get("/till/members/", {"q": "4567"}, headers=PIECE).text
    assert "Nobody is called" in till.get("/till/members/", {"q": "Amina"}, headers=PIECE).text


# Enrolling

NEW = "/till/members/new/"


def test_a_new_customer_has_a_card_and_lies_on_the_counter(till, cafe):
    form = {"phone": "050 123 4999", "name": "  Yusuf ", "key": uuid4(), "amount": "12"}
    answer = till.post(NEW, form, headers=PIECE)
    assert answer.status_code == 200
    assert "Yusuf" in answer.text
    assert "the card is made" in answer.text
    assert "Award 12 points" in answer.text, "what was typed of her sale is kept"
    again = till.post(NEW, form, headers=PIECE)
    assert "had a card already" in again.text
    with inside(cafe.tenant):
        assert Identifier.objects.filter(value="+971501234999").count() == 1
        assert not Consent.objects.exists(), "nobody agreed to anything"


def test_whoever_wants_offers_says_so(till, cafe):
    till.post(NEW, {"phone": "0501234999", "marketing": "on", "key": uuid4()}, headers=PIECE)
    with inside(cafe.tenant):
        said = Consent.objects.get()
    assert (said.purpose, said.granted, said.text_version) == ("marketing", True, "till-1")


def test_a_number_that_is_none_comes_back(till, cafe):
    for phone in ["", "x", "\x00", "123", "9" * 10_000, "1e9"]:
        answer = till.post(NEW, {"phone": phone, "name": "Yusuf", "key": uuid4()}, headers=PIECE)
        assert answer.status_code == 422
        assert 'value="Yusuf"' in answer.text
        with inside(cafe.tenant):
            assert Member.objects.count() == 1


def test_they_can_do_it_themselves(till):
    page = till.get("/till/join/", headers=PIECE).text
    assert "http://cafe.localhost" in page
    assert "/j" in page
    assert "<svg" in page


# A manager's PIN in place


def test_a_sale_above_the_limit_needs_a_managers_pin_under_the_same_key(till, cafe, boss):
    with inside(cafe.tenant):
        Shop.objects.update(award_limit=2000)
    key = str(uuid4())
    asked = sell(till, cafe, key=key)
    assert asked.status_code == 422
    assert "More than AED\u00a020.00 in one sale" in asked.text
    assert key in asked.text
    assert 'value="24.50"' in asked.text
    for approver, pin in [(boss.pk, "0000"), (cafe.cashier.pk, PIN), ("x", BOSS_PIN)]:
        refused = sell(till, cafe, key=key, approver=approver, pin=pin)
        assert refused.status_code == 422
        assert key in refused.text
        assert points(cafe) == 0
    done = sell(till, cafe, key=key, approver=boss.pk, pin=BOSS_PIN)
    assert (done.status_code, points(cafe)) == (200, 24)
    sell(till, cafe, key=key, approver=boss.pk, pin=BOSS_PIN)
    assert points(cafe) == 24
    with inside(cafe.tenant):
        row = AuditEntry.objects.get(act="purchase.recorded")
    assert (row.who, row.after["approved_by"]) == (cafe.till.who, f"staff:{boss.pk}")


def test_up_to_the_limit_nobody_is_asked(till, cafe):
    with inside(cafe.tenant):
        Shop.objects.update(award_limit=2450)
    assert sell(till, cafe).status_code == 200


# Stamps


def test_a_visit_is_stamped_without_an_amount_and_shows_none(till, cafe):
    stamping(cafe, kind="visit")
    page = till.get(f"/till/members/{cafe.member.pk}/", headers=PIECE).text
    assert re.search(r'<button[^>]*form="sale">\s*Stamp the card', page)
    answer = sell(till, cafe, amount="", stamps="1")
    assert (answer.status_code, points(cafe)) == (200, 1)
    assert "0.01" not in answer.text


def test_three_coffees_are_three_stamps_and_one_undo(till, cafe):
    stamping(cafe)
    url = f"/till/members/{cafe.member.pk}/quote/"
    assert "+3" in till.get(url, {"stamps": "3"}, headers=PIECE).text
    sell(till, cafe, amount="", stamps="٣")
    assert points(cafe) == 3
    with inside(cafe.tenant):
        sale = Purchase.objects.get()
    till.post(f"/till/purchases/{sale.pk}/reversal/", {"key": uuid4()}, headers=PIECE)
    assert points(cafe) == 0


def test_so_many_stamps_cannot_be(till, cafe):
    for stamps in ["0", "-1", "21", "x", "1e1", "9" * 99, "\x00", "1.5"]:
        stamping(cafe)
        answer = sell(till, cafe, amount="", stamps=stamps)
        assert answer.status_code == 422
        assert points(cafe) == 0


def test_a_second_stamp_of_the_same_visit_is_asked_about(till, cafe):
    stamping(cafe)
    sell(till, cafe, amount="", stamps="1")
    page = till.get(f"/till/members/{cafe.member.pk}/", headers=PIECE).text
    assert "Once more?" in page


def test_it_is_asked_about_while_stamps_are_typed_too(till, cafe):
    stamping(cafe)
    sell(till, cafe, amount="", stamps="1")
    url = f"/till/members/{cafe.member.pk}/quote/"
    assert "Once more?" in till.get(url, {"stamps": "2"}, headers=PIECE).text


def test_a_stamp_that_was_undone_or_a_bonus_is_no_visit(till, cafe):
    stamping(cafe)
    sell(till, cafe, amount="", stamps="1")
    with inside(cafe.tenant):
        sale = Purchase.objects.get()
        newcomer = enrol(phone="0501234999", at=timezone.now(), by=cafe.till)
        told = {"points": 1, "reason": "A present"}
        by = Actor.of_staff(cafe.owner)
        adjustments.adjust(newcomer, **told, at=timezone.now(), by=by, key="present")
    till.post(f"/till/purchases/{sale.pk}/reversal/", {"key": uuid4()}, headers=PIECE)
    for member in (cafe.member, newcomer):
        for path in ("", "quote/"):
            url = f"/till/members/{member.pk}/{path}"
            page = till.get(url, {"stamps": "1"}, headers=PIECE).text
            assert "Once more?" not in page


def test_a_full_card_says_what_she_has_earned(till, cafe):
    stamping(cafe)
    with inside(cafe.tenant):
        by = Actor.of_staff(cafe.owner)
        now = timezone.now()
        rewards.create(cafe.program, "item", "Free coffee", at=now, by=by, cost=3, is_auto=True)
    answer = sell(till, cafe, amount="", stamps="3")
    assert "has earned it" in answer.text
    assert "Free coffee" in answer.text
    opened = till.get(f"/till/members/{cafe.member.pk}/", headers=PIECE).text
    assert "already paid" in opened


# Hand-over


def lock(till, cafe, **data):
    return till.post("/till/lock/", {"member": cafe.member.pk, "amount": "24.50", **data})


def unlock(till, person, pin):
    return till.post("/till/person/", {"person": person.pk, "pin": pin})


def test_the_next_person_goes_on_with_the_half_typed_sale(till, cafe, boss):
    lock(till, cafe)
    locked = till.get("/till/").text
    assert "Amina" not in locked
    assert str(cafe.member.pk) not in locked
    where = unlock(till, boss, BOSS_PIN).headers["Location"]
    assert where == f"/till/members/{cafe.member.pk}/?amount=24.50"
    page = till.get(where).text
    assert "Award 24 points" in page
    assert f"<span>{boss.name}" in page
    lock(till, cafe, member="", amount="")
    assert unlock(till, cafe.cashier, PIN).headers["Location"] == "/till/"


@pytest.mark.parametrize("data", [{"member": "x"}, {"member": "\x00"}, {"amount": "9" * 999}])
def test_nothing_else_is_kept(till, cafe, data):
    lock(till, cafe, **data)
    assert unlock(till, cafe.cashier, PIN).headers["Location"] == "/till/"


def test_a_locked_till_keeps_nothing_for_anybody(device, cafe):
    lock(device, cafe)
    assert unlock(device, cafe.cashier, PIN).headers["Location"] == "/till/"


def test_a_shift_is_told_in_figures(till, cafe):
    sell(till, cafe)
    page = till.get("/till/shift/", headers=PIECE).text
    assert re.search(r"Visits</dt><dd class=\"num\">1<", page)
    assert "24 points" in page


# Night


def test_the_till_has_its_own_night(till):
    # As the tablet has it is in the face's own sheet: night is one more, day a word of the page.
    for wish, dark, day in [("night", 1, 0), ("day", 0, 1), ("", 0, 0), ("x", 0, 0)]:
        assert till.post("/till/look/", {"night": wish}).status_code == 303
        for _ in ("open", "locked"):
            page = till.get("/till/").text
            assert page.count('css/dark.css">') == dark
            assert page.count('data-look="day"') == day
            till.post("/till/lock/")


# Training


@pytest.fixture
def stocked(cafe):
    with inside(cafe.tenant):
        by = Actor.of_staff(cafe.owner)
        now = timezone.now()
        return rewards.create(cafe.program, "item", "Coffee", at=now, by=by, cost=20, stock=1)


def test_training_looks_real_and_writes_nothing(till, cafe, stocked, statements):
    reward = {"reward": stocked.pk}
    steps = [
        (till.get, "", {}, "Ready"),
        (till.get, "members/", {"q": "4567"}, "Noor T."),
        (till.get, "member/", {}, "Noor Training"),
        (till.get, "quote/", {"amount": "24.50"}, "Award 24 points"),
        (till.post, "award/", {"amount": "24.50", "key": uuid4()}, "+24"),
        (till.post, "award/", {"amount": "x"}, "That is no amount"),
        (till.get, "rewards/", reward, "Give <bdi>Coffee"),
        (till.post, "gift/", reward, "Training: give nothing"),
        (till.post, "undo/", {}, "undone"),
    ]
    with statements() as seen:
        for send, path, data, says in steps:
            for headers in (PIECE, {}):
                answer = send(f"/till/training/{path}", data, headers=headers)
                assert says in answer.text, path
                assert headers or "Nothing here is saved" in answer.text, "the banner"
    assert {name.split()[0] for name in seen} == {"SELECT"}
    with inside(cafe.tenant):
        stocked.refresh_from_db()
        assert (Purchase.objects.count(), stocked.stock) == (0, 1)


def test_every_address_of_training_is_a_training(till, cafe):
    """A form of a training page leads to a training page, or to the lock."""
    pages = [till.get(f"/till/training/{path}").text for path in ("", "member/", "rewards/")]
    for page in pages:
        forms = re.findall(r'<form[^>]*action="([^"]*)"', page)
        asked = re.findall(r'hx-(?:get|post)="([^"]*)"', page)
        assert forms
        assert all(at.startswith("/till/training/") for at in asked)
        assert all(at.startswith("/till/training/") or at == "/till/lock/" for at in forms)


# Nobody stands there, and the neighbour

PATHS = ["shift/", "join/", "members/new/", "training/", "members/{}/rewards/", "purchases/{}/"]


def test_behind_the_lock_is_nothing_of_this_either(device, cafe):
    for path in PATHS:
        answer = device.get(f"/till/{path.format(cafe.member.pk)}")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/till/")


def test_a_sale_open_at_the_till_costs_few_statements(till, cafe, stocked, statements):
    sell(till, cafe)
    settled(cafe)
    url = f"/till/members/{cafe.member.pk}/"
    till.get(url, headers=PIECE)
    with statements() as seen:
        till.get(url, headers=PIECE)
    assert len(seen) <= 6, seen
    with statements() as seen:
        till.get(f"{url}quote/", {"amount": "24"}, headers=PIECE)
    assert len(seen) <= 6, seen
    with statements() as seen:
        till.get("/till/members/?q=4567", headers=PIECE)
    assert len(seen) <= 6, seen
