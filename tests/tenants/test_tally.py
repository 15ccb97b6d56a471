"""What work asked of the database is counted, and what was slow is told without its values."""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from tenants import tally
from tenants.context import inside
from tenants.models import Location, Tenant
from tenants.tally import tallied, valueless


@pytest.fixture
def all_slow(monkeypatch):
    monkeypatch.setattr(tally, "slow_after", 0.0)


def ask(statement, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return cursor.fetchall()


def test_statements_and_rows_are_counted(in_cafe):
    with tallied() as inner, tallied() as tally_:
        assert len(Location.objects.all()) == 1
        ask("SELECT * FROM generate_series(1, 7)")
        Location.objects.update(name="elsewhere")
    assert (tally_.statements, tally_.rows) == (3, 1 + 7 + 1)
    assert tally_.seconds > 0
    assert inner.statements == 0


def test_rows_of_a_server_side_cursor_and_of_many_are_counted(in_cafe):
    with tallied() as tally_:
        for _ in Tenant.objects.order_by("pk").iterator(chunk_size=1):
            pass
    assert (tally_.statements, tally_.rows) == (1, 1)
    with tallied() as tally_, connection.cursor() as cursor:
        names = [["a"], ["b"], ["c"]]
        cursor.executemany("UPDATE tenants_location SET name = %s", names)
    assert (tally_.statements, tally_.rows) == (1, 3)


def test_a_statement_that_fails_is_counted(in_cafe):
    with tallied() as tally_, pytest.raises(DatabaseError), transaction.atomic():
        ask("SELECT 1 / 0")
    assert tally_.statements == 4  # the savepoint, the statement, and back to it and out of it


@pytest.mark.usefixtures("all_slow")
def test_a_slow_statement_is_told_with_its_place_and_without_its_values(cafe, client, told):
    with inside(cafe.tenant):
        Location.objects.filter(name="hushhush").exists()
    client.get("/c/hushhush/", headers={"host": cafe.host})
    slow = [line for line in told if line["event"] == "slow statement"]
    assert "hushhush" not in json.dumps(told)
    assert all("%s" in line["sql"] for line in slow if "WHERE" in line["sql"])
    assert not [line for line in slow if "app.tenant_id" in line["sql"]]
    assert str(cafe.tenant.pk) not in "".join(line["sql"] for line in slow)
    assert (slow[0]["tenant"], slow[0]["route"]) == (str(cafe.tenant.pk), None)
    in_the_view = [line for line in slow if line["route"]]
    assert {line["route"] for line in in_the_view} == {"GET /c/<str:secret>/"}
    assert all(line["request"] and line["tenant"] for line in in_the_view)


@pytest.mark.usefixtures("all_slow")
def test_values_written_into_a_statement_are_not_told_either(in_cafe, told):
    ask("SELECT 1 -- don't tell\n WHERE 'hushhush' <> 'it''s hushhush' AND 971501234567 > 2")
    ask("SELECT $$hushhush$$, E'it\\'s hushhush', $a$ 'hushhush $a$ /* 'hushhush */")
    ask(sql.SQL("SELECT {} WHERE {} > 1.5e3").format("hushhush", 971501234567))
    with pytest.raises(DatabaseError), transaction.atomic():
        ask("SELECT 'hushhush")
    said = json.dumps(told)
    assert "slow statement" in said
    assert "hush" not in said
    assert "97150" not in said


def test_what_is_no_value_stays():
    statement = 'SELECT "t1"."name_2" FROM "o\'clock" WHERE x = %s AND y IN (%s, 3) LIMIT 21'
    assert valueless(statement) == statement.replace("21", "?").replace("3)", "?)")
    assert valueless(b"SELECT 'x'") == "SELECT ?"


def test_quick_statements_are_not_told(in_cafe, told):
    ask("SELECT 1")
    assert told == []
