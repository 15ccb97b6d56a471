"""Reads whose results are kept for a while, for each tenant, until one of their tables is written.

    HOME = Kept("home", Home, seconds=30, of=[Purchase, Account])
    figures = HOME.get(lambda: read_home(now))

For display only: nothing that decides reads from here. With Valkey away, frozen, full or flushed
everything works and is read anew.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar, cast
from uuid import UUID

import msgspec
from django.db.models import Model
from redis.exceptions import RedisError

from tenants import changes
from tenants.cache import client, key_of
from tenants.context import tenant_id
from tenants.fields import tenant_field

T = TypeVar("T")

LONGEST = 60  # seconds: what bounds an invalidation that nobody could tell
TOKEN_FOR = 86_400  # seconds
LEASE_FOR = 5_000  # milliseconds in which one reads for all
WAIT, PAUSE = 0.5, 0.02  # seconds that the others wait for it, and between two looks
SIZE = 2_000  # tenants that a process remembers


class Envelope(msgspec.Struct, Generic[T], array_like=True, forbid_unknown_fields=True):
    """What is in Valkey: a value, whose it is, and the tokens of its tables as it was read."""

    name: str
    tenant: UUID
    tokens: list[str]
    at: float  # Unix time
    value: T


class Look(NamedTuple, Generic[T]):
    """What was found: the envelope if it can be believed, and whether we hold the lease."""

    tokens: list[str]
    found: Envelope[T] | None
    is_ours: bool


class Kept(Generic[T]):
    """A read that is kept under `name` for `seconds`, typed by `kind`: a dataclass, say.

    `of` are the tenant-owned tables that it reads: a write to one of them by the ORM, in any
    process, ends it after the commit. Whoever writes must know what is kept, so modules with a Kept
    are imported when the apps are ready (AppConfig.ready). `remembered`: seconds that this process
    does not even ask Valkey; what another process writes is shown so much later.

    ValueError: more than LONGEST seconds. TypeError: a table that is nobody's.
    """

    def __init__(
        self,
        name: str,
        kind: type[T],
        *,
        seconds: float,
        of: Iterable[type[Model]],
        remembered: float = 0,
    ) -> None:
        if not 0 < seconds <= LONGEST or not 0 <= remembered <= seconds:
            raise ValueError(f"{name}: a read is kept for {LONGEST} seconds at most")
        models = list(of)
        if not models or not all(map(tenant_field, models)):
            raise TypeError(f"{name}: a kept read is of tenant-owned tables")
        self.name, self.seconds, self.remembered = name, seconds, remembered
        self.tables = frozenset(model._meta.db_table for model in models)
        # Another release keeps other fields, and so under another name.
        form = msgspec.json.encode(msgspec.json.schema(kind))
        self._key = f"kept:{name}:{hashlib.sha256(form).hexdigest()[:8]}"
        self._names = [*map(changes.token_name, sorted(self.tables)), self._key]
        self._decoder = msgspec.json.Decoder(Envelope[kind])  # type: ignore[valid-type]
        self._recent: dict[UUID, tuple[float, T]] = {}
        self._forgotten = 0
        for table in self.tables:
            changes.watch(table, self.forget)

    def get(self, make: Callable[[], T]) -> T:
        """The value of the tenant we are inside, by `make` where it is not kept.

        Raises OutsideTenant, and whatever `make` raises. In a transaction that has written to one
        of the tables it neither reads nor keeps.
        """
        tenant = tenant_id()
        if changes.uncertain(self.tables):
            return make()
        forgotten, now = self._forgotten, time.monotonic()
        if (recent := self._recent.get(tenant)) and now - recent[0] < self.remembered:
            return recent[1]
        value = self._from_valkey(tenant, make)
        if self.remembered and forgotten == self._forgotten:
            if len(self._recent) >= SIZE:
                self._recent.clear()
            self._recent[tenant] = now, value
        return value

    def forget(self, tenant: UUID | None = None) -> None:
        """Ask Valkey again, for this tenant or for all."""
        self._forgotten += 1  # also what is being read right now is not remembered
        if tenant:
            self._recent.pop(tenant, None)
        else:
            self._recent.clear()

    def version(self) -> str:
        """What the tables were when they were written last, in a word: as long as it stays the
        same, so does what is read from them. "" while nobody can tell.
        """
        if changes.uncertain(self.tables):
            return ""
        try:
            tokens = cast("list[bytes | None]", client().mget(self._keys()[:-1]))
        except RedisError:
            return ""
        if not all(tokens):
            return ""
        told = [changes.trusted_since(), *tokens]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def key(self) -> str:
        """Where the value of the tenant we are inside is kept."""
        return key_of(self._key)

    def _from_valkey(self, tenant: UUID, make: Callable[[], T]) -> T:
        try:
            *tokens, raw = cast("list[bytes | None]", client().mget(self._keys()))
            look = self._look(tenant, tokens, raw)
            if not look.found:
                look = self._found_or_lease(tenant, tokens)
        except RedisError:
            return make()
        if look.found:
            return look.found.value
        try:
            value = make()
        except BaseException:
            self._release(look)
            raise
        self._keep(tenant, look, value)
        return value

    def _found_or_lease(self, tenant: UUID, tokens: list[bytes | None]) -> Look[T]:
        """Make the tokens that are missing and become the one who reads, or wait for what that one
        finds. Who waited in vain reads too.
        """
        until = time.monotonic() + WAIT
        while True:
            pipeline = client().pipeline(transaction=False)
            keys = self._keys()
            for key, token in zip(keys, tokens, strict=False):
                if token is None:
                    pipeline.set(key, changes.new_token(), nx=True, ex=TOKEN_FOR)
            pipeline.set(self._lease(), 1, nx=True, px=LEASE_FOR)
            # By its name: redis-py lets no mget() into the pipeline of a cluster, where keys may be
            # of many nodes. Ours are of one.
            pipeline.execute_command("MGET", *keys)
            *_, is_ours, (*tokens, raw) = pipeline.execute()
            look = self._look(tenant, tokens, raw, is_ours=bool(is_ours))
            if look.found:
                self._release(look)
                return look
            if is_ours or time.monotonic() > until:
                return look
            time.sleep(PAUSE)

    def _look(
        self, tenant: UUID, tokens: list[bytes | None], raw: bytes | None, *, is_ours: bool = False
    ) -> Look[T]:
        names = [token.decode(errors="replace") if token else "" for token in tokens]
        found = self._opened(raw) if raw and all(names) else None
        if found and not (
            found.name == self.name
            and found.tenant == tenant
            and found.tokens == names
            and found.at >= changes.trusted_since()
        ):
            found = None
        return Look(names, found, is_ours)

    def _opened(self, raw: bytes) -> Envelope[T] | None:
        try:
            envelope: Envelope[T] = self._decoder.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return envelope

    def _keep(self, tenant: UUID, look: Look[T], value: T) -> None:
        """Keep it under the tokens from before it was read: what was written meanwhile has others
        by now.
        """
        with suppress(RedisError):
            if all(look.tokens):
                envelope = Envelope(self.name, tenant, look.tokens, time.time(), value)
                kept = msgspec.json.encode(envelope)
                client().set(self.key(), kept, px=int(self.seconds * 1000))
        self._release(look)

    def _release(self, look: Look[Any]) -> None:
        if look.is_ours:
            with suppress(RedisError):
                client().delete(self._lease())

    def _keys(self) -> list[str]:
        """Of the tokens and, at the end, of the value."""
        return [key_of(name) for name in self._names]

    def _lease(self) -> str:
        return key_of(f"{self._key}:lease")
