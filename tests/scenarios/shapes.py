"""What can stand behind a key of a scenario file.

A shape takes a value as YAML gave it and where it stands ("EARN-01 when[0]"), and returns it as the
runner works with it: ints, Fractions, dates, datetimes (without zone: wall-clock time). It raises
FormatError with the place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

Shape = Callable[[Any, str], Any]


class FormatError(ValueError):
    """The file says something that the runner does not know; `where` is the id and the path."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where, self.why = where, why


def number(value: Any, where: str) -> int:
    if type(value) is not int:
        raise FormatError(where, f"{value!r} is no whole number")
    return value


def exact(value: Any, where: str) -> Fraction:
    """A rate or a factor: 3.5 is seven halves, never a float."""
    if type(value) not in (int, Decimal):
        raise FormatError(where, f"{value!r} is no number")
    return Fraction(value)


def text(value: Any, where: str) -> str:
    """A name or a code; one of digits only need not be quoted."""
    if type(value) not in (str, int):
        raise FormatError(where, f"{value!r} is no text")
    return str(value)


def flag(value: Any, where: str) -> bool:
    if type(value) is not bool:
        raise FormatError(where, f"{value!r} is neither true nor false")
    return value


def date(value: Any, where: str) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise FormatError(where, f"{value!r} is no date") from None


def moment(value: Any, where: str) -> dt.datetime:
    """A time; without an offset it is wall-clock time in the program's zone."""
    try:
        return dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise FormatError(where, f"{value!r} is no time") from None


def anything(value: Any, where: str) -> Any:
    return value


def one_of(*words: str) -> Shape:
    def read(value: Any, where: str) -> str:
        if value not in words:
            raise FormatError(where, f"{value!r} is none of {', '.join(words)}")
        return str(value)

    return read


def maybe(shape: Shape) -> Shape:
    return lambda value, where: None if value is None else shape(value, where)


def either(*shapes: tuple[type, Shape]) -> Shape:
    """The shape that belongs to the type of the value."""

    def read(value: Any, where: str) -> Any:
        for kind, shape in shapes:
            if isinstance(value, kind):
                return shape(value, where)
        raise FormatError(where, f"{value!r} cannot stand here")

    return read


def listing(shape: Shape) -> Shape:
    def read(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise FormatError(where, f"{value!r} is no list")
        return [shape(each, f"{where}[{place}]") for place, each in enumerate(value)]

    return read


def row(*shapes: Shape) -> Shape:
    """A list of exactly these: [[earn, 100], [expire, -100]] is a listing of row(text, number)."""

    def read(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != len(shapes):
            raise FormatError(where, f"{value!r} is no list of {len(shapes)}")
        pairs = zip(shapes, value, strict=True)
        return tuple(shape(each, f"{where}[{place}]") for place, (shape, each) in enumerate(pairs))

    return read


def named(shape: Shape) -> Shape:
    """A mapping whose keys are names that the file makes up."""

    def read(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise FormatError(where, f"{value!r} is no mapping")
        return {str(key): shape(each, f"{where}.{key}") for key, each in value.items()}

    return read


def record(keys: Mapping[str, Shape]) -> Shape:
    """A mapping with these keys and no others; one that ends in "!" must be there."""
    shapes = {key.removesuffix("!"): shape for key, shape in keys.items()}
    needed = [key.removesuffix("!") for key in keys if key.endswith("!")]

    def read(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise FormatError(where, f"{value!r} is no mapping")
        for key in value:
            if key not in shapes:
                raise FormatError(where, f"unknown key {key!r} (known: {', '.join(shapes)})")
        for key in needed:
            if key not in value:
                raise FormatError(where, f"{key!r} is missing")
        return {key: shapes[key](each, f"{where}.{key}") for key, each in value.items()}

    return read
