"""What `manage.py doctor` looks at: every setting with its meaning, and whatever is dangerous.

What a variable means stands in docs/operations.md and nowhere else. Servers that do not answer are
said to be so; the rest is looked at all the same.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, ProgrammingError, connection
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from portal import env
from portal.health import needed_migrations
from portal.home import ROOT
from tenants.failpoints import VARIABLE as FAILPOINTS

PAGE = ROOT / "docs" / "operations.md"
ROW = re.compile(r"^\| (`[A-Z].*?`) \| (.*?) \| (.*?) \|$", re.MULTILINE)
SECRETS = re.compile(r"SECRET|PASSWORD|TOKEN|HEADERS|_KEY$")
LONG_ENOUGH = 50  # signs of SECRET_KEY
SKEW = 2.0  # seconds that our clock and the database's may differ
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as a person reads it; `source` is "environment" or "default"."""

    name: str
    value: str
    source: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Finding:
    """`weight` is "refused" (do not serve like this), "warning" or "unseen"."""

    weight: str
    said: str


def variables() -> Iterator[Variable]:
    """Every variable of docs/operations.md, in its order."""
    for names, default, meaning in ROW.findall(PAGE.read_text()):
        for name in re.findall(r"`([A-Z][A-Z_]+)`", names):
            given = env.is_given(name)
            value = masked(name, os.environ[name]) if given else default.replace("`", "")
            source = "environment" if given else "default"
            yield Variable(name, value, source, meaning.replace("`", ""))


def masked(name: str, value: str) -> str:
    """A value that may be shown: of a secret its length, of a URL all but the password."""
    if SECRETS.search(name):
        return f"(set, {len(value)} characters)"
    parts = urlsplit(value)
    return value.replace(f":{parts.password}@", ":***@") if parts.password else value


def findings() -> Iterator[Finding]:
    """Everything that is wrong, or could not be looked at."""
    yield from _of_settings()
    yield from _of_cache()
    answers = yield from _of_database()
    yield from _of_checks(with_database=answers)


def _of_settings() -> Iterator[Finding]:
    if settings.DEBUG:
        yield Finding("refused", "DEBUG is on: its pages show code and settings to everybody.")
    if settings.SECURE and len(settings.SECRET_KEY) < LONG_ENOUGH:
        yield Finding("refused", f"SECRET_KEY is shorter than {LONG_ENOUGH} characters.")
    if settings.SECURE and any(len(key) < LONG_ENOUGH for key in settings.SECRET_KEY_FALLBACKS):
        yield Finding(
            "refused", f"SECRET_KEY_FALLBACKS has a key shorter than {LONG_ENOUGH} characters."
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Finding("refused", "ALLOWED_HOSTS lets every name in; name the domain.")
    if os.environ.get(FAILPOINTS):
        yield Finding("refused", f"{FAILPOINTS} is set: this process fails on purpose.")
    if settings.SECURE and not settings.SECURE_HSTS_SECONDS:
        yield Finding("refused", "SECURE_HSTS_SECONDS is 0: browsers may come by plain http.")
    yield from _of_mail()
    yield from _of_proxy()


def _of_mail() -> Iterator[Finding]:
    if settings.SECURE and settings.EMAIL_BACKEND.endswith("dummy.EmailBackend"):
        yield Finding(
            "warning",
            "MAIL_URL is not set: no letter is sent, so nobody can sign up, sign in by code or be "
            "invited. Set it to smtp://user:password@host:587.",
        )
    if settings.SECURE and settings.OUTBOX:
        yield Finding(
            "refused",
            "PORTAL_OUTBOX is on: /outbox/ shows every letter, with its codes, to everybody.",
        )


def _of_proxy() -> Iterator[Finding]:
    listens = os.environ.get("PORTAL_HOST", "127.0.0.1")
    if settings.SECURE and not settings.BEHIND_PROXY:
        yield Finding(
            "refused",
            f"{settings.BASE_DOMAIN} is served over https only, and the web speaks http: put a "
            "proxy before it and set PORTAL_BEHIND_PROXY=1, or every page redirects to itself.",
        )
    if settings.BEHIND_PROXY and not _is_near(listens):
        yield Finding(
            "warning",
            f"The web listens on {listens} and believes its proxy: whoever reaches it past the "
            "proxy can give any address and any request number. Let it listen on 127.0.0.1, or "
            "let nobody else in.",
        )
    if settings.BEHIND_PROXY and not settings.SECURE:
        yield Finding(
            "warning",
            "There is a proxy, and the domain is a loopback name without https: sessions travel "
            "in the clear. Set PORTAL_DOMAIN, or PORTAL_HTTPS=1.",
        )


def _of_cache() -> Iterator[Finding]:
    url = urlsplit(env.redis())
    if url.hostname and not _is_near(url.hostname) and not url.password:
        yield Finding(
            "refused", f"Valkey at {url.hostname} asks for no password: give it one, in REDIS_URL."
        )
    try:
        get_redis_connection("default").ping()
    except (RedisError, OSError):
        yield Finding("unseen", "Valkey does not answer. Pages work without it, slower.")


def _of_database() -> Generator[Finding, None, bool]:
    """Returns whether it answers."""
    try:
        with connection.cursor() as cursor:
            yield from _of_server(cursor)
    except ImproperlyConfigured as error:  # our role sees through the walls
        yield Finding("refused", str(error))
        return False
    except (DatabaseError, InterfaceError, OSError) as error:
        cause = type(error.__cause__ or error).__name__
        yield Finding(
            "unseen",
            f"PostgreSQL does not answer ({cause}), so its roles, rules, durability, clock and "
            "migrations were not looked at.",
        )
        return False
    return True


def _of_server(cursor: Any) -> Iterator[Finding]:
    cursor.execute(
        "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)",
        [[*DURABLE, "data_checksums"]],
    )
    found = dict(cursor.fetchall())
    for name in DURABLE:
        if found.get(name) == "off":
            yield Finding("refused", f"{name} is off: a confirmed sale could be lost. Set it on.")
    if found.get("data_checksums") == "off":
        yield Finding(
            "warning", "Data checksums are off: a rotten page is not noticed (pg_checksums -e)."
        )
    began = time.time()
    cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
    ours = (began + time.time()) / 2
    skew = abs(cursor.fetchone()[0] - ours)
    if skew > SKEW:
        yield Finding("refused", f"Our clock and PostgreSQL's differ by {skew:.1f} s: set both.")
    yield from _of_migrations(cursor)


def _of_migrations(cursor: Any) -> Iterator[Finding]:
    try:
        cursor.execute("SELECT app, name FROM django_migrations")
        missing = needed_migrations() - set(cursor.fetchall())
    except ProgrammingError:
        missing = needed_migrations()
    if missing:
        yield Finding(
            "refused", f"{len(missing)} migrations are missing: run `manage.py migrate` first."
        )


def _of_checks(*, with_database: bool) -> Iterator[Finding]:
    """Django's checks and ours; those of a deployment where this is one."""
    found = checks.run_checks(
        include_deployment_checks=settings.SECURE,
        databases=["default"] if with_database else None,
    )
    for each in found:
        if each.level >= checks.WARNING and not each.is_silenced():
            weight = "refused" if each.level >= checks.ERROR else "warning"
            yield Finding(weight, f"{each.id}: {each.msg} {each.hint or ''}".strip())


def _is_near(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
