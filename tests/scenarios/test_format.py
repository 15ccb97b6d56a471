"""The runner of scenarios itself: what it does not know is an error, and what is wrong is red."""

from __future__ import annotations

from pathlib import Path

import pytest

from loyalty import sweeping
from loyalty.models import Account, Lot
from loyalty.refusals import NegativeAmount
from tenants.models import Location
from tests.scenarios.acting import VERBS
from tests.scenarios.format import ANY, OPS
from tests.scenarios.hands import Hands
from tests.scenarios.playing import Wrong, orders, play
from tests.scenarios.reading import read, scenarios_of
from tests.scenarios.shapes import FormatError
from tests.scenarios.telling import OUTCOMES

OURS = Path(__file__).with_name("loyalty.yaml")
SALE = (
    "{op: purchase, id: s1, member: ann, at: 2026-03-02T10:00, total: 1999, expect: {points: 19}}"
)
GIFT = "{op: adjust, member: ann, at: 2026-03-01T10:00, points: 100, reason: t}"
MUG = "{program: mugs}"


def written(when: str, given: str = MUG, then: str = "{}", more: str = "") -> str:
    return f"""
programs:
  mugs: {{tz: Europe/Berlin, rewards: {{mug: {{type: gift, cost: 100, stock: 3}}}}}}
scenarios:
- id: X-01
  title: Made up
  given: {given}
  when: [{when}]
  then: {then}
  {more}
"""


def scenario(*told: str, **more: str):
    (only,) = scenarios_of(written(*told, **more))
    return only


def test_our_file_is_the_one_that_was_agreed():
    found = read(OURS)
    assert len(found) == 122
    assert [each.id for each in found if each.is_manual] == ["ISO-01"]
    assert [each.id for each in found if each.races] == [
        *("CON-01", "CON-02", "CON-04", "CON-05", "CON-07")
    ]


def test_what_a_file_may_say_the_runner_can_do():
    assert OPS.keys() == VERBS.keys()
    for op, (_, outcome) in OPS.items():
        assert outcome.keys() <= OUTCOMES.get(op, {}).keys() | ANY.keys(), op


