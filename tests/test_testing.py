"""The tests' own database: a copy of the migrated one, closed like it, seen by child processes."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from portal.home import ROOT


@pytest.mark.django_db
def test_a_test_works_as_the_application_on_a_database_of_its_process():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user::text, session_user::text, current_database()::text")
        assert cursor.fetchone() == (
            "portal_app",
            "portal_owner",
            f"test_{os.environ['PORTAL_TEST_RUN']}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}",
        )
        cursor.execute("SELECT has_database_privilege(current_database(), 'TEMPORARY')")
        assert cursor.fetchone() == (False,)


@pytest.mark.django_db
def test_a_child_process_finds_the_same_database_migrated():
    shown = subprocess.run(
        [sys.executable, "manage.py", "showmigrations", "--plan"],
        cwd=ROOT,
        env=os.environ | {"PORTAL_NO_BOOTSTRAP": "1", "PORTAL_ASSUME_ROLE": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert any("loyalty.0001_initial" in line for line in shown)
    assert all(line.startswith("[X]") for line in shown)
