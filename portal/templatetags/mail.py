"""What letters cannot say by themselves: whose paper it is, in colours that a mail reader takes."""

from __future__ import annotations

from dataclasses import dataclass

from django import template

from portal import theme
from tenants.shops import ShopFront

register = template.Library()


@dataclass(frozen=True, slots=True)
class Paper:
    """A letter's head and ink: a shop's, or the house's."""

    name: str
    initial: str
    fill: str
    on_fill: str
    ink: str
    ink_dark: str


@register.simple_tag
def paper_of(shop: ShopFront | None) -> Paper:
    """The paper of `shop`; of the house for None. Mail readers know no style sheet of ours."""
    name = shop.name if shop else "LoyalAura"
    tokens = theme.tokens(shop.colour if shop else theme.HOUSE)
    return Paper(
        name=name,
        initial=name.strip()[:1].upper() or "L",
        fill=tokens["--brand"],
        on_fill=tokens["--on-brand"],
        ink=tokens["--b-ink"],
        ink_dark=tokens["--b-ink-dark"],
    )
