"""Every answer has a number, whose it is, and who asked from where."""

from __future__ import annotations

import logging
import re

import pytest
from django.test import RequestFactory

from portal.requests import address_of

OURS = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("given", "is_behind", "is_taken"),
    [
        (OURS, True, True),
        ("0af76519-16cd-43dd-8448-eb211c80319c", True, True),
        (OURS, False, False),
        ("short", True, False),
        ("0" * 65, True, False),
        ("0af7651916cd43dd\n8448eb211c80319c", True, False),
        ("please-log-this-sentence", True, False),
    ],
)
def test_a_number_is_the_proxys_or_our_own(stranger, settings, given, is_behind, is_taken):
    settings.BEHIND_PROXY = is_behind
    number = stranger.get("/", HTTP_X_REQUEST_ID=given).headers["X-Request-ID"]
    assert (number == given) is is_taken
    assert re.fullmatch(r"[0-9a-f-]{16,64}", number)


@pytest.mark.parametrize(
    ("told", "is_behind", "address"),
    [
        ("198.51.100.7", True, "198.51.100.7"),
        ("10.0.0.1, 198.51.100.7", True, "198.51.100.7"),  # the first is the client's own word
        ("2001:db8::7", True, "2001:db8::7"),
        ("nonsense", True, "203.0.113.9"),
        ("", True, "203.0.113.9"),
        ("198.51.100.7", False, "203.0.113.9"),
    ],
)
def test_an_address_is_the_last_hops(settings, told, is_behind, address):
    settings.BEHIND_PROXY = is_behind
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=told, REMOTE_ADDR="203.0.113.9")
    assert address_of(request) == address


def test_what_is_refused_early_has_a_number_and_a_line_too(stranger, settings, caplog):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    with caplog.at_level(logging.INFO, "portal.request"):
        answer = stranger.post("/till/lock/", {"text": "longer than that"})
    assert answer.status_code == 413
    assert answer.headers["X-Request-ID"]
    assert [record.facts["status"] for record in caplog.records if record.name == "portal.request"]
