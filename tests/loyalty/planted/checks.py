"""Direct checks of what a scenario cannot say."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from django.db import connection

from loyalty.codes import code_key, new_code
from loyalty.enrolment import enrol
from loyalty.models import Entry
from loyalty.programs import set_rules
from loyalty.purchases import record
from tenants.actors import Actor
from tenants.context import inside
from tenants.failpoints import Failed
from tests.conftest import NOW, make_shop
from tests.loyalty.planted.planting import committed, drilled
from tests.scenarios.hands import Hands


@committed
def a_crash_after_the_commit_counts_once() -> None:
    """The process dies when all is kept and nobody was told; the till sends the sale again."""
    shop = make_shop("crash")
    with inside(shop.tenant):
        for drill in ("after_commit=raise@1", ""):
            with drilled(drill), suppress(Failed):
                record(shop.member, 5000, at=NOW, by=shop.till, key="k")
            connection.close()  # with what it had still meant to do
        assert list(Entry.objects.values_list("amount", flat=True)) == [50]


def codes_are_read_without_doubt() -> None:
    """A code that we make up has no letter that looks like a digit, and is found as it is."""
    for _ in range(200):
        code = new_code()
        assert not set(code) & set("ILOU")
        assert code_key(code) == code.replace("-", "")


@committed
def a_bonus_for_the_first_two_goes_to_two() -> None:
    """Six members buy at the same moment."""
    shop = make_shop("first")
    by = Actor.of_staff(shop.owner)
    bonus = {"kind": "bonus", "points": 20, "conditions": {"total_uses": 2}}
    with inside(shop.tenant), Hands() as hands:
        set_rules(shop.program, [bonus], at=NOW, by=by)
        people = [enrol(card=f"c{n}", at=NOW, by=by) for n in range(6)]
        sales = [
            partial(record, member, 1000, at=NOW, by=by, key=f"k{n}")
            for n, member in enumerate(people)
        ]
        points = [done.points for done in hands.race(shop.tenant, sales)]
        assert sorted(points) == [0, 0, 0, 0, 20, 20]
