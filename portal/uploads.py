"""Forms with a logo, which may be larger than any other: a photograph as a phone takes it is told
at its field, with everything else that was typed, though it is far more than a logo may be.

It is taken apart as it comes, and no more is kept of it than of any other form.
"""

from __future__ import annotations

import io
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

from portal.logos import LARGEST

TAKEN_BELOW = ("/start/brand/", "/manage/settings/")  # docs/nginx.conf has the same
MOST = 12 * 1024 * 1024  # bytes of such a form


def has_logo(request: HttpRequest) -> bool:
    """Whether this is a form that may carry one."""
    is_here = request.path_info.startswith(TAKEN_BELOW)
    return is_here and request.content_type == "multipart/form-data"


def read(request: HttpRequest) -> None:
    """Take the form apart, so that nothing of it is still to come.

    Raises RequestDataTooBig, UnreadablePostError, MultiPartParserError; TooManyFieldsSent and
    TooManyFilesSent, which are SuspiciousOperation.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST:
        raise RequestDataTooBig
    request.upload_handlers = [Enough(request)]
    _ = request.POST


class Enough(FileUploadHandler):
    """Keeps of all files of a form together what one logo may have, and the byte that is too much;
    the rest goes by.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.room = LARGEST + 1
        self.kept = io.BytesIO()

    def new_file(self, *args: Any, **options: Any) -> None:
        super().new_file(*args, **options)
        self.kept = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.room -= self.kept.write(raw_data[: self.room])

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        size = self.kept.tell()
        self.kept.seek(0)
        return InMemoryUploadedFile(
            file=self.kept,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
