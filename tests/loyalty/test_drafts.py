"""Drafts: edited by several people, put in force by hand or by the calendar, told as versions."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import (
    drafts,
    giveback,
    ladders,
    members,
    programs,
    reached,
    rewards,
    shelf,
    tasks,
    versions,
)
from loyalty.drafts import Said
from loyalty.enrolment import enrol
from loyalty.models import Account, Draft, EarnRule, Program, Reward, RuleUse
from loyalty.policy import TierPolicy
from loyalty.purchases import record
from loyalty.refusals import (
    BadPolicy,
    BadSetting,
    BadStart,
    NoDraft,
    NothingChanges,
    Overtaken,
)
from loyalty.wording import Voice
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import AuditEntry
from tests.conftest import NOW, make_shop
from tests.loyalty.racing import race

DAY = dt.timedelta(days=1)
TODAY = dt.date(2026, 3, 2)
SPEND = {"kind": "spend", "points": 1, "per": 100}
DOUBLE = {**SPEND, "points": 2}
VOICE = Voice(money=lambda minor: f"AED\u00a0{minor / 100:.2f}")


@pytest.fixture
def by(in_cafe):
    return Actor.of_staff(in_cafe.owner)


@pytest.fixture
def desk(in_cafe, by):
    """The verbs, each with what is before one's eyes now."""

    class Desk:
        program = in_cafe.program

        def seen(self):
            now = drafts.in_force(self.fresh())
            return drafts.seen(drafts.open_draft(self.program), now)

        def fresh(self):
            return Program.objects.get(pk=self.program.pk)

        def edit(self, rules=None, *, seen=None, at=NOW, **changes):
            now = drafts.in_force(self.fresh())
            wanted = Said(now.rules if rules is None else rules, {**now.policy, **changes})
            seen_as = seen or self.seen()
            return drafts.edit(self.program, wanted, seen_as=seen_as, at=at, by=by)

        def start(self, day=TODAY, *, at=NOW):
            return drafts.schedule(self.program, day, seen_as=self.seen(), at=at, by=by)

    return Desk()


def told(program) -> list[str]:
    """The changes of each version, newest first, as + and - words."""
    sign = {"ins": "+", "del": "-", "same": ""}
    found = versions.history(program, drafts.in_force(program), VOICE)
    return [
        " | ".join(" ".join(f"{sign[k]}{t}" for k, t in change) for change in version.changes)
        for version in found
    ]


def test_a_draft_changes_nothing_until_it_is_put_in_force(desk, in_cafe, by):
    desk.edit([DOUBLE], pending_days=3, carries=True)
    assert record(in_cafe.member, 1000, at=NOW, by=in_cafe.till, key="a").points == 10
    put = desk.start()
    assert (put.applied_at, put.before["rules"]) == (NOW, [SPEND])
    program = desk.fresh()
    assert (program.policy, program.carries) == ({"pending_days": 3}, True)
    assert record(in_cafe.member, 1000, at=NOW, by=in_cafe.till, key="b").points == 20
    assert drafts.open_draft(program) is None
    assert AuditEntry.objects.filter(act="draft.put_in_force", who=by.who).exists()


def test_versions_are_told_as_what_came_and_went(desk):
    desk.edit([DOUBLE], expiry={"mode": "lot", "months": 12})
    desk.start()
    desk.edit([], at=NOW + DAY)
    desk.start(TODAY + DAY, at=NOW + DAY)
    last, first, beginning = told(desk.fresh())
    assert last == "-2 points for every AED\u00a01.00 spent."
    assert first == (
        "+2 points -1 point for every AED\u00a01.00 spent. | "
        "-They never expire. +They expire 12 months after they were earned."
    )
    assert beginning == ""


def test_whoever_saw_something_else_writes_over_nothing(desk, by):
    before = desk.seen()
    desk.edit([DOUBLE])
    stale = desk.seen()
    desk.edit([{**SPEND, "points": 3}])
    for seen in (before, stale, "", "x"):
        with pytest.raises(Overtaken) as caught:
            desk.edit([SPEND, SPEND], seen=seen or "none")
        assert caught.value.who == by.who
        with pytest.raises(Overtaken):
            drafts.throw_away(desk.program, seen_as=seen, at=NOW, by=by)
    assert Draft.objects.get().rules[0]["points"] == 3
    drafts.throw_away(desk.program, seen_as=desk.seen(), at=NOW, by=by)
    with pytest.raises(NoDraft):
        drafts.throw_away(desk.program, seen_as=stale, at=NOW, by=by)


