"""A scenario is played: its steps one after the other, each looked at, and the state at its end."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db import transaction

from loyalty import sweeping
from loyalty.books import walk
from loyalty.refusals import Refusal
from tests.scenarios import books, state
from tests.scenarios.acting import prepare
from tests.scenarios.hands import Hands
from tests.scenarios.reading import Scenario
from tests.scenarios.stage import Stage, set_stage
from tests.scenarios.telling import remember, told

Step = dict[str, Any]
DONE = ("ok", "error")
READING = ("quote", "lookup", "mail", "report")


class Wrong(AssertionError):
    """A scenario went otherwise than it says."""


def play(
    scenario: Scenario, *, order: int = 0, hands: Hands | None = None, walks: bool = True
) -> None:
    """Play it on a stage of its own. Raises Wrong, which names the step, what was expected and what
    came.

    Parallel steps are done by `hands` at once; without them one after the other, in the `order` of
    that number. At the end loyalty.books `walks` through the shop.
    """
    with set_stage(scenario) as stage:
        player = Player(scenario, stage, order, hands)
        for part, steps in (("history", scenario.history), ("when", scenario.when)):
            for place, step in enumerate(steps, 1):
                player.take(step, f"{part} {place}")
        player.look(scenario.then, "then", walks=walks)


def orders(scenario: Scenario) -> range:
    """The numbers of the orders in which parallel steps are tried: in turn each is the first."""
    return range(max([1, *(len(step.get("parallel", ())) for step in scenario.when)]))


class Player:
    def __init__(self, scenario: Scenario, stage: Stage, order: int, hands: Hands | None) -> None:
        self.scenario, self.stage, self.order, self.hands = scenario, stage, order, hands

    def take(self, step: Step, where: str) -> None:
        """One step of the scenario, whatever its form."""
        if "parallel" in step:
            self._race(step["parallel"], step.get("expect", {}), where)
        elif "repeat" in step:
            self._race([step["step"]] * step["repeat"], step.get("expect", {}), where)
        else:
            self._act(step, f"{where} ({step['op']})")
        self._refuse_faults(where)
        if "then" in step:
            self.look(step["then"], f"{where} then")

    def look(self, then: dict[str, Any], where: str, *, walks: bool = False) -> None:
        """Compare the state with what a `then` says; then settle everything and compare again.

        What was settled is undone, so that no later step leans on it. Without a `then` the state
        must still be the same before and after.
        """
        at = self.stage.instant(then.get("at"))
        before = self._members(at)
        wrong = list(self._differences(then, before, at))
        remaining = dict(self.stage.remaining)
        with transaction.atomic():
            sweeping.sweep(at)
            after = self._members(at)
            wrong += _compare(before, after, "settled")
            wrong += list(self._settled(then, after))
            wrong += [*books.faults(self.stage), *map(str, walk(at) if walks else ())]
            transaction.set_rollback(True)
        self.stage.remaining = remaining
        self._raise(wrong, where)

    def _act(self, step: Step, where: str) -> None:
        call, expect = prepare(self.stage, step), step.get("expect", {})
        reads = step["op"] in READING or bool(step.get("dry_run"))
        if reads or _is_refused(expect):
            outcome = self._watched(call, where, reads=reads)
        else:
            outcome = _outcome(call)
        self._told(step, outcome, where)

    def _watched(self, call: Callable[[], Any], where: str, *, reads: bool = False) -> Any:
        """The outcome of a call. One that is refused, or that only reads, must change nothing."""
        before = books.rows()
        outcome = _outcome(call)
        must_not = reads or isinstance(outcome, Refusal)
        if must_not and (changed := books.changes(before, books.rows())):
            self._raise(["must change nothing, but wrote", *changed], where)
        return outcome

    def _told(self, step: Step, outcome: Any, where: str) -> None:
        """What came of one command, beside what was expected of it."""
        expect = step.get("expect", {})
        refused = outcome.code if isinstance(outcome, Refusal) else None
        error = expect.get("error", refused if _is_refused(expect) else None)
        if refused != error:
            came = f"refused as {refused}" if refused else "done"
            self._raise([f"{came}, expected {error or 'success'}"], where)
        elif not refused and _is_refused(expect):
            self._raise(["done, expected to be refused"], where)
        self.stage.pass_to(step.get("at"), step.get("received"))
        if not refused:
            remember(self.stage, step, outcome)
        wanted = {key: _plain(step, value) for key, value in expect.items() if key not in DONE}
        came = {key: told(self.stage, step, outcome, key) for key in wanted}
        self._raise(list(_compare(wanted, came, "")), where)

    def _race(self, steps: Sequence[Step], expect: dict[str, Any], where: str) -> None:
        calls = [prepare(self.stage, step) for step in steps]
        if self.hands:
            outcomes = self.hands.race(
                self.stage.tenant, [lambda call=call: _outcome(call) for call in calls]
            )
        else:
            outcomes: list[Any] = [None] * len(calls)
            for place in self._ordered(len(calls)):
                outcomes[place] = self._watched(calls[place], where)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
        came = {
            "succeed": len(outcomes) - len(refused),
            "errors": dict(Counter(refusal.code for refusal in refused)),
        }
        if not expect and not any("expect" in step for step in steps):
            expect = {"succeed": len(steps)}
        wanted = {"errors": {}, **expect} if expect.get("succeed") == len(steps) else expect
        self._raise(list(_compare(wanted, {key: came[key] for key in wanted}, "")), where)
        for step, outcome in zip(steps, outcomes, strict=True):
            if "expect" in step:
                self._told(step, outcome, where)
            elif not isinstance(outcome, Refusal):
                remember(self.stage, step, outcome)
            self.stage.pass_to(step.get("at"), step.get("received"))

    def _ordered(self, count: int) -> list[int]:
        return [(self.order + place) % count for place in range(count)]

    def _members(self, at: dt.datetime) -> dict[str, Any]:
        return {name: state.points_of(self.stage, name, at) for name in self.stage.members}

    def _differences(
        self, then: dict[str, Any], members: dict[str, Any], at: dt.datetime
    ) -> Iterator[str]:
        """Where the state is otherwise than `then` says, nothing being settled."""
        for name, wanted in then.get("members", {}).items():
            plain = {key: _sorted(key, value) for key, value in wanted.items()}
            plain.pop(state.SETTLED, None)
            came = members.get(name, {})
            if came and not plain.keys() <= came.keys():
                came = {**came, **state.person(self.stage, name)}
            yield from _compare(plain, _some(came, plain), name)
        things: list[tuple[str, Callable[[str], dict[str, Any]]]] = [
            ("rewards", lambda name: state.reward_state(self.stage, name)),
            ("vouchers", lambda name: state.voucher_state(self.stage, name, at)),
            ("purchases", lambda name: state.purchase_state(self.stage, name)),
        ]
        for kind, of in things:
            for name, wanted in then.get(kind, {}).items():
                plain = {key: _sorted(key, value) for key, value in wanted.items()}
                yield from _compare(plain, _some(of(name), plain), name)
        for key in ("member_count", "vouchers_issued", "flags"):
            if key in then:
                yield from _compare(
                    {key: _sorted(key, then[key])}, {key: state.shop_state(self.stage, key)}, ""
                )

    def _settled(self, then: dict[str, Any], members: dict[str, Any]) -> Iterator[str]:
        """The same once time has been written down: entries, and the sums that are kept."""
        for name, wanted in then.get("members", {}).items():
            if state.SETTLED in wanted and name in self.stage.members:
                came = {state.SETTLED: state.entries_of(self.stage, name)}
                yield from _compare({state.SETTLED: wanted[state.SETTLED]}, came, name)
        for name in self.stage.members:
            kept = state.kept_sums(self.stage, name)
            yield from _compare(_some(members[name], kept), kept, f"{name}'s row")

    def _refuse_faults(self, where: str) -> None:
        self._raise(list(books.faults(self.stage)), where)

    def _raise(self, wrong: Sequence[str], where: str) -> None:
        if wrong:
            raise Wrong(f"{self.scenario.id} {where}: " + "\n  ".join(wrong))


def _is_refused(expect: dict[str, Any]) -> bool:
    return "error" in expect or expect.get("ok") is False


def _outcome(call: Callable[[], Any]) -> Any:
    """What a verb returned, or its refusal. Anything else that it raises is a fault of ours."""
    try:
        return call()
    except Refusal as refusal:
        return refusal


def _compare(wanted: dict[str, Any], came: dict[str, Any], about: str) -> Iterator[str]:
    for key, value in wanted.items():
        if key not in came or came[key] != value:
            yield f"{about} {key}: expected {value!r}, got {came.get(key)!r}".strip()


def _plain(step: Step, value: Any) -> Any:
    return sorted(value) if step["op"] == "mail" and isinstance(value, list) else value


def _sorted(key: str, value: Any) -> Any:
    return sorted(value) if key in ("identifiers", "flags") else value


def _some(told: dict[str, Any], keys: Any) -> dict[str, Any]:
    return {key: told[key] for key in keys if key in told}
