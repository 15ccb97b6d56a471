"""The description of the API as a page shows it: operations, their fields, an example to try."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from portal.api.openapi import CODES, JSON, refusals, schema

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: str
    needed: bool
    about: str


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    method: str
    path: str
    summary: str
    about: str
    scopes: str
    is_exchange: bool
    parameters: tuple[Field, ...]
    sent: tuple[Field, ...]
    told: tuple[Field, ...]
    statuses: tuple[tuple[str, str], ...]
    curl: str


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    groups: tuple[Group, ...]
    codes: tuple[tuple[str, int, str], ...]


@lru_cache(maxsize=64)
def reference(base: str) -> Reference:
    """Of the API at this address."""
    found: dict[str, list[Operation]] = {}
    for path, methods in schema()["paths"].items():
        for method, told in methods.items():
            found.setdefault(told["tags"][0], []).append(_operation(base, path, method, told))
    groups = tuple(Group(name, tuple(operations)) for name, operations in found.items())
    ours = [(code, status, text) for code, (status, text) in CODES.items()]
    return Reference(groups, tuple(ours + refusals()))


def _operation(base: str, path: str, method: str, told: Schema) -> Operation:
    (guard,) = told["security"]
    answers = [answer for status, answer in told["responses"].items() if status.startswith("2")]
    return Operation(
        name=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        about=_plain(told.get("description", "")),
        scopes=" / ".join(next(iter(guard.values()))),
        is_exchange="SecretKey" in guard,
        parameters=tuple(_parameter(each) for each in told["parameters"]),
        sent=_fields(told.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema")),
        told=_fields(answers[0].get("content", {}).get(JSON, {}).get("schema")),
        statuses=tuple((code, each["description"]) for code, each in told["responses"].items()),
        curl=_curl(base, path, method, told),
    )


def _parameter(told: Schema) -> Field:
    about = told.get("description", "") or told["schema"].get("description", "")
    return Field(told["name"], _kind(told["schema"]), told["required"], _plain(about))


def _fields(told: Schema | None) -> tuple[Field, ...]:
    if not told:
        return ()
    whole = _resolved(told)
    needed = whole.get("required", ())
    return tuple(
        Field(name, _kind(each), name in needed, _about(each))
        for name, each in whole.get("properties", {}).items()
    )


def _about(told: Schema) -> str:
    text = told.get("description", "")
    items = [each for each in told.get("anyOf", ()) if "description" in each]
    return _plain(str(text or (items[0]["description"] if items else "")))


def _plain(text: str) -> str:
    """Descriptions are Markdown; of that they use only the marks of code."""
    return text.replace("`", "")


def _resolved(told: Schema) -> Schema:
    if "$ref" not in told:
        return told
    found: Schema = schema()["components"]["schemas"][told["$ref"].rpartition("/")[2]]
    return found


def _kind(told: Schema) -> str:
    """What a value is, in a word or two."""
    if "$ref" in told:
        return str(told["$ref"].rpartition("/")[2])
    if "anyOf" in told:
        kinds = [_kind(each) for each in told["anyOf"]]
        return " or ".join(dict.fromkeys(kinds))
    kind = str(told.get("format") or told.get("type", "anything"))
    if kind == "array":
        return f"list of {_kind(told.get('items', {}))}"
    return kind


def _curl(base: str, path: str, method: str, told: Schema) -> str:
    """A line for a shell, with the credential in a variable."""
    variable = "KEY" if "SecretKey" in told["security"][0] else "TOKEN"
    parts = [f"curl {base}{path}", f'-H "Authorization: Bearer ${variable}"']
    if method != "get":
        parts[0] = f"curl -X {method.upper()} {base}{path}"
    if any(each["name"] == "Idempotency-Key" for each in told["parameters"]):
        parts.append(f'-H "Idempotency-Key: {told["operationId"]}-1"')
    body = told.get("requestBody", {}).get("content", {}).get(JSON)
    if body:
        parts += ['-H "Content-Type: application/json"', f"-d '{json.dumps(body['example'])}'"]
    return " \\\n  ".join(parts)
