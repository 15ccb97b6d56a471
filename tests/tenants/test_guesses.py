"""Wrong tries at a door: counted one by one, each wait longer, and nothing known of who tried."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from tenants import guesses
from tenants.context import inside
from tenants.guesses import FREE, LINK, LOGIN, LOGIN_FROM, WAITS, TooManyGuesses
from tenants.models import Guess
from tests.conftest import NOW

CAROL, DAN = "carol@cafe.example", "dan@cafe.example"
SECOND = dt.timedelta(seconds=1)


def wait_of(subject=CAROL, *, door=LOGIN, at=NOW):
    """Seconds that the subject has to wait at the door."""
    try:
        guesses.check(door, subject, at=at)
    except TooManyGuesses as refused:
        return refused.wait
    return 0


def guess(times, subject=CAROL, *, door=LOGIN, at=NOW):
    for _ in range(times):
        guesses.wrong(door, subject, at=at)


def test_the_first_wrong_tries_are_free(in_cafe):
    assert wait_of() == 0
    guess(FREE[LOGIN] - 1)
    assert wait_of() == 0
    guess(1)
    assert wait_of() == WAITS[0]


def test_each_further_one_costs_a_longer_wait_up_to_the_last(in_cafe):
    guess(FREE[LOGIN] - 1)
    at, waited = NOW, []
    for _ in range(len(WAITS) + 2):
        guess(1, at=at)
        waited.append(wait_of(at=at))
        at += waited[-1] * SECOND
        assert wait_of(at=at - SECOND / 2) == 1
        assert wait_of(at=at) == 0
    assert waited == [*WAITS, WAITS[-1], WAITS[-1]]
    assert list(WAITS) == sorted(set(WAITS))


def test_looking_counts_nothing(in_cafe):
    for _ in range(20):
        assert wait_of() == 0
    assert not Guess.objects.exists()


def test_who_gets_in_is_forgiven_and_nobody_else_is(in_cafe):
    for subject, door in ((CAROL, LOGIN), (DAN, LOGIN), (CAROL, LOGIN_FROM)):
        guess(FREE[door], subject, door=door)
    guesses.right(LOGIN, CAROL)
    assert wait_of(CAROL) == 0
    assert wait_of(DAN) == wait_of(CAROL, door=LOGIN_FROM) == WAITS[0]
    guess(FREE[LOGIN] - 1)
    assert wait_of(CAROL) == 0


def test_every_shop_counts_by_itself(cafe, spa):
    with inside(cafe.tenant):
        guess(FREE[LOGIN])
    with inside(spa.tenant):
        assert wait_of() == 0
        guess(1)
        theirs = Guess.objects.get().subject
    with inside(cafe.tenant):
        assert Guess.objects.get().subject != theirs


def test_a_row_names_nobody(in_cafe, settings):
    guess(1)
    row = Guess.objects.values().get()
    assert "carol" not in str(row)
    assert len(row["subject"]) == 64
    settings.SECRET_KEY = "another"
    guess(1)
    assert Guess.objects.count() == 2, "the hash is worth nothing without the server's key"


def test_after_a_day_without_a_wrong_try_it_is_forgotten(in_cafe):
    guess(FREE[LOGIN] + 5)
    guess(FREE[LOGIN] + 5, DAN, at=NOW + dt.timedelta(hours=20))
    late = NOW + dt.timedelta(hours=25)
    guess(1, at=late)
    assert wait_of(at=late) == 0
    assert guesses.forget_old(late) == 0
    assert guesses.forget_old(late + dt.timedelta(hours=20)) == 1, "Dan's; Carol's is younger"


def test_the_right_one_waits_too(in_cafe):
    guess(FREE[LOGIN])
    with pytest.raises(TooManyGuesses):
        guesses.take(LOGIN, CAROL, at=NOW)
    assert Guess.objects.get().wrong == FREE[LOGIN], "refused, and not counted"


def test_a_count_is_no_part_of_what_may_be_undone(two):
    with inside(two[0]):
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            guesses.wrong(LOGIN, CAROL, at=NOW)
        guesses.wrong(LOGIN, CAROL, at=NOW)
        assert Guess.objects.get().wrong == 1


@pytest.fixture
def at_once(two):
    """`at_once(times, act)`: in so many threads of eight at a time, inside one shop."""

    def run(times, act):
        start = threading.Barrier(8)

        def work(number):
            if number < 8:
                start.wait(20)
            try:
                with inside(two[0]):
                    return act()
            except TooManyGuesses:
                return "refused"
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(work, range(times)))

    with inside(two[0]):
        yield run


def test_tries_at_once_are_counted_one_by_one(at_once):
    at_once(48, lambda: guesses.wrong(LINK, "203.0.113.0", at=NOW))
    assert Guess.objects.get().wrong == 48


def test_of_many_tries_at_once_only_so_many_are_made(at_once):
    made = at_once(32, lambda: guesses.take(LOGIN, CAROL, at=NOW))
    assert made.count("refused") == 32 - FREE[LOGIN]
    assert Guess.objects.get().wrong == FREE[LOGIN]
