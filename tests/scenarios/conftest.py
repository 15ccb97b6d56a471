"""`--scenarios FILE.yaml`: another file of the format instead of our two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.reading import Scenario, parts_of
from tests.scenarios.shapes import FormatError

OURS = [Path(__file__).with_name(name) for name in ("loyalty.yaml", "more.yaml")]
BY_HAND = frozenset(["ISO-01"])  # tests.scenarios.test_isolation


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--scenarios",
        metavar="FILE",
        help="run the scenarios of this file instead of those in tests/scenarios",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test an id. One that has a race in it is committed, because other connections look on."""
    if "scenario" not in metafunc.fixturenames:
        return
    asked = metafunc.config.getoption("scenarios")
    paths = [metafunc.config.invocation_params.dir / asked] if asked else OURS
    found = [part for path in paths for part in parts_of(path.read_text(encoding="utf-8"))]
    tests = [_test(name, scenario) for name, scenario in found if name not in BY_HAND]
    metafunc.parametrize("scenario", tests)


def _test(name: str, scenario: Scenario | FormatError) -> Any:
    commits = isinstance(scenario, Scenario) and scenario.races
    return pytest.param(scenario, id=name, marks=pytest.mark.django_db(transaction=commits))
