"""A database that cannot serve: what is tried again, what is said, and what the next one finds."""

from __future__ import annotations

import logging
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection, connections
from django.http import HttpResponse
from django.test import RequestFactory
from psycopg import errors
from psycopg_pool import PoolTimeout

from loyalty.models import Purchase
from portal import unavailable
from portal.unavailable import RetryMiddleware, Trouble, trouble_of
from tenants.breaker import Breaker
from tenants.context import inside
from tenants.ids import uuid7
from tests.portal.conftest import PIECE


def django_error(cause):
    try:
        raise OperationalError("as Django tells it") from cause
    except OperationalError as error:
        return error


@pytest.mark.parametrize(
    ("cause", "trouble"),
    [
        (errors.AdminShutdown("x"), Trouble.AWAY),
        (errors.CannotConnectNow("x"), Trouble.AWAY),
        (psycopg.OperationalError("server closed the connection unexpectedly"), Trouble.AWAY),
        (psycopg.InterfaceError("the connection is closed"), Trouble.AWAY),
        (PoolTimeout("x"), Trouble.AWAY),  # these tests have no pool that could be full
        (errors.TooManyConnections("x"), Trouble.BUSY),
        (errors.DeadlockDetected("x"), Trouble.AGAIN),
        (errors.SerializationFailure("x"), Trouble.AGAIN),
        (errors.QueryCanceled("x"), Trouble.SLOW),
        (errors.LockNotAvailable("x"), Trouble.SLOW),
        (errors.DiskFull("x"), Trouble.FULL),
        (errors.OutOfMemory("x"), None),
        (errors.UniqueViolation("x"), None),
        (errors.InsufficientPrivilege("x"), None),
        (ZeroDivisionError("x"), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_what_passes_by_itself_and_what_is_our_fault(cause, trouble):
    assert trouble_of(cause) is trouble
    if isinstance(cause, psycopg.Error):
        assert trouble_of(django_error(cause)) is trouble


@pytest.fixture(autouse=True)
def breaker(monkeypatch):
    """No wait is longer than it must be, and no test opens another's breaker."""
    monkeypatch.setattr(unavailable, "WAITS", (0.001, 0.001))
    monkeypatch.setattr(unavailable, "_breaker", Breaker(failures=3, open_for=60))
    return unavailable._breaker


@contextmanager
def hung_up(on, *, times=1, error=""):
    """PostgreSQL ends the connection at the next statements about `on`, or answers with `error`."""
    left = times

    def execute(execute, sql, params, many, context):
        nonlocal left
        if on in sql and left:
            left -= 1
            if error:
                with connection.cursor() as cursor:
                    cursor.execute(
                        f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE='{error}'; END $$"
                    )
            with psycopg.connect(**_owner(), autocommit=True) as other:
                pid = connection.connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield


def _owner():
    settings = connection.settings_dict
    return {"host": settings["HOST"], "dbname": settings["NAME"], "user": settings["USER"]}


@pytest.fixture
def till(transactional_db, till):
    till.raise_request_exception = False
    return till


def sell(till, cafe, key, headers=None):
    path = f"/till/members/{cafe.member.pk}/purchases/"
    return till.post(path, {"amount": "24.50", "key": str(key)}, headers=headers or {})


def sales(cafe):
    with inside(cafe.tenant):
        return Purchase.objects.count()


def test_a_page_is_asked_for_again_when_postgres_hung_up(till, caplog):
    with caplog.at_level(logging.INFO, "portal.request"), hung_up("FROM"):
        assert till.get("/till/").status_code == 200
    lines = [record for record in caplog.records if record.name == "portal.request"]
    assert [record.facts["runs"] for record in lines] == [2]


def test_a_sale_is_sent_again_and_counts_once(till, cafe):
    with hung_up('INSERT INTO "loyalty_purchase"'):
        assert sell(till, cafe, uuid7()).status_code == 303
    assert sales(cafe) == 1


def test_a_deadlock_is_tried_again(till, cafe):
    with hung_up('INSERT INTO "loyalty_purchase"', error="40P01"):
        assert sell(till, cafe, uuid7()).status_code == 303
    assert sales(cafe) == 1


def test_a_form_without_a_key_is_not_sent_again(till):
    with hung_up("UPDATE"):
        answer = till.post("/till/lock/")
    assert answer.status_code == 503
    assert "Look whether it was saved" in answer.text


def test_what_stays_away_is_said_with_the_number_and_a_way_on(till, cafe, caplog):
    key = uuid7()
    with hung_up("FROM", times=99):
        answer = sell(till, cafe, key)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-ID"][-12:] in answer.text
    assert "Send it again: a sale counts once." in answer.text
    # The form is on the page as it was sent, so that the button sends the same key.
    assert f'name="key" value="{key}"' in answer.text
    assert 'name="amount" value="24.50"' in answer.text
    told = [record for record in caplog.records if record.name == "portal.unavailable"]
    assert [record.facts for record in told] == [{"trouble": "away", "runs": 3}]
    assert not [record for record in caplog.records if record.name == "django.request"]
    assert sell(till, cafe, key).status_code == 303  # and the next one finds a whole connection
    assert sales(cafe) == 1


@pytest.mark.parametrize(
    ("state", "said", "seconds"),
    [
        ("53100", "Storage is full, nothing was saved.", "30"),
        ("57014", "Nothing was saved. Send it again in a moment.", "5"),
        ("55P03", "Nothing was saved. Send it again in a moment.", "5"),
    ],
)
def test_each_trouble_has_its_sentence(till, cafe, state, said, seconds):
    with hung_up('INSERT INTO "loyalty_purchase"', error=state):
        answer = sell(till, cafe, uuid7())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, seconds)
    assert said in answer.text
    assert sales(cafe) == 0


def test_a_piece_gets_a_piece(till, cafe):
    with hung_up('INSERT INTO "loyalty_purchase"', error="53100"):
        answer = sell(till, cafe, uuid7(), headers=PIECE)
    assert answer.status_code == 503
    assert answer.text.startswith('<p class="say" id="piece">Storage is full')


@pytest.mark.parametrize(
    ("language", "said"), [("ar", 'lang="ar" dir="rtl"'), ("bn", 'lang="bn" dir="ltr"')]
)
def test_a_customer_reads_it_in_her_language(transactional_db, stranger, language, said):
    stranger.raise_request_exception = False
    with hung_up("FROM", times=99):
        answer = stranger.get("/", headers={"accept-language": language})
    assert answer.status_code == 503
    assert said in answer.text
    assert "We are back soon" not in answer.text
    with hung_up("FROM", times=99):
        assert "We are back soon." in stranger.get("/").text


def test_a_fault_of_ours_stays_a_500(till, cafe):
    with hung_up('INSERT INTO "loyalty_purchase"', error="XX000"):
        assert sell(till, cafe, uuid7()).status_code == 500


def test_nothing_is_asked_of_what_has_been_away_for_long(breaker):
    runs = []

    def view(request):
        runs.append(request)
        return unavailable.unavailable(request, Trouble.AWAY)

    middleware = RetryMiddleware(view)
    request = RequestFactory().get("/")
    for _ in range(3):
        middleware(request)
    assert len(runs) == 9
    assert middleware(request).status_code == 503
    assert len(runs) == 9


def test_what_a_run_left_on_the_request_is_gone_in_the_next():
    seen = []

    def view(request):
        seen.append((getattr(request, "left", None), request.META.get("LEFT"), request.POST["key"]))
        request.left = request.META["LEFT"] = "by the first run"
        if len(seen) == 1:
            return unavailable.unavailable(request, Trouble.AGAIN)
        return HttpResponse()

    request = RequestFactory().post("/", {"key": "1"})
    _ = request.body
    assert RetryMiddleware(view)(request).status_code == 200
    assert seen == [(None, None, "1")] * 2


def test_no_connection_is_held_while_waiting(transactional_db, monkeypatch):
    held = []
    monkeypatch.setattr(
        unavailable.time, "sleep", lambda _: held.append(connections["default"].connection)
    )

    def view(request):
        connection.ensure_connection()
        return unavailable.unavailable(request, Trouble.AWAY)

    RetryMiddleware(view)(RequestFactory().get("/"))
    assert held == [None, None]
