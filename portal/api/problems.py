"""What goes wrong in the API, as problems: our own, loyalty's refusals, and fields that do not fit.

The API speaks English to whoever programs against it; what the business says no to is a sentence
for a person, in the language that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from psycopg.errors import LockNotAvailable

from loyalty.refusals import (
    BadDate,
    BadPhone,
    BadSetting,
    BelowMinimum,
    IdempotencyConflict,
    LinesExceedTotal,
    MinSpend,
    NegativeAmount,
    NotAnIdentifier,
    NothingToChange,
    NothingToKnowBy,
    PartsExceedTotal,
    ReasonRequired,
    Refusal,
    StaleProfile,
    UnknownLine,
    UnknownMember,
    UnknownTier,
    VoucherNotYours,
    VoucherUnknown,
)
from portal.problems import problem

REALM = 'Bearer realm="api"'
NOT_FOUND = "There is nothing here that you may see."

# What is wrong with the command itself. Every other refusal is about how things stand: 409.
OF_THE_COMMAND = (
    BadDate,
    BadPhone,
    BadSetting,
    BelowMinimum,
    IdempotencyConflict,
    LinesExceedTotal,
    MinSpend,
    NegativeAmount,
    NotAnIdentifier,
    NothingToChange,
    NothingToKnowBy,
    PartsExceedTotal,
    ReasonRequired,
    UnknownLine,
    UnknownMember,
    UnknownTier,
    VoucherNotYours,
    VoucherUnknown,
)


class Wrong(Exception):
    """An answer that is a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = errors, headers


def not_allowed_in(pointer: str, code: str, detail: str) -> Wrong:
    """422 about one field."""
    return Wrong(
        422,
        "invalid",
        "Something in the body is not right.",
        errors=[{"pointer": pointer, "code": code, "detail": detail}],
    )


def status_of(refusal: type[Refusal] | Refusal) -> int:
    kind = refusal if isinstance(refusal, type) else type(refusal)
    if issubclass(kind, StaleProfile):
        return 412
    return 422 if issubclass(kind, OF_THE_COMMAND) else 409


def told_of(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """What the business says no to, with its figures."""
    more: dict[str, Any] = {"figures": refusal.figures} if refusal.figures else {}
    return problem(request, status_of(refusal), refusal.code, str(refusal), **more)


def handle(api: NinjaAPI) -> None:
    """Every exception that is no fault of ours becomes a problem."""
    handlers: dict[type[Exception], Any] = {
        Wrong: _wrong,
        Refusal: told_of,
        ValidationError: _invalid,
        AuthenticationError: _unauthorized,
        HttpError: _http_error,
        Http404: _not_found,
        OperationalError: _waited,
        Exception: _fault,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def unauthorized(code: str = "invalid_token") -> Wrong:
    told = "Bring a token that is good here: Authorization: Bearer …"
    challenge = REALM if code == "no_token" else f'{REALM}, error="invalid_token"'
    return Wrong(401, code, told, headers={"WWW-Authenticate": challenge})


def _wrong(request: HttpRequest, wrong: Wrong) -> HttpResponse:
    return problem(
        request,
        wrong.status,
        wrong.code,
        wrong.detail,
        errors=wrong.errors,
        headers=wrong.headers,
    )


def _unauthorized(request: HttpRequest, _: AuthenticationError) -> HttpResponse:
    return _wrong(request, unauthorized())


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """The framework's own, which is what it makes of a body that our parser refuses."""
    if isinstance(error.__cause__, Wrong):
        return _wrong(request, error.__cause__)
    return problem(request, error.status_code, "bad_request", str(error))


def _not_found(request: HttpRequest, _: Http404) -> HttpResponse:
    return problem(request, 404, "not_found", NOT_FOUND)


def _waited(request: HttpRequest, error: OperationalError) -> HttpResponse:
    """Somebody else's command holds the card for longer than a request may wait: most likely the
    twin of this one.
    """
    if request.method == "POST" and isinstance(error.__cause__, LockNotAvailable):
        told = "This is still being carried out. Send it again, with the same key."
        return problem(request, 409, "in_flight", told, headers={"Retry-After": "1"})
    raise error


def _fault(request: HttpRequest, error: Exception) -> HttpResponse:
    raise error


# What a field can be wrong in, by the names that pydantic has for it.
CODES = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "string_pattern_mismatch": "bad_format",
    "literal_error": "not_a_choice",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
    "too_long": "too_many",
    "too_short": "too_few",
    "value_error": "invalid",
}
DETAILS = {
    "required": "This is needed.",
    "unknown_field": "There is no such field.",
    "bad_format": "This is not written as it should be.",
}


def _invalid(request: HttpRequest, found: ValidationError) -> HttpResponse:
    errors = [_field(error) for error in found.errors]
    return problem(request, 422, "invalid", "Something in the request is not right.", errors=errors)


def _field(error: dict[str, Any]) -> dict[str, str]:
    """One error of pydantic, without what was sent."""
    source, *steps = error["loc"]
    code = CODES.get(error["type"], error["type"])
    detail = DETAILS.get(code, error["msg"].removeprefix("Value error, "))
    if source != "body":
        return {"parameter": str(steps[0]), "code": code, "detail": detail}
    pointer = "".join(f"/{escaped(step)}" for step in steps[1:])
    return {"pointer": pointer, "code": code, "detail": detail}


def escaped(name: object) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return str(name).replace("~", "~0").replace("/", "~1")
