"""The doctor explains every setting, shows no secret, and refuses what is dangerous."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.db import connection
from django.test import override_settings

from portal import doctor
from portal.home import ROOT

KEY = "k" * 60


def said(weight=None):
    return [f.said for f in doctor.findings() if weight in (None, f.weight)]


def test_every_variable_has_a_value_a_source_and_a_meaning(monkeypatch):
    monkeypatch.setenv("WEB_THREADS", "12")
    monkeypatch.delenv("PORTAL_DOMAIN", raising=False)
    found = {variable.name: variable for variable in doctor.variables()}
    assert len(found) > 25
    assert all(v.meaning for v in found.values())
    assert (found["WEB_THREADS"].value, found["WEB_THREADS"].source) == ("12", "environment")
    assert (found["PORTAL_DOMAIN"].value, found["PORTAL_DOMAIN"].source) == ("localhost", "default")


def test_no_secret_is_shown(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", KEY)
    monkeypatch.setenv("DATABASE_URL", "postgresql://portal_app:hush@db.example/portal")
    monkeypatch.setenv("REDIS_URL", "rediss://:hush@cache.example/0")
    shown = "".join(f"{v.name}={v.value}" for v in doctor.variables())
    assert "hush" not in shown
    assert KEY not in shown
    assert "SECRET_KEY=(set, 60 characters)" in shown
    assert "postgresql://portal_app:***@db.example/portal" in shown


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"DEBUG": True}, "DEBUG is on"),
        ({"SECURE": True, "SECRET_KEY": "short"}, "shorter than 50"),
        ({"ALLOWED_HOSTS": ["*"]}, "lets every name in"),
        ({"SECURE": True, "SECURE_HSTS_SECONDS": 0}, "SECURE_HSTS_SECONDS is 0"),
        ({"SECURE": True, "BEHIND_PROXY": False}, "PORTAL_BEHIND_PROXY=1"),
    ],
)
@pytest.mark.django_db
def test_a_dangerous_setting_is_refused(settings, word):
    assert not [line for line in said("refused") if word in line]
    with override_settings(**settings):
        assert [line for line in said("refused") if word in line]


@pytest.mark.django_db
def test_a_drill_that_was_forgotten_is_refused(monkeypatch):
    monkeypatch.setenv("PORTAL_FAILPOINTS", "after_commit=kill:1%")
    assert [line for line in said("refused") if "fails on purpose" in line]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("url", "is_open"),
    [
        ("redis://cache.example:6379/0", True),
        ("redis://:hush@cache.example:6379/0", False),
        ("redis://127.0.0.1:6379/0", False),
    ],
)
def test_a_cache_that_everybody_may_use_is_refused(monkeypatch, url, is_open):
    monkeypatch.setattr("portal.env.redis", lambda: url)
    assert bool([line for line in said("refused") if "asks for no password" in line]) is is_open


@pytest.mark.django_db
def test_a_server_that_may_lose_what_it_confirmed_is_refused():
    """As the servers of these tests may: they are thrown away."""
    refused = said("refused")
    for name in ("fsync", "full_page_writes"):
        assert [line for line in refused if line.startswith(f"{name} is off")]


@pytest.mark.django_db
def test_a_clock_that_runs_apart_is_refused(monkeypatch):
    assert not [line for line in said() if "differ by" in line]
    ours = doctor.time.time
    monkeypatch.setattr(doctor.time, "time", lambda: ours() + 3.5)
    assert [line for line in said("refused") if "differ by 3" in line]


@pytest.mark.django_db
def test_missing_migrations_are_refused():
    with connection.cursor() as cursor, connection.as_owner():
        cursor.execute("DELETE FROM django_migrations WHERE name = '0003_traffic'")
    assert "1 migrations are missing: run `manage.py migrate` first." in said("refused")


def run(**environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PORTAL_ASSUME")}
    return subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=ROOT,
        env=kept | {"PORTAL_NO_BOOTSTRAP": "1", "PORTAL_LOGIN": "app"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_any_server_it_says_so_and_looks_at_the_rest():
    done = run(
        DATABASE_URL="postgresql://portal_app@127.0.0.1:1/portal",
        REDIS_URL="redis://127.0.0.1:1/0",
    )
    assert "PostgreSQL does not answer" in done.stdout
    assert "Valkey does not answer" in done.stdout
    assert "PORTAL_DOMAIN = localhost" in done.stdout
    assert done.returncode == 0


def test_the_owners_login_is_refused_for_the_web():
    done = run(DATABASE_URL=os.environ["DATABASE_OWNER_URL"])
    assert done.returncode == 1
    assert "Row-level security does not hold portal_owner" in " ".join(done.stdout.split())
    assert "Not fit to serve" in done.stderr


def test_what_settings_themselves_refuse_is_one_sentence():
    done = run(PORTAL_DOMAIN="loyalty.example", SECRET_KEY="")
    assert done.returncode == 1
    assert "needs a SECRET_KEY of its own" in done.stderr
    assert "Traceback" not in done.stderr