@pytest.mark.parametrize(
    ("rules", "changes", "refusal", "field"),
    [
        ([{"kind": "spend", "points": 1}], {}, BadSetting, "per"),
        ([{"kind": "visit", "points": 0}], {}, BadSetting, "points"),
        ([{"kind": "nothing", "points": 1}], {}, BadSetting, "kind"),
        ([{"kind": "multiplier", "factor": "0.5"}], {}, BadSetting, "factor"),
        ([{"kind": "multiplier", "factor": "1e9"}], {}, BadSetting, "factor"),
        ([{**SPEND, "per": 10**10}], {}, BadSetting, "per"),
        ([{**SPEND, "conditions": {"hours": "25:00-26:00"}}], {}, BadSetting, "hours"),
        ([{**SPEND, "conditions": {"limit": {"per": "day"}}}], {}, BadSetting, "limit.times"),
        (None, {"expiry": {"mode": "lot"}}, BadPolicy, "expiry.days"),
        (None, {"rounding": "sideways"}, BadSetting, "rounding"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(desk, rules, changes, refusal, field):
    with pytest.raises(refusal) as caught:
        desk.edit(rules, **changes)
    assert caught.value.field == field
    assert not Draft.objects.exists()


def test_what_is_in_force_already_is_no_draft(desk):
    assert desk.edit() is None
    desk.edit([DOUBLE])
    desk.edit([SPEND])  # back again: the draft stays, and there is nothing to put in force
    with pytest.raises(NothingChanges):
        desk.start()


@pytest.mark.parametrize("day", [TODAY - DAY, TODAY + 400 * DAY, dt.date.min, dt.date.max])
def test_a_day_that_is_over_or_too_far_is_refused(desk, day):
    desk.edit([DOUBLE])
    with pytest.raises(BadStart):
        desk.start(day)


def test_a_scheduled_draft_begins_with_the_shops_day(desk, in_cafe):
    desk.edit([DOUBLE])
    desk.start(TODAY + DAY)
    evening = dt.datetime(2026, 3, 2, 19, 59, tzinfo=dt.UTC)  # a minute to midnight in Dubai
    tasks.start_draft(at=evening.isoformat())
    assert EarnRule.objects.get().points == 1
    midnight = evening + dt.timedelta(minutes=1)
    for _ in range(2):  # done twice it is done once
        tasks.start_draft(at=midnight.isoformat())
    assert EarnRule.objects.get().points == 2
    assert Draft.objects.get().applied_at == midnight


def test_a_day_can_be_taken_back(desk, by):
    desk.edit([DOUBLE])
    desk.start(TODAY + DAY)
    drafts.put_back(desk.program, seen_as=desk.seen(), at=NOW, by=by)
    assert drafts.start_due(NOW + 9 * DAY, by=by) is None
    assert Draft.objects.get().starts_on is None


def test_a_draft_that_is_changed_loses_its_day(desk, in_cafe, by):
    desk.edit([DOUBLE])
    desk.start(TODAY + DAY)
    desk.edit([{**SPEND, "points": 9}])
    assert Draft.objects.get().starts_on is None
    last = AuditEntry.objects.filter(act="draft.edited").order_by("pk").last()
    assert last.after == {"version": 2, "starts_on": None}, "the trace says so too"
    assert drafts.start_due(NOW + 9 * DAY, by=by) is None
    assert EarnRule.objects.get().points == 1
    desk.start(TODAY + DAY)
    assert drafts.start_due(NOW + 9 * DAY, by=by)
    assert EarnRule.objects.get().points == 9


def test_what_a_draft_says_already_changes_nothing(desk, in_cafe):
    desk.edit([DOUBLE])
    desk.start(TODAY + DAY)
    desk.edit([DOUBLE])
    found = Draft.objects.get()
    assert (found.version, found.starts_on) == (1, TODAY + DAY)
    assert AuditEntry.objects.filter(act="draft.edited").count() == 1


def test_a_tier_with_another_name_changes_no_promise_of_a_draft(desk, in_cafe, by):
    """It is told by another name, so it keeps its rehearsal and its day."""
    gold = None
    for name, threshold in (("Bronze", 0), ("Gold", 500)):
        fields = {"name": name, "threshold": threshold, "multiplier": "1", "perks": []}
        gold = ladders.create(in_cafe.program, at=NOW, by=by, **fields)
    desk.edit([DOUBLE, {**SPEND, "conditions": {"tiers": ["Gold"]}}])
    draft = Draft.objects.get()
    drafts.begin_rehearsal(desk.program, seen_as=desk.seen(), at=NOW)
    tasks.rehearse_draft(draft=str(draft.pk), version=1, at=NOW.isoformat())
    desk.start(TODAY + DAY)
    fields = {"name": "Platinum", "threshold": 500, "multiplier": "1", "perks": []}
    ladders.change(gold, seen_as=ladders.seen(gold), at=NOW, by=by, **fields)
    found = Draft.objects.get()
    assert (found.version, found.starts_on) == (2, TODAY + DAY)
    assert drafts.is_rehearsed(found)


def test_a_rehearsal_that_was_refused_is_none(desk, in_cafe):
    draft = desk.edit([DOUBLE])
    drafts.begin_rehearsal(desk.program, seen_as=desk.seen(), at=NOW)
    Program.objects.update(status=Program.Status.PAUSED)
    tasks.rehearse_draft(draft=str(draft.pk), version=1, at=NOW.isoformat())
    found = Draft.objects.get()
    assert (found.rehearsal["refused"], found.rehearsing_since) == ("program_not_live", None)
    assert not drafts.is_rehearsed(found)


def test_a_rule_that_stays_goes_on_counting(desk, in_cafe):
    first = {"kind": "bonus", "points": 50, "conditions": {"limit": {"times": 1, "per": "all"}}}
    desk.edit([SPEND, first])
    desk.start()
    assert record(in_cafe.member, 1000, at=NOW, by=in_cafe.till, key="a").points == 60
    desk.edit([DOUBLE, first])
    desk.start()
    assert record(in_cafe.member, 1000, at=NOW, by=in_cafe.till, key="b").points == 20
    assert RuleUse.objects.count() == 1


def test_a_rehearsal_is_of_one_version(desk, in_cafe):
    record(in_cafe.member, 1000, at=NOW, by=in_cafe.till, key="a")
    draft = desk.edit([DOUBLE], rounding="ceil")
    drafts.begin_rehearsal(desk.program, seen_as=desk.seen(), at=NOW)
    for _ in range(2):
        tasks.rehearse_draft(draft=str(draft.pk), version=1, at=NOW.isoformat())
    found = Draft.objects.get()
    assert (found.rehearsal["actual"], found.rehearsal["draft"]) == (10, 20)
    assert found.rehearsal["most_gained"] == [[in_cafe.member.code, 10, 20]]
    assert drafts.is_rehearsed(found)
    assert found.rehearsing_since is None
    desk.edit([{**SPEND, "points": 3}])
    tasks.rehearse_draft(draft=str(draft.pk), version=1, at=NOW.isoformat())  # too late: nothing
    assert not drafts.is_rehearsed(Draft.objects.get())


@pytest.mark.thorough
def test_of_two_who_edit_at_once_one_is_told(transactional_db):
    shop = make_shop("cafe")
    with inside(shop.tenant):
        now = drafts.in_force(shop.program)
        seen, by = drafts.seen(None, now), Actor.of_staff(shop.owner)
    acts = [
        lambda points=points: drafts.edit(
            shop.program,
            Said([{**SPEND, "points": points}], now.policy),
            seen_as=seen,
            at=NOW,
            by=by,
        )
        for points in (2, 3, 4, 5)
    ]
    outcomes = race(shop, acts)
    assert sorted(type(each).__name__ for each in outcomes) == ["Draft"] + ["Overtaken"] * 3
    with inside(shop.tenant):
        assert Draft.objects.get().version == 1


def test_what_a_program_gives_back(in_cafe, by):
    assert giveback.usual_sale([], [{"kind": "visit"}]) == 0  # nobody has bought yet

    def told(rules, **policy):
        read = drafts.Said(rules, policy).promises
        return giveback.give_back(in_cafe.program, rules, read, giveback.buyable(), 2000)

    assert told([{"kind": "multiplier", "factor": "2"}]) is None
    assert told([SPEND]).share is None
    assert told([SPEND], point_value="5").share * 100 == 5
    made = {"cost": 300, "value": 1800, "unit_cost": 720, "at": NOW, "by": by}
    rewards.create(in_cafe.program, "item", "Coffee", **made)
    coffee = told([SPEND])
    assert (coffee.spend, coffee.points, coffee.value) == (30_000, 300, 1800)
    assert (coffee.share * 1000, coffee.cost * 1000) == (60, 24)
    visits = told([{"kind": "visit", "points": 30}])
    assert (visits.visits, visits.spend, visits.share * 100) == (10, 20_000, 9)


# Rewards and tiers, as an owner changes them


def test_rewards_change_their_order_and_terms(in_cafe, by):
    made = [
        rewards.create(in_cafe.program, "gift", name, cost=100, at=NOW, by=by) for name in "abc"
    ]

    def names():
        return "".join(each.name for each in shelf.in_order(in_cafe.program.pk))

    assert names() == "abc"
    for reward, steps, wanted in ((2, -1, "acb"), (2, -9, "cab"), (2, -1, "cab"), (0, 1, "cba")):
        shelf.move(made[reward], steps, at=NOW, by=by)
        assert names() == wanted
    seen = shelf.seen(made[0])
    shelf.change(made[0], seen_as=seen, at=NOW, by=by, cost=150, told={"min_spend": 500})
    found = Reward.objects.get(pk=made[0].pk)
    assert (found.cost, found.conditions) == (150, {"min_spend": 500})
    with pytest.raises(Overtaken):
        shelf.change(made[0], seen_as=seen, at=NOW, by=by, cost=1)
    with pytest.raises(BadSetting):
        shelf.change(found, seen_as=shelf.seen(found), at=NOW, by=by, cost=0)
    assert shelf.have_enough(in_cafe.program.pk, [0, 1]) == {0: 1, 1: 0}


def test_tiers_are_added_renamed_and_removed(in_cafe, by):
    def make_tier(name, threshold, **more):
        fields = {"name": name, "threshold": threshold, "multiplier": "1", "perks": [], **more}
        return ladders.create(in_cafe.program, at=NOW, by=by, **fields)

    with pytest.raises(BadSetting, match="begins at 0"):
        make_tier("Gold", 500)
    make_tier("Bronze", 0)
    gold = make_tier("Gold", 5000, multiplier="2")
    for wrong in (("gold", 9000), ("Silver", 5000), ("", 1), ("Silver", 10**13)):
        with pytest.raises(BadSetting):
            make_tier(*wrong)
    rule = {**SPEND, "conditions": {"tiers": ["Gold"]}}
    programs.set_rules(in_cafe.program, [SPEND, rule], at=NOW, by=by)
    record(in_cafe.member, 6000, at=NOW, by=in_cafe.till, key="a")
    assert Account.objects.get().tier.name == "Gold"
    program = Program.objects.get()
    policy = ladders.policy_of(program)
    assert reached.reaching(program, [5000, 6001], policy, "UTC", NOW) == {5000: 1, 6001: 0}
    fields = {"name": "Platinum", "threshold": 5000, "multiplier": "2", "perks": [" a  b "]}
    ladders.change(gold, seen_as=ladders.seen(gold), at=NOW, by=by, **fields)
    assert EarnRule.objects.get(conditions__tiers=["Platinum"])
    with pytest.raises(Overtaken):
        ladders.change(gold, seen_as=ladders.seen(gold), at=NOW, by=by, **fields)
    with pytest.raises(BadSetting, match="for its members"):
        ladders.remove(ladders.all_of(program)[1], at=NOW, by=by)
    programs.set_rules(in_cafe.program, [SPEND], at=NOW, by=by)
    for _ in range(2):
        ladders.remove(gold.__class__.everyone.get(pk=gold.pk), at=NOW, by=by)
    assert Account.objects.get().tier.name == "Bronze"
    ladders.remove(ladders.all_of(program)[0], at=NOW, by=by)
    assert Account.objects.get().tier is None
    assert Program.objects.get().policy == {}


@pytest.fixture
def ladder(in_cafe, by):
    """Bronze from 0, Silver from AED 100, Gold from AED 200: and two members, who spent 300 in one
    visit, and 50 in five.
    """
    for name, threshold in (("Bronze", 0), ("Silver", 10_000), ("Gold", 20_000)):
        fields = {"name": name, "threshold": threshold, "multiplier": "1", "perks": []}
        ladders.create(in_cafe.program, at=NOW, by=by, **fields)
    bob = enrol(phone="0507654321", at=NOW, by=in_cafe.till)
    record(in_cafe.member, 30_000, at=NOW, by=in_cafe.till, key="a")
    for n in range(5):
        record(bob, 1_000, at=NOW, by=in_cafe.till, key=f"b{n}")
    return in_cafe


def window(shop, by, *, seen=None, metric="visits", **more):
    program = Program.objects.get()
    seen = seen or ladders.seen_window(program, ladders.all_of(program))
    return ladders.set_window(program, {"metric": metric}, **more, seen_as=seen, at=NOW, by=by)


def begins():
    return {tier.name: tier.threshold for tier in ladders.all_of(Program.objects.get())}


def test_by_another_measure_each_tier_begins_anew(ladder, by):
    program = Program.objects.get()
    _, silver, gold = tiers = ladders.all_of(program)
    seen = ladders.seen_window(program, tiers)
    for told, tier in (({}, silver), ({silver.pk: 2}, gold)):
        with pytest.raises(BadSetting) as caught:
            window(ladder, by, thresholds=told)
        assert caught.value.field == f"thresholds.{tier.pk}"
    for wrong in (0, 4, 10**13):
        with pytest.raises(BadSetting, match=r"Another tier begins there|too much"):
            window(ladder, by, thresholds={silver.pk: wrong, gold.pk: 4})
    assert begins() == {"Bronze": 0, "Silver": 10_000, "Gold": 20_000}, "nothing has changed"
    assert Program.objects.get().policy["tiers"]["metric"] == "spend"
    # Each goes where the other was, which no row may do while the other is there.
    window(ladder, by, thresholds={silver.pk: 20_000, gold.pk: 10_000})
    assert begins() == {"Bronze": 0, "Gold": 10_000, "Silver": 20_000}
    with pytest.raises(Overtaken):
        window(ladder, by, seen=seen, metric="points", keeps=True)
    window(ladder, by, metric="points", thresholds={gold.pk: 7}, keeps=True)
    assert begins() == {"Bronze": 0, "Gold": 7, "Silver": 20_000}
    told = AuditEntry.objects.filter(act="tier.changed").order_by("pk").last()
    assert (told.before["threshold"], told.after["threshold"]) == (10_000, 7)
    window(ladder, by, metric="points")  # by the same: nothing is asked
    assert begins()["Gold"] == 7


def test_who_would_be_where_by_another_measure(ladder, by):
    program = Program.objects.get()
    tiers = ladders.all_of(program)

    def told(metric, *thresholds):
        by_tier = {tier.pk: t for tier, t in zip(tiers, thresholds, strict=True)}
        found = reached.standing(program, by_tier, TierPolicy(metric=metric), "UTC", NOW)
        return [found[tier.pk] for tier in tiers]

    assert told("spend", 0, 10_000, 20_000) == [1, 0, 1]
    assert told("visits", 0, 10_000, 20_000) == [2, 0, 0]
    assert told("visits", 0, 1, 5) == [0, 1, 1]
    assert told("points", 0, 50, 10**15) == [0, 2, 0]
    assert told("visits", 0, 5, 1) == [0, 1, 1], "whatever their order"


def test_cards_that_are_gone_are_in_no_tier(ladder, by):
    program = Program.objects.get()
    *_, gold = ladders.all_of(program)
    args = (program, [20_000], ladders.policy_of(program), "UTC", NOW)
    assert (reached.holders(program)[gold.pk], reached.reaching(*args)) == (1, {20_000: 1})
    members.erase(ladder.member, at=NOW, by=by, key="e")
    assert (reached.holders(program).get(gold.pk, 0), reached.reaching(*args)) == (0, {20_000: 0})
