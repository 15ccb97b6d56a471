"""How the API writes things: ids, money, moments, texts. What is read back is as strict."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from loyalty.calendar import LAST
from portal.api.problems import not_allowed_in
from portal.forms import clean_text
from tenants import prefixed, shops

MOST_POINTS = 10**9
AMOUNT = r"^[0-9]{1,10}(\.[0-9]{1,3})?$"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
EXAMPLE = UUID("019539f2-7c00-7000-8000-00000000002a")
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Body(BaseModel):
    """What is sent: nothing that is not known, nothing changed into something else."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Resource(BaseModel):
    """What is told."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


def named(prefix: str, what: str) -> Any:
    """What is said of an id."""
    told = f"The id of {what}."
    return Field(max_length=40, description=told, examples=[prefixed.spell(prefix, EXAMPLE)])


MemberId = Annotated[str, named("mem", "a member")]
PurchaseId = Annotated[str, named("pur", "a purchase")]
RefundId = Annotated[str, named("rfn", "a refund")]
EntryId = Annotated[str, named("ent", "a line of the ledger")]
RewardId = Annotated[str, named("rwd", "a reward")]
RedemptionId = Annotated[str, named("rdm", "a redemption")]
ProgramId = Annotated[str, named("prg", "a program")]
TierId = Annotated[str, named("tir", "a tier")]


def read_id(prefix: str, text: str) -> UUID:
    """The UUID of an id in a path. What is no id is nowhere: raises Http404."""
    found = prefixed.read(prefix, text)
    if found is None:
        raise Http404
    return found


def _moment(value: object) -> object:
    """RFC 3339, with its offset: a local time would be a guess."""
    if isinstance(value, dt.datetime):
        return value
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        raise ValueError("Write a time as 2026-03-02T09:00:00Z.")
    try:
        return dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ValueError("There is no such time.") from None


def _date(value: object) -> object:
    if isinstance(value, dt.date):
        return value
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise ValueError("Write a day as 2026-03-02.")
    try:
        day = dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError("There is no such day.") from None
    if day > LAST:
        raise ValueError(f"No day is later than {LAST}.")
    return day


def _utc(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[
    dt.datetime,
    BeforeValidator(_moment),
    PlainSerializer(_utc, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Day = Annotated[
    dt.date,
    BeforeValidator(_date),
    PlainSerializer(dt.date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]


# A line of text, with one blank for many.
CLEAN = AfterValidator(clean_text)


class Money(Body):
    """An amount of money: a decimal number as text, so that no computer rounds it, and the
    currency of the shop.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"amount": "12.50", "currency": "AED"}]},
    )

    amount: Annotated[str, StringConstraints(pattern=AMOUNT)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

    @classmethod
    def of(cls, minor: int) -> Money:
        """So many minor units of the shop's currency. What is below nought is not told as money."""
        front = shops.front()
        amount = f"{Decimal(minor).scaleb(-front.decimals):.{front.decimals}f}"
        return cls.model_construct(amount=amount, currency=front.currency)

    def minor(self, pointer: str) -> int:
        """In minor units. Raises a problem about this field."""
        front = shops.front()
        if self.currency != front.currency:
            told = f"This shop's money is {front.currency}."
            raise not_allowed_in(f"{pointer}/currency", "wrong_currency", told)
        scaled = Decimal(self.amount).scaleb(front.decimals)
        if scaled != scaled.to_integral_value():
            told = f"{front.currency} has {front.decimals} decimals."
            raise not_allowed_in(f"{pointer}/amount", "too_many_decimals", told)
        return int(scaled)
