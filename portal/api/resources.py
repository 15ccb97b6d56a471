"""What the API tells."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import ConfigDict, Field

from portal.api.fields import (
    Day,
    EntryId,
    MemberId,
    Moment,
    Money,
    ProgramId,
    PurchaseId,
    RedemptionId,
    RefundId,
    Resource,
    RewardId,
    TierId,
)

T = TypeVar("T")
Opt = Annotated[str | None, Field(description="Null where it was never given.")]


class Page(Resource, Generic[T]):
    """Some of a list, newest first. `next` is what `after` asks for the rest with; null at its
    end.
    """

    data: list[T]
    next: str | None = None


class Problem(Resource):
    """RFC 9457. `code` is stable and is what to branch on; `detail` may be shown to a person."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "https://cafe.example/api/docs#insufficient_points",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "40 more are needed for that.",
                    "instance": "urn:request:019539f27c007000800000000000002a",
                    "code": "insufficient_points",
                    "figures": {"missing": 40},
                }
            ]
        },
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list[dict[str, str]] = Field(
        default=[],
        description="One for each field: `pointer` (RFC 6901) or `parameter`, `code`, `detail`.",
    )
    figures: dict[str, Any] = Field(default={}, description="The figures behind a refusal.")


class Issued(Resource):
    """A token, as RFC 6749 tells it."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: int = Field(description="Seconds.")
    scope: str


class Member(Resource):
    """An enrolled customer, and what is on her card now. Points are whole numbers in the unit of
    the program.
    """

    id: MemberId
    code: str = Field(description="The code on her card; it identifies and never authorises.")
    status: str = Field(description="active, blocked or merged; more may come.")
    merged_into: str | None = Field(default=None, description="The card that her points are on.")
    name: str
    phone: Opt = None
    email: Opt = None
    birth_date: Day | None = None
    enrolled_at: Moment
    balance: int
    pending: int = Field(description="Points that will become spendable.")
    debt: int = Field(description="Points owed after a refund.")
    lifetime: int
    tier: str | None = None
    version: int = Field(description="Of what may be edited.")


class Me(Resource):
    """A member's own card, for her browser."""

    id: MemberId
    code: str
    name: str
    balance: int
    pending: int
    debt: int
    tier: str | None = None
    unit: str
    unit_words: list[str] = Field(description="What a point is called, in the language asked for.")


class Entry(Resource):
    """A line of the ledger. It is never changed: a correction is another line."""

    id: EntryId
    kind: str = Field(description="earn, redeem, expire, adjust …; more may come.")
    points: int
    occurred_at: Moment
    title: str = Field(description="What happened, in the language asked for.")
    reason: str = ""
    purchase: PurchaseId | None = None
    redemption: RedemptionId | None = None


class Purchase(Resource):
    """A sale in the books. `balance` is the member's now."""

    id: PurchaseId
    member: MemberId
    ref: str
    amount: Money
    tax: Money
    refunded: Money
    points: int = Field(description="What the sale gave.")
    clawed: int = Field(description="What of it was taken back since.")
    occurred_at: Moment
    balance: int
    tier: str | None = None


class Refund(Resource):
    """Money given back of a sale, and what that did to points."""

    id: RefundId
    purchase: PurchaseId
    amount: Money
    clawed: int = Field(description="Points the sale gave too much.")
    taken: int = Field(description="How many of them were there, or are owed now.")
    restored: int = Field(description="Points that had paid for the sale.")
    debt: int
    balance: int


class Redemption(Resource):
    """Points that became a reward."""

    id: RedemptionId
    member: MemberId
    reward: RewardId
    code: str = Field(description="The voucher's code.")
    status: str = Field(description="issued, used or voided.")
    cost: int
    discount: Money = Field(description="What it takes off the bill.")
    balance: int


class Reversal(Resource):
    """Points that were given back for a reward."""

    redemption: RedemptionId
    restored: int
    balance: int


class Adjustment(Resource):
    """Points moved by hand."""

    entry: EntryId
    points: int
    reason: str
    balance: int
    debt: int


class Line(Resource):
    """46 times AED 1.00 | 1 point each | 46"""

    text: str
    why: str
    points: str


class Quote(Resource):
    """What a sale would earn now. Nothing was written."""

    points: int
    balance: int
    balance_after: int
    sum: list[Line] = Field(description="The arithmetic, in the language asked for.")
    note: str


class Reward(Resource):
    """What points buy. `missing` and `refusal` are about the member who asks or is asked for."""

    id: RewardId
    name: str
    kind: str = Field(description="amount, percent, item, gift or pay; more may come.")
    cost: int
    value: Money | None = Field(default=None, description="What it is worth, where that is money.")
    percent: int | None = None
    stock: int | None = Field(default=None, description="How many are left; null for any number.")
    terms: str = Field(description="When and for whom, as a sentence; empty where always.")
    missing: int | None = None
    refusal: str | None = Field(default=None, description="Why not; null where she can have it.")


class Tier(Resource):
    id: TierId
    name: str
    threshold: int
    multiplier: str
    perks: list[Any]


class Program(Resource):
    """What the shop promises now."""

    id: ProgramId
    name: str
    unit: str = Field(description="point, stamp or money (minor units).")
    unit_words: list[str]
    currency: str
    rules: list[str] = Field(description="Each as a sentence, in the language asked for.")
