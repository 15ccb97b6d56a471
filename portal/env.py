"""What a deployment sets, read once and told plainly when it is wrong.

Every variable has a default that runs on one machine; docs/operations.md lists them all (a test
compares).
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal.embedded import URLS, Services

READ: dict[str, str] = {}  # what was asked for, and what it is: `manage.py doctor` shows it


def text(name: str, default: str = "") -> str:
    READ[name] = os.environ.get(name) or default
    return READ[name]


def is_given(name: str) -> bool:
    """Whether a variable comes from the environment, and not from here."""
    return bool(os.environ.get(name))


def words(name: str) -> list[str]:
    """Texts with blanks between them."""
    return text(name).split()


def number(name: str, default: int) -> int:
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a whole number.") from None


def flag(name: str, default: bool = False) -> bool:
    value = text(name, "1" if default else "0")
    if value not in ("0", "1"):
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be 0 or 1.")
    return value == "1"


def login() -> str:
    """Which login this process has: app, worker or owner (docs/architecture.md, "Logins")."""
    value = text("PORTAL_LOGIN", "app")
    if value not in URLS:
        raise ImproperlyConfigured(
            f"PORTAL_LOGIN is {value!r}; it must be one of {', '.join(URLS)}."
        )
    return value


def database() -> dict[str, Any]:
    """Django's DATABASES entry for this process' login: the URL's, or our own PostgreSQL's."""
    who = login()
    url = text(URLS[who]) or Services().database_url(who)
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ImproperlyConfigured(f"{URLS[who]} must begin with postgresql://")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    entry: dict[str, Any] = {
        "ENGINE": "tenants.backend",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": number("CONN_MAX_AGE", 60),
        "OPTIONS": options,
    }
    if text("PORTAL_ASSUME_ROLE"):  # tests only: see tenants.backend
        options["assume_role"] = text("PORTAL_ASSUME_ROLE")
    elif who == "owner":
        options["owner"] = True
    if flag("DATABASE_CITUS"):
        options["citus"] = True
    if flag("DATABASE_POOLER"):  # PgBouncer in transaction mode
        entry["DISABLE_SERVER_SIDE_CURSORS"] = True
    if pool := number("DATABASE_POOL", 0):
        entry["CONN_MAX_AGE"] = 0
        # A connection that cannot be made is tried for a few times more and then by whoever needs
        # one: left to itself the pool would wait ever longer, minutes after PostgreSQL is back.
        options["pool"] = {
            "min_size": 1,
            "max_size": pool,
            "timeout": 2,
            "reconnect_timeout": 1.5,
        }
    return entry


def redis() -> str:
    return text("REDIS_URL") or Services().redis_url


def mail() -> dict[str, Any]:
    """Django's EMAIL_* for MAIL_URL: smtp://user:password@host:587 (STARTTLS) or smtps:// (TLS).

    Without one, mail goes nowhere.
    """
    parts = urlsplit(text("MAIL_URL"))
    if not parts.scheme:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ImproperlyConfigured("MAIL_URL must look like smtp://user:password@host:587")
    is_ssl = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if is_ssl else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": is_ssl,
        "EMAIL_USE_TLS": not is_ssl and parts.hostname not in ("localhost", "127.0.0.1"),
    }
