"""What is typed on the apex."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from loyalty import numbers, presets
from loyalty.presets import PRESETS, Question
from loyalty.refusals import BadSetting
from portal import logos
from portal.forms import AddressField, KeyField, MoneyField, clean_text
from portal.logos import BadLogo
from portal.site import countries
from tenants import secrets, slugs
from tenants.models import Currency
from tenants.onboarding import Picture
from tenants.signups import CODE_LENGTH

LONGEST_NAME, LONGEST_GREETING, LONGEST_EMAIL = 80, 140, 200
HEX = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})", re.ASCII)

# What is wrong with an address, as slugs.fault says it.
FAULTS = {
    "empty": _("Type the address you would like."),
    "script": _("Only a to z: other letters can look alike, and guests would land elsewhere."),
    "short": _("Three letters or more."),
    "long": _("That is too long: 63 letters at most."),
    "form": _("Only a to z, digits, and hyphens between them."),
    "reserved": _("We need that one ourselves. Take another."),
    "taken": _("That one belongs to another shop. Take another."),
}

ICONS = (
    ("cup", _("Paper cup")),
    ("coffee", _("Cup")),
    ("bread", _("Bread")),
    ("cookie", _("Biscuit")),
    ("cake", _("Cake")),
    ("leaf", _("Leaf")),
    ("scissors", _("Scissors")),
    ("store", _("Shop front")),
    ("gift", _("Gift")),
    ("star", _("Star")),
)
SWATCHES = (
    ("#5d2a50", _("Fig")),
    ("#0a6847", _("Bottle green")),
    ("#ffd75e", _("Yellow")),
    ("#1f4e79", _("Harbour blue")),
    ("#b3472b", _("Brick")),
    ("#2b2b2b", _("Black")),
)


class LineField(forms.CharField):
    """One line of clean text."""

    def to_python(self, value: object) -> str:
        return clean_text(value)


class Begin(forms.Form):
    """The business, whose it is, and where."""

    key = KeyField()
    name = LineField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        error_messages={
            "required": _("Type what your shop is called."),
            "max_length": _("That is too long for a card: 80 letters at most."),
        },
        widget=forms.TextInput(attrs={"autocomplete": "organization", "maxlength": LONGEST_NAME}),
    )
    email = AddressField(
        label=_("Your e-mail"),
        help_text=_("We send a code there. No password, ever."),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "maxlength": LONGEST_EMAIL}),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        help_text=_("Sets your currency, how phone numbers begin, and the clock."),
        error_messages={
            "required": _("Choose a country."),
            "invalid_choice": _("Choose a country from the list."),
        },
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["country"].choices = countries.choices()  # type: ignore[attr-defined]


class Code(forms.Form):
    """The code of a letter, with or without its dash."""

    code = LineField(
        label=_("Code"),
        error_messages={"required": _("Type the six characters of the letter.")},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "maxlength": 20,
                "dir": "ltr",
            }
        ),
    )

    def clean_code(self) -> str:
        code = secrets.read_code(numbers.latin(self.cleaned_data["code"]))
        missing = CODE_LENGTH - len(code)
        if missing > 0:
            text = ngettext(
                "%(n)s character is missing. Paste works too, with or without the dash.",
                "%(n)s characters are missing. Paste works too, with or without the dash.",
                missing,
            )
            raise forms.ValidationError(text % {"n": missing}, "short")
        if missing < 0:
            raise forms.ValidationError(
                _("That is more than six characters. Copy only the code."), "long"
            )
        return code


class Address(forms.Form):
    """The name before our domain."""

    slug = LineField(
        label=_("Address"),
        required=False,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "maxlength": 80,
                "dir": "ltr",
            }
        ),
    )

    def clean_slug(self) -> str:
        slug = slugs.read(self.cleaned_data["slug"])
        if fault := slugs.fault(slug):
            raise forms.ValidationError(FAULTS[fault], fault)
        return slug


class CountField(forms.Field):
    """A whole number, in digits of any script."""

    def to_python(self, value: object) -> int | None:
        text = numbers.latin(clean_text(value))
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004
            raise forms.ValidationError(_("Type a whole number."), "invalid")
        return int(text)


class Program(forms.Form):
    """The kind of program, and its answers as `<preset>-<question>`. Only those of the chosen kind
    are asked.
    """

    preset = forms.ChoiceField(
        choices=[(name, name) for name in PRESETS],
        error_messages={
            "required": _("Choose one of the four."),
            "invalid_choice": _("Choose one of the four."),
        },
    )

    def __init__(self, *args: Any, currency: Currency, **options: Any) -> None:
        super().__init__(*args, **options)
        self.currency = currency
        for preset, begun in PRESETS.items():
            for question in begun.questions:
                self.fields[f"{preset}-{question.name}"] = _field(question, currency)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        preset = found.get("preset")
        for name in list(self.errors):
            if name != "preset" and not name.startswith(f"{preset}-"):
                del self.errors[name]
        questions = PRESETS[preset].questions if preset else ()
        for question in questions:
            name = f"{preset}-{question.name}"
            if question.kind != "name" and found.get(name) is None and name not in self.errors:
                is_money = question.kind == "money"
                self.add_error(
                    name, _("Type the amount.") if is_money else _("Type a whole number.")
                )
        if preset and not self.errors:
            given = {q.name: found.get(f"{preset}-{q.name}") for q in questions}
            try:
                found["choices"] = presets.chosen(preset, given)
            except BadSetting as refusal:
                self.add_error(f"{preset}-{refusal.field}", str(refusal.figures["why"]))
        return found


def typed(choices: dict[str, Any], preset: str, currency: Currency) -> dict[str, str]:
    """Choices as they stand in the fields of Program."""
    found: dict[str, str] = {}
    for question in PRESETS[preset].questions:
        value = choices.get(question.name, "")
        if question.kind == "money" and isinstance(value, int):
            value = numbers_of(value, currency)
        found[f"{preset}-{question.name}"] = str(value)
    return found


def numbers_of(minor: int, currency: Currency) -> str:
    """18 or 1.500: an amount as one would type it."""
    whole, rest = divmod(minor, 10**currency.digits)
    return f"{whole}.{rest:0{currency.digits}d}" if rest else str(whole)


class Brand(forms.Form):
    """How the card looks. The typed colour counts before the chosen one."""

    swatch = forms.ChoiceField(
        choices=SWATCHES,
        required=False,
        error_messages={"invalid_choice": _("Choose one of these, or type your own.")},
    )
    colour = LineField(
        label=_("Or exactly"),
        required=False,
        help_text=_("As on your sign: # and six characters. Empty takes the one above."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "maxlength": 20, "dir": "ltr"}
        ),
    )
    icon = forms.ChoiceField(
        choices=ICONS,
        required=False,
        error_messages={"invalid_choice": _("Choose one of these signs.")},
    )
    greeting = LineField(
        label=_("Greeting"),
        required=False,
        max_length=LONGEST_GREETING,
        help_text=_("One sentence under your name, where guests join."),
        error_messages={"max_length": _("That is too long: 140 letters at most.")},
        widget=forms.TextInput(attrs={"maxlength": LONGEST_GREETING}),
    )
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=_("SVG, PNG, JPEG or WebP, up to 1 MB."),
        error_messages={
            "empty": _("That file is empty."),
            "invalid": _("That file did not arrive. Choose it again."),
        },
        widget=forms.FileInput(attrs={"accept": logos.ACCEPT}),
    )
    without = forms.BooleanField(required=False)

    def clean_colour(self) -> str:
        text = self.cleaned_data["colour"].lower().replace(" ", "")
        if not text:
            return ""
        found = HEX.fullmatch(text)
        if not found:
            raise forms.ValidationError(
                _("Type a colour as # and six of 0-9 and a-f, like #0A6847."), "invalid"
            )
        digits = found[1]
        return "#" + (digits if len(digits) > 3 else "".join(2 * c for c in digits))  # noqa: PLR2004

    def clean_logo(self) -> Picture | None:
        upload = self.cleaned_data["logo"]
        if not upload:
            return None
        try:
            return logos.read(upload)
        except BadLogo as error:
            raise forms.ValidationError(str(error), "bad") from None

    @property
    def chosen_colour(self) -> str:
        data = self.cleaned_data
        return data.get("colour") or data.get("swatch") or SWATCHES[0][0]


class Find(forms.Form):
    """An address whose shops are to be told to it."""

    email = AddressField(
        label=_("Your e-mail"),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "maxlength": LONGEST_EMAIL}),
    )


def _field(question: Question, currency: Currency) -> forms.Field:
    if question.kind == "money":
        return MoneyField(decimals=currency.digits, required=False)
    if question.kind == "name":
        return LineField(required=False)
    return CountField(required=False)
