"""The resiliency matrix: what each feature does under each fault. Every cell is a test.

ok: as ever · slower: as ever, within a second · retry: the server tries again, nobody notices ·
503: a clean refusal with a time to come again, and nothing changed · refused: ok or 503 within
three seconds · known: the shop's name is known, whatever the page says · resumes: run again it goes
on, each sale once · held: who guessed must wait all the same.

Redeem, the API and export come with their own issues, and so does a sink of mails and webhooks.
"""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults import disk
from tests.faults.desk import LINES, Desk
from tests.faults.scenes import RESTARTS_EVERY, under
from tests.faults.stage import Stage, faketime
from tests.test_embedded import until

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.xdist_group("matrix"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

TABLE = """
feature     | Valkey dead | Valkey frozen | Valkey flushed | PG restart | PG dead | pool full | disk full | worker dead | clock back
award       | ok          | slower        | ok             | retry      | 503     | refused   | 503       | ok          | ok
search      | ok          | slower        | ok             | retry      | 503     | refused   | ok        | ok          | ok
card        | ok          | slower        | ok             | retry      | 503     | refused   | ok        | ok          | ok
home        | ok          | slower        | ok             | retry      | 503     | refused   | ok        | ok          | ok
login       | ok          | slower        | ok             | retry      | 503     | refused   | ok        | ok          | ok
guesses     | held        | held          | held           |            |         |           |           | held        | held
import      | ok          | ok            | ok             | resumes    | resumes | ok        | resumes   | ok          | ok
resolution  | ok          | ok            | ok             | known      | known   | known     | ok        | ok          | ok
livez       | ok          | ok            | ok             | ok         | ok      | ok        | ok        | ok          | ok
readyz      | cache away  | cache away    | ok             | short      | 503     | 503       | 503       | degraded    | ok
"""  # noqa: E501 (a table)
KNOWN = {("readyz", "worker dead"): "no process of the web knows whether a worker lives"}

ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]
COLUMNS = ROWS[0][1:]
CELLS = {
    column: {row[0]: row[number] for row in ROWS[1:] if row[number]}
    for number, column in enumerate(COLUMNS, 1)
}
SLOWER = 1.0  # seconds
REFUSED_WITHIN = 3.0  # seconds
PACE = 0.07  # seconds: a shop of the larger plan may ask for 120 pages in a restart
SETTLES = 30  # seconds until all is well again


# The stage ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(clock=faketime() is not None) as stage:
        yield stage


@pytest.fixture(scope="module")
def small_disk() -> Iterator[Stage]:
    if why := disk.why_not():
        pytest.skip(why)
    with Stage(disk=220, worker=False) as stage:
        yield stage


class Column:
    def __init__(self, name: str, desk: Desk) -> None:
        self.name, self.desk = name, desk
        self.sent: list[str] = []  # keys of sales, to be there once in the end
        self.files: list[str] = []  # of imports that the fault may have broken off

    def award(self) -> Any:
        key = str(uuid.uuid4())
        self.sent.append(key)
        return self.desk.award(key)


@pytest.fixture(scope="module", params=COLUMNS)
def column(request: pytest.FixtureRequest) -> Iterator[Column]:
    """The fault is on while the cells of its column are tried, and over at the end.

    What was refused is then sent again with its key, as the till does, and is there once.
    """
    name = request.param
    stage = request.getfixturevalue("small_disk" if name == "disk full" else "stage")
    if name == "clock back" and not faketime():
        pytest.skip("libfaketime is not installed")
    desk = Desk(stage)
    column = Column(name, desk)
    with under(stage, name):
        desk.close()  # connections that began before it
        yield column
    until(stage.serves, SETTLES)
    for key in column.sent:
        until(lambda key=key: desk.award(key).is_fine, SETTLES)
    assert [key for key in column.sent if desk.sales_with(key) != 1] == []
    for file in column.files:
        done = desk.import_sales(file)
        assert (done.returncode, desk.imported(file)) == (0, LINES), done.stderr
    desk.close()


