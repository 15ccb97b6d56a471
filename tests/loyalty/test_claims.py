"""Cards that people make for themselves: whoever waits, tries or looks learns nothing of whom the
shop knew before, and only a code binds a number.
"""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest

from loyalty import binding, books, claims, enrolment, finding, ledger, programs
from loyalty.consents import has_given
from loyalty.models import Claim, Entry, Identifier, Member
from loyalty.purchases import record
from loyalty.refusals import BadPhone, CodeGone, CodeTooSoon, CodeWrong, NothingToProve
from loyalty.tasks import end_unbound
from tenants.actors import Actor
from tenants.context import inside
from tests.conftest import NOW, make_shop
from tests.loyalty.racing import race

KNOWN, NEW = "050 123 4567", "050 999 8877"
MINUTE = dt.timedelta(minutes=1)


def join(phone=NEW, *, at=NOW, key="", **told):
    return claims.join(phone=phone, at=at, key=key or str(uuid4()), **told)


def proved(joined, *, at=NOW):
    sent = claims.new_code(joined.member, at=at)
    return claims.confirm(joined.member, sent.code, link=joined.link, at=at, key=str(uuid4()))


def phones(member) -> list[str]:
    return list(
        Identifier.objects.filter(member=member.pk, kind="phone").values_list("value", flat=True)
    )


def balance(member) -> int:
    return ledger.account_of(member).balance


@pytest.fixture
def bonus(in_cafe):
    by = in_cafe.till
    programs.set_policy(in_cafe.program, {"enrol_bonus": 20}, at=NOW, by=by)
    return in_cafe


def test_a_new_number_finds_its_card_at_once(in_cafe):
    made = join(name="Yusuf", language="ar", marketing="offers-1").member
    assert finding.find_for_till("8877")[0].member == made
    assert (made.name, made.language, made.source) == ("Yusuf", "ar", "poster")
    assert has_given(made, "marketing")
    assert Claim.objects.get(member=made).value == "+971509998877"


def test_a_known_number_makes_a_card_that_nobody_is_known_by(in_cafe):
    made = join(KNOWN).member
    assert phones(made) == []
    assert finding.find_for_till("4567")[0].member == in_cafe.member
    assert Claim.objects.get(member=made).value == "+971501234567"
    assert made.unbound_until.date() == dt.date(2026, 4, 1)  # midnight in Dubai


@pytest.mark.parametrize("typed", ["٠٥٠٩٩٩٨٨٧٧", "০৫০৯৯৯৮৮৭৭", "+971 50 999 8877"])
def test_a_number_is_read_in_every_script(in_cafe, typed):
    assert Claim.objects.get(member=join(typed).member).value == "+971509998877"


def test_what_is_no_number_makes_no_card(in_cafe):
    before = Member.objects.count()
    with pytest.raises(BadPhone):
        join("050 12")
    assert Member.objects.count() == before


def test_the_same_form_twice_is_one_card_with_two_links(bonus):
    one, two = join(key="k"), join(key="k")
    assert (one.member, two.replayed) == (two.member, True)
    assert finding.member_by_link(one.link) == finding.member_by_link(two.link) == one.member
    assert balance(one.member) == 20


def test_a_code_binds_the_number(in_cafe):
    made = join()
    done = proved(made)
    assert (done.member, done.joined) == (made.member, False)
    assert Identifier.objects.get(value="+971509998877").verified_at == NOW
    assert done.member.unbound_until is None
    with pytest.raises(NothingToProve):
        claims.new_code(made.member, at=NOW + MINUTE)


def test_a_code_joins_the_card_with_the_one_she_had(bonus):
    """Points come together, the bonus for joining does not come twice, the older card is kept and
    only the browser in her hand goes with her.
    """
    made, other = join(KNOWN), None
    record(made.member, 1000, at=NOW, by=bonus.till, key="new card")
    record(bonus.member, 2000, at=NOW, by=bonus.till, key="old card")
    other = join(KNOWN)  # somebody else who typed her number
    done = proved(made, at=NOW + MINUTE)
    assert (done.member, done.joined) == (bonus.member, True)
    assert balance(done.member) == 30
    assert finding.member_by_link(made.link) == bonus.member
    assert finding.member_by_link(other.link) == other.member
    assert Member.everyone.get(pk=made.member.pk).merged_into == bonus.member
    assert books.check(NOW + MINUTE).wrong == 0
    assert Entry.objects.get(kind="forfeit").amount == -20


def test_the_first_proof_ends_what_others_saw_without_one(in_cafe):
    """Whoever typed her number before her has seen her card, and sees it no longer."""
    squatter = join()
    record(squatter.member, 5000, at=NOW, by=in_cafe.till, key="hers")
    hers = join()
    done = proved(hers)
    assert (done.member, balance(done.member)) == (squatter.member, 50)
    assert finding.member_by_link(squatter.link) is None
    assert finding.member_by_link(hers.link) == done.member
    phone_two = join()
    assert proved(phone_two, at=NOW + MINUTE).member == done.member
    assert finding.member_by_link(hers.link) == done.member  # she had proved it then


