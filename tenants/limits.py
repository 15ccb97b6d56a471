"""How much of the machine one tenant may use: requests of a policy, counted over all processes.

The generic cell rate algorithm (ITU-T I.371) keeps one number a tenant and policy, the time at
which its bucket will be full again. One Lua call in Valkey reads it, decides and writes it, by
Valkey's own clock, so a limit of n admits exactly n, however many processes ask.

This is about load and may be forgiving: with Valkey away each process counts its share by itself.
What is about guessing never forgives and stands in PostgreSQL (tenants.guesses).
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from redis.exceptions import NoScriptError, RedisError

from tenants.cache import client, key_of

SECOND, MINUTE = 1_000_000, 60_000_000  # microseconds, as all times in here


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, and `per_minute` for as long as one likes."""

    per_minute: int
    burst: int

    @property
    def interval(self) -> int:
        """Microseconds in which one unit comes back."""
        return MINUTE // self.per_minute

    @property
    def window(self) -> int:
        """Seconds in which the whole burst comes back, rounded up."""
        return _seconds(self.burst * self.interval)

    def share(self, processes: int) -> Rate:
        """What one of so many processes may give without asking the others."""
        return Rate(max(1, self.per_minute // processes), max(1, self.burst // processes))


# Which requests are counted together. A shop's customers cannot use up what its till needs.
POLICIES = ("till", "pages", "public", "api", "embed")
DEFAULT_PLAN = "free"

# A busy till: a sale every ten seconds at each of ten tills, with a search and a quote for every
# key pressed, is 600 a minute. A launch day: 300 customers who open their card within a minute ask
# for the page, the colours and the sign-in link each. Whoever works in the portal reads a page a
# second, or opens ten tabs at once; its pages are the dear ones. A card on the shop's own site asks
# three things, each with a question of the browser's before it: twenty visitors at once.
PLANS: dict[str, dict[str, Rate]] = {
    "free": {
        "till": Rate(per_minute=600, burst=120),
        "pages": Rate(per_minute=150, burst=12),
        "public": Rate(per_minute=1_200, burst=300),
        "api": Rate(per_minute=120, burst=30),
        "embed": Rate(per_minute=600, burst=120),
    },
    "plus": {
        "till": Rate(per_minute=3_000, burst=600),
        "pages": Rate(per_minute=600, burst=60),
        "public": Rate(per_minute=6_000, burst=1_000),
        "api": Rate(per_minute=1_200, burst=200),
        "embed": Rate(per_minute=3_000, burst=600),
    },
}


@dataclass(frozen=True, slots=True)
class Decision:
    """May it go on? `until_full` and `wait` are microseconds; headers tell whole seconds."""

    allowed: bool
    rate: Rate
    until_full: int
    wait: int

    @property
    def limit(self) -> int:
        """How many at once."""
        return self.rate.burst

    @property
    def remaining(self) -> int:
        interval = self.rate.interval
        return (self.rate.burst * interval - self.until_full) // interval

    @property
    def reset(self) -> int:
        """Seconds until the whole burst is there again, rounded up."""
        return _seconds(self.until_full)

    @property
    def retry_after(self) -> int:
        """Seconds until the same request would be allowed, rounded up; 0 if it was."""
        return _seconds(self.wait)


def rate_of(plan: str, policy: str) -> Rate:
    """What a plan allows; a plan that nobody knows is the free one."""
    return PLANS.get(plan, PLANS[DEFAULT_PLAN])[policy]


def admit(tenant_id: UUID, plan: str, policy: str, cost: int = 1) -> Decision:
    """Take `cost` units out of this tenant's bucket, or say how long to wait.

    What is refused costs nothing. What is dearer than the whole burst needs, and takes, a full
    bucket.
    """
    return _admit(key_of(f"limit:{policy}", tenant_id), rate_of(plan, policy), cost)


def admit_at(door: str, rate: Rate) -> Decision:
    """The same for one door of the shop that we are inside: so often it opens ("join", or "join"
    and a network).
    """
    return _admit(key_of(f"limit:door:{door}"), rate, 1)


def _admit(key: str, rate: Rate, cost: int) -> Decision:
    if known := empty.decision(key, rate, cost):
        return known
    began = _now()
    try:
        decision = ask_valkey(client(), key, rate, cost)
    except (RedisError, OSError):
        return own.admit(key, rate.share(settings.WEB_CONCURRENCY), cost)
    if not decision.allowed:
        empty.note(key, cost, decision, at=began)
    return decision


# Times stay below 2**53, where Lua's numbers are exact. A time in the bucket that is further ahead
# than a bucket can be is of a clock that went back: nobody waits for it. A bucket is kept for a
# minute after it is full again, when it says no more than none would.
SCRIPT = """
local interval, burst, cost, now =
    tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if now == 0 then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
end
local size = burst * interval
local kept = tonumber(redis.call('GET', KEYS[1]) or '0')
local full = math.min(math.max(kept, now), now + size)
local after = full + math.min(cost, burst) * interval
local wait = math.max(after - now - size, 0)
local next = wait > 0 and full or after
if wait == 0 or next < kept then
    local text = string.format('%.0f', next)
    redis.call('SET', KEYS[1], text, 'PX', math.ceil((next - now) / 1000) + 60000)
end
return {wait == 0 and 1 or 0, next - now, wait}
"""
SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()  # how EVALSHA names it


def ask_valkey(valkey: Any, key: str, rate: Rate, cost: int, *, now: int = 0) -> Decision:
    """One call; a second one where Valkey has not seen the script yet. `now` is for tests."""
    told = (1, key, rate.interval, rate.burst, cost, now)
    try:
        answer = valkey.evalsha(SHA, *told)
    except NoScriptError:
        answer = valkey.eval(SCRIPT, *told)
    allowed, until_full, wait = answer
    return Decision(bool(allowed), rate, until_full, wait)


class Empty:
    """Buckets that Valkey has just found empty. Nobody is let in before the time it named, so
    until then nobody has to be asked: a flood is refused without a word to Valkey.
    """

    SIZE = 10_000

    def __init__(self) -> None:
        self._found: dict[tuple[str, Rate, int], tuple[int, Decision]] = {}

    def note(self, key: str, cost: int, decision: Decision, *, at: int) -> None:
        if len(self._found) >= self.SIZE:
            self._found.clear()
        self._found[key, decision.rate, cost] = (at, decision)

    def decision(self, key: str, rate: Rate, cost: int) -> Decision | None:
        """The refusal that Valkey would give now, or None: it has to be asked."""
        found = self._found.get((key, rate, cost))
        if found is None:
            return None
        at, then = found
        passed = _now() - at
        if passed >= then.wait:
            self._found.pop((key, rate, cost), None)
            return None
        return Decision(False, rate, then.until_full - passed, then.wait - passed)


empty = Empty()


class Buckets:
    """The same in this process alone: for when Valkey is away, and for whom no tenant is known."""

    def __init__(self, size: int = 20_000) -> None:
        self._full: OrderedDict[str, int] = OrderedDict()  # key → when it is full again
        self._size = size
        self._lock = threading.Lock()

    def look(self, key: str, rate: Rate) -> Decision:
        """What `admit` would say."""
        return self.admit(key, rate, take=False)

    def admit(
        self, key: str, rate: Rate, cost: int = 1, *, take: bool = True, now: int = 0
    ) -> Decision:
        now = now or _now()
        size = rate.burst * rate.interval
        with self._lock:
            full = min(max(self._full.get(key, 0), now), now + size)
            after = full + min(cost, rate.burst) * rate.interval
            wait = max(after - now - size, 0)
            self._full[key] = full = full if wait or not take else after
            self._full.move_to_end(key)
            if len(self._full) > self._size:
                self._full.popitem(last=False)  # the one that was asked longest ago
        return Decision(not wait, rate, full - now, wait)

    def forget(self) -> None:
        with self._lock:
            self._full.clear()


own = Buckets()


def _now() -> int:
    return time.monotonic_ns() // 1000


def _seconds(microseconds: int) -> int:
    return -(-microseconds // SECOND)
