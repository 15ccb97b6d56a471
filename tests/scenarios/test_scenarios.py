"""The behaviour of loyalty/ as told by loyalty.yaml and more.yaml, or by `--scenarios FILE`."""

from __future__ import annotations

import os

import pytest

from portal.testbed import THOROUGH
from tests.scenarios.hands import Hands
from tests.scenarios.playing import orders, play
from tests.scenarios.shapes import FormatError

# Runs in a row of each scenario, and rounds of each race on fresh shops.
RUNS, ROUNDS = (10, 50) if os.environ.get(THOROUGH) == "1" else (1, 4)


def test_scenario(scenario):
    if isinstance(scenario, FormatError):
        raise scenario
    if scenario.is_manual:
        pytest.skip("check: manual, and nobody has written it")
    for _ in range(RUNS):
        for order in orders(scenario):
            play(scenario, order=order)
    if scenario.races:
        with Hands() as hands:
            for left in reversed(range(ROUNDS)):
                play(scenario, hands=hands, walks=left == 0)
