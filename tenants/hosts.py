"""From the Host header to the tenant: strict parsing, and one look-up that is kept for seconds."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

from django.conf import settings
from django.db import OperationalError

from tenants.models import Domain, Tenant

LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])", re.ASCII)
LONGEST_HOST, SHORTEST_LABEL = 253, 3  # characters
PORT = re.compile(r":[0-9]{1,5}\Z", re.ASCII)
RESERVED = frozenset(
    [
        "www",
        "api",
        "app",
        "admin",
        "mail",
        "smtp",
        "ftp",
        "static",
        "assets",
        "cdn",
        "docs",
        "help",
        "support",
        "status",
        "blog",
        "account",
        "accounts",
        "login",
        "start",
        "find",
        "ns1",
        "ns2",
        "localhost",
    ]
)


class Kind(Enum):
    APEX = "apex"
    TENANT = "tenant"
    MOVED = "moved"  # right, but not as we spell it: answer with a redirect to `host`
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Host:
    """What a Host header says: `name` is the label of a tenant, `host` how we spell the whole."""

    kind: Kind
    name: str = ""
    host: str = ""


UNKNOWN = Host(Kind.UNKNOWN)


def parse(raw: str, base: str) -> Host:
    """Read a Host header against the base domain. Pure; never raises.

    Exactly one label under the base names a tenant. Case and one port are ignored, a trailing dot
    is sent away to the spelling without it (cookies would not follow). Everything else is unknown:
    two labels, an address, letters outside ASCII, punycode, an empty label.
    """
    port = PORT.search(raw)
    host = raw[: port.start()] if port else raw
    if not host.isascii() or len(host) > LONGEST_HOST:
        return UNKNOWN
    host = host.lower()
    moved = host.endswith(".") and not host.endswith("..")
    host = host.removesuffix(".") if moved else host
    if host == base:
        return Host(Kind.MOVED if moved else Kind.APEX, "", host)
    label, dot, rest = host.partition(".")
    if not dot or rest != base or not is_label(label) or label in RESERVED:
        return UNKNOWN
    return Host(Kind.MOVED if moved else Kind.TENANT, label, host)


def is_label(label: str) -> bool:
    """May this stand before the base domain? 3-63 of a-z, 0-9 and inner hyphens (RFC 1123).

    A hyphen in the third and fourth place is punycode (RFC 5890), which can look like another name.
    """
    return bool(LABEL.fullmatch(label)) and len(label) >= SHORTEST_LABEL and label[2:4] != "--"


class Directory:
    """Name → tenant, kept in this process for FRESH seconds.

    A suspended shop is felt within that time. When the database does not answer, what was known
    last is still given, so that the page can say what is wrong.
    """

    FRESH = 5.0
    SIZE = 10_000

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, Tenant | None]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, name: str) -> Tenant | None:
        now = time.monotonic()
        with self._lock:
            known = self._known.get(name)
        if known and now - known[0] < self.FRESH:
            return known[1]
        try:
            domain = Domain.objects.select_related("tenant").filter(pk=name).first()
            tenant = domain.tenant if domain else None
        except OperationalError:
            if not known:
                raise
            # For another while: the next request would wait for the pool in vain, as this one did.
            now, tenant = time.monotonic(), known[1]
        with self._lock:
            self._known[name] = (now, tenant)
            self._known.move_to_end(name)
            if len(self._known) > self.SIZE:
                self._known.popitem(last=False)
        return tenant

    def knows(self, name: str) -> bool:
        """Whether a tenant was found by this name before: without asking the database."""
        known = self._known.get(name)
        return known is not None and known[1] is not None

    def forget(self) -> None:
        """Ask the database again: for tests, and after a change in this process."""
        with self._lock:
            self._known.clear()


directory = Directory()


def url_of(tenant: Tenant | None, path: str = "/") -> str:
    """The absolute URL of a path on a tenant's host; of the apex for None."""
    scheme = "https" if settings.SECURE else "http"
    host = f"{tenant.slug}.{settings.BASE_DOMAIN}" if tenant else settings.BASE_DOMAIN
    standard = 443 if settings.SECURE else 80
    port = "" if standard == settings.PUBLIC_PORT else f":{settings.PUBLIC_PORT}"
    return f"{scheme}://{host}{port}{path}"