# The cells ------------------------------------------------------------------------------------


@pytest.mark.parametrize("feature", [row[0] for row in ROWS[1:]])
def test_the_matrix(column: Column, feature: str, request: pytest.FixtureRequest) -> None:
    wanted = CELLS[column.name].get(feature)
    if not wanted:
        pytest.skip("no promise is made")
    if why := KNOWN.get((feature, column.name)):
        request.applymarker(pytest.mark.xfail(reason=why, strict=True))
    if feature == "import":
        return imports(column, wanted)
    if feature == "guesses":
        return guesses(column)
    if feature == "readyz":
        return tells_the_truth(column, wanted)
    act = column.award if feature == "award" else getattr(column.desk, feature)
    return PROMISES[wanted](act)


def is_ok(act: Any) -> None:
    for _ in range(3):
        answer = act()
        assert answer.is_fine, answer


def is_ok_within_a_second(act: Any) -> None:
    for _ in range(8):  # until the breaker is open
        act()
    answers = [act() for _ in range(5)]
    assert all(answer.is_fine for answer in answers), answers
    assert sorted(answer.seconds for answer in answers)[2] <= SLOWER


def is_tried_again(act: Any) -> None:
    """While at least one restart goes on, asked no faster than the shop's limits allow."""
    until_, pace = time.monotonic() + RESTARTS_EVERY + 1, threading.Event()
    answers = []
    while time.monotonic() < until_:
        answers.append(act())
        pace.wait(PACE)
    assert [answer for answer in answers if not answer.is_fine] == []


def is_refused(act: Any) -> None:
    """In the end: a disk has room in pages that were begun."""
    for _ in range(300):
        answer = act()
        if not answer.is_fine:
            break
    assert answer.is_503, answer


def is_ok_or_refused_soon(act: Any) -> None:
    answers = [act() for _ in range(5)]
    assert all(answer.is_fine or answer.is_503 for answer in answers), answers
    # Whoever asks first whose name it is, every few seconds, waits for the pool twice.
    assert sorted(answer.seconds for answer in answers)[2] <= REFUSED_WITHIN, answers


def is_known(act: Any) -> None:
    answer = act()
    assert answer.is_fine or answer.is_503, answer


PROMISES = {
    "ok": is_ok,
    "slower": is_ok_within_a_second,
    "retry": is_tried_again,
    "503": is_refused,
    "refused": is_ok_or_refused_soon,
    "known": is_known,
}


def guesses(column: Column) -> None:
    try:
        assert column.desk.guess().status in (422, 429)
    finally:
        column.desk.forget_guesses()


def imports(column: Column, wanted: str) -> None:
    """What a fault broke off goes on when it is over: see the end of the fixture `column`."""
    name = f"file{COLUMNS.index(column.name)}"
    done = column.desk.import_sales(name)
    if wanted == "ok":
        assert done.returncode == 0, done.stderr
        assert column.desk.imported(name) == LINES
    else:
        column.files.append(name)


def tells_the_truth(column: Column, wanted: str) -> None:
    desk, expected = column.desk, {"status": 200, "ready": True, "database": "ok"}
    if wanted == "ok":
        expected["cache"] = "ok"
    elif wanted == "cache away":
        expected["cache"] = "away"
    elif wanted == "503":
        expected = {"status": 503, "ready": False}
    elif wanted == "degraded":
        expected["worker"] = "away"
    if column.name == "disk full":  # it is found by those who write
        is_refused(column.award)
    if column.name == "pool full":  # and by those who ask
        until(lambda: desk.search().is_503, 30)
    if wanted == "short":  # both are seen while restarts go on, and nothing else
        seen = [desk.ready()["status"] for _ in range(60)]
        assert set(seen) <= {200, 503}
        return
    until(lambda: desk.ready().items() >= expected.items(), 5)