def prove_too(card, *, at, **reach):
    """The holder of a card says that this is hers too, and proves it."""
    claims.claim(card.member, **reach, at=at)
    return proved(card, at=at)


def come_back(phone, *, at) -> Member:
    """She reads a code on a phone that shows no card."""
    by = Actor.command("test")
    return binding.prove("phone", phone, card=None, at=at, by=by, key=str(uuid4())).member


def proofs_of(member) -> dict[str, dt.datetime | None]:
    known = Identifier.objects.filter(member=member.pk).exclude(kind="link")
    return dict(known.values_list("value", "verified_at"))


@pytest.mark.parametrize("has_a_card", [True, False])
def test_the_first_proof_ends_what_another_hand_has_proved(in_cafe, has_a_card):
    """Whoever typed her number first, and proved an address of one's own on that card, neither
    stays nor comes back: not by the link, the address, or the code that the till reads.
    """
    squatter = join()
    prove_too(squatter, email="eve@example.com", at=NOW)
    claims.claim(squatter.member, email="eva@example.com", at=NOW)
    record(squatter.member, 5000, at=NOW, by=in_cafe.till, key="hers")
    later = NOW + MINUTE
    if has_a_card:
        hers = proved(join(at=later), at=later).member
    else:
        hers = come_back("+971509998877", at=later)
    assert (hers.pk, balance(hers)) == (squatter.member.pk, 50)
    assert proofs_of(hers) == {"+971509998877": later}
    assert finding.member_by_link(squatter.link) is None
    assert binding.holder("email", "eve@example.com") is None
    assert finding.with_code(squatter.member.code) is None
    assert finding.with_code(hers.code) == hers
    assert not Claim.objects.exists()


def test_it_ends_it_too_where_her_own_card_is_the_older_one(in_cafe):
    """What she proved on it before stays hers."""
    hers = join("050 999 8870")
    prove_too(hers, email="noor@example.com", at=NOW)
    later = NOW + MINUTE
    squatter = join(at=later)
    prove_too(squatter, email="eve@example.com", at=later)
    done = prove_too(hers, phone=NEW, at=later)
    assert (done.member, done.joined) == (hers.member, True)
    assert finding.with_code(squatter.member.code) is None
    assert proofs_of(done.member) == {
        "noor@example.com": NOW,
        "+971509998877": later,
    }


def test_a_card_of_ones_own_that_the_number_was_joined_with_is_no_way_around(in_cafe):
    own = claims.join(email="eve@example.com", at=NOW, key="own")
    proved(own)
    squatter, later = join(), NOW + MINUTE
    assert prove_too(squatter, email="eve@example.com", at=NOW + MINUTE).member == own.member
    hers = proved(join(at=later), at=later).member
    assert (hers, proofs_of(hers)) == (own.member, {"+971509998877": later})
    assert finding.member_by_link(own.link) is finding.member_by_link(squatter.link) is None


@pytest.mark.parametrize("begins_with", ["phone", "email"])
def test_what_one_hand_proves_on_its_own_card_stays(in_cafe, begins_with):
    """Her phone and then her address, or the other way round; and both on her next phone."""
    card, later = join(), NOW + MINUTE
    if begins_with == "phone":
        proved(card)
        prove_too(card, email="noor@example.com", at=NOW)
    else:
        prove_too(card, email="noor@example.com", at=NOW)
        proved(card)
    both = {"+971509998877": NOW, "noor@example.com": NOW}
    assert proofs_of(card.member) == both
    assert come_back("+971509998877", at=later) == card.member
    assert proofs_of(card.member) == both
    assert finding.member_by_link(card.link) == card.member


@pytest.mark.parametrize("source", ["till", "import"])
def test_what_the_shop_wrote_down_is_no_other_hands(in_cafe, source):
    """Nobody typed it on a card of one's own: what she proved of it already stays."""
    who = enrolment.Newcomer(phone=NEW, email="noor@example.com", card="A-1")
    (member,) = enrolment.enrol_all([(who, NOW)], by=in_cafe.till, source=source)
    came = binding.prove(
        "email", "noor@example.com", card=None, at=NOW, by=in_cafe.till, key="by mail"
    )
    assert come_back("+971509998877", at=NOW + MINUTE) == came.member == member
    assert proofs_of(member) == {
        "A-1": None,
        "noor@example.com": NOW,
        "+971509998877": NOW + MINUTE,
    }
    assert finding.with_code(member.code) == member


def test_three_wrong_codes_end_a_code(in_cafe):
    made = join()
    sent = claims.new_code(made.member, at=NOW)
    wrong = f"{(int(sent.code) + 1) % 10**6:06d}"
    left = []
    for _ in range(2):
        with pytest.raises(CodeWrong) as refused:
            claims.confirm(made.member, wrong, link=made.link, at=NOW, key="k")
        left.append(refused.value.figures["left"])
    assert left == [2, 1]
    for typed in (wrong, sent.code):
        with pytest.raises(CodeGone):
            claims.confirm(made.member, typed, link=made.link, at=NOW, key="k")
    proved(made, at=NOW + MINUTE)


