"""Sentences with fields in them: "For every {per} spent, a member gets {points}." becomes words and
slots, in the order in which the page's language says them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

SLOT = re.compile(r"\{(\w+)\}")
WIDTHS = (2, 3, 4, 5, 6, 8, 10, 14, 20)  # characters; rule.css has a class for each


@dataclass(frozen=True, slots=True)
class Slot:
    """A field in a sentence: what stands before and after its value, how wide it is, and what it
    was (None: as it is now).
    """

    field: BoundField
    before: object = ""
    after: object = ""
    old: str | None = None

    @property
    def width(self) -> int:
        hint = self.field.field.widget.attrs.get("placeholder", "")
        length = len(str(self.field.value() or hint))
        return next((width for width in WIDTHS if width >= length), WIDTHS[-1])

    @property
    def is_text(self) -> bool:
        return isinstance(self.field.field.widget, forms.TextInput)

    @property
    def is_many(self) -> bool:
        return isinstance(self.field.field.widget, forms.CheckboxSelectMultiple)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words, or a slot."""

    text: str
    slot: Slot | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """`is_said`: whether any of its slots holds something."""

    name: str
    pieces: list[Piece]

    @property
    def slots(self) -> list[Slot]:
        return [piece.slot for piece in self.pieces if piece.slot]

    @property
    def is_said(self) -> bool:
        return any(slot.field.value() or slot.field.errors for slot in self.slots)

    @property
    def is_changed(self) -> bool:
        return any(slot.old is not None for slot in self.slots)

    @property
    def faults(self) -> list[BoundField]:
        return [slot.field for slot in self.slots if slot.field.errors]


def sentence(
    name: str,
    text: object,
    form: forms.Form,
    *,
    units: Mapping[str, tuple[object, object]],
    was: Mapping[str, Any] | None,
) -> Sentence:
    """The sentence with the form's fields in it. `units` are what stands before and after a value,
    `was` the initial values of what is in force (None: nothing to compare with).
    """
    return Sentence(name, list(_pieces(str(text), form, units, was)))


def _pieces(
    text: str,
    form: forms.Form,
    units: Mapping[str, tuple[object, object]],
    was: Mapping[str, Any] | None,
) -> Iterator[Piece]:
    for place, part in enumerate(SLOT.split(text)):
        if place % 2:
            before, after = units.get(part, ("", ""))
            yield Piece("", Slot(form[part], before, after, _old(form[part], was)))
        elif part:
            yield Piece(part)


def _old(field: BoundField, was: Mapping[str, Any] | None) -> str | None:
    """What the value was, as one reads it; None where it is the same."""
    if was is None or field.errors:
        return None
    then, now = was.get(field.name) or "", field.value() or ""
    if isinstance(field.field, forms.MultipleChoiceField):
        then, now = sorted(then), sorted(now)
    if then == now or str(then) == str(now):
        return None
    if isinstance(field.field, forms.ChoiceField):
        choices: Any = field.field.choices
        labels = {str(key): str(label) for key, label in choices}
        chosen = then if isinstance(then, list) else [then]
        return ", ".join(labels.get(str(each), "") for each in chosen if each)
    return str(then)
