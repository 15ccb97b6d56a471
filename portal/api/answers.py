"""Answers of the API: pages by key, tags, keys that make a command one."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel

from portal.api.problems import Wrong

M = TypeVar("M", bound=Model)
KEY = re.compile(r"[\x21-\x7e]{1,80}", re.ASCII)
JSON = "application/json"
LIMIT = 50
MOST = 200
# What Python says of a place that is none.
NO_PLACE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)


def key_of(request: HttpRequest) -> str:
    """The Idempotency-Key, without which points do not move. Raises a problem (400)."""
    key = request.headers.get("Idempotency-Key", "")
    if not KEY.fullmatch(key):
        told = "Send an Idempotency-Key of 1 to 80 visible characters, the same with each retry."
        raise Wrong(400, "idempotency_key_needed", told)
    return key


def made(body: BaseModel, *, replayed: bool = False, status: int = 201) -> HttpResponse:
    """What a command did; a repetition says that it is one."""
    response = HttpResponse(body.model_dump_json(), status=status, content_type=JSON)
    response.headers["Cache-Control"] = "no-store"
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def tagged(request: HttpRequest, body: BaseModel, *, version: int = 0) -> HttpResponse:
    """An answer that is asked for again and again: 304 while nothing of it has changed.

    The tag begins with the version of what may be edited, which If-Match is about.
    """
    told = body.model_dump_json()
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    tag = f'W/"{version}-{digest}"'
    if tag in [each.strip() for each in request.headers.get("If-None-Match", "").split(",")]:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(told, content_type=JSON)
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def expected_version(request: HttpRequest) -> int | None:
    """The version that If-Match speaks of, None where it asks for nothing. Raises a problem."""
    tag = request.headers.get("If-Match", "").strip()
    if tag in ("", "*"):
        return None
    found = re.fullmatch(r'(?:W/)?"(\d{1,9})-[0-9a-f]{16}"', tag, re.ASCII)
    if found is None:
        raise stale()
    return int(found[1])


def stale() -> Wrong:
    return Wrong(412, "stale", "It was changed since you read it. Read it again.")


# Pages. A place in a list is the last row's key, so that rows which come meanwhile move nothing.


def page_of(
    request: HttpRequest,
    rows: QuerySet[M],
    *,
    limit: int,
    after: str,
    by_time: str = "",
    tell: Callable[[list[M]], list[Any]],
    kind: Callable[..., BaseModel],
) -> HttpResponse:
    """Some of these rows, newest first (by the field `by_time`, then by id), and where the rest is.

    One row more than is shown tells whether there is more.
    """
    order = [f"-{by_time}", "-id"] if by_time else ["-id"]
    found = list(_after(rows, after, by_time).order_by(*order)[: limit + 1])
    shown, more = found[:limit], len(found) > limit
    following = _place(shown[-1], by_time) if more else None
    response = made(kind(data=tell(shown), next=following), status=200)
    if following:
        query = request.GET.copy()
        query["after"] = following
        link = request.build_absolute_uri(f"{request.path}?{urlencode(sorted(query.items()))}")
        response.headers["Link"] = f'<{link}>; rel="next"'
    return response


def _place(row: Model, by_time: str) -> str:
    told = [str(row.pk)]
    if by_time:
        told.append(getattr(row, by_time).isoformat())
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


def _after(rows: QuerySet[M], after: str, by_time: str) -> QuerySet[M]:
    if not after:
        return rows
    try:
        raw = base64.urlsafe_b64decode(after.encode("ascii") + b"==")
        last, *time = json.loads(raw)
        key = UUID(last)
        if not by_time:
            return rows.filter(pk__lt=key)
        at = dt.datetime.fromisoformat(time[0])
        if at.tzinfo is None:
            raise ValueError
        at = at.astimezone(dt.UTC)  # PostgreSQL knows no offset of 16 hours and more
    except NO_PLACE:
        told = {"parameter": "after", "code": "bad_cursor", "detail": "Begin without it."}
        raise Wrong(422, "invalid", "There is no such place in a list.", errors=[told]) from None
    earlier = Q(**{f"{by_time}__lt": at}) | Q(**{by_time: at, "pk__lt": key})
    return rows.filter(earlier)
