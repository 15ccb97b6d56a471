"""Who works in a shop: added, asked, changed, removed; and who may do that."""

from __future__ import annotations

import re
import threading

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from tenants import invitations, people, pins, secrets
from tenants.actors import Actor
from tenants.context import inside
from tenants.ids import uuid7
from tenants.models import AuditEntry, Invitation, OneTimeSecret, Seat, Staff, User
from tenants.people import LastOwner, NoSignIn, NotAllowed, employ, user_with
from tests.conftest import NOW, PIN
from tests.portal.conftest import letters_to, prove

TEAM = "/manage/team/"
HERS = "new@cafe.example"


@pytest.fixture(autouse=True)
def _unlimited(settings):
    settings.RATE_LIMITS = False


@pytest.fixture
def boss(cafe):
    """A manager and her browser."""
    with inside(cafe.tenant):
        user = user_with("boss@cafe.example", "Boss")
        staff = employ("Boss", Staff.Role.MANAGER, user=user, at=NOW, by=Actor.of_staff(cafe.owner))
        secret = secrets.mint(secrets.SIGN_IN, user.pk, invitations.LIVES, at=timezone.now())
    client = Client(HTTP_HOST=cafe.host)
    assert client.post(f"/accounts/link/{secret}/").status_code == 303
    prove(client, cafe, staff)
    return client, staff


def invited(cafe):
    return re.search(r"/accounts/join/[^/\s]+/", letters_to(cafe, HERS)[-1].text)[0]


# Cashiers


def test_a_cashier_gets_a_slip_that_is_shown_once(owner, cafe):
    answer = owner.post(f"{TEAM}new/", {"name": "Noor", "pin": ""})
    url = answer.headers["Location"]
    page = owner.get(url).text
    pin = re.search(r'dir="ltr">(\d{4})<', page)[1]
    assert "Noor" in page
    assert owner.get(url).status_code == 303
    with inside(cafe.tenant):
        noor = Staff.objects.get(name="Noor")
        pins.check(noor, cafe.device, pin, at=NOW)
        assert (noor.role, noor.user_id) == ("cashier", None)
        told = AuditEntry.objects.filter(subject=noor.pk).order_by("pk")
        assert [each.act for each in told] == ["staff.employed", "pin.set"]
        assert pin not in str([each.after for each in told])


def test_the_till_speaks_a_cashiers_language(owner, device, cafe):
    answer = owner.post(f"{TEAM}new/", {"name": "Noor", "pin": "8531", "language": "bn"})
    assert answer.status_code == 303
    with inside(cafe.tenant):
        noor = Staff.objects.get(name="Noor")
        assert noor.language == "bn"
    device.post("/till/person/", {"person": noor.pk, "pin": "8531"})
    assert device.get("/till/").headers["Content-Language"] == "bn"
    url = f"{TEAM}{noor.pk}/"
    assert '<option value="bn" selected>বাংলা</option>' in owner.get(url).text
    assert owner.post(url, {"name": "Noor", "language": "ar"}).status_code == 303
    for path in (url, f"{TEAM}new/"):
        answer = owner.post(path, {"name": "Noor", "language": "xx"})
        assert answer.status_code == 422
        assert "aria-invalid" in answer.text
    with inside(cafe.tenant):
        assert Staff.objects.get(pk=noor.pk).language == "ar"


def test_a_pin_has_the_shops_length_and_is_not_the_first_guess(owner, cafe):
    with inside(cafe.tenant):
        from tenants.shops import change

        change(pin_length=6)
    for bad in ("1234", "12345a", "111111", "654321", "7" * 400):
        answer = owner.post(f"{TEAM}new/", {"name": "Noor", "pin": bad})
        assert answer.status_code == 422
        assert "aria-invalid" in answer.text
        assert 'value="Noor"' in answer.text
    assert owner.post(f"{TEAM}new/", {"name": "Noor", "pin": "٢٤٦٨٠١"}).status_code == 303


def test_a_new_pin_ends_every_wait(boss, cafe):
    client, _ = boss
    with inside(cafe.tenant):
        Staff.objects.filter(pk=cafe.cashier.pk).update(pin_wrong=10)
    assert "PIN switched off" in client.get(TEAM).text
    client.post(f"{TEAM}{cafe.cashier.pk}/pin/", {"pin": "8531"})
    with inside(cafe.tenant):
        pins.check(cafe.cashier, cafe.device, "8531", at=NOW)


# Invitations


