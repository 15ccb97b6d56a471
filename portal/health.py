"""`/livez` and `/readyz`: answered on any host and before anything else, so that they tell the
truth.

livez: this process answers. readyz: it can serve, because PostgreSQL answers; without Valkey it is
"degraded", which still serves.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django_redis import get_redis_connection
from redis.exceptions import RedisError


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/livez":
            return HttpResponse("ok\n", content_type="text/plain")
        if request.path == "/readyz":
            return readiness()
        return self.get_response(request)


def readiness() -> JsonResponse:
    """200 {"ready": true, "database": "ok", "cache": "ok" | "away"}, or 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        database = "ok"
    except Error:
        database = "away"
    finally:
        connection.close_if_unusable_or_obsolete()
    try:
        get_redis_connection("default").ping()
        found = "ok"
    except (RedisError, OSError):
        found = "away"
    ready = database == "ok"
    told = {"ready": ready, "database": database, "cache": found}
    return JsonResponse(told, status=200 if ready else 503, headers={"Cache-Control": "no-store"})
