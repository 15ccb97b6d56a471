"""The races themselves: a bug in the hands is caught by the race that is about it."""

from __future__ import annotations

import pytest

from tests.loyalty.races import test_people, test_points, test_things
from tests.loyalty.races.arena import opened
from tests.loyalty.races.crew import Crew

pytestmark = [pytest.mark.xdist_group("races"), pytest.mark.thorough]

CAUGHT = [
    ("no_lock_on_the_account", test_points.test_a_balance_for_one_redemption_buys_one),
    ("no_lock_on_the_account", test_points.test_a_sale_is_given_back_once_in_all),
    ("no_lock_on_the_account", test_people.test_two_tills_that_merge_each_into_the_other),
    ("receipts_are_not_looked_up", test_points.test_a_sale_that_is_sent_by_everybody_counts_once),
    ("undone_twice", test_points.test_a_redemption_that_everybody_undoes_is_undone_once),
    (
        "caps_by_utc_day",
        test_points.test_a_days_cap_is_full_once_before_and_once_after_local_midnight,
    ),
    ("check_then_act_on_stock", test_things.test_the_last_on_the_shelf_go_to_as_many),
    ("check_then_act_on_a_voucher", test_things.test_a_code_is_used_as_often_as_it_may),
    ("check_then_act_on_a_voucher", test_things.test_a_gift_card_pays_no_more_than_it_holds),
    (
        "check_then_act_on_a_bonus_for_the_first",
        test_things.test_a_bonus_for_the_first_two_is_paid_to_two,
    ),
    (
        "whoever_loses_a_race_is_told_so",
        test_people.test_one_phone_is_one_member_however_it_is_typed,
    ),
    ("a_referrer_without_cap", test_people.test_a_referrer_is_paid_for_as_many_as_the_cap_says),
    ("a_birthday_at_every_run", test_people.test_a_birthday_is_paid_once_by_however_many_workers),
]


@pytest.mark.parametrize(
    ("planted", "race"), CAUGHT, ids=[f"{name}-{race.__name__[5:]}" for name, race in CAUGHT]
)
def test_a_race_catches(committed, planted, race):
    with Crew(planted) as crew, opened(crew) as arena, pytest.raises(AssertionError):
        race(arena)
