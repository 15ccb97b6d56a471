"""What the owner's portal is asked for in its addresses and forms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty import numbers
from loyalty.history import Place
from loyalty.models import Entry
from portal.context import OWN_NAMES
from portal.forms import KeyField, MoneyField, SoughtField, clean_text, uuid_of
from portal.manage.setting import Setting
from tenants import shops

LONGEST = 6  # digits of a page's number
SORTS = ("last", "name", "points", "joined")
MOMENT, BETWEEN = "%Y-%m-%dT%H:%M:%S.%f%z", "_"  # of a place: moment_id
MOST_POINTS = 10**9


def place_after(entries: Sequence[Entry], shown: int) -> str:
    """Where the next page goes on if so many of these entries are shown, for its address; "" if
    that is all.
    """
    if len(entries) <= shown:
        return ""
    place = Place.of(entries[shown - 1])
    return f"{place.at.strftime(MOMENT)}{BETWEEN}{place.id}"


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


class PlaceField(forms.Field):
    """Where the page before ended, as place_after() writes it; None for what is no place."""

    def to_python(self, value: object) -> Place | None:
        moment, _mark, name = clean_text(value).rpartition(BETWEEN)
        entry = uuid_of(name)
        try:
            # In UTC, because PostgreSQL refuses offsets that Python takes (+23:59).
            at = dt.datetime.strptime(moment, MOMENT).astimezone(dt.UTC)
        except (ValueError, OverflowError):
            return None
        return Place(at, entry) if entry else None


class Before(forms.Form):
    """The part of a timeline that is older than a place. What is no place is the beginning."""

    before = PlaceField(required=False)


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
    """A line of text that PostgreSQL can take, of at most `longest` signs: what is longer is
    refused, because half of an address is another address.
    """

    def __init__(self, *, longest: int, **options: Any) -> None:
        self.longest = longest
        super().__init__(**options)
        self.widget.attrs.setdefault("maxlength", longest)

    def to_python(self, value: object) -> str:
        text = clean_text(value)
        if len(text) > self.longest:
            raise forms.ValidationError(
                _("Keep it under %(n)s letters.") % {"n": self.longest}, "long"
            )
        return text


class SignedField(forms.Field):
    """What is given or, with a minus, taken: "+50", "-50" and \u221250 in any script's digits."""

    _MINUS = str.maketrans("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-------")

    def sign_of(self, value: object) -> tuple[int, str]:
        """1 or -1, and what stands behind the sign."""
        text = numbers.latin(clean_text(value)).translate(self._MINUS)
        return (-1 if text[:1] == "-" else 1), text[1:] if text[:1] in ("+", "-") else text


class Points(SignedField):
    """Whole points, given or taken."""

    default_error_messages = {
        "required": _("Type how many."),
        "invalid": _("Type a whole number, with a minus to take points away."),
    }

    def to_python(self, value: object) -> int | None:
        sign, text = self.sign_of(value)
        if not text:
            return None
        digits = text.replace(" ", "")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(MOST_POINTS)):
            raise forms.ValidationError(self.error_messages["invalid"], "invalid")
        return sign * int(digits)


class SignedMoneyField(SignedField, MoneyField):
    """Money, given or taken, in minor units; nothing and 0 are None."""

    def to_python(self, value: object) -> int | None:
        sign, text = self.sign_of(value)
        minor = super().to_python(text)
        return minor and sign * minor


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

    def __init__(self, *args: Any, hers: str, **options: Any) -> None:
        """`hers` is the language she has now: it stays a choice where the shop offers it no more,
        or else whoever edits only her name would take it away.
        """
        super().__init__(*args, **options)
        codes = dict.fromkeys((*shops.front().languages, *([hers] if hers else [])))
        spoken = [(code, OWN_NAMES.get(code, code)) for code in codes]
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
    """Points by hand; of a money program an amount."""

    key = KeyField()
    points = Points(label=_("Points"), help_text=_("With a minus, to take points away."))
    reason = Words(
        label=_("Why"),
        longest=140,
        required=True,
        help_text=_("Whoever reads the books later sees it; she does not."),
        error_messages={"required": _("Say why: whoever reads the books later will ask.")},
    )

    def __init__(self, *args: Any, setting: Setting, **options: Any) -> None:
        super().__init__(*args, **options)
        self.setting = setting
        if setting.is_money:
            self.fields["points"] = SignedMoneyField(
                decimals=setting.decimals,
                label=_("Amount in %(currency)s") % {"currency": setting.currency},
                help_text=_("With a minus, to take money away."),
            )
        attrs = {"class": "ltr", "autocomplete": "off", "autofocus": True}
        self.fields["points"].widget.attrs.update(attrs)


class Pressed(forms.Form):
    """A button that counts once."""

    key = KeyField()


class TakeBack(forms.Form):
    """Part of a sale that comes back."""

    key = KeyField()

    def __init__(self, *args: Any, decimals: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"] = MoneyField(decimals=decimals, label=_("Amount given back"))
