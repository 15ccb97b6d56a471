"""Charts, drawn here as SVG: no script, they print, and they are as dark as the page.

x is in percent and y in pixels, so a chart is as wide as its column while type and strokes keep
their size. Time runs from left to right in every language. Each drawing has a sentence for those
who do not see it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from loyalty.insights import Day
from portal.figures import number
from portal.templatetags.portal import short_date

DAYS = 60  # of a rhythm
ENOUGH_GAPS = 3  # to speak of a habit
SILENT, EDGE = (
    95,
    98,
)  # percent: a silence shorter than a dot is none; what lies past the edge is not drawn


def hours(now: Sequence[int], before: Sequence[int], label: str) -> SafeString:
    """Visits by hour: what was in grey, and today in front of it. The hours that nobody comes in
    are left out.
    """
    seen = [hour for hour in range(24) if now[hour] or before[hour]]
    first, last = (min(seen), max(seen)) if seen else (8, 20)
    first, last = min(first, 8), max(last, 20)
    width, height = 120 / (last - first + 1), 34
    most = max([*now, *before, 1])
    bars = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1"/>',
        (
            (kind, _n((hour - first) * width), _n(height - tall), _n(width - 2), _n(tall))
            for kind, counts in (("was", before), ("fact", now))
            for hour in range(first, last + 1)
            for tall in [counts[hour] / most * height]
            if tall
        ),
    )
    return format_html(
        '<svg class="spark" width="120" height="34" role="img" aria-label="{}">{}</svg>',
        label,
        bars,
    )


def line(values: Sequence[int], label: str) -> SafeString:
    """A word-sized curve that ends in a dot."""
    most = max([*values, 1])
    step = 116 / max(len(values) - 1, 1)
    points = [(2 + i * step, 28 - value / most * 24) for i, value in enumerate(values)]
    curve = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    return format_html(
        '<svg class="spark" width="120" height="30" role="img" aria-label="{}">'
        '<polyline class="line" points="{}"/><circle class="dot" cx="{}" cy="{}" r="4.5"/></svg>',
        label,
        curve,
        _n(points[-1][0]),
        _n(points[-1][1]),
    )


def days(series: Sequence[Day], label: str) -> SafeString:
    """A bar a day, today last and outlined; the best day says its figure."""
    floor, roof = 200, 26
    most = max(max((day.visits for day in series), default=0), 4)
    grid = _round(most / 3)
    share = 97 / max(len(series), 1)
    best = max(range(len(series)), key=lambda i: series[i].visits, default=0)

    def y(visits: float) -> float:
        return floor - visits / most * (floor - roof)

    lines = format_html_join(
        "",
        '<line class="grid" x1="3%" x2="100%" y1="{}" y2="{}"/>'
        '<text class="last" x="2.4%" y="{}">{}</text>',
        ((_n(y(n)), _n(y(n)), _n(y(n) + 4), number(n)) for n in range(grid, most + 1, grid)),
    )
    bars = format_html_join(
        "",
        '<rect class="{}" x="{}%" width="{}%" y="{}" height="{}" rx="1.5"/>',
        (
            (
                "fact" if i < len(series) - 1 else "fact today",
                f"{3 + i * share + share * 0.2:.2f}",
                f"{share * 0.6:.2f}",
                _n(y(day.visits)),
                _n(floor - y(day.visits)),
            )
            for i, day in enumerate(series)
            if day.visits
        ),
    )
    dates = format_html_join(
        "",
        '<text class="{}" x="{}%" y="219">{}</text>',
        (
            ("last", "100", short_date(day.date))
            if i == len(series) - 1
            else ("mid", f"{3 + i * share + share / 2:.2f}", short_date(day.date))
            for i, day in enumerate(series)
            if i % 7 == (len(series) - 1) % 7
        ),
    )
    said = format_html(
        '<text class="mid say" x="{}%" y="{}">{}</text>',
        f"{3 + best * share + share / 2:.2f}",
        _n(y(series[best].visits) - 8),
        number(series[best].visits),
    )
    return format_html(
        '<svg class="chart" height="226" role="img" aria-label="{}">{}'
        '<line class="base" x1="3%" x2="100%" y1="200" y2="200"/>{}{}{}</svg>',
        label,
        lines,
        bars,
        dates,
        said if series[best].visits else "",
    )


def rhythm(visits: Sequence[dt.datetime], now: dt.datetime, label: str) -> SafeString:
    """A dot a visit over DAYS days. The dashes are the silence since the last one, the tick in
    them is the day on which this person usually comes back; red only past twice that.
    """
    start = now - dt.timedelta(days=DAYS)
    places = sorted((at - start) / (now - start) * 100 for at in visits if at > start)
    usual = usual_gap(visits)
    silent = (now - max(visits)) / dt.timedelta(days=1) if visits else 0.0
    late = bool(usual and silent > 2 * usual)
    parts = [SafeString('<line class="axis" x1="0" x2="100%" y1="11" y2="11"/>')]
    if places and places[-1] < SILENT:
        parts.append(
            format_html(
                '<line class="silence" x1="{}%" x2="99%" y1="11" y2="11"/>',
                f"{places[-1] + 1.6:.1f}",
            )
        )
        due = places[-1] + (usual or DAYS) / DAYS * 100
        if usual and due < EDGE:
            parts.append(
                format_html('<line class="due" x1="{0}%" x2="{0}%" y1="5" y2="17"/>', f"{due:.1f}")
            )
    dots = format_html_join(
        "",
        '<circle class="visit" cx="{}%" cy="11" r="3.5"/>',
        ((f"{min(x, 99):.1f}",) for x in places),
    )
    return format_html(
        '<svg class="{}" height="22" role="img" aria-label="{}">{}{}</svg>',
        "rhythm" if late else "rhythm fine",
        label,
        SafeString("".join(parts)),
        dots,
    )


def usual_gap(visits: Sequence[dt.datetime]) -> int | None:
    """After how many days this person usually comes back: the middle of the gaps, if there are
    three or more.
    """
    dates = sorted({timezone.localtime(at).date() for at in visits})
    gaps = sorted((later - earlier).days for earlier, later in pairwise(dates))
    return gaps[len(gaps) // 2] if len(gaps) >= ENOUGH_GAPS else None


def _round(value: float) -> int:
    """A round step for a grid: 1, 2, 5, 10, 20, 50 …"""
    step = 1
    while step < value:
        for factor in (1, 2, 5):
            if step * factor >= value:
                return step * factor
        step *= 10
    return step


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
