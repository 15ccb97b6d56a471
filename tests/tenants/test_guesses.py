"""Wrong tries at a door: counted one by one, each wait longer, and nothing known of who tried."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants import guesses
from tenants.context import inside
from tenants.guesses import (
    CODE,
    CODE_FROM,
    FORGIVEN_EACH,
    FREE,
    LETTER,
    LETTER_FROM,
    LINK,
    LOGIN,
    LOGIN_FROM,
    OWN_WAITS,
    WAITS,
    TooManyGuesses,
)
from tenants.guesses import SECOND as SECOND_PROOF
from tenants.models import Guess
from tests.conftest import NOW

CAROL, DAN = "carol@cafe.example", "dan@cafe.example"
NETWORK = "203.0.113.0"
SECOND, DAY = dt.timedelta(seconds=1), dt.timedelta(days=1)


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
    for door, waits in ((SECOND_PROOF, WAITS), *OWN_WAITS.items()):
        guess(FREE[door] - 1, door=door)
        at, waited = NOW, []
        for _ in range(len(waits) + 2):
            guess(1, door=door, at=at)
            waited.append(wait_of(door=door, at=at))
            at += waited[-1] * SECOND
            assert wait_of(door=door, at=at - SECOND / 2) == 1
            assert wait_of(door=door, at=at) == 0
        assert waited == [*waits, waits[-1], waits[-1]]
        assert list(waits) == sorted(set(waits))


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


# A network is many people: what they did lies back some day


@pytest.mark.parametrize("door", [LINK, LOGIN_FROM, LETTER_FROM, CODE_FROM])
@pytest.mark.parametrize("gap", [FORGIVEN_EACH, dt.timedelta(hours=1), DAY, DAY - SECOND])
def test_a_network_that_tries_now_and_then_never_waits(in_cafe, door, gap):
    for n in range(2 * FREE[door]):
        guesses.take(door, NETWORK, at=NOW + n * gap)
        assert wait_of(NETWORK, door=door, at=NOW + n * gap) == 0


def test_a_burst_from_a_network_waits_also_after_quiet_days(in_cafe):
    for n in range(40):
        guess(1, NETWORK, door=LETTER_FROM, at=NOW + n * DAY)
    at = NOW + 40 * DAY
    guess(FREE[LETTER_FROM] - 1, NETWORK, door=LETTER_FROM, at=at)
    assert wait_of(NETWORK, door=LETTER_FROM, at=at) == 0
    guess(1, NETWORK, door=LETTER_FROM, at=at)
    assert wait_of(NETWORK, door=LETTER_FROM, at=at) == WAITS[0]
    assert guesses.forget_old(at) == 0


def test_who_tries_without_end_from_a_network_gets_as_many_as_the_longest_wait_lets_through(
    in_cafe,
):
    at = NOW
    for _ in range(FREE[LOGIN_FROM] + len(WAITS) + 100):
        guess(1, NETWORK, door=LOGIN_FROM, at=at)
        at += (wait := wait_of(NETWORK, door=LOGIN_FROM, at=at)) * SECOND
    assert wait == WAITS[-1] == FORGIVEN_EACH.total_seconds()


def test_a_network_has_what_is_free_and_what_time_gave_back(in_cafe):
    """As a bucket by arithmetic of its own, out of which one try runs each quarter of an hour."""

    @settings(max_examples=20)
    @given(st.lists(st.integers(0, 3000), min_size=10, max_size=50))
    def holds(gaps):
        Guess.objects.all().delete()
        at, level, anchor = NOW, 0, NOW
        for gap in gaps:
            at += gap * SECOND
            while level and at - anchor >= FORGIVEN_EACH:
                level, anchor = level - 1, anchor + FORGIVEN_EACH
            level, anchor = level + 1, anchor if level else at
            guess(1, NETWORK, door=LETTER_FROM, at=at)
            beyond = level - FREE[LETTER_FROM]
            if beyond >= 0:
                assert wait_of(NETWORK, door=LETTER_FROM, at=at) == WAITS[min(beyond, 6)]
            assert Guess.objects.get().wrong == level

    holds()


@pytest.mark.parametrize(
    ("door", "network"), [(LETTER, LETTER_FROM), (LOGIN, LOGIN_FROM), (CODE, CODE_FROM)]
)
def test_nobody_keeps_an_owner_out_for_good(in_cafe, door, network):
    """A stranger takes every try that he can get at her address, for two days."""
    at, got = NOW, []
    while at < NOW + 2 * DAY:
        waits = wait_of(NETWORK, door=network, at=at), wait_of(CAROL, door=door, at=at)
        assert waits[1] <= 300
        if any(waits):
            at += max(waits) * SECOND
            continue
        guesses.take(door, CAROL, at=at)
        guesses.take(network, NETWORK, at=at)
        got.append(at)
    late = [at for at in got if at > NOW + DAY]
    closed = len(late) * OWN_WAITS[door][-1]
    assert closed * 2 < DAY.total_seconds(), "most of the time it is open to her"


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
