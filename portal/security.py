"""What a browser may do with our pages. Nothing comes from elsewhere, nothing is framed, no inline
script or style runs.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=()",
    # A card's or sign-in link's secret is in its path: no page may tell the next one where it came
    # from.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# A style sheet runs nothing and leads nowhere, and each shop's is on every page's way.
OF_A_SHEET = {"X-Content-Type-Options": "nosniff"}


class SecurityHeadersMiddleware:
    """Sets each header that the view has not set itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_sheet = response.headers.get("Content-Type", "").startswith("text/css")
        for name, value in (OF_A_SHEET if is_sheet else HEADERS).items():
            response.headers.setdefault(name, value)
        return response