def test_a_code_waits_for_the_next_and_dies_in_ten_minutes(in_cafe):
    made = join()
    sent = claims.new_code(made.member, at=NOW)
    with pytest.raises(CodeTooSoon) as refused:
        claims.new_code(made.member, at=NOW + dt.timedelta(seconds=10))
    assert refused.value.figures == {"seconds": 20}
    with pytest.raises(CodeGone):
        claims.confirm(made.member, sent.code, link="", at=NOW + 10 * MINUTE, key="k")


def test_a_code_is_read_in_every_script(in_cafe):
    made = join()
    sent = claims.new_code(made.member, at=NOW)
    typed = sent.code.translate(str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯"))
    claims.confirm(made.member, f" {typed[:3]} {typed[3:]}", link=made.link, at=NOW, key="k")


def test_cards_that_nobody_proved_or_used_end_after_thirty_days(bonus):
    """With a number or without: who waits for it learns nothing. A card that the till knows by its
    number stays once it was used; one that was proved stays anyway.
    """
    empty, known, used, sure = join("050 999 8870"), join(KNOWN), join(NEW), join("050 999 8871")
    for card in (known, used):
        record(card.member, 500, at=NOW, by=bonus.till, key=card.link)
    proved(sure)
    almost = dt.datetime(2026, 4, 1, 19, 59, tzinfo=dt.UTC)
    assert claims.end_unbound(almost) == 0
    end_unbound((almost + MINUTE).isoformat())
    states = {
        card.member.pk: Member.everyone.get(pk=card.member.pk).status
        for card in (empty, known, used, sure)
    }
    assert list(states.values()) == ["erased", "erased", "active", "active"]
    assert finding.member_by_link(known.link) is None
    assert not Claim.objects.filter(member__in=[empty.member, known.member]).exists()
    assert books.check(almost + MINUTE).wrong == 0
    assert claims.end_unbound(almost + MINUTE) == 0
    again = join("050 999 8870", at=almost)
    assert phones(again.member) == ["+971509998870"]  # free again


def test_whoever_reads_the_letter_comes_back_to_her_card(in_cafe):
    holder = binding.holder("phone", "+971501234567")
    assert holder == in_cafe.member
    done = binding.prove(
        "phone", "+971501234567", card=None, at=NOW, by=in_cafe.till, key=str(uuid4())
    )
    assert done == binding.Bound(in_cafe.member, joined=False)
    assert binding.holder("phone", "+971509998877") is None


def test_a_number_that_is_said_twice_is_one_claim_and_its_code_stays_good(in_cafe):
    card = join()
    sent = claims.new_code(card.member, at=NOW)
    claims.claim(card.member, phone=NEW, at=NOW + MINUTE)
    assert phones(card.member) == ["+971509998877"], "the till still finds her by it"
    with pytest.raises(CodeWrong):
        claims.confirm(card.member, "x", link=card.link, at=NOW + MINUTE, key="k")
    claims.confirm(card.member, sent.code, link=card.link, at=NOW + MINUTE, key="k")


def test_the_code_of_one_number_proves_no_other(in_cafe):
    card = join()
    sent = claims.new_code(card.member, at=NOW)
    claims.claim(card.member, phone=KNOWN, at=NOW)
    with pytest.raises(CodeGone):
        claims.confirm(card.member, sent.code, link=card.link, at=NOW, key="k")
    assert Claim.objects.get().value == "+971501234567"
    assert phones(card.member) == []


@pytest.mark.django_db(transaction=True)
def test_two_taps_say_one_number(cafe):
    with inside(cafe.tenant):
        card = join()

    def say():
        return claims.claim(card.member, email="noor@example.com", at=NOW)

    told = race(cafe, [say] * 6)
    assert {each.value for each in told} == {"noor@example.com"}
    with inside(cafe.tenant):
        assert Claim.objects.filter(kind="email").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_those_who_type_one_number_at_once_one_has_it():
    """Each has a card; the till knows one of them by the number, and one code joins two."""
    shop = make_shop("cafe")
    made = race(shop, [join] * 6)
    with inside(shop.tenant):
        assert len({each.member.pk for each in made}) == 6
        assert Identifier.objects.filter(value="+971509998877").count() == 1
        assert Claim.objects.count() == 6
        hers = next(each for each in made if not phones(each.member))
        sent = claims.new_code(hers.member, at=NOW)
    key = str(uuid4())

    def confirm():
        return claims.confirm(hers.member, sent.code, link=hers.link, at=NOW, key=key)

    told = race(shop, [confirm] * 4)
    assert sum(isinstance(each, binding.Bound) for each in told) == 1
    assert sum(isinstance(each, NothingToProve) for each in told) == 3
    with inside(shop.tenant):
        assert books.check(NOW).wrong == 0
        assert Member.everyone.filter(status="merged").count() == 1
