"""What `up` shows when the portal runs: where it is, and the links into its demo."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TypedDict


class Shop(TypedDict):
    """A shop of the demo; `owner`, `till` and `card` are links, the first two good for one use."""

    slug: str
    name: str
    url: str
    owner: str
    till: str
    card: str
    person: str
    pin: str


class Demo(TypedDict):
    apex: str
    shops: list[Shop]


def links(lines: Sequence[str]) -> Demo | None:
    """What `manage.py demo --links` told in the last of these lines that is JSON, if any."""
    told = [line for line in lines if line.startswith("{")]
    return json.loads(told[-1]) if told else None


def greeting(url: str, demo: Demo | None, seconds: float) -> Iterator[str]:
    """The lines that greet whoever started us.

    The links of the owner and the till are good for one use; every `up` makes new ones.
    """
    yield f"\n  The portal runs: {demo['apex'] if demo else url}   ({seconds:.1f} s)\n"
    for shop in demo["shops"] if demo else []:
        yield f"  {shop['name']}"
        yield f"    the shop    {shop['url']}"
        yield f"    its owner   {shop['owner']}"
        yield f"    its till    {shop['till']}   (then {shop['person']}, PIN {shop['pin']})"
        yield f"    a card      {shop['card']}\n"
    if demo and demo["shops"]:
        yield "  The links of owner and till work once; the next `up` shows new ones."
    yield "  Ctrl-C stops everything.\n"
