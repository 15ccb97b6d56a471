"""Places in a process: two for each shop, and a short line."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from portal.bulkhead import Bulkhead, BulkheadMiddleware, Full
from tests.test_embedded import until

SHOP, NEIGHBOUR = uuid4(), uuid4()


class Crowd:
    """Threads that take a place and keep it until they are let go."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self.bulkhead = bulkhead
        self.inside, self.most = 0, 0
        self.came: list[int] = []
        self.go = threading.Event()
        self._lock = threading.Lock()

    def visit(self, tenant, number=0):
        try:
            with self.bulkhead.place(tenant):
                with self._lock:
                    self.inside += 1
                    self.most = max(self.most, self.inside)
                    self.came.append(number)
                self.go.wait(20)
                with self._lock:
                    self.inside -= 1
        except Full:
            return "full"
        return "served"


@pytest.fixture
def threads():
    with ThreadPoolExecutor(40) as pool:
        yield pool


def test_a_shop_has_two_places_and_its_neighbour_two_more(threads):
    bulkhead = Bulkhead(2, patience=20)
    shop, neighbour = Crowd(bulkhead), Crowd(bulkhead)
    asked = [threads.submit(shop.visit, SHOP) for _ in range(8)]
    until(lambda: shop.inside == 2)
    asked += [threads.submit(neighbour.visit, NEIGHBOUR) for _ in range(2)]
    until(lambda: neighbour.inside == 2)
    shop.go.set()
    neighbour.go.set()
    assert {each.result(20) for each in asked} == {"served"}
    assert (shop.most, neighbour.most) == (2, 2)
    assert bulkhead.taken(SHOP) == bulkhead.taken(NEIGHBOUR) == 0


def test_the_line_is_kept(threads):
    crowd = Crowd(Bulkhead(1, patience=20))
    asked = [threads.submit(crowd.visit, SHOP, 0)]
    until(lambda: crowd.inside == 1)
    for number in range(1, 6):
        asked.append(threads.submit(crowd.visit, SHOP, number))
        until(lambda number=number: crowd.bulkhead.waiting(SHOP) == number)
    crowd.go.set()
    for each in asked:
        each.result(20)
    assert crowd.came == list(range(6))


def test_a_full_line_turns_away_at_once_and_a_slow_one_in_time(threads):
    crowd = Crowd(Bulkhead(1, waiting=1, patience=1))
    first = threads.submit(crowd.visit, SHOP)
    until(lambda: crowd.inside == 1)
    second = threads.submit(crowd.visit, SHOP)
    until(lambda: crowd.bulkhead.waiting(SHOP) == 1)
    assert crowd.visit(SHOP) == "full"
    assert second.result(20) == "full", "it waited as long as one may"
    assert crowd.bulkhead.waiting(SHOP) == 0
    crowd.go.set()
    assert first.result(20) == "served"
    assert crowd.bulkhead.taken(SHOP) == 0


def test_no_place_is_ever_lost(threads):
    """Many that come, wait too long, fail and leave: at the end every place is free."""
    bulkhead = Bulkhead(2, waiting=8, patience=0.002)

    def visit(number):
        try:
            with bulkhead.place(SHOP):
                assert bulkhead.taken(SHOP) <= 2
                threading.Event().wait(0.001 * (number % 4))
                if number % 3 == 0:
                    raise LookupError
        except (Full, LookupError) as error:
            return type(error)
        return None

    ended = list(threads.map(visit, range(2_000)))
    assert {Full, LookupError, None} == set(ended)
    assert bulkhead.taken(SHOP) == bulkhead.waiting(SHOP) == 0
    with bulkhead.place(SHOP), bulkhead.place(SHOP), pytest.raises(Full), bulkhead.place(SHOP):
        pass


# In front of the views


class Shop:
    pk = SHOP


def ask(middleware, path="/till/", tenant=Shop):
    request = RequestFactory().get(path)
    request.tenant = tenant
    return middleware(request)


@pytest.mark.parametrize(("path", "kept"), [("/manage/", "/till/"), ("/till/", "/manage/")])
def test_the_portals_pages_and_the_till_do_not_wait_for_each_other(db, path, kept):
    seen = []

    def view(request):
        seen.append((middleware.pages.taken(SHOP), middleware.others.taken(SHOP)))
        if request.path == path:
            ask(middleware, kept)
        return HttpResponse()

    middleware = BulkheadMiddleware(view)
    ask(middleware, path)
    assert seen[1] == (1, 1)
    assert sorted(seen[0]) == [0, 1]


def test_turned_away_one_may_come_again_in_a_second(db):
    middleware = BulkheadMiddleware(HttpResponse)
    middleware.others = Bulkhead(1, waiting=0)
    with middleware.others.place(SHOP):
        answer = ask(middleware)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.trouble is None, "or /readyz would take the process away from everybody"
    assert ask(middleware).status_code == 200


def test_a_view_that_fails_gives_its_place_back(db):
    def view(request):
        assert middleware.others.taken(SHOP) == 1
        raise LookupError

    middleware = BulkheadMiddleware(view)
    with pytest.raises(LookupError):
        ask(middleware)
    assert middleware.others.taken(SHOP) == 0


def test_a_body_that_is_still_read_holds_no_place(db):
    middleware = BulkheadMiddleware(lambda request: StreamingHttpResponse(iter([b"1", b"2"])))
    answer = ask(middleware)
    assert middleware.others.taken(SHOP) == 0
    assert b"".join(answer.streaming_content) == b"12"


def test_the_apex_needs_no_place(db):
    middleware = BulkheadMiddleware(lambda request: HttpResponse(str(middleware.others._lines)))
    assert ask(middleware, tenant=None).text == "{}"
