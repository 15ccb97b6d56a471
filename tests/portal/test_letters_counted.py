"""Letters and texts bother whoever gets them: whoever asks, they are counted."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from tenants import guesses
from tenants.actors import Actor
from tenants.context import inside
from tenants.guesses import ASKED, FREE, LETTER, LETTER_FROM, LOGIN, OWN_WAITS
from tenants.models import Guess, Invitation, Letter, Staff
from tenants.people import employ, user_with
from tests.conftest import NOW
from tests.portal.conftest import PIECE, give_address, letters_to

TEAM = "/manage/team/"
SARA = "sara@cafe.example"
MINUTES = OWN_WAITS[LETTER][-1] // 60


@pytest.fixture(autouse=True)
def _unlimited(settings):
    settings.RATE_LIMITS = False


def invite(owner, email=SARA):
    return owner.post(f"{TEAM}invite/", {"name": "Sara", "email": email, "role": "manager"})


def ask_again(owner, cafe):
    with inside(cafe.tenant):
        row = Invitation.objects.get()
    return owner.post(f"{TEAM}invitations/{row.pk}/")


def use_up(shop, door, subject):
    """As if so many had been asked for just now."""
    with inside(shop.tenant):
        for _ in range(FREE[door]):
            guesses.wrong(door, subject, at=timezone.now())


# By colleagues


def test_a_shop_cannot_fill_a_strangers_box(fresh_owner, cafe):
    answers = [invite(fresh_owner)]
    answers += [ask_again(fresh_owner, cafe) for _ in range(6)]
    assert [each.status_code for each in answers] == [303] * 5 + [429] * 2
    assert len(letters_to(cafe, SARA)) == 5
    said = answers[-1].text
    assert "then try again." in said
    assert SARA in said, "the page of the team, with what can be done there"
    refused = invite(fresh_owner)
    assert refused.status_code == 429
    assert 'value="Sara"' in refused.text
    assert f'value="{SARA}"' in refused.text
    assert "aria-invalid" in refused.text


def test_the_link_of_the_last_letter_still_opens_after_a_refusal(fresh_owner, stranger, cafe):
    invite(fresh_owner)
    use_up(cafe, LETTER, SARA)
    assert ask_again(fresh_owner, cafe).status_code == 429
    (letter,) = letters_to(cafe, SARA)
    path = letter.text[letter.text.index("/accounts/join/") :].split()[0]
    assert stranger.get(path).status_code == 200


def test_a_shop_has_so_many_letters_a_day(fresh_owner, cafe):
    use_up(cafe, ASKED, "")
    assert invite(fresh_owner).status_code == 429
    with inside(cafe.tenant):
        assert not Letter.objects.exists()
        assert not Invitation.objects.exists()
        assert not Guess.objects.filter(door=LETTER).exists(), "nobody was written to"
        per_day = FREE[ASKED] + dt.timedelta(days=1) // guesses.FORGIVEN_EACH
    assert per_day <= 200


@pytest.fixture
def hers(cafe) -> str:
    """The page of a member who can be mailed and texted."""
    give_address(cafe)
    return f"/manage/members/{cafe.member.pk}/"


@pytest.mark.parametrize(("how", "to"), [("mail", "amina@x.example"), ("text", "+971501234567")])
def test_a_member_gets_no_more_links_than_letters(owner, cafe, hers, how, to):
    sent = [owner.post(f"{hers}link/", {"how": how}) for _ in range(7)]
    assert [each.status_code for each in sent] == [303] * 5 + [429] * 2
    assert len(letters_to(cafe, to)) == 5
    assert "then try again." in sent[-1].text
    assert 'id="card-link"' in sent[-1].text, "it can be shown to her instead"
    piece = owner.post(f"{hers}link/", {"how": how}, headers=PIECE)
    assert piece.status_code == 429
    assert piece.text.lstrip().startswith('<section id="act"')


def test_links_that_are_only_shown_are_not_counted(owner, cafe, hers):
    for _ in range(8):
        assert owner.post(f"{hers}link/", {"how": "show"}).status_code == 200
    with inside(cafe.tenant):
        assert not Guess.objects.exists()


def test_links_to_members_count_for_the_shop(owner, cafe, hers):
    use_up(cafe, ASKED, "")
    assert owner.post(f"{hers}link/", {"how": "mail"}).status_code == 429


def test_asking_somebody_who_came_another_way_withdraws(fresh_owner, cafe):
    invite(fresh_owner)
    with inside(cafe.tenant):
        user = user_with(SARA)
        employ("Sara", Staff.Role.MANAGER, user=user, at=NOW, by=Actor.of_staff(cafe.owner))
    answer = ask_again(fresh_owner, cafe)
    assert answer.status_code == 303
    assert "works here already" in fresh_owner.get(answer.headers["Location"]).text
    with inside(cafe.tenant):
        assert not Invitation.objects.exists()
    assert len(letters_to(cafe, SARA)) == 1


# By strangers


def sieged(shop, address, *, door=LETTER):
    """A stranger has asked for so many letters to this address that the longest wait runs."""
    now = timezone.now()
    with inside(shop.tenant):
        for n in range(FREE[door] + 3):
            guesses.wrong(door, address, at=now - dt.timedelta(hours=4 - n / 4))
        guesses.wrong(door, address, at=now)


@pytest.mark.parametrize("known", [True, False])
def test_an_owner_waits_minutes_and_is_told_so(stranger, cafe, known):
    address = cafe.owner.user.email if known else "nobody@none.example"
    sieged(cafe, address)
    answer = stranger.post("/accounts/login/", {"email": address})
    assert answer.status_code == 422
    assert f"Wait {MINUTES} minutes, then try again." in answer.text


def test_who_proves_herself_once_more_waits_minutes(owner, cafe):
    sieged(cafe, cafe.owner.user.email)
    answer = owner.post("/accounts/reauthenticate/", {"action": "send"})
    assert answer.status_code == 429
    assert f"Wait {MINUTES} minutes, then try again." in answer.text


def test_a_customer_waits_minutes(stranger, cafe):
    sieged(cafe, "amina@x.example")
    asked = {"by": "email", "email": "amina@x.example"}
    answer = stranger.post("/c/back", asked, headers={"Accept": "text/html"})
    assert answer.status_code == 429
    assert f"Wait {MINUTES} minutes, then try again." in answer.text


def test_the_longest_wait_at_a_wrong_code_is_told_in_minutes(stranger, cafe):
    address = cafe.owner.user.email
    stranger.post("/accounts/login/", {"email": address})
    sieged(cafe, address, door=LOGIN)
    answer = stranger.post("/accounts/login/code/", {"code": "AAA-AAA"})
    assert "minutes, then try again." in answer.text


def test_who_fills_one_customers_box_is_counted_by_network(cafe):
    away = Client(HTTP_HOST=cafe.host, REMOTE_ADDR="198.51.100.7")
    asked = {"by": "email", "email": "amina@x.example"}
    answers = [away.post("/c/back", asked).status_code for _ in range(6)]
    assert answers == [303] * 5 + [429]
    with inside(cafe.tenant):
        assert Guess.objects.get(door=LETTER_FROM).wrong == 1, "the one that brought a wait"
    use_up(cafe, LETTER_FROM, "198.51.100.0")
    other = {**asked, "email": "other@x.example"}
    assert away.post("/c/back", other).status_code == 429
    near = Client(HTTP_HOST=cafe.host, REMOTE_ADDR="203.0.113.7")
    assert near.post("/c/back", other).status_code == 303


def test_a_full_shop_of_new_cards_is_no_flood(cafe):
    """Its guests come from its own network."""
    for n in range(FREE[LETTER_FROM] + 2):
        guest = Client(HTTP_HOST=cafe.host)
        key = guest.get("/j?by=email").text.partition('name="key" value="')[2][:36]
        joined = {"key": key, "by": "email", "email": f"c{n}@x.example"}
        assert guest.post("/j", joined).status_code == 303
    with inside(cafe.tenant):
        assert Letter.objects.filter(kind="card_welcome").count() == FREE[LETTER_FROM] + 2
        assert not Guess.objects.filter(door=LETTER_FROM).exists()
