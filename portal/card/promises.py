"""What a shop's card is worth, in one line that a stranger understands."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext, ngettext

from loyalty.showcase import Earning, Prize, Showcase
from portal.figures import decimal, money, number, unit
from tenants import shops

WHOLE = 100


def promise(shown: Showcase) -> str:
    """10 visits → Free coffee. Without a reward, what a sale gives; without either, the shop's own
    words.
    """
    for told in (_prize, _share, _rule):
        if sentence := told(shown):
            return sentence
    return shops.front().greeting


def start(shown: Showcase) -> str:
    """You start with 2 stamps. "" where joining gives nothing."""
    if not shown.bonus:
        return ""
    return gettext("You start with %(points)s.") % {"points": points(shown, shown.bonus)}


def points(shown: Showcase, count: int) -> str:
    """2 stamps; money where points are money."""
    if shown.unit == "money":
        return money(count)
    return f"{number(count)} {unit(shown, count)}"


def _prize(shown: Showcase) -> str:
    prize, way = shown.first_prize, shown.way
    if prize is None or shown.earning is None or not way or shown.unit == "money":
        return ""
    return _WAYS[shown.earning.kind](prize, way)


def _visits(prize: Prize, way: int) -> str:
    words = ngettext("%(n)s visit → %(reward)s", "%(n)s visits → %(reward)s", way)
    return words % {"n": number(way), "reward": prize.name}


def _spent(prize: Prize, way: int) -> str:
    return gettext("Spend %(amount)s → %(reward)s") % {"amount": money(way), "reward": prize.name}


_WAYS: dict[str, Callable[[Prize, int], str]] = {"visit": _visits, "spend": _spent}


def _share(shown: Showcase) -> str:
    """5 % back on everything."""
    earning = shown.earning
    if shown.unit != "money" or earning is None or not earning.per:
        return ""
    share = earning.points * WHOLE / earning.per
    told = number(int(share)) if share == int(share) else decimal(share)
    return gettext("%(share)s %% back on everything") % {"share": told}


def _rule(shown: Showcase) -> str:
    earning: Earning | None = shown.earning
    if earning is None:
        return ""
    given = points(shown, earning.points)
    if not earning.per:
        return gettext("%(points)s for every visit") % {"points": given}
    return gettext("%(points)s for every %(per)s spent") % {
        "points": given,
        "per": money(earning.per),
    }
