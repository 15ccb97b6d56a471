"""Pictures that shops upload: made safe and small here, and served under the digest of their bytes.

A drawing (SVG) is reduced to its shapes; a photograph (PNG, JPEG, WebP) is decoded and written
anew, so that nothing of the file that came remains but what is seen.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

import py_svg_hush
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from PIL import Image, ImageOps

from portal.bulkhead import let_go
from tenants import shops
from tenants.models import Logo
from tenants.onboarding import Picture

LARGEST = 1024 * 1024  # bytes
EDGE = 512  # pixels of the longer edge
PIXELS = 4096 * 3072  # what is decoded at most, a phone's 12 megapixels: files unfold to much
PATIENCE = 2.0  # seconds to wait for one's turn
_places = BoundedSemaphore(2)  # of this process, whoever asks: one picture may take 200 MB
ACCEPT = "image/png,image/jpeg,image/webp,image/svg+xml"
KINDS = {"image/webp", "image/svg+xml"}  # what is kept

# A drawing opened by itself is a page: it may run, load and ask for nothing.
ALONE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class BadLogo(ValueError):
    """What was uploaded cannot be a logo; str() is the sentence."""


def read(upload: UploadedFile[bytes]) -> Picture:
    """The picture in an uploaded file, again and again the same. Raises BadLogo, with a sentence
    for whoever sent it.
    """
    upload.seek(0)
    if (upload.size or 0) > LARGEST:
        raise BadLogo(_("That is more than 1 MB. Send a smaller picture."))
    found = upload.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise BadLogo(_("That is more than 1 MB. Send a smaller picture."))
    if not found:
        raise BadLogo(_("That file is empty."))
    is_drawing = re.search(rb"<svg[\s>]", found[:4096]) is not None
    kind = "image/svg+xml" if is_drawing else "image/webp"
    data = _drawing(found) if is_drawing else _pixels(found)
    return Picture(kind, data, hashlib.sha256(data).hexdigest())


def keep(picture: Picture | None) -> None:
    """Make it the logo of the shop that we are inside; None for no logo. The one before goes."""
    if picture:
        row = Logo(kind=picture.kind, digest=picture.digest, data=picture.data)
        Logo.objects.bulk_create([row], ignore_conflicts=True)
    digest = picture.digest if picture else ""
    shops.change(logo=digest)
    Logo.objects.exclude(digest=digest).delete()


@require_safe
def serve(request: HttpRequest, digest: str) -> HttpResponse:
    """The shop's logo by its digest."""
    row = Logo.objects.filter(digest=digest).first()
    if row is None:
        raise Http404
    return told(row.kind, bytes(row.data))


FOREVER = "public, max-age=31536000, immutable"


def told(kind: str, data: bytes, *, kept: str = FOREVER) -> HttpResponse:
    """A picture as an answer, which may do nothing even when it is opened by itself."""
    response = HttpResponse(data, content_type=kind)
    response.headers["Content-Security-Policy"] = ALONE
    response.headers["Content-Disposition"] = "inline"
    response.headers["Cache-Control"] = kept
    return response


def _drawing(found: bytes) -> bytes:
    try:
        safe: bytes = py_svg_hush.filter_svg(found, {})
    except ValueError as error:
        raise BadLogo(_("That drawing cannot be read. Save it as SVG or PNG once more.")) from error
    if b"<svg" not in safe:
        raise BadLogo(_("That drawing cannot be read. Save it as SVG or PNG once more."))
    return safe


def _pixels(found: bytes) -> bytes:
    try:
        with _turn():
            return _small(found)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadLogo(_("That picture has too many pixels. Send a smaller one.")) from error
    except BadLogo:
        raise
    except (OSError, SyntaxError, ValueError) as error:  # whatever a broken file is to Pillow
        raise BadLogo(_("That is no PNG, JPEG, WebP or SVG picture.")) from error


def _small(found: bytes) -> bytes:
    picture = Image.open(io.BytesIO(found), formats=("PNG", "JPEG", "WEBP"))
    if picture.width * picture.height > PIXELS:  # known before anything is decoded
        raise BadLogo(_("That picture has too many pixels. Send a smaller one."))
    picture.thumbnail((EDGE, EDGE))  # first: of a JPEG no more is decoded than this needs
    ImageOps.exif_transpose(picture, in_place=True)
    has_holes = "A" in picture.getbands() or "transparency" in picture.info
    written = io.BytesIO()
    picture.convert("RGBA" if has_holes else "RGB").save(written, "WEBP", quality=88)
    return written.getvalue()


@contextmanager
def _turn() -> Iterator[None]:
    """A place among the few who decode; who finds none waits, and holds nothing meanwhile."""
    if not _places.acquire(blocking=False):
        let_go()
        if not _places.acquire(timeout=PATIENCE):
            raise BadLogo(_("Many pictures come at once. Send yours again."))
    try:
        yield
    finally:
        _places.release()