def test_an_invited_person_takes_her_place(fresh_owner, stranger, cafe):
    asked = {"name": "Sara", "email": HERS.upper(), "role": "manager"}
    assert fresh_owner.post(f"{TEAM}invite/", asked).status_code == 303
    link = invited(cafe)
    page = stranger.get(link).text
    assert "Owner of cafe" in page
    assert "Manager" in page
    assert stranger.get("/manage/").status_code == 303
    offer = stranger.post(link).headers["Location"]  # of a passkey for the next time
    assert offer == "/accounts/passkeys/add/?next=%2Fmanage%2F"
    assert stranger.get(offer).status_code == 200
    assert stranger.get(TEAM).status_code == 200
    assert Client(HTTP_HOST=cafe.host).post(link).status_code == 410
    user = User.objects.get(email=HERS)
    assert Seat.objects.filter(user=user, tenant_id=cafe.tenant.pk).exists()
    assert fresh_owner.post(f"{TEAM}invite/", asked).status_code == 422
    with inside(cafe.tenant):
        acts = list(AuditEntry.objects.values_list("act", flat=True))
        assert {"invitation.sent", "invitation.accepted"} <= {*acts}


def test_asking_again_withdrawing_and_time_end_a_link(fresh_owner, stranger, cafe):
    asked = {"name": "Sara", "email": HERS, "role": "owner"}
    fresh_owner.post(f"{TEAM}invite/", asked)
    first = invited(cafe)
    with inside(cafe.tenant):
        row = Invitation.objects.get()
    assert fresh_owner.post(f"{TEAM}invitations/{row.pk}/").status_code == 303
    second = invited(cafe)
    assert stranger.get(first).status_code == 410
    assert stranger.get(second).status_code == 200
    with inside(cafe.tenant):
        links = OneTimeSecret.objects.filter(subject=row.pk)
        (until,) = links.values_list("expires_at", flat=True)
        assert (until - timezone.now()).days == 6  # and some hours
        links.update(expires_at=timezone.now())
    assert stranger.get(second).status_code == 410
    assert fresh_owner.post(f"{TEAM}invitations/{row.pk}/withdraw/").status_code == 303
    assert stranger.get(second).status_code == stranger.post(second).status_code == 410
    assert fresh_owner.post(f"{TEAM}invitations/{row.pk}/withdraw/").status_code == 404


# Who may what


def test_managers_look_after_cashiers_only(boss, owner, cafe):
    client, staff = boss
    assert client.get(f"{TEAM}{cafe.cashier.pk}/").status_code == 200
    assert client.get(f"{TEAM}{staff.pk}/").status_code == 200  # herself
    for path in ("", "pin/", "remove/"):
        url = f"{TEAM}{cafe.owner.pk}/{path}"
        refused = client.post(url, {"name": "x", "pin": "8531"})
        assert refused.status_code == 403
        assert "It needs the right of an owner." in refused.text
    for path in ("invite/", f"{cafe.cashier.pk}/part/"):
        refused = client.get(f"{TEAM}{path}")
        assert refused.status_code == 403
        assert "It needs the right of an owner." in refused.text
        assert client.post(f"{TEAM}{path}", {"role": "owner"}).status_code == 403
    assert client.post(f"{TEAM}{cafe.cashier.pk}/remove/").status_code == 303
    assert client.post(f"{TEAM}{cafe.cashier.pk}/remove/").status_code == 404


def test_a_part_changes_only_fresh(owner, cafe, boss):
    _, staff = boss
    url = f"{TEAM}{staff.pk}/part/"
    assert "/reauthenticate/" in owner.post(url, {"role": "owner"}).headers["Location"]
    prove(owner, cafe)
    assert owner.post(url, {"role": "king"}).status_code == 422
    assert owner.post(url, {"role": "owner"}).status_code == 303
    with inside(cafe.tenant):
        assert Staff.objects.get(pk=staff.pk).role == "owner"
        told = AuditEntry.objects.get(act="staff.role_changed")
        assert (told.before, told.after) == ({"role": "manager"}, {"role": "owner"})


def test_the_last_owner_stays(fresh_owner, cafe):
    answer = fresh_owner.post(f"{TEAM}{cafe.owner.pk}/part/", {"role": "manager"})
    assert answer.status_code == 422
    assert "keeps an owner" in answer.text
    assert fresh_owner.get(TEAM).status_code == 200


