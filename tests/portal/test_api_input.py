"""Whatever is sent, the API answers with a problem about it and changes nothing.

The fields are found in the API's own description, so a new one is tried from the day it exists.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise

import pytest

from loyalty.models import Entry, Identifier, Member, Operation, Purchase, Voucher
from portal.api.openapi import schema
from tenants.context import inside
from tenants.models import ApiKey
from tests.portal.apis import MONEY, System, make_key, member_id, system, wrong_in

KINDS = (Entry, Identifier, Member, Operation, Purchase, Voucher)
TEXTS = {
    "NUL": "a\0b",
    "half a pair": "\ud800",
    "the other half": "x\udfff",
    "10 kB": "x" * 10_000,
}
ANYTHING = {
    **TEXTS,
    "negative": "-24.50",
    "exponent": "1e3",
    "Arabic digits": "٢٤",
    "a number": 7,
    "a float": 1.5,
    "1e400": 1e308 * 10,
    "true": True,
    "a list": [[]],
    "an object": {"amount": {}},
    "null": None,
}


@pytest.fixture(autouse=True)
def _as_often_as_one_likes(settings):
    settings.RATE_LIMITS = False


def resolved(told):
    if "$ref" in told:
        return schema()["components"]["schemas"][told["$ref"].rpartition("/")[2]]
    return told


def places(told, at=()) -> Iterator[tuple[tuple[str, ...], dict]]:
    """(steps, type) of every field below a body, those of objects in lists and choices too."""
    for name, kind in resolved(told).get("properties", {}).items():
        yield (*at, name), kind
        for each in [kind, *kind.get("anyOf", ()), kind.get("items", {})]:
            deeper = ("0",) if each is kind.get("items") else ()
            if "properties" in resolved(each):
                yield from places(each, (*at, name, *deeper))


def bodies():
    """(method, path, operation, an example) of everything that takes a body."""
    for path, methods in schema()["paths"].items():
        for method, told in methods.items():
            if content := told.get("requestBody", {}).get("content", {}).get("application/json"):
                yield method.upper(), path, told, content


def with_value(example, steps, value):
    """The example with this value in one place; what leads there is made."""
    body = deepcopy(example)
    here = body
    for step, following in pairwise(steps):
        if isinstance(here, list):
            here.extend([{}] if not here else [])
            here = here[0]
        else:
            here = here.setdefault(step, [] if following == "0" else {})
    if isinstance(here, list):
        here[:] = [value]
    else:
        here[steps[-1]] = value
    return body


def counted(shop):
    with inside(shop.tenant):
        return [kind._base_manager.count() for kind in KINDS]


def takes(kind, value) -> bool:
    """Whether the type of a field allows this value, so that it is none to be refused."""
    kinds = [resolved(each) for each in [kind, *kind.get("anyOf", ())]]
    types = {each.get("type") for each in kinds}
    if value is None:
        return "null" in types
    if isinstance(value, str):
        plain = any(
            each.get("type") == "string"
            and not each.get("pattern")
            and not each.get("format")
            and len(value) <= each.get("maxLength", 10**6)
            for each in kinds
        )
        return plain and value.isprintable() and value not in TEXTS.values()
    if isinstance(value, bool):
        return "boolean" in types
    return isinstance(value, int) and "integer" in types


@pytest.mark.parametrize("each", [11, pytest.param(1, marks=pytest.mark.thorough)])
def test_every_field_refuses_what_it_cannot_take(cafe, each):
    """In the short run every eleventh of the pairs, which is still every field and every value."""
    api, key = system(cafe), make_key(cafe)[1]
    before, wrong, tried = counted(cafe), [], 0
    for method, path, told, content in bodies():
        asked = System(cafe.host, key) if told["operationId"] == "issueToken" else api
        url = path.lstrip("/").replace("{member}", member_id(cafe))
        url = url.replace("{purchase}", "pur_x").replace("{redemption}", "rdm_x")
        for steps, kind in places(content["schema"]):
            for name, value in ANYTHING.items():
                if takes(kind, value):
                    continue
                tried += 1
                if tried % each:
                    continue
                body = with_value(content["example"], steps, value)
                raw = json.dumps(body).encode()
                keyed = {"Idempotency-Key": f"{tried}"}
                answer = asked.ask(method, url, raw, **keyed)
                is_problem = answer.headers["Content-Type"] == "application/problem+json"
                if answer.status_code != 422 or not is_problem:
                    wrong.append((method, path, steps, name, answer.status_code))
                elif name != "1e400" and not about(answer.json(), steps):
                    wrong.append((method, path, steps, name, answer.json().get("errors")))
    assert tried > 250
    assert wrong == []
    assert counted(cafe) == before


def about(problem, steps) -> bool:
    """Whether a problem names this field, or something in it."""
    pointer = "/" + "/".join(steps)
    found = [each.get("pointer", "") for each in problem.get("errors", ())]
    return any(each == pointer or each.startswith(f"{pointer}/") for each in found)


BODIES = [
    (b"", 422, "invalid"),
    (b"{", 400, "bad_json"),
    (b"\xff", 400, "bad_json"),
    (b"\xef\xbb\xbf{}", 400, "bad_json"),
    (b"[" * 100_000, 400, "bad_json"),
    (b'{"points":5,"points":6,"reason":"x"}', 422, "duplicate_name"),
    (b'{"points":NaN,"reason":"x"}', 422, "not_a_number"),
    (b'{"points":-Infinity,"reason":"x"}', 422, "not_a_number"),
    (b'{"points":1' + b"0" * 5000 + b',"reason":"x"}', 422, "too_large"),
    (b'{"points":1e3,"reason":"x"}', 422, "invalid"),
    (b'{"points":5.0,"reason":"x"}', 422, "invalid"),
    (b'{"points":"5","reason":"x"}', 422, "invalid"),
    (b'{"points":1000000001,"reason":"x"}', 422, "invalid"),
    (b'{"points":5,"reason":"x","more":1}', 422, "invalid"),
    (b'{"points":5,"reason":"\\u0000"}', 422, "invalid"),
    (b'{"points":5,"reason":"\\ud800"}', 422, "invalid"),
    (b'{"po\\u0000ints":5,"reason":"x"}', 422, "invalid"),
    (b"[]", 422, "invalid"),
    (b"null", 422, "invalid"),
    (b"5", 422, "invalid"),
    (b'"points"', 422, "invalid"),
]


def test_a_body_has_one_meaning_or_none(cafe):
    for raw, status, code in BODIES:
        answer = system(cafe).post(f"members/{member_id(cafe)}/adjustments", raw, key="1")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        with inside(cafe.tenant):
            assert not Entry.objects.exists()


OTHER_TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/jsonp",
    "",
]


def test_only_json_is_read(cafe):
    for kind in OTHER_TYPES:
        path = f"members/{member_id(cafe)}/adjustments"
        body = b'{"points":5,"reason":"x"}'
        answer = system(cafe).ask("POST", path, body, Idempotency_Key="1", Content_Type=kind)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        good = system(cafe).ask(
            "POST", path, body, Idempotency_Key="1", Content_Type="Application/JSON; charset=UTF-8"
        )
        assert good.status_code == 201


MONEYS = [
    ({"amount": "24.50", "currency": "EUR"}, ("/amount/currency", "wrong_currency")),
    ({"amount": "24.505", "currency": "AED"}, ("/amount/amount", "too_many_decimals")),
    ({"amount": "24,50", "currency": "AED"}, ("/amount/amount", "bad_format")),
    ({"amount": " 24", "currency": "AED"}, ("/amount/amount", "bad_format")),
    ({"amount": "24\n", "currency": "AED"}, ("/amount/amount", "bad_format")),
    ({"amount": "+24", "currency": "AED"}, ("/amount/amount", "bad_format")),
    ({"amount": ".5", "currency": "AED"}, ("/amount/amount", "bad_format")),
    ({"amount": "12345678901", "currency": "AED"}, ("/amount/amount", "bad_format")),
    ({"amount": "24.50"}, ("/amount/currency", "required")),
    ("24.50", ("/amount", "model_type")),
]


def test_money_is_written_in_one_way(cafe):
    for money, wrong in MONEYS:
        answer = system(cafe).post(
            f"members/{member_id(cafe)}/purchases", {"amount": money}, key="1"
        )
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["pointer"], error["code"]) == (422, *wrong)


TIMES = [
    "2026-03-02",
    "2026-03-02T09:00:00",
    "2026-02-30T09:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-03-02 09:00:00Z",
    1772442000,
    "now",
]


def test_a_time_has_its_offset(cafe):
    for at in TIMES:
        sale = {"amount": MONEY, "occurred_at": at}
        answer = system(cafe).post(f"members/{member_id(cafe)}/purchases", sale, key="1")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/occurred_at"


CURSORS = [
    "2026-03-02T09:00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "now",
    1772442000,
    None,
]


def cursor(at):
    """A place in a list by time, as an attacker would write it."""
    told = json.dumps(["019539f2-7c00-7000-8000-00000000002a", at])
    return base64.urlsafe_b64encode(told.encode()).rstrip(b"=").decode()


def test_a_place_by_time_is_one_or_is_refused(cafe):
    path = f"members/{member_id(cafe)}/entries?after="
    for at in CURSORS:
        answer = system(cafe).get(path + cursor(at))
        assert (answer.status_code, wrong_in(answer)) == (422, ("after", "bad_cursor"))
    # PostgreSQL knows no offset of 16 hours and more, as Python does: it is told a time in UTC.
    for at in ("2026-03-02T09:00:00+23:59", "2026-03-02T09:00:00-23:59:59.999999"):
        assert system(cafe).get(path + cursor(at)).json() == {"data": [], "next": None}


DAYS = ["9999-12-31", "9999-01-01", "2026-02-30", "0000-01-01", "10000-01-01", "20260302", 20260302]


def test_a_day_has_a_day_after_it(cafe):
    hers = f"members/{member_id(cafe)}"
    for day in DAYS:
        gift = {"points": 5, "reason": "x", "expires": day}
        for method, path, body, name in (
            ("POST", f"{hers}/adjustments", gift, "expires"),
            ("POST", "members", {"phone": "050 222 3344", "birth_date": day}, "birth_date"),
            ("PATCH", hers, {"birth_date": day}, "birth_date"),
        ):
            answer = system(cafe).ask(method, path, body, Idempotency_Key="1")
            assert (answer.status_code, wrong_in(answer)) == (422, (f"/{name}", "invalid"))
    for at, day in enumerate(("0001-01-01", "9998-12-31")):
        gift = {"points": 5, "reason": "x", "expires": day}
        assert system(cafe).post(f"{hers}/adjustments", gift, key=f"{at}").status_code == 201
    assert system(cafe).get(hers).json()["balance"] == 5
    assert system(cafe).get(f"{hers}/entries").status_code == 200


def test_an_unreadable_origin_or_credential_is_no_fault_of_ours(cafe):
    for headers in (
        {"Origin": "\0"},
        {"Origin": "x" * 9_000},
        {"Authorization": "Bearer \0"},
        {"Authorization": "Basic x"},
        {"Authorization": "Bearer"},
        {"If-None-Match": "\xff" * 99},
    ):
        for path in ("me", "program", "tokens"):
            answer = system(cafe).ask("OPTIONS" if path == "tokens" else "GET", path, **headers)
            assert answer.status_code in (200, 204, 401, 403)
    with inside(cafe.tenant):
        assert ApiKey.objects.exists()


def test_too_large_a_body_is_a_problem_too(cafe):
    raw = b'{"reason":"' + b"x" * 3_000_000 + b'"}'
    answer = system(cafe).post(f"members/{member_id(cafe)}/adjustments", raw, key="1")
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
