"""The code on a customer's screen, and for what it is asked."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import proofs
from loyalty.enrolment import enrol
from loyalty.refusals import ProofNeeded, WrongProof
from tenants import guesses
from tenants.context import inside
from tenants.models import Shop
from tests.conftest import NOW

STEP = dt.timedelta(seconds=proofs.STEP)


def wrong(member, at=NOW) -> str:
    """Four digits that are nobody's now."""
    mine = {proofs.code(member, at=at), proofs.code(member, at=at - STEP)}
    return next(code for n in range(3) if (code := f"{n:04d}") not in mine)


def test_a_code_is_four_digits_that_change_with_time_member_and_shop(in_cafe, spa):
    friend = enrol(phone="050 765 4321", at=NOW, by=in_cafe.till)
    codes = [proofs.code(in_cafe.member, at=NOW + n * STEP) for n in range(40)]
    assert all(code.isdigit() and len(code) == proofs.DIGITS for code in codes)
    assert len(set(codes)) > 30
    assert codes != [proofs.code(friend, at=NOW + n * STEP) for n in range(40)]
    theirs = spa.member
    theirs.pk = in_cafe.member.pk  # were the shop no part of it, this would be the same
    assert codes != [proofs.code(theirs, at=NOW + n * STEP) for n in range(40)]


def test_a_code_holds_until_the_next_one_is_a_step_old(in_cafe):
    for steps, holds in [(0, True), (1, True), (2, False), (-1, False)]:
        code = proofs.code(in_cafe.member, at=NOW)
        assert proofs.holds(in_cafe.member, code, at=NOW + steps * STEP) == holds


def test_a_code_may_be_typed_in_any_script(in_cafe):
    code = proofs.code(in_cafe.member, at=NOW)
    arabic = code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert proofs.holds(in_cafe.member, f" {arabic} ", at=NOW)
    for rubbish in ("", "\x00", "\ud800", "9" * 10_000, "½"):
        assert not proofs.holds(in_cafe.member, rubbish, at=NOW)


def test_seconds_until_the_next_code(in_cafe):
    assert 1 <= proofs.seconds_left(NOW) <= proofs.STEP
    assert proofs.seconds_left(NOW + dt.timedelta(seconds=1)) in (
        proofs.seconds_left(NOW) - 1,
        proofs.STEP,
    )


def test_the_shop_says_from_which_cost_on_it_is_asked_for(in_cafe):
    assert not proofs.is_needed(10**6)
    Shop.objects.update(proof_above=100)
    assert [proofs.is_needed(cost) for cost in (0, 100, 101)] == [False, False, True]


def test_wrong_codes_are_counted_and_a_right_one_forgives(in_cafe):
    member, bad = in_cafe.member, wrong(in_cafe.member)
    with pytest.raises(ProofNeeded):
        proofs.prove(member, "", at=NOW)
    for _ in range(guesses.FREE[guesses.PROOF] - 1):
        with pytest.raises(WrongProof):
            proofs.prove(member, bad, at=NOW)
    proofs.prove(member, proofs.code(member, at=NOW), at=NOW)
    for _ in range(guesses.FREE[guesses.PROOF]):
        with pytest.raises(WrongProof):
            proofs.prove(member, bad, at=NOW)
    with pytest.raises(guesses.TooManyGuesses):
        proofs.prove(member, proofs.code(member, at=NOW), at=NOW)


def test_the_neighbours_limit_is_not_ours(in_cafe, spa):
    with inside(spa.tenant):
        Shop.objects.update(proof_above=1)
    assert not proofs.is_needed(10)
