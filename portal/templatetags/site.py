"""Sentences with fields in them, for the steps of a sign-up."""

from __future__ import annotations

import re

from django import forms, template
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from tenants.models import Currency

register = template.Library()

SLOT = re.compile(r"\[(\w+)\]")
LONG = ("reward",)
MONEY = ("worth", "least")


@register.simple_tag
def slots(
    sentence: str, form: forms.Form, preset: str, currency: Currency, **labels: str
) -> SafeString:
    """The sentence with its [names] as the fields `<preset>-<name>`, in the language's own order.

    The sentence is a translation of ours, escaped by `blocktranslate` where it holds a value.
    """
    parts = SLOT.split(str(sentence))
    found = []
    for at, part in enumerate(parts):
        if at % 2 == 0:
            found.append((mark_safe(part),))  # noqa: S308 (our own words; values are escaped)
            continue
        told = {
            "field": form[f"{preset}-{part}"],
            "label": labels.get(part, part),
            "long": part in LONG,
            "affix": currency.pk if part in MONEY else "",
            "mode": "decimal" if part in MONEY else "numeric",
        }
        found.append((mark_safe(render_to_string("site/ask.html", told).strip()),))  # noqa: S308
    return format_html_join("", "{}", found)


@register.filter
def faults_of(form: forms.Form, preset: str) -> list[tuple[str, str]]:
    """(id of the field, sentence) for each wrong answer of a preset."""
    return [
        (form[name].id_for_label, str(said))
        for name, errors in form.errors.items()
        if name.startswith(f"{preset}-")
        for said in errors
    ]
