"""What the API is told to do."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from portal.api.fields import (
    CLEAN,
    EXAMPLE,
    MOST_POINTS,
    Body,
    Day,
    MemberId,
    Moment,
    Money,
    RedemptionId,
    RewardId,
)
from portal.api.origins import Origin
from tenants import prefixed
from tenants.keys import SCOPES

MOST_LINES = 500
MEMBER, REWARD = prefixed.spell("mem", EXAMPLE), prefixed.spell("rwd", EXAMPLE)
TEN = {"amount": "24.50", "currency": "AED"}
Phone = Annotated[str, Field(max_length=40), CLEAN]
Email = Annotated[str, Field(max_length=200), CLEAN]
Short = Annotated[str, Field(max_length=80), CLEAN]


def like(**fields: Any) -> ConfigDict:
    """How such a body looks."""
    return ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [fields]})


class Known(Body):
    """A member by her id, or by one thing that she is known by."""

    id: MemberId | None = None
    phone: Phone | None = None
    email: Email | None = None
    card: Short | None = None


class TokenWanted(Body):
    """Whom the token is for. Without `member` it is for the server that holds the key."""

    model_config = like(scope="member:read purchase:write")

    member: Known | None = Field(default=None, description="For her alone, and for 15 minutes.")
    scope: Annotated[
        str,
        StringConstraints(max_length=200, pattern=r"^[a-z:]+( [a-z:]+)*$"),
        Field(description=f"Of {', '.join(SCOPES)}; separated by blanks."),
    ]
    origins: Annotated[
        list[Origin],
        Field(max_length=10, description="The sites whose browsers may use it."),
    ] = []


class Newcomer(Body):
    """One of phone, email, card is enough; a phone without its country is dialled from the
    shop's.
    """

    model_config = like(name="Amina Rahman", phone="050 123 4567")

    name: Short = ""
    phone: Phone = ""
    email: Email = ""
    card: Short = ""
    birth_date: Day | None = None
    referred_by: MemberId | None = None


class Line(Body):
    """`quantity` units of one thing for `amount` together."""

    sku: Short = ""
    category: Short = ""
    quantity: Annotated[int, Field(ge=0, le=100_000)] = 1
    amount: Money


class Bill(Body):
    """What is on a bill: `amount` with `tax` in it. Lines may make up less, never more."""

    amount: Money
    tax: Money | None = None
    lines: Annotated[list[Line], Field(max_length=MOST_LINES)] = []


class Sale(Bill):
    """A sale that was made. The same `ref` (the receipt's number) counts once."""

    model_config = like(amount=TEN, ref="R-1042")

    ref: Short = ""
    occurred_at: Moment | None = Field(
        default=None, description="When it was made, where that was before now: 35 days at most."
    )
    redemptions: Annotated[
        list[RedemptionId],
        Field(max_length=20, description="The rewards that took `reward_discount` off."),
    ] = []
    reward_discount: Money | None = None


class Asked(Bill):
    """A sale that might be made."""

    model_config = like(member=MEMBER, amount=TEN)

    member: MemberId


class Wish(Body):
    """A reward for her points. `bill` is what it is taken off; `points` is only for rewards of
    kind "pay". Without `use` it is a voucher to come back with.
    """

    model_config = like(reward=REWARD, bill=TEN)

    reward: RewardId
    bill: Money | None = None
    points: Annotated[int, Field(ge=1, le=MOST_POINTS)] | None = None
    use: bool = True


class Correction(Body):
    """Points given by hand, or taken where they are below zero, and why."""

    model_config = like(points=50, reason="A present for waiting")

    points: Annotated[int, Field(ge=-MOST_POINTS, le=MOST_POINTS)]
    reason: Annotated[str, Field(min_length=1, max_length=140), CLEAN]
    expires: Day | None = Field(default=None, description="The last day, of points that are given.")


class Return(Body):
    """Money given back: an amount, or so many of each SKU, or all that is left."""

    model_config = like(amount=TEN, ref="C-17")

    amount: Money | None = None
    lines: (
        Annotated[
            dict[
                Annotated[str, StringConstraints(max_length=80)],
                Annotated[int, Field(ge=1, le=100_000)],
            ],
            Field(max_length=MOST_LINES),
        ]
        | None
    ) = None
    ref: Short = ""


class Profile(Body):
    """What may be edited of a member."""

    model_config = like(name="Amina R. Rahman", birth_date="1991-07-14")

    name: Short = ""
    phone: Phone | None = None
    email: Email | None = None
    birth_date: Day | None = None
    language: Annotated[str, Field(max_length=12), CLEAN] = ""


class Nothing(Body):
    """An empty object."""

    model_config = like()