def test_who_is_removed_is_out_at_her_next_request(boss, fresh_owner, cafe, spa):
    client, staff = boss
    with inside(cafe.tenant):
        pins.new_pin(staff, "8531", at=NOW, by=cafe.till)
    with inside(spa.tenant):
        employ("Boss", Staff.Role.MANAGER, user=staff.user, at=NOW, by=spa.till)
    assert client.get(TEAM).status_code == 200
    assert fresh_owner.post(f"{TEAM}{staff.pk}/remove/").status_code == 303
    assert client.get(TEAM).status_code == client.get("/accounts/").status_code == 303
    tablet = Client(HTTP_HOST=cafe.host)
    tablet.cookies["device"] = cafe.token
    assert tablet.post("/till/person/", {"person": staff.pk, "pin": "8531"}).status_code == 422
    assert not Seat.objects.filter(user=staff.user_id, tenant_id=cafe.tenant.pk).exists()
    assert Seat.objects.filter(user=staff.user_id, tenant_id=spa.tenant.pk).exists()


def test_a_removed_person_at_the_till_is_out(till, fresh_owner, cafe):
    assert "till-desk" in till.get("/till/").text
    fresh_owner.post(f"{TEAM}{cafe.cashier.pk}/remove/")
    assert "till-desk" not in till.get("/till/").text
    assert till.post("/till/person/", {"person": cafe.cashier.pk, "pin": PIN}).status_code == 422


def test_who_leaves_does_so_from_her_account_and_is_signed_out(boss, cafe):
    client, staff = boss
    leaving = "/accounts/leave/"
    assert f'href="{leaving}"' in client.get(f"{TEAM}{staff.pk}/").text
    for answer in (
        client.get(f"{TEAM}{staff.pk}/remove/"),
        client.post(f"{TEAM}{staff.pk}/remove/"),
    ):
        assert answer.headers["Location"] == leaving
    assert client.get(TEAM).status_code == 200
    assert client.post(leaving).headers["Location"] == "/accounts/login/"
    assert client.get(TEAM).status_code == 303


def test_bad_input_and_unknown_people(fresh_owner, cafe):
    for path in ("new/", "invite/", "{}/", "{}/pin/", "{}/part/", "invitations/{}/"):
        for bad in ("", "\x00", "x" * 10_000, "<b>"):
            typed = {"name": bad, "email": bad, "role": bad, "pin": bad or "x"}
            answer = fresh_owner.post(f"{TEAM}{path.format(cafe.cashier.pk)}", typed)
            assert answer.status_code in (303, 404, 422)
        for pk in (uuid7(), "not-an-id", "1"):
            if "{}" in path:
                assert fresh_owner.post(f"{TEAM}{path.format(pk)}").status_code == 404


def test_cashiers_and_strangers_are_kept_out(stranger, till):
    for path in ("team/", "team/new/", "team/invite/", "devices/", "devices/pair/"):
        assert stranger.get(f"/manage/{path}").status_code == 303
        assert till.get(f"/manage/{path}").status_code == 303


# The verbs


def test_an_owner_must_be_able_to_sign_in(in_cafe):
    by = Actor.of_staff(in_cafe.owner)
    with pytest.raises(NoSignIn):
        people.change_role(in_cafe.cashier, "owner", at=NOW, by=by)
    with pytest.raises(NotAllowed):
        people.change_role(in_cafe.owner, "cashier", at=NOW, by=Actor.of_staff(in_cafe.cashier))
    with pytest.raises(NotAllowed):
        people.remove(in_cafe.owner, at=NOW, by=Actor.of_staff(in_cafe.cashier))
    with pytest.raises(LastOwner):
        people.remove(in_cafe.owner, at=NOW, by=by)
    with pytest.raises(NotAllowed):
        invitations.invite(HERS, "x", "manager", at=NOW, by=in_cafe.till)


@pytest.mark.parametrize("verb", ["remove", "demote"])
def test_of_two_owners_who_leave_at_once_one_stays(transactional_db, verb):
    from tests.conftest import make_shop

    shop = make_shop("cafe")
    with inside(shop.tenant):
        other = employ(
            "Other",
            "owner",
            user=user_with("b@cafe.example"),
            at=NOW,
            by=Actor.of_staff(shop.owner),
        )
    start, refused = threading.Barrier(2), []

    def leave(staff):
        try:
            start.wait()
            with inside(shop.tenant):
                by = Actor.of_staff(staff)
                if verb == "remove":
                    people.remove(staff, at=NOW, by=by)
                else:
                    people.change_role(staff, "manager", at=NOW, by=by)
        except LastOwner as why:
            refused.append(why)
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=[staff]) for staff in (shop.owner, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with inside(shop.tenant):
        assert Staff.objects.filter(role="owner").count() == 1
    assert len(refused) == 1
