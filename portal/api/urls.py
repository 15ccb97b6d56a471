"""The embedded API, at /api/v1/, and the keys by which its tokens are checked."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, path

from portal.api.api import api
from portal.api.fronts import fronted
from portal.api.views import docs
from portal.cors import OPEN

app_name = "api"


def _operations() -> Iterator[URLPattern]:
    """One URL a path, whatever methods it has."""
    for router in api._get_bound_routers():
        for text, view in router.path_operations.items():
            methods = tuple(method for each in view.operations for method in each.methods)
            name = view.operations[0].url_name
            route = "api/v1/" + text.replace("{", "<").replace("}", ">")
            yield path(route, fronted(view.get_view(), methods, is_open=name in OPEN), name=name)


urlpatterns = [
    path(".well-known/jwks.json", fronted(docs.key_set, ("GET",)), name="jwks"),
    path("api/docs", docs.page_of_all, name="docs"),
    path("api/v1/openapi.json", fronted(docs.openapi, ("GET",)), name="openapi"),
    *_operations(),
]
