from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from portal.pages import go, page, see_other


def ask(kind=""):
    headers = {"HX-Request-Type": kind} if kind else {}
    request = RequestFactory().get("/", headers=headers)
    request.tenant = None
    return request


@pytest.mark.urls("portal.site.urls")
def test_a_page_is_whole_unless_htmx_wants_a_piece():
    whole = page(ask(), "site/home.html", fragment="nothing")
    restored = page(ask("full"), "site/home.html", fragment="nothing")
    assert b"<!doctype html>" in whole.content
    assert whole.content == restored.content


@pytest.mark.urls("portal.site.urls")
def test_what_a_page_depends_on_is_said_once():
    answer = page(ask(), "site/home.html")
    assert answer.headers["Vary"] == "HX-Request-Type, Cookie"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_script_cannot_see_a_redirect_so_htmx_is_told_its_own_way():
    assert see_other("/x/").status_code == go(ask(), "/x/").status_code == 303
    told: HttpResponse = go(ask("partial"), "/x/")
    assert (told.status_code, told.headers["HX-Redirect"]) == (200, "/x/")
