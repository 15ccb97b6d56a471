"""How long somebody has to wait, in words."""

from __future__ import annotations

from django.utils.translation import ngettext

MINUTES_ABOVE = 120  # seconds


def sentence(seconds: int) -> str:
    """Wait 15 seconds, then try again; what is above two minutes in minutes, rounded up."""
    if seconds > MINUTES_ABOVE:
        minutes = -(-seconds // 60)
        text = ngettext(
            "Wait %(n)s minute, then try again.", "Wait %(n)s minutes, then try again.", minutes
        )
        return text % {"n": minutes}
    return in_seconds(seconds)


def in_seconds(seconds: int) -> str:
    """The same in seconds, however many."""
    text = ngettext(
        "Wait %(n)s second, then try again.", "Wait %(n)s seconds, then try again.", seconds
    )
    return text % {"n": seconds}