@pytest.mark.parametrize(
    ("text", "where", "key"),
    [
        (written(SALE, more="sauce: none"), "X-01", "sauce"),
        (written(SALE, given="{progam: mugs}"), "X-01.given", "progam"),
        (written(SALE, given="{override: {pending: 3}}"), "X-01.given.override", "pending"),
        (
            written(SALE, given="{override: {rules: [{id: a, kind: spend, poins: 1}]}}"),
            "X-01.given.override.rules[0]",
            "poins",
        ),
        (
            written(SALE, given="{override: {rewards: {r: {type: item, price: 1}}}}"),
            "X-01.given.override.rewards.r",
            "price",
        ),
        (
            written(SALE, given="{override: {caps: {points_per_week: 1}}}"),
            "X-01.given.override.caps",
            "points_per_week",
        ),
        (
            written(SALE, given="{override: {tiers: {levels: [{name: A, mim: 0}]}}}"),
            "X-01.given.override.tiers.levels[0]",
            "mim",
        ),
        (written(SALE, given="{members: [{member: a, fon: 1}]}"), "X-01.given.members[0]", "fon"),
        (written(SALE.replace("total", "sum")), "X-01.when[0]", "sum"),
        (written(SALE.replace("points: 19", "point: 19")), "X-01.when[0].expect", "point"),
        (written(SALE.replace("purchase", "buy")), "X-01.when[0]", "buy"),
        (written("{parallel: [], expects: {}}"), "X-01.when[0]", "expects"),
        (written(f"{{repeat: 3, step: {SALE}, times: 2}}"), "X-01.when[0]", "times"),
        (written(SALE, then="{balance: 3}"), "X-01.then", "balance"),
        (
            written(SALE, then="{members: {ann: {ballance: 3}}}"),
            "X-01.then.members.ann",
            "ballance",
        ),
        (written(SALE, then="{vouchers: {VR1: {state: used}}}"), "X-01.then.vouchers.VR1", "state"),
        ("scenarios: []\nprogrammes: {}", "file", "programmes"),
        ("programs: {p: {zone: UTC}}\nscenarios: []", "programs.p", "zone"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_id_and_the_key(text, where, key):
    with pytest.raises(FormatError) as refused:
        scenarios_of(text)
    assert refused.value.where == where
    assert repr(key) in refused.value.why


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total: 1999", "total: 19.99"),
        ("total: 1999", "total: '1999'"),
        ("total: 1999", "total: true"),
        ("total: 1999, ", ""),
        ("at: 2026-03-02T10:00", "at: yesterday"),
        ("total: 1999", "total: 1999, total: 2000"),
        ("total: 1999", "total: 1999, lines: {sku: a, amount: 1}"),
    ],
)
def test_a_value_that_cannot_be_is_an_error(old, new):
    with pytest.raises(FormatError):
        scenarios_of(written(SALE.replace(old, new)))


def test_an_unknown_program_and_a_doubled_id_are_errors():
    with pytest.raises(FormatError, match="no program 'cups'"):
        scenario(SALE, "{program: cups}")
    twice = written(SALE)
    with pytest.raises(FormatError, match="two scenarios"):
        scenarios_of(twice + twice[twice.index("- id") :])


# It sees what is wrong


@pytest.mark.django_db
def test_what_is_right_passes():
    play(scenario(SALE, then="{members: {ann: {balance: 19, entries: [[earn, 19]]}}}"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("when", "then", "said"),
    [
        (SALE.replace("19}", "20}"), "{}", "when 1 (purchase): points: expected 20, got 19"),
        (SALE, "{members: {ann: {balance: 20}}}", "then: ann balance: expected 20, got 19"),
        (SALE, "{members: {ann: {lots: [[19, 2026-04-01]]}}}", "ann lots"),
        (SALE, "{members: {ann: {entries: [[bonus, 19]]}}}", "ann entries"),
        (SALE, "{members: {eve: {balance: 19}}}", "eve balance"),
        (SALE, "{member_count: 2}", "member_count: expected 2, got 1"),
        (SALE, "{rewards: {mug: {stock: 2}}}", "mug stock: expected 2, got 3"),
        (SALE, "{vouchers_issued: 1}", "vouchers_issued"),
        (SALE, "{flags: [clock]}", "flags"),
        (
            SALE.replace("points: 19", "error: member_blocked"),
            "{}",
            "done, expected member_blocked",
        ),
        (
            SALE.replace("total: 1999", "total: -1"),
            "{}",
            "refused as negative_amount, expected success",
        ),
        (
            SALE.replace("total: 1999", "total: -1").replace("points: 19", "error: min_spend"),
            "{}",
            "refused as negative_amount, expected min_spend",
        ),
        (
            SALE.replace("expect", "then: {members: {ann: {balance: 1}}}, expect"),
            "{}",
            "when 1 then",
        ),
    ],
)
def test_a_wrong_expectation_is_noticed(when, then, said):
    with pytest.raises(Wrong) as wrong:
        play(scenario(when, then=then))
    assert str(wrong.value).startswith("X-01 ")
    assert said in str(wrong.value)


@pytest.mark.django_db
def test_an_unmet_step_of_the_history_is_noticed():
    with pytest.raises(Wrong, match="history 1"):
        play(scenario(SALE, f"{{history: [{SALE.replace('19}', '20}')}]}}"))


def planted(act):
    """A verb that does something else."""
    return lambda stage, step: act


def _writes_and_refuses():
    Location.objects.create(name="left behind")
    raise NegativeAmount(total=-1)


@pytest.mark.django_db
def test_a_refusal_that_leaves_something_behind_is_noticed(monkeypatch):
    monkeypatch.setitem(VERBS, "purchase", planted(_writes_and_refuses))
    with pytest.raises(Wrong, match=r"must change nothing, but wrote\n.*tenants_location .*left"):
        play(scenario(SALE.replace("points: 19", "error: negative_amount")))


@pytest.mark.django_db
def test_books_that_do_not_add_up_are_noticed(monkeypatch):
    monkeypatch.setitem(VERBS, "block", planted(lambda: Lot.objects.update(remaining=18)))
    with pytest.raises(Wrong, match="when 2: ann: entries make 19, but lots hold 18"):
        play(scenario(f"{SALE}, {{op: block, member: ann}}"))


@pytest.mark.django_db
def test_a_state_that_a_sweep_changes_is_noticed(monkeypatch):
    monkeypatch.setattr(sweeping, "sweep", lambda at: Account.objects.update(carry=7))
    with pytest.raises(Wrong, match="settled ann"):
        play(scenario(SALE))


RACE = (
    "{parallel: [{op: redeem, member: ann, reward: mug, at: 2026-03-02T10:00, till: T1}, "
    "{op: redeem, member: ann, reward: mug, at: 2026-03-02T10:00, till: T2}], "
    "expect: {succeed: %s, errors: {insufficient_points: %s}}}"
)
REPEATED = "{repeat: 4, step: {op: redeem, member: ann, reward: mug, at: 2026-03-02T10:00}, %s}"


@pytest.mark.django_db(transaction=True)
def test_a_race_is_run_in_every_order_and_at_once():
    right = scenario(RACE % (1, 1), f"{{program: mugs, history: [{GIFT}]}}")
    wrong = scenario(RACE % (2, 0), f"{{program: mugs, history: [{GIFT}]}}")
    repeated = scenario(
        REPEATED % "expect: {succeed: 1, errors: {insufficient_points: 3}}",
        f"{{program: mugs, history: [{GIFT}]}}",
        then="{members: {ann: {balance: 0}}, rewards: {mug: {stock: 2}}, vouchers_issued: 1}",
    )
    assert list(orders(right)) == [0, 1]
    for order in orders(right):
        play(right, order=order)
        with pytest.raises(Wrong, match="succeed: expected 2, got 1"):
            play(wrong, order=order)
    with Hands() as hands:
        play(right, hands=hands)
        play(repeated, hands=hands)
        with pytest.raises(Wrong, match="succeed: expected 2, got 1"):
            play(wrong, hands=hands)
