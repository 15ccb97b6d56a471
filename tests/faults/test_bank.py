"""Sixty seconds of sales under every fault there is, and then the books.

The log of the same run is read too: whatever happened, it is one object a line, each request tells
whose it was, and nobody's name, number or secret is in it.
"""

from __future__ import annotations

import random
import re
import sys
import time

import pytest

from tests.faults.bank import Bank
from tests.faults.faults import all_of_them
from tests.faults.logs import secrets_of, wrong_in
from tests.faults.processes import about
from tests.faults.stage import Stage, faketime

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.xdist_group("bank"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]
SEED = 20261124
LASTS = 60  # seconds
QUIET = 0.7
DEATHS = "after_commit=kill:0.5%;before_commit=kill:0.5%;before_reply=kill:0.5%"


@pytest.fixture(scope="module")
def run():
    """The outcome, the log, and the secrets that it must not tell; the stage is gone by then."""
    with Stage(clock=faketime() is not None) as stage:
        home = str(stage.home)
        faults = [fault for fault in all_of_them() if fault.needs(stage)]
        random.Random(SEED).shuffle(faults)  # noqa: S311 (a schedule)
        with Bank(stage, shops=3, seed=SEED) as bank:
            bank.calm(3)
            for fault in faults:
                bank.befall(fault)
                bank.calm(QUIET)
            stage.serve(PORTAL_FAILPOINTS=DEATHS)
            left = LASTS - (time.monotonic() - bank.began)
            bank.calm(max(10, left), "kill -9 at the worst moments")
            outcome = bank.settle()
            secrets = secrets_of(bank.shops)
        log = stage.log()
    sys.stderr.write(f"\n{outcome}\n{report(outcome)}\n")
    return home, outcome, log, secrets


def report(outcome):
    gaps = sorted(outcome.gaps.items(), key=lambda gap: -gap[1])
    calm = f"  {'calm':<28}{outcome.calm_gap:6.2f} s"
    return "\n".join([calm, *(f"  {name:<28}{gap:6.2f} s" for name, gap in gaps)])


def test_nothing_is_lost_nothing_is_double_nothing_is_mixed(run):
    _, outcome, _, _ = run
    assert outcome.wrong == {}, outcome
    assert len(outcome.gaps) >= 14
    assert outcome.seconds >= LASTS
    assert outcome.acknowledged > 100


def test_the_books_added_up_whenever_somebody_looked(run):
    _, outcome, _, _ = run
    assert "SUM" not in outcome.wrong
    assert outcome.reads >= 5 * outcome.seconds  # twenty a second while nothing stands still


def test_somebody_was_served_soon_after_each_fault(run):
    _, outcome, _, _ = run
    late = {name: gap for name, gap in outcome.gaps.items() if gap > 15}
    assert late == {}


def test_each_line_of_its_log_is_one_and_keeps_secrets(run):
    _, _, log, secrets = run
    requests = [line for line in log if '"portal.request"' in line]
    assert len(requests) > 100
    found = {}
    for what, line in wrong_in(log, secrets):
        found.setdefault(re.sub(r"\d+", "n", what), []).append(line[:400])
    assert {what: (len(lines), lines[:3]) for what, lines in found.items()} == {}


def test_no_process_is_left(run):
    assert about(run[0]) == []
