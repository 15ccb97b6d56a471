"""What stands on a shop's poster: its promise in one or two languages, and the code that joins."""

from __future__ import annotations

import io
from dataclasses import dataclass

import segno
from django.utils import translation
from django.utils.translation import get_language_bidi, gettext

from loyalty import conditions, programs, wording
from loyalty.models import Program, Reward
from loyalty.terms import BONUS
from portal.context import OWN_NAMES
from portal.voice import voice_of
from tenants import hosts
from tenants.models import Tenant
from tenants.shops import ShopFront

SIZES = ("a4", "a5", "tent", "cards")
ON_A_SHEET = 10  # cards of 85 by 55 mm on an A4


@dataclass(frozen=True, slots=True)
class Words:
    """A poster in one language."""

    language: str
    direction: str
    headline: str
    how: str
    camera: str
    then: str
    open_at: str
    only_joins: str


def join_url(tenant: Tenant) -> str:
    """What the code says. In capitals it takes a coarser code, which cameras find sooner."""
    return hosts.url_of(tenant, "/j")


def words(language: str, host: str) -> Words:
    """The poster's words. Two statements a language."""
    with translation.override(language):
        program = programs.live()
        reward = _first_reward(program) if program else None
        return Words(
            language=language,
            direction="rtl" if get_language_bidi() else "ltr",
            headline=gettext("%(reward)s.") % {"reward": reward.name.rstrip(".")}
            if reward and reward.kind != Reward.Kind.PAY
            else gettext("Come back, it counts."),
            how=_how(program, reward) if program else "",
            camera=gettext("Point your camera here."),
            then=gettext("Your card opens as a page. No app, no password."),
            open_at=gettext("Or open %(address)s") % {"address": f"{host}/j"},
            only_joins=gettext("This code only joins; it never gives points."),
        )


def choices(front: ShopFront) -> list[tuple[str, str]]:
    """(value, name) of the languages a poster can have: the shop's own beside each other one, and
    each alone.
    """
    known = [code for code in front.languages if code in OWN_NAMES]
    own = front.language if front.language in known else known[0]
    others = [code for code in known if code != own]
    pairs = [(f"{own},{code}", f"{OWN_NAMES[own]} + {OWN_NAMES[code]}") for code in others]
    return [*((code, OWN_NAMES[code]) for code in known), *pairs]


def code_svg(url: str) -> bytes:
    """The code as a drawing of its own, for whoever designs the poster herself."""
    written = io.BytesIO()
    segno.make_qr(url.upper(), error="q").save(written, kind="svg", scale=10, border=4)
    return written.getvalue()


def _first_reward(program: Program) -> Reward | None:
    """The nearest one that everybody can have."""
    live = Reward.objects.filter(program=program.pk, status=Reward.Status.LIVE)
    found: Reward | None = live.order_by("position", "cost", "pk").first()
    return found


def _how(program: Program, reward: Reward | None) -> str:
    """How one gets there: the first plain rule, and what the reward costs."""
    voice = voice_of(program)
    rules = [programs.rule_of(row) for row in program.rules.order_by("pk")]
    plain = [rule for rule in rules if rule.kind != BONUS and rule.conditions == conditions.NONE]
    said = [_sentence(wording.of_rule(plain[0], voice))] if plain else []
    if reward and reward.cost:
        told = {"points": voice.points(reward.cost), "reward": reward.name}
        said.append(gettext("%(points)s: %(reward)s.") % told)
    return " ".join(said)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
