"""Before and behind every view of the API: which methods there are, who may read the answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from portal.api.origins import open_to, preflight
from portal.problems import problem

View = Callable[..., HttpResponse]


def fronted(view: View, methods: tuple[str, ...], *, is_open: bool = False) -> View:
    """The view with OPTIONS and HEAD, and a problem for every other method that it has not.

    `is_open` ones are for browsers on other sites too.
    """
    told = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            if is_open:
                return preflight(request, told)
            return HttpResponse(status=204, headers={"Allow": told})
        if request.method == "HEAD" and "GET" in methods:
            request.method = "GET"
            response = answered(request, *args, **kwargs)
            request.method = "HEAD"
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""
            return response
        if request.method not in methods:
            said = f"Here is only {told}."
            return problem(request, 405, "method_not_allowed", said, headers={"Allow": told})
        response = view(request, *args, **kwargs)
        patch_vary_headers(response, ["Authorization"])
        return open_to(request, response) if is_open else response

    answered.csrf_exempt = True  # type: ignore[attr-defined]  # it reads no cookie
    return answered
