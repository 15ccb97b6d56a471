"""A sign-up's address is hers by the code that went to it, whatever else happens meanwhile."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager

import pytest
from django.db import connection

from tenants import signups
from tenants.ids import uuid7
from tenants.models import SignUp
from tenants.signups import TooSoon, WrongCode
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
MINE, HERS = "me@mine.example", "layla@aroma.example"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def begun() -> SignUp:
    said = {"name": "Aroma", "email": MINE, "country": "AE", "language": "en"}
    return signups.begin(pk=uuid7(), **said, at=NOW)


def of(begun: SignUp) -> SignUp:
    """The same sign-up as another request has read it."""
    found = signups.with_id(begun.pk, at=NOW)
    assert found
    return found


def confirmed(begun: SignUp) -> str:
    """Which address counts as proved; "" for none."""
    row = SignUp.objects.get(pk=begun.pk)
    return row.email if row.confirmed_at else ""


def another_address(begun: SignUp, email: str = HERS) -> None:
    signups.change(of(begun), email=email)


@contextmanager
def just_before(column: str, act):
    """`act()` happens once, right before the first UPDATE that writes this column."""
    done = []

    def wrapper(execute, sql, params, many, context):
        if not done and sql.startswith("UPDATE") and f'"{column}" =' in sql:
            done.append(True)
            act()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield
    assert done


def test_a_code_confirms_the_address_that_it_went_to(begun):
    code = signups.new_code(begun, at=NOW)
    signups.confirm(of(begun), code.lower(), at=NOW)
    assert confirmed(begun) == MINE
    with pytest.raises(WrongCode):
        signups.confirm(of(begun), code, at=NOW)


def test_a_code_is_no_code_for_another_address(begun):
    code = signups.new_code(begun, at=NOW)
    SignUp.objects.filter(pk=begun.pk).update(email=HERS)  # and nothing else
    with pytest.raises(WrongCode):
        signups.confirm(of(begun), code, at=NOW)
    assert confirmed(begun) == ""


def test_of_an_address_that_was_changed_meanwhile_no_letter_goes_out(begun):
    mine = of(begun)
    another_address(begun)
    hers = signups.new_code(of(begun), at=NOW)
    with pytest.raises(TooSoon):
        signups.new_code(mine, at=NOW)
    signups.confirm(of(begun), hers, at=NOW)
    assert confirmed(begun) == HERS


def test_the_letter_that_is_made_while_the_address_changes_opens_nothing(begun):
    with just_before("code_hash", lambda: another_address(begun)), pytest.raises(TooSoon):
        signups.new_code(of(begun), at=NOW)
    assert SignUp.objects.get(pk=begun.pk).code_hash == ""


def test_of_two_letters_at_once_one_is_sent(begun):
    one, other = of(begun), of(begun)
    code = signups.new_code(one, at=NOW)
    with pytest.raises(TooSoon):
        signups.new_code(other, at=NOW)
    signups.confirm(of(begun), code, at=NOW)
    assert confirmed(begun) == MINE


def test_an_address_that_changes_while_the_code_is_looked_at_stays_unproved(begun):
    code = signups.new_code(begun, at=NOW)
    with just_before("confirmed_at", lambda: another_address(begun)), pytest.raises(WrongCode):
        signups.confirm(of(begun), code, at=NOW)
    assert confirmed(begun) == ""


def test_a_code_that_is_replaced_while_it_is_looked_at_opens_nothing(begun):
    code = signups.new_code(begun, at=NOW)
    with (
        just_before("confirmed_at", lambda: signups.new_code(of(begun), at=NOW + MINUTE)),
        pytest.raises(WrongCode),
    ):
        signups.confirm(of(begun), code, at=NOW + MINUTE)
    assert confirmed(begun) == ""


def test_the_old_code_is_nothing_after_there_and_back(begun):
    code = signups.new_code(begun, at=NOW)
    another_address(begun)
    another_address(begun, MINE)
    with pytest.raises(WrongCode):
        signups.confirm(of(begun), code, at=NOW)
    assert confirmed(begun) == ""


def test_who_proved_one_address_cannot_put_another_in_its_place(begun):
    """The form with the other address was read before the first one was changed and proved."""
    stale = of(begun)
    another_address(begun)
    signups.confirm(of(begun), signups.new_code(of(begun), at=NOW), at=NOW)
    signups.change(stale, email=MINE, name="Aroma")
    assert confirmed(begun) == ""


def test_what_is_proved_stays_proved_while_the_address_stays(begun):
    signups.confirm(of(begun), signups.new_code(begun, at=NOW), at=NOW)
    signups.change(of(begun), email=MINE, name="Aroma & Co")
    assert confirmed(begun) == MINE
    another_address(begun)
    assert confirmed(begun) == ""
