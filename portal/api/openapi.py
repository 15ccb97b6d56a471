"""What the API says of itself: OpenAPI 3.1, made from the types of its views.

The framework knows bodies and answers. Scopes, keys, problems, tags and examples are added here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ninja.openapi.schema import OpenAPISchema, get_schema

from loyalty import refusals as no
from portal.api.api import api
from portal.api.problems import status_of
from portal.api.resources import Problem
from portal.problems import MEDIA_TYPE

Schema = dict[str, Any]
JSON = "application/json"
KEYED = {  # operations that move points
    "enrolMember",
    "recordPurchase",
    "refundPurchase",
    "redeemReward",
    "reverseRedemption",
    "adjustPoints",
}
TAGGED = {"getMember", "getMe", "getProgram", "listRewards", "listTiers"}
KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "The same with each retry: the command has one effect, and one answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[!-~]{1,80}$"},
    "example": "sale-1042",
}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "description": "The ETag of the answer you have: 304 while it is still so.",
    "schema": {"type": "string"},
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "description": "The ETag you edited: 412 if somebody else was quicker.",
    "schema": {"type": "string"},
}
WHY = {
    400: "No JSON, or no Idempotency-Key.",
    401: "Anything wrong with the credential.",
    403: "A good token of another shop, or without the scope, or from another site.",
    404: "There is nothing here that this token may see.",
    409: "The business says no, as things stand; or the same command is still being carried out.",
    412: "It was changed since it was read.",
    415: "The body is not application/json.",
    422: "A field is wrong, or the key was used for something else.",
    429: "Too much at once: Retry-After says for how long to wait.",
    503: "For a moment not: Retry-After.",
}
MAY_REFUSE = (
    *(no.AlreadyMember, no.AlreadyReversed, no.BadDate, no.BadEmail, no.BadPhone),
    *(no.BelowMinimum, no.DuplicateReceipt, no.IdempotencyConflict, no.InsufficientPoints),
    *(no.LinesExceedTotal, no.MemberBlocked, no.MemberClosed, no.MemberLeaving),
    *(no.MemberLimit, no.MinSpend, no.NotAnIdentifier, no.NothingToChange),
    *(no.NothingToKnowBy, no.OutOfStock),
    *(no.PartsExceedTotal, no.ProgramNotLive, no.RefundExceedsPurchase, no.RewardUnavailable),
    *(no.StaleProfile, no.TierRequired, no.UnknownLine, no.UnknownMember, no.VoucherExpired),
    *(no.VoucherHeld, no.VoucherNotYetValid, no.VoucherNotYours, no.VoucherUnknown),
    *(no.VoucherUsed, no.VoucherVoided),
)
# Codes that are no refusals of loyalty, with what they mean.
CODES = {
    "bad_json": (400, "The body is no JSON."),
    "idempotency_key_needed": (400, "Points move only under an Idempotency-Key."),
    "no_token": (401, "There is no Authorization header."),
    "invalid_token": (401, "The token or key is unknown, too old, retired or not ours."),
    "wrong_tenant": (403, "A good token, of another shop."),
    "wrong_origin": (403, "The browser's site is not one that the token names."),
    "insufficient_scope": (403, "The key or the token has not this scope."),
    "server_only": (403, "A member's own token may not do this."),
    "member_only": (403, "Only a member's own token may do this."),
    "not_found": (404, "There is nothing here that you may see."),
    "method_not_allowed": (405, "Allow says which methods there are."),
    "in_flight": (409, "The same command is still being carried out."),
    "stale": (412, "It was changed since you read it."),
    "body_too_large": (413, "Send less at once."),
    "unsupported_media_type": (415, "Send application/json in UTF-8."),
    "invalid": (422, "One or more fields are wrong: errors says which."),
    "duplicate_name": (422, "An object has the same name twice."),
    "not_a_number": (422, "NaN and Infinity are no numbers in JSON."),
    "too_large": (422, "A number has too many digits."),
    "too_many_requests": (429, "Wait as long as Retry-After says."),
    "unavailable": (503, "Nothing was saved, or send it again with the same key."),
}


def schema() -> Schema:
    """The whole description. It is the same for every shop; do not change what it returns."""
    return _made()


@lru_cache(maxsize=1)
def _made() -> Schema:
    told: OpenAPISchema = get_schema(api)
    whole: Schema = dict(told)
    whole["components"]["schemas"]["Problem"] = Problem.model_json_schema()
    scopes = _scopes()
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            _require(operation, name)
            _answer(operation, method, path, name, scopes[name])
            _illustrate(operation, whole["components"]["schemas"])
    ordered = ("openapi", "info", "servers", "tags", "paths", "components")
    whole["tags"] = [{"name": name} for name in ("Tokens", "Members", "Points", "Shop")]
    return {name: whole[name] for name in ordered}


def _scopes() -> dict[str, Any]:
    """By operation: what its guard says."""
    return {
        str(operation.operation_id): operation.auth_callbacks[0]
        for router in api._get_bound_routers()
        for view in router.path_operations.values()
        for operation in view.operations
    }


def _require(operation: Schema, name: str) -> None:
    extra = [KEY] if name in KEYED else [IF_NONE_MATCH] if name in TAGGED else []
    if name == "editMember":
        extra = [IF_MATCH]
    operation["parameters"] = [*operation.get("parameters", []), *extra]


def _answer(operation: Schema, method: str, path: str, name: str, guard: Any) -> None:
    """Which problems, and who may."""
    statuses = [401, 403, 429, 503]
    if "{" in path or name in ("getProgram", "listRewards", "listTiers"):
        statuses.append(404)
    if "requestBody" in operation:
        statuses += [400, 409, 415, 422]
    if any(each["in"] == "query" for each in operation["parameters"]):
        statuses.append(422)
    if name == "editMember":
        statuses.append(412)
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for status in sorted(statuses):
        operation["responses"][status] = {
            "description": WHY[status],
            "content": {MEDIA_TYPE: problem},
        }
    for status, answer in operation["responses"].items():
        if str(status).startswith("2") and name in TAGGED:
            answer["headers"] = {"ETag": {"schema": {"type": "string"}}}
        if str(status).startswith("2") and name in KEYED:
            answer["headers"] = {"Idempotent-Replayed": {"schema": {"type": "string"}}}
    operation["responses"] = {str(key): told for key, told in operation["responses"].items()}
    operation["security"] = [{type(guard).__name__: list(guard.scopes)}]


def _illustrate(operation: Schema, schemas: Schema) -> None:
    """An example of what is sent, where its type has one."""
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if content and "$ref" in content["schema"]:
        told = schemas[content["schema"]["$ref"].rpartition("/")[2]]
        content["example"] = told["examples"][0]


def refusals() -> list[tuple[str, int, str]]:
    """(code, status, sentence) of what the business may say no to here."""
    told = [(kind.code, status_of(kind), str(kind.sentence)) for kind in MAY_REFUSE]
    return sorted(told, key=lambda each: (each[1], each[0]))
