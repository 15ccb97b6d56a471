"""What collectstatic does with our files: one style sheet a face, without comments, compressed,
named by its content.

Templates link `css/till.css`, a list of `@import`s, so a page works from the plain folder too.
Here the list becomes the files themselves, in their order: a page then loads the face, the night
and the shop's theme, and nothing else.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_IMPORT = re.compile(r"""@import\s+url\(\s*["']?([^"')]+)["']?\s*\)\s*;\s*""")
_URL = re.compile(r"""url\(\s*["']?(?!data:|/|#|https?:)([^"')]+)["']?\s*\)""")
_AIR = re.compile(r"\s*\n\s*")

_Paths = Mapping[str, tuple[Storage, str]]


class FaceStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, after the style sheets of the faces were joined."""

    # The pieces are for working with the plain folder: only whole files are kept, hashed and
    # compressed.
    keep_only_hashed_files = True

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str | None, bool | Exception]]:
        if not dry_run:
            self._join_faces(paths)
        yield from super().post_process(paths, dry_run=dry_run, **options)

    def _join_faces(self, paths: dict[str, Any]) -> None:
        sheets = [name for name in paths if name.endswith(".css")]
        pieces: set[str] = set()
        joined = {name: join(name, paths, pieces) for name in sheets}
        for name, text in joined.items():
            self.delete(name)
            if name in pieces:
                del paths[name]
            else:
                self._save(name, ContentFile(text.encode()))
                paths[name] = (self, name)


def join(name: str, paths: _Paths, pieces: set[str]) -> str:
    """The style sheet `name` with every `@import`ed one in its place; their names are added to
    `pieces`.
    """
    folder = posixpath.dirname(name)
    source, path = paths[name]

    def take(found: re.Match[str]) -> str:
        piece = posixpath.normpath(posixpath.join(folder, found[1]))
        pieces.add(piece)
        moved = posixpath.relpath(posixpath.dirname(piece), folder)
        text = join(piece, paths, pieces)
        return _URL.sub(
            lambda url: f'url("{posixpath.normpath(posixpath.join(moved, url[1]))}")', text
        )

    return tidy(_IMPORT.sub(take, _COMMENT.sub("", _read(source, path))))


def tidy(text: str) -> str:
    """CSS without comments and indentation. Nothing cleverer: compression does the rest."""
    return _AIR.sub("\n", _COMMENT.sub("", text)).strip() + "\n"


def _read(source: Storage, path: str) -> str:
    with source.open(path) as file:
        return str(file.read().decode())
