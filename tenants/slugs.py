"""Names that a shop's address can have: what is wrong with one, and which would be free."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from tenants import hosts
from tenants.models import Domain

LONGEST = 63  # characters of a label (RFC 1035)
SHORT_ENOUGH = 30  # of one that we suggest
FALLBACK = "my-shop"
FIRST_CONSONANT = "ক"

# How letters of other scripts sound, roughly: an address is read and typed, not spelled back.
# Each word is a letter and its sound.
ARABIC = """
    اa أa إi آa بb تt ثth جj حh خkh دd ذdh رr زz سs شsh صs ضd طt ظz عa غgh فf قq كk لl مm نn هh وw
    يy ىa ةa پp چch گg
"""  # noqa: RUF001 (they are meant)
BENGALI = """
    অo আa ইi ঈi উu ঊu ঋri এe ঐoi ওo ঔou কk খkh গg ঘgh ঙng চch ছchh জj ঝjh ঞn টt ঠth ডd ঢdh ণn তt থth
    দd ধdh নn পp ফf বb ভbh মm যj রr লl শsh ষsh সs হh
"""
# Signs that follow a consonant and take its own vowel away.
BENGALI_VOWELS = "াa িi ীi ুu ূu ৃri েe ৈoi োo ৌou ্"
OTHERS = "ংng ঃh ঁ ৎt ßss æae œoe øo łl đd ðd þth ' ` \u2018 \u2019"


def _table(words: str) -> dict[str, str]:
    return {word[0]: word[1:] for word in words.split()}


SOUNDS, BENGALI_SOUNDS, VOWELS = _table(ARABIC + OTHERS), _table(BENGALI), _table(BENGALI_VOWELS)


def read(typed: str) -> str:
    """A name as somebody typed it, perhaps with our domain behind it: small, spaces as hyphens."""
    plain = unicodedata.normalize("NFKD", typed)
    text = "".join(c for c in plain if not unicodedata.combining(c)).strip().lower()
    text = re.sub(r"^https?://", "", text).split("/")[0]
    return re.sub(r"[\s_]+", "-", text.split(".")[0])


def fault(slug: str) -> str:
    """Why a new shop cannot be called so, "" if it can: "empty", "script" (letters that can look
    like others), "short", "long", "form", "reserved" or "taken". One statement at most.
    """
    if why := _fault_of_form(slug):
        return why
    return "taken" if Domain.objects.filter(pk=slug).exists() else ""


def from_name(name: str) -> str:
    """An address like the name of the business, in Latin letters; FALLBACK where there is none."""
    plain = "".join(_latin(name.lower()))
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    slug = re.sub(r"-+", "-", slug)[:SHORT_ENOUGH].strip("-")
    return FALLBACK if len(slug) < hosts.SHORTEST_LABEL else slug


def free(like: str, *, country: str, count: int = 3) -> list[str]:
    """So many free addresses like this one; the wished one is not among them. One statement."""
    wishes = [slug for slug in _variations(like, country.lower()) if not _fault_of_form(slug)]
    taken = set(Domain.objects.filter(pk__in=wishes).values_list("pk", flat=True))
    found = [slug for slug in dict.fromkeys(wishes) if slug not in taken and slug != like]
    return found[:count]


def _fault_of_form(slug: str) -> str:
    if not slug:
        return "empty"
    if not slug.isascii():
        return "script"
    if len(slug) < hosts.SHORTEST_LABEL:
        return "short"
    if len(slug) > LONGEST:
        return "long"
    if not hosts.is_label(slug):
        return "form"
    return "reserved" if slug in hosts.RESERVED else ""


def _variations(like: str, country: str) -> Iterator[str]:
    base = from_name(like)
    words = base.split("-")
    if len(words) > 1:
        yield "".join(words)
        yield words[-1]
    yield from (f"{base}-{end}" for end in (country, "club", "card"))
    yield f"my-{base}"
    yield from (f"{base}-{n}" for n in range(2, 12))


def _latin(name: str) -> Iterable[str]:
    """Letter by letter; a Bengali consonant keeps its own vowel before another one."""
    letters = unicodedata.normalize("NFC", name)
    for letter, follows in zip_longest(letters, letters[1:], fillvalue=""):
        if letter in BENGALI_SOUNDS:
            keeps = letter >= FIRST_CONSONANT and follows in BENGALI_SOUNDS
            yield BENGALI_SOUNDS[letter] + ("o" if keeps else "")
        elif (sound := VOWELS.get(letter, SOUNDS.get(letter))) is not None:
            yield sound
        else:
            plain = unicodedata.normalize("NFKD", letter)
            yield "".join(c for c in plain if not unicodedata.combining(c))
