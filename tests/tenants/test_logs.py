"""What the log tells, and what it keeps to itself."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from tenants import logs, usage
from tenants.context import TenantMismatch, inside
from tenants.ids import uuid7


def told(message="hello", error=None, **extra):
    record = logging.LogRecord("portal.x", logging.INFO, "", 0, message, (), None)
    if error:
        try:
            raise error
        except type(error):
            record.exc_info = sys.exc_info()
    record.__dict__ |= extra
    return json.loads(logs.JsonFormatter().format(record))


def test_a_line_names_tenant_request_and_actor():
    tenant = uuid7()
    with inside(tenant), logs.coming_from("r-1", "203.0.113.77"):
        logs.acting("staff:1")
        line = told(facts={"ms": 3})
        assert logs.place().address == "203.0.113.0"
    assert (line["tenant"], line["request"], line["actor"]) == (str(tenant), "r-1", "staff:1")
    assert (line["event"], line["level"], line["ms"]) == ("hello", "info", 3)
    assert told()["tenant"] is None


def test_an_error_of_others_is_told_without_its_message():
    line = told(error=ValueError("Key (phone)=(+971501234567) already exists"))
    assert line["error"]["class"] == "builtins.ValueError"
    assert "+97150" not in json.dumps(line)
    assert "message" in told(error=TenantMismatch("of 1"))["error"]


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.77", "203.0.113.0"), ("2001:db8:1:2::3", "2001:db8:1::"), ("", ""), ("x", "")],
)
def test_an_address_is_kept_without_its_host(address, network):
    assert logs.network_of(address) == network


def test_requests_are_counted_by_tenant(client, cafe, caplog):
    client.get("/", headers={"host": cafe.host})
    client.get("/nowhere/", headers={"host": cafe.host})
    counted = usage.counted(cafe.tenant.pk)
    assert (counted.requests, counted.refused) == (2, 1)


def test_secrets_in_a_path_stay_out_of_the_log(client, cafe, capfd):
    formatter = logs.JsonFormatter()
    lines = []

    class Keep(logging.Handler):
        def emit(self, record):
            lines.append(formatter.format(record))

    keep = Keep()
    for name in ("portal", "django"):
        logging.getLogger(name).addHandler(keep)
    try:
        for path in ("/c/SECRETSECRET/", "/nowhere/SECRETSECRET/", "/till/pair/SECRETSECRET/"):
            client.get(path, headers={"host": cafe.host})
    finally:
        for name in ("portal", "django"):
            logging.getLogger(name).removeHandler(keep)
    assert len(lines) >= 3
    assert "SECRETSECRET" not in "".join(lines)
    assert all(json.loads(line)["request"] for line in lines)
