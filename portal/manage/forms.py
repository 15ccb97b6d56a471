"""What the owner's portal is asked for in its addresses and forms."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty import numbers
from loyalty.models import Entry
from portal.context import OWN_NAMES
from portal.forms import KeyField, MoneyField, SoughtField, clean_text
from tenants import shops

LONGEST = 6  # digits of a page's number
SORTS = ("last", "name", "points", "joined")
MOMENTS = ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z")
MOST_POINTS = 10**9


class Listing(forms.Form):
    """A page of the list of members."""

    q = SoughtField()
    keep = forms.CharField(required=False)
    sort = forms.CharField(required=False)
    page = forms.CharField(required=False)

    def clean_keep(self) -> str:
        return clean_text(self.cleaned_data["keep"])[:40]

    def clean_sort(self) -> str:
        sort: str = self.cleaned_data["sort"]
        return sort if sort in SORTS else SORTS[0]

    def clean_page(self) -> int:
        page: str = self.cleaned_data["page"]
        return int(page) if page.isascii() and page.isdigit() and len(page) <= LONGEST else 1


class Before(forms.Form):
    """The part of a timeline before a moment."""

    before = forms.DateTimeField(required=False, input_formats=MOMENTS)


class Counter(Before):
    """What happened at the counter, of one kind."""

    KINDS: ClassVar[dict[str, Any]] = {
        "": _("Everything"),
        Entry.Kind.EARN: _("Sales"),
        Entry.Kind.REDEEM: _("Redeemed"),
        Entry.Kind.CLAWBACK: _("Taken back"),
        Entry.Kind.ADJUST: _("By hand"),
        Entry.Kind.BONUS: _("Bonuses"),
        Entry.Kind.EXPIRE: _("Expired"),
    }
    kind = forms.CharField(required=False)

    def clean_kind(self) -> str:
        kind: str = self.cleaned_data["kind"]
        return kind if kind in self.KINDS else ""


class Words(forms.CharField):
    """A line of text that PostgreSQL can take, at most `longest` signs of it."""

    def __init__(self, *, longest: int, **options: Any) -> None:
        self.longest = longest
        super().__init__(**options)
        self.widget.attrs.setdefault("maxlength", longest)

    def to_python(self, value: object) -> str:
        return clean_text(value)[: self.longest]


class Points(forms.Field):
    """Whole points, given or taken: 50, +50, -50 and \u221250 in any script's digits."""

    default_error_messages = {
        "required": _("Type how many."),
        "invalid": _("Type a whole number, with a minus to take points away."),
    }
    _MINUS = str.maketrans("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-------")

    def to_python(self, value: object) -> int | None:
        text = numbers.latin(clean_text(value)).translate(self._MINUS).replace(" ", "")
        if not text:
            return None
        sign = -1 if text[0] == "-" else 1
        digits = text[1:] if text[0] in "+-" else text
        if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(MOST_POINTS)):
            raise forms.ValidationError(self.error_messages["invalid"], "invalid")
        return sign * int(digits)


class BirthField(forms.DateField):
    """A birthday, as the browser's own field sends it; the day before today at the latest."""

    widget = forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d")
    default_error_messages = {"invalid": _("Type the day like 1990-05-31.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], required=False, **options)

    def to_python(self, value: Any) -> Any:
        return super().to_python(numbers.latin(clean_text(value)) if value else value)


class ProfileForm(forms.Form):
    """What the shop may change about a member, and the version it was read at."""

    name = Words(label=_("Name"), longest=80, required=False)
    phone = Words(
        label=_("Phone"),
        longest=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "class": "ltr", "autocomplete": "off"}),
    )
    email = Words(
        label=_("E-mail"),
        longest=200,
        required=False,
        widget=forms.TextInput(attrs={"type": "email", "class": "ltr", "autocomplete": "off"}),
    )
    birth_date = BirthField(label=_("Birthday"))
    language = forms.ChoiceField(label=_("Language"), required=False)
    version = forms.IntegerField(
        widget=forms.HiddenInput, min_value=0, max_value=10**9, required=False
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        spoken = [(code, OWN_NAMES.get(code, code)) for code in shops.front().languages]
        language: Any = self.fields["language"]
        language.choices = [("", _("The shop's")), *spoken]


class Newcomer(forms.Form):
    """Somebody who becomes a member in the portal."""

    phone = Words(
        label=_("Phone"),
        longest=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "class": "ltr", "autocomplete": "off"}),
    )
    email = Words(
        label=_("E-mail"),
        longest=200,
        required=False,
        widget=forms.TextInput(attrs={"type": "email", "class": "ltr", "autocomplete": "off"}),
    )
    name = Words(label=_("Name"), longest=80, required=False)
    birth_date = BirthField(label=_("Birthday"))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not (cleaned.get("phone") or cleaned.get("email")):
            self.add_error("phone", _("Type a phone or an e-mail: she is found again by it."))
        return cleaned


class Adjustment(forms.Form):
    """Points by hand."""

    key = KeyField()
    points = Points(
        label=_("Points"),
        help_text=_("With a minus, to take points away."),
        widget=forms.TextInput(attrs={"class": "ltr", "autocomplete": "off", "autofocus": True}),
    )
    reason = Words(
        label=_("Why"),
        longest=140,
        required=True,
        help_text=_("Whoever reads the books later sees it; she does not."),
        error_messages={"required": _("Say why: whoever reads the books later will ask.")},
    )


class Pressed(forms.Form):
    """A button that counts once."""

    key = KeyField()


class TakeBack(forms.Form):
    """Part of a sale that comes back."""

    key = KeyField()

    def __init__(self, *args: Any, decimals: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"] = MoneyField(decimals=decimals, label=_("Amount given back"))
