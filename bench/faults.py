"""Each fault's longest gap in service: how long no till was told that its sale is done.

    python -m bench.faults [ROUNDS]

Six clients sell without a pause at a real portal with a durable PostgreSQL (tests/faults); the gap
is between two acknowledged sales of any of them. It is read beside the longest gap of a calm minute
of the same run, because on a busy machine calm has gaps too.
"""

from __future__ import annotations

import sys
from statistics import median

from bench.stage import table
from tests.faults.bank import Bank, Outcome
from tests.faults.faults import Fault, all_of_them
from tests.faults.stage import Stage, faketime

ROUNDS = 3
QUIET = 2.0  # seconds before and after each fault


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with Stage(clock=faketime() is not None) as stage:
        faults = [fault for fault in all_of_them() if fault.needs(stage)]
        outcomes = [one(stage, faults, seed) for seed in range(rounds)]
    calm = median(outcome.calm_gap for outcome in outcomes)
    gaps = {
        fault.name: median(outcome.gaps[fault.name] for outcome in outcomes) for fault in faults
    }
    lasted = {fault.name: fault.lasts for fault in faults}
    rows = [("calm", f"{calm:.2f} s", "1.0 ×")]
    for name, gap in sorted(gaps.items(), key=lambda each: -each[1]):
        rows.append((f"{name} ({lasted[name]:g} s)", f"{gap:.2f} s", f"{gap / calm:.1f} ×"))
    table(f"Longest gap without an acknowledged sale, median of {rounds} rounds", rows)
    for outcome in outcomes:
        print(f"  {outcome}")


def one(stage: Stage, faults: list[Fault], seed: int) -> Outcome:
    with Bank(stage, seed=seed) as bank:
        bank.calm(QUIET)
        for fault in faults:
            bank.befall(fault)
            bank.calm(QUIET)
        return bank.settle()


if __name__ == "__main__":
    main()
