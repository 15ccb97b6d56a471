"""Every planted bug turns red what it says, and without it all of that is green."""

from __future__ import annotations

import inspect

import pytest

from tests.loyalty.planted.planting import bugs, catches, needs_commits, scenarios, title

BUGS = bugs()
CATCHERS = {title(catcher): catcher for bug in BUGS.values() for catcher in bug.caught_by}
FEWEST = 30


def stage(commits):
    return pytest.mark.django_db(transaction=commits)


class Careful:
    """A MonkeyPatch that looks whether what it puts in can be called as what was there."""

    def __init__(self, patch):
        self._patch = patch

    def setattr(self, target, name, new):
        old = getattr(target, name)
        if inspect.isfunction(old):
            kinds = list(inspect.signature(old).parameters.values())
            placed = [each for each in kinds if each.kind is each.POSITIONAL_OR_KEYWORD]
            named = [each.name for each in kinds if each.kind is each.KEYWORD_ONLY]
            inspect.signature(new).bind(*placed, **dict.fromkeys(named))
        self._patch.setattr(target, name, new)

    def setitem(self, *told):
        self._patch.setitem(*told)


def test_there_are_enough_and_each_spot_is_still_there(monkeypatch):
    assert len(BUGS) >= FEWEST
    for bug in BUGS.values():
        with monkeypatch.context() as patch:
            bug.plant(Careful(patch))
    named = [each for bug in BUGS.values() for each in bug.caught_by if isinstance(each, str)]
    assert set(named) <= scenarios().keys()


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=stage(needs_commits(each))) for name, each in CATCHERS.items()],
)
def test_the_engine_itself_is_green(name):
    assert catches(CATCHERS[name]) == ""


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=stage(bug.commits)) for name, bug in BUGS.items()]
)
def test_a_planted_bug_is_caught(name, monkeypatch, record_property):
    bug = BUGS[name]
    bug.plant(monkeypatch)
    told = {title(catcher): catches(catcher) for catcher in bug.caught_by}
    monkeypatch.undo()
    assert all(told.values()), told
    record_property("planted", f"{name:<44} {', '.join(told)}")
