"""What templates cannot say by themselves: icons, figures, money, times, phones and codes, in the
page's language.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from pathlib import Path

import phonenumbers
import segno
from babel.dates import format_date
from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, pgettext

from portal.figures import (
    bare,
    counted,
    decimal,
    gained,
    locale,
    money,
    native,
    number,
    percent_of,
    signed,
    unit,
)
from portal.gifts import gift
from portal.pattern import pattern as drawn_pattern
from tenants import shops
from tenants.ids import uuid7

register = template.Library()

A_WEEK = 7  # days
# --- Drawings ------------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, turn: bool = False) -> SafeString:
    """A symbol of icons.svg. `turn` mirrors an arrow where the text runs to the left."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        "i turn" if turn else "i",
        static("icons.svg"),
        name,
    )


@register.simple_tag
def drawn(name: str) -> SafeString:
    """The same symbol inside the page: a customer's page asks for no second file."""
    return format_html(
        '<svg class="i" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', _symbols().get(name, "")
    )


@register.simple_tag
def strokes(name: str) -> SafeString:
    """Its lines alone, for a drawing that is more than an icon."""
    return _symbols().get(name, SafeString(""))


@lru_cache(maxsize=1)
def _symbols() -> dict[str, SafeString]:
    sprite = (Path(settings.ROOT) / "static/icons.svg").read_text()
    found = re.findall(r'<symbol id="([a-z-]+)"[^>]*>(.*?)</symbol>', sprite, re.DOTALL)
    return {name: mark_safe(body) for name, body in found}  # noqa: S308 (our own file)


@register.simple_tag
def pattern(slug: str) -> SafeString:
    """The engine-turned lines of the shop with this slug."""
    return mark_safe(drawn_pattern(slug))  # noqa: S308 (numbers only)


@register.simple_tag
def qr(text: str, label: str) -> SafeString:
    """A QR code. Capitals take its alphanumeric mode: coarser modules, a faster scan. Without a
    label it is a picture of one, for no reader.
    """
    if not label:
        return format_html('<div class="qr" aria-hidden="true">{}</div>', _qr(text.upper()))
    return format_html(
        '<div class="qr" role="img" aria-label="{}">{}</div>', label, _qr(text.upper())
    )


@lru_cache(maxsize=4096)
def _qr(text: str) -> SafeString:
    code = segno.make_qr(text, error="q")
    svg: str = code.svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None)
    return mark_safe(svg)  # noqa: S308 (squares only)


@register.simple_tag
def new_key() -> str:
    """An idempotency key for a form that is one button."""
    return str(uuid7())


# --- Figures -------------------------------------------------------------------------------------

for figure in (number, decimal, percent_of, signed, unit, bare, counted, gained, money):
    register.filter(figure)

register.filter(gift)


# --- Times: the clock of the shop ----------------------------------------------------------------


@register.filter
def clock(at: dt.datetime) -> str:
    """14:03"""
    return native(timezone.localtime(at).strftime("%H:%M"))


@register.filter
def clock_or_date(at: dt.datetime) -> str:
    """14:03 today, 5 Nov before."""
    local = timezone.localtime(at)
    return clock(at) if local.date() == timezone.localdate() else short_date(local.date())


@register.filter
def day(at: dt.datetime | dt.date | None) -> str:
    """today, yesterday, on Thursday within a week, else 5 November, with the year if not this
    one.
    """
    if at is None:
        return gettext("never")
    date = timezone.localtime(at).date() if isinstance(at, dt.datetime) else at
    today = timezone.localdate()
    gone = (today - date).days
    if gone == 0:
        return gettext("today")
    if gone == 1:
        return gettext("yesterday")
    if 1 < gone < A_WEEK:
        return pgettext("day", "on %(weekday)s") % {"weekday": format_date(date, "EEEE", locale())}
    return long_date(date)


@register.filter
def weekday(at: dt.datetime | dt.date) -> str:
    date = timezone.localtime(at).date() if isinstance(at, dt.datetime) else at
    return format_date(date, "EEEE", locale())


@register.filter
def long_date(at: dt.datetime | dt.date) -> str:
    """5 November, or 5 November 2025"""
    date = timezone.localtime(at).date() if isinstance(at, dt.datetime) else at
    same = date.year == timezone.localdate().year
    return native(format_date(date, "d MMMM" if same else "d MMMM y", locale()))


@register.filter
def short_date(date: dt.date) -> str:
    """5 Nov"""
    return native(format_date(date, "d MMM", locale()))


def month_name() -> str:
    """November, of today"""
    return format_date(timezone.localdate(), "LLLL", locale())


@register.filter
def iso(at: dt.datetime) -> str:
    return timezone.localtime(at).isoformat(timespec="minutes")


# --- People --------------------------------------------------------------------------------------


@register.filter
def role(name: str) -> str:
    """What a person is in the shop, as she would say it."""
    return {
        "owner": gettext("Owner"),
        "manager": gettext("Manager"),
        "cashier": gettext("Cashier"),
    }.get(name, name)


@register.filter
def source(name: str) -> str:
    """By which way something was told to us."""
    return {
        "till": gettext("at the till"),
        "portal": gettext("in the portal"),
        "poster": gettext("by the poster"),
        "card": gettext("on her card"),
        "enrolment": gettext("when she joined"),
        "import": gettext("by a list"),
        "api": gettext("by another system"),
        "merge": gettext("when two cards were joined"),
    }.get(name, name)


@register.filter
def identifier(kind: str) -> str:
    """What one can be known by."""
    return {
        "phone": gettext("Phone"),
        "email": gettext("E-mail"),
        "card": gettext("Card"),
    }.get(kind, kind)


@register.filter
def first_letter(name: str) -> str:
    return name.strip()[:1].upper() or "?"


@register.filter
def initials(name: str) -> str:
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


@register.filter
def discreet(name: str) -> str:
    """Amina R.: on the till the customer behind can read along."""
    first, *rest = name.split() or ["?"]
    return f"{first} {rest[-1][0]}." if rest else first


@register.filter
def spaced(code: str) -> str:
    """7K3Q 9ZT4 XN2B"""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))


@register.filter
def masked(phone: str) -> str:
    """•••• 4567, of a phone in E.164"""
    return f"•••• {phone[-4:]}" if phone else ""


@register.simple_tag
def last_digits(digits: str, sought: str) -> SafeString:
    """•• 4567 with the digits that were typed in bold."""
    if not digits:
        return SafeString("")
    typed = min(len(digits), sum(c.isdigit() for c in sought))
    cut = len(digits) - typed
    return format_html("•• {}<b>{}</b>", digits[:cut], digits[cut:])


@register.filter
def phone(number_: str) -> str:
    """050 123 4567 at home, +44 20 7946 0018 from abroad; of a phone in E.164."""
    try:
        parsed = phonenumbers.parse(number_)
    except phonenumbers.NumberParseException:
        return number_
    home = phonenumbers.region_code_for_number(parsed) == shops.front().country
    style = phonenumbers.PhoneNumberFormat
    return str(phonenumbers.format_number(parsed, style.NATIONAL if home else style.INTERNATIONAL))
