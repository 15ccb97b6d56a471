"""`manage.py test`: which steps an argument leaves out, and the summary at its end."""

import pytest

from portal.suite import Outcome, chooses, steps, table
from portal.testbed import Servers


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        ([], False),
        (["-x", "--tb=short"], False),
        (["-n0"], False),
        (["tests/test_suite.py"], True),
        (["tests/test_suite.py::test_the_summary"], True),
        (["-k", "ledger"], True),
        (["-kledger"], True),
        (["--lf"], True),
    ],
)
def test_arguments_that_choose_tests_leave_the_other_steps_out(arguments, chosen):
    assert chooses(arguments) is chosen


def test_every_part_of_the_code_is_checked():
    assert [step.name for step in steps()] == [
        *("format", "lint", "templates", "vendored", "imports", "checks", "migrations", "types")
    ]


def test_the_summary_ends_with_the_count_alone_on_a_line():
    outcomes = [Outcome("lint", 1, 0.5, "a line is too long"), Outcome("tests", 0, 7.0)]
    counts = {"passed": 12, "failed": 1, "error": 2, "skipped": 0}
    *lines, last = table(outcomes, counts, 8.0)
    assert last == "12 passed, 3 failed"
    assert ["lint", "FAILED", "0.5", "s"] in [line.split() for line in lines]
    assert ["tests", "ok", "7.0", "s"] in [line.split() for line in lines]


def test_the_summary_without_counts_counts_nothing():
    assert list(table([], {}, 0))[-1] == "0 passed, 0 failed"


def test_another_server_can_be_named_for_the_tests(monkeypatch):
    monkeypatch.setenv(
        "TEST_DATABASE_URL", "postgresql://portal_app:secret@db.example:6432/any?a=b"
    )
    monkeypatch.setenv("TEST_REDIS_URL", "redis://cache.example")
    environment = Servers().environment("test_1_main", cache=3)
    named = "postgresql://portal_app:secret@db.example:6432/test_1_main?a=b"
    assert environment["DATABASE_URL"] == named
    assert environment["DATABASE_OWNER_URL"].startswith("postgresql://portal_owner@/test_1_main?")
    assert environment["REDIS_URL"] == "redis://cache.example?db=3"
