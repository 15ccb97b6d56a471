"""What collectstatic does with our files: one style sheet a face, without comments, compressed,
named by its content.

Templates link `css/till.css`, a list of `@import`s, so a page works from the plain folder too.
Here the list becomes the files themselves, in their order, without what no rule of the face uses: a
page then loads the face and the shop's theme, and nothing else.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

TOKENS = "css/tokens.css"

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_IMPORT = re.compile(r"""@import\s+url\(\s*["']?([^"')]+)["']?\s*\)\s*([^;]*);\s*""")
_URL = re.compile(r"""url\(\s*["']?(?!data:|/|#|https?:)([^"')]+)["']?\s*\)""")
_SCRIPT = re.compile(r"""^import\s+"(\./[^"]+)";[ \t]*\n""", re.MULTILINE)
_STRING = re.compile(r"""("[^"]*"|'[^']*')""")
_LINES = re.compile(r"\s*\n\s*")
_AIR = re.compile(r" *([{};,]) *|(?<=:) +")
_TOKEN = re.compile(r"(?<=[{;}])(--[\w-]+):[^;{}]*(?:;|(?=}))")
_USE = re.compile(r"var\((--[\w-]+)")

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
            self._join_scripts(paths)
        yield from super().post_process(paths, dry_run=dry_run, **options)

    def _join_faces(self, paths: dict[str, Any]) -> None:
        sheets = [name for name in paths if name.endswith(".css")]
        pieces: set[str] = set()
        joined = {name: face(name, paths, pieces) for name in sheets}
        for name, text in joined.items():
            self.delete(name)
            if name in pieces:
                del paths[name]
            else:
                self._save(name, ContentFile(text.encode()))
                paths[name] = (self, name)

    def _join_scripts(self, paths: dict[str, Any]) -> None:
        for name in [name for name in paths if name.endswith(".js")]:
            source, path = paths[name]
            text = _read(source, path)
            if _SCRIPT.search(text):
                self.delete(name)
                self._save(name, ContentFile(join_scripts(name, paths).encode()))
                paths[name] = (self, name)


def join_scripts(name: str, paths: _Paths) -> str:
    """The script `name` with every one that it imports whole in its place. Each keeps its names to
    itself, as in a module of its own.
    """

    def take(found: re.Match[str]) -> str:
        piece = posixpath.normpath(posixpath.join(posixpath.dirname(name), found[1]))
        return f"{{\n{_read(*paths[piece])}}}\n"

    return _SCRIPT.sub(take, _read(*paths[name]))


def face(name: str, paths: _Paths, pieces: set[str]) -> str:
    """What `join` gives; of a whole face (it imports the tokens) only the tokens that it uses."""
    own: set[str] = set()
    text = join(name, paths, own)
    pieces |= own
    return without_idle_tokens(text) if TOKENS in own else text


def join(name: str, paths: _Paths, pieces: set[str]) -> str:
    """The style sheet `name` with every `@import`ed one in its place; their names are added to
    `pieces`.
    """
    folder = posixpath.dirname(name)
    source, path = paths[name]

    def take(found: re.Match[str]) -> str:
        piece = posixpath.normpath(posixpath.join(folder, found[1]))
        if not found[2]:  # a sheet for one medium alone may also be linked for every one
            pieces.add(piece)
        moved = posixpath.relpath(posixpath.dirname(piece), folder)
        text = _URL.sub(
            lambda url: f'url("{posixpath.normpath(posixpath.join(moved, url[1]))}")',
            join(piece, paths, pieces),
        )
        return f"@media {found[2]}{{{text}}}" if found[2] else text

    return tidy(_IMPORT.sub(take, _COMMENT.sub("", _read(source, path))))


def tidy(text: str) -> str:
    """CSS without comments and the air between its words; what stands in quotes stays."""
    parts = _STRING.split(_COMMENT.sub("", text))
    parts[::2] = [_AIR.sub(r"\1", _LINES.sub(" ", part)) for part in parts[::2]]
    return "".join(parts).replace(";}", "}").strip() + "\n"


def without_idle_tokens(text: str) -> str:
    """A whole face without the tokens that no rule of it uses: they are declared for all faces."""
    used = set(_USE.findall(text))
    left = _TOKEN.sub(lambda found: found[0] if found[1] in used else "", text)
    return text if left == text else without_idle_tokens(left)


def _read(source: Storage, path: str) -> str:
    with source.open(path) as file:
        return str(file.read().decode())
