"""What is sent to the API, read strictly: one meaning for each text, or a problem."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser

from portal.api.problems import Wrong, escaped

JSON = "application/json"
MOST_DIGITS = 30  # of a number


class Strict(Parser):
    """JSON in UTF-8 with one value for each name. No NaN, no NUL, no half of a surrogate pair."""

    def parse_body(self, request: HttpRequest) -> Any:
        kind = (request.content_type or "").lower()
        charset = (request.content_params or {}).get("charset", "utf-8").lower()
        if kind != JSON or charset not in ("utf-8", "utf8"):
            raise Wrong(415, "unsupported_media_type", f"Send {JSON}, in UTF-8.")
        try:
            text = request.body.decode("utf-8")
            read = json.loads(
                text,
                object_pairs_hook=_once_each,
                parse_constant=_no_number,
                parse_int=_whole,
            )
        except (UnicodeDecodeError, RecursionError, ValueError):
            raise Wrong(400, "bad_json", "This is no JSON that we can read.") from None
        _refuse_unwritable(read, "")
        return read


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Wrong(422, "duplicate_name", "An object has the same name twice.")
    return found


def _no_number(_: str) -> NoReturn:
    raise Wrong(422, "not_a_number", "NaN and Infinity are no numbers in JSON.")


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise Wrong(422, "too_large", "A number has too many digits.")
    return int(digits)


def _refuse_unwritable(value: Any, pointer: str) -> None:
    """Text that no database takes: NUL and lone surrogates, in values and in names."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            what = {"pointer": pointer, "code": "bad_text", "detail": "NUL or half a character."}
            raise Wrong(422, "invalid", "Something in the body is not right.", errors=[what])
    elif isinstance(value, dict):
        for name, each in value.items():
            _refuse_unwritable(name, pointer)
            _refuse_unwritable(each, f"{pointer}/{escaped(name)}")
    elif isinstance(value, list):
        for at, each in enumerate(value):
            _refuse_unwritable(each, f"{pointer}/{at}")
