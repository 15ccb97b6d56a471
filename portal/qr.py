"""QR codes of what must stay as it is written. Those of cards are drawn by the tag `qr`, which
writes capitals.
"""

from __future__ import annotations

import segno
from django.utils.safestring import SafeString, mark_safe


def drawn(text: str) -> SafeString:
    """The code as an SVG element, as large as its place."""
    code = segno.make_qr(text, error="m")
    svg: str = code.svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None)
    return mark_safe(svg)  # noqa: S308 (squares only)
