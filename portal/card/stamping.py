"""A stamp card as it is drawn: which places are struck, and on which day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from babel.dates import format_date

from loyalty.glances import Stamps
from portal.figures import locale, native

FIVE = 5  # places in a row, unless another number fills the rows better
ROWS = {6: 3, 7: 4, 8: 4, 9: 3, 11: 4, 12: 4, 16: 4}


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the card: the day of its stamp ("2 OCT"), or its number; the last is the prize."""

    number: int
    day: str = ""
    is_prize: bool = False
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    places: list[Place]
    across: int
    struck: int
    missing: int
    prize: str


def stamps_of(stamps: Stamps | None) -> Drawn | None:
    """The drawing of a stamp card; None where the program has none that can be drawn."""
    if stamps is None:
        return None
    places = []
    for number in range(1, stamps.places + 1):
        day = stamps.days[number - 1] if number <= len(stamps.days) else None
        places.append(
            Place(
                number,
                _short(day) if day else "",
                is_prize=number == stamps.places,
                is_new=number == len(stamps.days),
            )
        )
    across = ROWS.get(stamps.places, FIVE)
    return Drawn(places, across, len(stamps.days), stamps.missing, stamps.prize)


def _short(day: dt.date) -> str:
    """As on a rubber stamp: month in letters where they fit."""
    if locale().language == "en":
        return format_date(day, "d MMM", locale()).upper()
    return native(format_date(day, "d/M", locale()))
