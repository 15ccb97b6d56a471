"""A rehearsal of the 69,659 real purchases: its seconds, and how many times pricing alone it costs.

    python -m bench.rehearsal [SALES]

Pricing alone: the same baskets and situations, made ready beforehand, through the same tariff.
"""

from __future__ import annotations

import itertools
import logging
import sys
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bench.engine import timed
from bench.stage import analyze, stage, table

DRAFT = [
    {"kind": "spend", "points": 1, "per": 100},
    {"kind": "multiplier", "factor": 2, "conditions": {"days": ["tue"], "hours": "11:00-17:00"}},
    {"kind": "bonus", "points": 20, "conditions": {"min_spend": 5000}},
]
CAPS = {"points_per_day": 200, "points_per_member": 5_000}


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else None
    logging.disable(logging.WARNING)
    with stage() as environment:
        from django.utils import timezone

        from loyalty import demo, exchange, rehearsal
        from loyalty.models import Purchase
        from loyalty.opening import open_shop
        from loyalty.pricing import Basket, Situation
        from loyalty.tariff import Tariff
        from tenants.context import inside

        now = timezone.now()
        opened = open_shop(
            "bench", name="Bench", email="a@b.example", owner_name="A", country="US", at=now
        )
        with inside(opened.opened.tenant):
            read = exchange.read(demo.CDNOW, zone=ZoneInfo("UTC"), decimals=2)
            for done in exchange.replay(itertools.islice(read, wanted), name="cdnow", at=now):
                pass
            analyze(environment)
            last = Purchase.objects.latest("occurred_at").occurred_at
            live = rehearsal.draft_of(opened.program)
            draft = rehearsal.draft_of(opened.program, DRAFT)
            capped = rehearsal.draft_of(opened.program, DRAFT, caps=CAPS)
            asked = [
                (Basket(total), Situation(at, location="Bench"))
                for total, at in Purchase.objects.order_by("pk").values_list("total", "occurred_at")
            ]
            rows = []
            for name, terms in (("live", live), ("draft", draft), ("draft with caps", capped)):
                rehearsed = timed(lambda terms=terms: replayed(terms, last))  # type: ignore[misc]
                tariff = Tariff(terms)
                alone = timed(lambda tariff=tariff: [tariff.price(*each) for each in asked])  # type: ignore[misc]
                found = rehearsed.found
                assert found.sales == done.recorded
                rows += [
                    (f"{name}: seconds", f"{rehearsed.seconds:.2f}", ""),
                    (f"{name}: ÷ pricing alone", f"{rehearsed.seconds / alone.seconds:.1f} ×", ""),
                    (f"{name}: sales that change", f"{found.changed:,}", ""),
                    (f"{name}: memory more", f"{rehearsed.memory} MB", "flat in sales"),
                ]
                if name == "live":
                    assert (found.changed, found.draft) == (0, done.points)
    table(f"A rehearsal of {done.recorded:,} sales of {done.points:,} points", rows)


def replayed(terms: Any, at: datetime) -> Any:
    from loyalty.rehearsal import rehearse

    return rehearse(terms, days=1_000, at=at)


if __name__ == "__main__":
    main()
