"""Settings read from JSON, strictly: a wrong value or an unknown key is refused by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from fractions import Fraction

from django.utils.translation import gettext_lazy as _

from loyalty.refusals import BadSetting

MOST = 10**15  # points or minor units; a bigint holds it, and no shop needs more


class Fields:
    """The fields of one JSON object. Whatever is asked for by name is known; done() refuses the
    rest.

    A field that is missing or null is the default. `refusal` is what is raised, with the field's
    path.
    """

    def __init__(self, found: object, refusal: type[BadSetting], path: str = "") -> None:
        self._refusal, self._path = refusal, path
        if not isinstance(found, Mapping):
            raise refusal(path or "settings", _("This is a group of named settings."))
        self._found = found
        self._asked: set[str] = set()

    def refuse(self, name: str, why: object) -> BadSetting:
        """The refusal of a field, to be raised."""
        return self._refusal(f"{self._path}.{name}" if self._path else name, why)

    def has(self, name: str) -> bool:
        return self._found.get(name) is not None

    def done(self) -> None:
        """Nobody asked for what is left, so nobody would honour it."""
        for name in self._found:
            if name not in self._asked:
                raise self.refuse(str(name), _("There is no such setting."))

    def part(self, name: str) -> Fields:
        """A group within the group; empty where it is missing."""
        value = self._value(name)
        path = f"{self._path}.{name}" if self._path else name
        return Fields({} if value is None else value, self._refusal, path)

    def whole(self, name: str, *, least: int = 0, most: int = MOST) -> int | None:
        """A whole number."""
        value = self._value(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            why = _("Give a whole number from %(least)s to %(most)s.")
            raise self.refuse(name, why % {"least": least, "most": most})
        return value

    def number(self, name: str, *, default: int = 0, least: int = 0, most: int = MOST) -> int:
        """A whole number, or the default."""
        value = self.whole(name, least=least, most=most)
        return default if value is None else value

    def fraction(self, name: str) -> Fraction:
        """An exact number from 0 up: 3, "3.5" or "7/2". A JSON number with a point is refused:
        it is no longer exact.
        """
        value = self._value(name)
        try:
            if value is None:
                return Fraction(0)
            if isinstance(value, (int, str)) and not isinstance(value, bool):
                exact = Fraction(value)
                if 0 <= exact <= MOST:
                    return exact
        except (ValueError, ZeroDivisionError):
            pass
        raise self.refuse(name, _('Write an exact number from 0 up, as "3.5" or "7/2".'))

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of the choices, or the first."""
        value = self._value(name)
        if value is None:
            return choices[0]
        if value not in choices:
            why = _("Choose one of: %(choices)s.") % {"choices": ", ".join(choices)}
            raise self.refuse(name, why)
        return str(value)

    def text(self, name: str) -> str:
        value = self._value(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.refuse(name, _("This is a text."))
        return value

    def names(self, name: str) -> frozenset[str]:
        """A list of names; none where it is missing or empty."""
        value = self._value(name)
        if value is None:
            return frozenset()
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
            raise self.refuse(name, _("This is a list of names, none of them empty."))
        return frozenset(value)

    def date(self, name: str) -> dt.date | None:
        """A local day, as "2026-05-31"."""
        value = self._value(name)
        if value is None:
            return None
        try:
            return dt.date.fromisoformat(str(value))
        except ValueError:
            raise self.refuse(name, _("Write a day as 2026-05-31.")) from None

    def _value(self, name: str) -> object:
        self._asked.add(name)
        return self._found.get(name)
