"""The lists behind the figures, and the copy of one member."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json

import pytest

from loyalty import (
    adjustments,
    dossiers,
    finding,
    merging,
    programs,
    redemptions,
    rewards,
    roster,
    segments,
)
from loyalty import purchases as sales
from loyalty.enrolment import enrol
from loyalty.members import block, erase
from loyalty.models import Account, Member, Program, Tier
from loyalty.overview import owed
from tenants.actors import Actor
from tests.conftest import NOW

DAY = dt.timedelta(days=1)


@pytest.fixture
def people(in_cafe):
    """By name: who bought how many days ago."""
    bought = {
        "today": [0],
        "month": [12],
        "both": [12, 45],
        "once": [45],
        "late": [20, 27, 34, 41, 48],
        "never": [],
    }
    found = {}
    for n, (name, days) in enumerate(bought.items()):
        born = dt.date(1990, 3, 9) if name == "today" else None
        at = NOW - 70 * DAY if name != "never" else NOW - DAY
        found[name] = enrol(
            name=name, phone=f"05011100{n:02}", birth_date=born, at=at, by=in_cafe.till
        )
        for days_ago in sorted(days, reverse=True):
            key = f"{name}{days_ago}"
            sales.record(found[name], 2400, at=NOW - days_ago * DAY, by=in_cafe.till, key=key)
    return found


NAMES = {
    segments.TODAY: {"today"},
    segments.BOUGHT: {"today", "month", "both", "late"},
    segments.RETURNED: {"both", "late"},
    segments.LATE: {"late"},
    segments.NEW: {"never", "Amina Rahman"},
    segments.BIRTHDAY: {"today"},
    segments.BLOCKED: {"once"},
    segments.REDEEMED: {"both"},
}


def test_a_segment_holds_whom_its_size_counts(in_cafe, people):
    Member.objects.filter(pk=people["once"].pk).update(status=Member.Status.BLOCKED)
    program = Program.objects.get()
    reward = rewards.create(program, "gift", "Mug", at=NOW, by=in_cafe.till, cost=10)
    redemptions.redeem(people["both"], reward, at=NOW, by=in_cafe.till, key="r")
    assert set(NAMES) == set(segments.SEGMENTS)
    sizes = segments.sizes(NOW)
    assert sizes.everybody == 7
    for segment, names in NAMES.items():
        found = segments.narrowed(finding.search(""), segment, at=NOW)
        assert {member.name for member in found} == names, segment
        assert sizes.of.get(segment, 0) == len(names), segment


def test_a_tier_is_a_segment(in_cafe, people):
    gold = Tier.objects.create(program=in_cafe.program, name="Gold", threshold=1)
    Account.objects.filter(member=people["both"].pk).update(tier=gold)
    assert list(segments.narrowed(finding.search(""), str(gold.pk), at=NOW)) == [people["both"]]
    assert [(t.name, t.members) for t in segments.sizes(NOW).tiers] == [("Gold", 1)]
    everybody = finding.search("").count()
    for odd in ("x", "", "\x00", str(in_cafe.program.pk)[:-1]):
        assert segments.narrowed(finding.search(""), odd, at=NOW).count() == everybody


def test_every_size_is_the_length_of_its_list_whatever_became_of_a_card(in_cafe, people):
    by, owner = in_cafe.till, Actor.of_staff(in_cafe.owner)
    mug = rewards.create(Program.objects.get(), "gift", "Mug", at=NOW, by=owner, cost=10)
    gold = Tier.objects.create(program=in_cafe.program, name="Gold", threshold=1)
    Account.objects.update(tier=gold)
    Member.objects.update(birth_date=dt.date(1990, 3, 9))
    for name in ("today", "month", "both", "once", "late"):
        redemptions.redeem(people[name], mug, at=NOW, by=by, key=f"r-{name}")
        sales.record(people[name], 2400, at=NOW, by=by, key=f"s-{name}")
    block(people["month"], at=NOW, by=owner)
    merging.merge(people["once"], people["both"], at=NOW, by=owner, key="m")
    erase(people["late"], at=NOW, by=owner, key="e")
    # Nothing that a card's end leaves behind on its account may count.
    gone = [people["once"].pk, people["late"].pk]
    Account.objects.filter(member__in=gone).update(tier=gold)
    sizes = segments.sizes(NOW)
    told = {**{name: sizes.of.get(name, 0) for name in segments.SEGMENTS}, "": sizes.everybody}
    told |= {str(tier.id): tier.members for tier in sizes.tiers}
    listed = {keep: segments.narrowed(finding.search(""), keep, at=NOW).count() for keep in told}
    assert told == listed
    assert listed[segments.REDEEMED] == listed[segments.TODAY] == 3
    assert listed[str(gold.pk)] == listed[""] == 5, "the blocked card is in its tier, and listed"


def test_any_part_of_a_phone_finds_it(in_cafe):
    for text in ("234", "0123", "50123", "050 123", "97150", "٢٣٤"):
        assert list(finding.search(text)) == [in_cafe.member], text
    for text in ("9123", "12", "0501234568", "000", "%234"[:2]):
        assert list(finding.search(text)) == [], text


def test_a_big_shop_reads_its_pages_along_the_index(in_cafe, people, monkeypatch):
    found = finding.search("")
    program = programs.current()
    small = {sort: list(roster.page_of(found, program, sort=sort)) for sort in roster.SORTS}
    monkeypatch.setattr(roster, "MANY", 0)
    for sort, members in small.items():
        assert list(roster.page_of(found, program, sort=sort)) == members
    monkeypatch.setattr(roster, "PAGE", 3)
    first = roster.page_of(found, program, sort="last")
    assert [each.name for each in first] == [each.name for each in small["last"]][:3]
    assert first.object_list[0].balance == 24


def test_members_of_a_paused_program_are_still_listed(in_cafe):
    Program.objects.update(status=Program.Status.PAUSED)
    page = roster.page_of(finding.search(""), programs.current())
    assert [member.name for member in page] == ["Amina Rahman"]


def test_what_is_owed_adds_up_and_is_worth_the_best_reward(in_cafe, people):
    by, program = in_cafe.till, Program.objects.get()
    assert owed(NOW).worth is None
    rewards.create(program, "item", "Coffee", at=NOW, by=by, cost=60, value=1500, unit_cost=600)
    told = owed(NOW)
    assert told.issued == told.redeemed + told.ended + told.outstanding
    assert told.worth == told.outstanding * 1500 // 60
    assert told.making == told.outstanding * 600 // 60


def test_a_dossier_holds_everything_and_no_secret(in_cafe):
    member = in_cafe.member
    sales.record(member, 2450, at=NOW, by=in_cafe.till, key="a", ref="=cmd()")
    adjustments.adjust(
        member, 5, reason="+ sorry", at=NOW, by=Actor.of_staff(in_cafe.owner), key="b"
    )
    told = dossiers.dossier(member, at=NOW)
    json.dumps(told)
    assert told["member"]["name"] == "Amina Rahman"
    assert {row["value"] for row in told["known_by"]} == {"+971501234567"}
    assert [row["points"] for row in told["entries"]] == [24, 5]
    assert told["sales"][0]["total"] == 2450
    head, *rows = csv.reader(io.StringIO(dossiers.entries_as_csv(member)))
    assert head == ["at", "kind", "points", "reason", "sale", "receipt"]
    assert [row[2] for row in rows] == ["24", "5"]
    assert (rows[0][5], rows[1][3]) == ("'=cmd()", "'+ sorry"), "a spreadsheet would compute it"
