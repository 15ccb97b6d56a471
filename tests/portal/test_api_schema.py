"""What the API says of itself is true, and does not change unnoticed."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as of_hypothesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as of_openapi

from loyalty import refusals
from portal.api.openapi import CODES, schema
from portal.api.openapi import refusals as told_refusals
from portal.api.reference import reference
from portal.home import ROOT
from tests.portal.apis import make_key, member_id, system

SNAPSHOT = ROOT / "docs/openapi.json"
RENEW = "manage.py openapi > docs/openapi.json"


@pytest.fixture(autouse=True)
def _as_often_as_one_likes(settings):
    settings.RATE_LIMITS = False


def test_the_description_is_the_one_that_was_agreed():
    """A change that is meant is written down with RENEW, and read in the diff."""
    assert json.loads(SNAPSHOT.read_text()) == json.loads(json.dumps(schema())), RENEW


def test_nothing_that_clients_count_on_is_gone():
    """Whatever was promised is still there: paths, methods, fields, and no new thing is needed."""
    before, now = json.loads(SNAPSHOT.read_text()), schema()
    for path, methods in before["paths"].items():
        for method, told in methods.items():
            here = now["paths"][path][method]
            needed = {p["name"] for p in here["parameters"] if p["required"]}
            assert needed <= {p["name"] for p in told["parameters"] if p["required"]}
            assert here["operationId"] == told["operationId"]
            assert set(told["responses"]) <= set(here["responses"])
    for name, told in before["components"]["schemas"].items():
        here = now["components"]["schemas"][name]
        assert set(told.get("properties", ())) <= set(here.get("properties", ())), name
        assert set(here.get("required", ())) <= set(told.get("required", ())) or "Out" in name


def test_every_operation_says_how_it_is_asked(client, cafe):
    served = client.get("/api/v1/openapi.json", HTTP_HOST=cafe.host)
    told = served.json()
    assert told["openapi"] == "3.1.0"
    assert told == json.loads(json.dumps(schema()))
    for path, methods in told["paths"].items():
        for operation in methods.values():
            assert operation["security"], path
            assert operation["summary"], path
            assert {"401", "403", "429"} <= operation["responses"].keys()
            if body := operation.get("requestBody"):
                assert body["content"]["application/json"]["example"] is not None


@pytest.mark.thorough
def test_the_description_is_openapi():
    schemathesis.openapi.from_dict(json.loads(json.dumps(schema()))).validate()


def test_every_code_is_told(client, cafe):
    page = client.get("/api/docs", HTTP_HOST=cafe.host).text
    known = {code for code, _, _ in reference("x").codes}
    for code in known:
        assert f'id="{code}"' in page
    assert refusals.InsufficientPoints.code in {code for code, _, _ in told_refusals()}
    source = "".join(p.read_text() for p in (ROOT / "portal/api").rglob("*.py"))
    used = set(re.findall(r'(?:Wrong\(\s*\d+|problem\(\s*request,\s*\d+),\s*"(\w+)"', source))
    assert used - {"invalid"} <= CODES.keys(), "a code that the page does not tell"


def test_the_page_is_ours_and_runs_nothing(client, cafe):
    answer = client.get("/api/docs", HTTP_HOST=cafe.host)
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    for methods in schema()["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in answer.text


# --- Snippets ------------------------------------------------------------------------------------


def snippets():
    text = (ROOT / "docs/api.md").read_text()
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


@pytest.mark.django_db(transaction=True)
def test_the_snippets_of_the_documentation_work(live_server, cafe):
    """As they stand, one after the other, in one shell."""
    _, secret = make_key(cafe)
    script = "\n".join(["set -eu", *snippets()])
    script = script.replace("manage.py api_key", "echo manage.py api_key")
    port = live_server.url.rpartition(":")[2]
    variables = {
        "PATH": os.environ["PATH"],
        "KEY": secret,
        "BASE": f"http://{cafe.host}:{port}/api/v1",
    }
    script = re.sub(r"^(KEY|BASE)=.*$", "", script, flags=re.MULTILINE)
    done = subprocess.run(
        ["bash", "-c", script],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert '"points":24' in done.stdout.replace(" ", "")
    assert "Idempotent-Replayed: true" in done.stdout
    assert '"pointer":"/amount/amount"' in done.stdout.replace(" ", "")


# --- Whatever the schema allows ------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("examples", [1, pytest.param(60, marks=pytest.mark.thorough)])
def test_whatever_the_schema_allows_is_answered_as_it_says(live_server, cafe, examples):
    """schemathesis makes requests that the description allows, and some that it does not."""
    api = system(cafe)
    base = f"{live_server.url}/api/v1"
    headers = {"Authorization": f"Bearer {api.credential}", "Host": cafe.host}
    told = schemathesis.openapi.from_dict(json.loads(json.dumps(schema())))
    checks = [
        not_a_server_error,
        of_openapi.status_code_conformance,
        of_openapi.content_type_conformance,
        of_openapi.response_schema_conformance,
    ]
    asked = []
    for found in told.get_all_operations():
        operation = found.ok()
        name = operation.definition.raw["operationId"]
        if name in ("issueToken", "revokeToken"):
            continue

        @of_hypothesis(
            max_examples=examples,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case):
            if "member" in (case.path_parameters or {}):
                case.path_parameters["member"] = member_id(cafe)
            response = case.call(headers=headers, base_url=base)
            case.validate_response(response, checks=checks)

        ask()
        asked.append(name)
    assert len(asked) >= 15
