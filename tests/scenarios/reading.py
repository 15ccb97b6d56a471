"""A scenario file → its scenarios, every key of it known.

YAML's own ideas about times and fractions are switched off: what is written is what is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tests.scenarios.format import META, SCENARIO
from tests.scenarios.program_format import PROGRAM
from tests.scenarios.shapes import FormatError

ZONE = "Europe/Berlin"
CURRENCY = "EUR"
DEFAULT_PROGRAM: dict[str, Any] = {
    "tz": ZONE,
    "rules": [{"id": "default", "kind": "spend", "points": 1, "per": 100}],
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One of a file: what there is (`program`, `given`), what happens (`when`), what must be so at
    the end (`then`). Keys and values are as tests.scenarios.format says.
    """

    id: str
    title: str
    program: dict[str, Any]
    given: dict[str, Any]
    when: list[dict[str, Any]]
    then: dict[str, Any] = field(default_factory=dict)
    is_manual: bool = False
    currency: str = CURRENCY

    @property
    def history(self) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = self.given.get("history", [])
        return steps

    @property
    def races(self) -> bool:
        """Is there a step that must hold for every interleaving?"""
        return any("parallel" in step or "repeat" in step for step in [*self.history, *self.when])

    def operations(self) -> Iterator[dict[str, Any]]:
        """Every command in it, those that race and repeat too."""
        for step in [*self.history, *self.when]:
            if "parallel" in step:
                yield from step["parallel"]
            else:
                yield step.get("step", step)


def read(path: Path) -> list[Scenario]:
    """The scenarios of a file, in its order. Raises FormatError with the id and the key."""
    return scenarios_of(path.read_text(encoding="utf-8"))


def scenarios_of(written: str) -> list[Scenario]:
    """The same of a text."""
    found = []
    for _, each in parts_of(written):
        if isinstance(each, FormatError):
            raise each
        found.append(each)
    return found


def parts_of(written: str) -> Iterator[tuple[str, Scenario | FormatError]]:
    """Every scenario of a text with its id; what cannot be read is an error in its place, so that
    the others can be played.
    """
    document = yaml.load(written, Loader)  # noqa: S506 (a SafeLoader)
    if not isinstance(document, dict):
        yield "file", FormatError("file", "is no mapping")
        return
    for key in document:
        if key not in ("meta", "programs", "scenarios") and not str(key).startswith("x-"):
            yield "file", FormatError("file", f"unknown key {key!r}")
    try:
        meta = META(document.get("meta", {}), "meta")
    except FormatError as error:
        yield "meta", error
        meta = {}
    programs = {}
    for name, told in document.get("programs", {}).items():
        try:
            programs[name] = PROGRAM(told, f"programs.{name}")
        except FormatError as error:
            yield f"programs.{name}", error
    known = set()
    for place, told in enumerate(document.get("scenarios") or []):
        name = str(told.get("id")) if isinstance(told, dict) else f"scenarios[{place}]"
        try:
            if name in known:
                raise FormatError(name, "is the id of two scenarios")
            known.add(name)
            yield name, _scenario(told, programs, name, meta)
        except FormatError as error:
            yield name, error


def _scenario(written: Any, programs: dict[str, Any], where: str, meta: dict[str, Any]) -> Scenario:
    known = SCENARIO(written, where)
    given = known.get("given", {})
    name = given.get("program")
    if name is not None and name not in programs:
        raise FormatError(where, f"given.program: no program {name!r} in this file")
    return Scenario(
        id=known["id"],
        title=known["title"],
        program={**DEFAULT_PROGRAM, **programs.get(name, {}), **given.get("override", {})},
        given=given,
        when=known["when"],
        then=known.get("then", {}),
        is_manual=known.get("check") == "manual",
        currency=meta.get("currency", CURRENCY),
    )


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Dates and times stay text, fractions become Decimals, a doubled key is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise FormatError(f"line {node.start_mark.line + 1}", f"{min(twice)!r} is there twice")
        return super().construct_mapping(node, deep)


def _text(loader: Loader, node: Any) -> Any:
    return loader.construct_scalar(node)


def _decimal(loader: Loader, node: Any) -> Decimal:
    return Decimal(re.sub("_", "", loader.construct_scalar(node)))


Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)
Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
