"""The catalogues are whole, keep their placeholders, and are compiled as they are written."""

from __future__ import annotations

import io
import re

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from portal.home import ROOT

LANGUAGES = ["ar", "bn"]
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\(\w+\)s|<[^>]+>")


def catalogue(language: str):
    with (ROOT / f"locale/{language}/LC_MESSAGES/django.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_is_missing(language):
    empty = [m.id for m in catalogue(language) if m.id and not all(texts(m.string))]
    assert empty == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_names_what_the_text_does_not_know(language):
    for message in catalogue(language):
        known = set(PLACEHOLDER.findall(" ".join(texts(message.id))))
        for text in texts(message.string):
            assert set(PLACEHOLDER.findall(text)) <= known or not message.id, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language):
    fresh = io.BytesIO()
    write_mo(fresh, catalogue(language))
    assert (ROOT / f"locale/{language}/LC_MESSAGES/django.mo").read_bytes() == fresh.getvalue()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_templates_is_in_the_catalogue(language):
    known = {text for message in catalogue(language) for text in texts(message.id)}
    for file in (ROOT / "templates").rglob("*.html"):
        for _, text in re.findall(r"""{% translate (["'])(.*?)\1""", file.read_text()):
            assert text in known, f"{file.name}: {text}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_code_is_in_the_catalogue(language):
    known = {(message.context, *texts(message.id)) for message in catalogue(language)}
    missing = [where for where, word in words_of_the_code() if word not in known]
    assert missing == []


def words_of_the_code():
    for package in ("portal", "loyalty", "tenants"):
        for file in sorted((ROOT / package).rglob("*.py")):
            with file.open("rb") as source:
                for line, found, _, context in extract("python", source, keywords=KEYWORDS):
                    yield f"{file.relative_to(ROOT)}:{line} {found}", (context, *texts(found))


def texts(found) -> list[str]:
    return [found] if isinstance(found, str) else list(found)
