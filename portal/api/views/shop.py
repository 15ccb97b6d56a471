"""What the shop promises, and a member's own card."""

from __future__ import annotations

from typing import Annotated

from django.http import Http404, HttpResponse
from django.utils import timezone
from ninja import Query, Router
from pydantic import BaseModel, Field, StringConstraints

from loyalty import finding, programs
from loyalty.models import Member as MemberRow
from loyalty.models import Program as ProgramRow
from loyalty.models import Tier as TierRow
from portal.api import telling
from portal.api.answers import tagged
from portal.api.auth import BearerRequest, Token, need
from portal.api.problems import Wrong, unauthorized
from portal.api.resources import Me, Page, Program, Reward, Tier
from portal.api.views.members import member_of

router = Router(tags=["Shop"])
READS = Token("program:read", of_member=True)


class Whose(BaseModel):
    member: Annotated[
        str,
        StringConstraints(max_length=40),
        Field(description="The member who would have them."),
    ] = ""


@router.get(
    "me",
    auth=Token("member:read", of_member=True),
    response={200: Me, 304: None},
    operation_id="getMe",
    summary="The card of the member whose token this is",
    url_name="me",
)
def me(request: BearerRequest) -> HttpResponse:
    """For her browser on your site. With an ETag."""
    return tagged(request, telling.me(_own(request), at=timezone.now()))


@router.get(
    "program",
    auth=READS,
    response={200: Program, 304: None},
    operation_id="getProgram",
    summary="What the shop promises",
    url_name="program",
)
def program(request: BearerRequest) -> HttpResponse:
    """404 while no program is live. With an ETag."""
    return tagged(request, telling.program(_live()))


@router.get(
    "rewards",
    auth=READS,
    response={200: Page[Reward], 304: None},
    operation_id="listRewards",
    summary="What points buy",
    url_name="rewards",
)
def rewards(request: BearerRequest, asked: Query[Whose]) -> HttpResponse:
    """All of them, as the shop sorted them. With a member's token, or of a `member` that a server
    asks for (which needs `member:read` too), also what she lacks for each. With an ETag.
    """
    live = _live()
    if request.bearer.member:
        told = telling.offers(_own(request), live, at=timezone.now())
    elif asked.member:
        need(request.bearer, "member:read")
        told = telling.offers(member_of(asked.member), live, at=timezone.now())
    else:
        told = telling.rewards(live)
    return tagged(request, Page[Reward](data=told))


@router.get(
    "tiers",
    auth=READS,
    response={200: Page[Tier], 304: None},
    operation_id="listTiers",
    summary="The levels of the program",
    url_name="tiers",
)
def tiers(request: BearerRequest) -> HttpResponse:
    """The lowest first. With an ETag."""
    found = TierRow.objects.filter(program=_live().pk).order_by("threshold")
    return tagged(request, Page[Tier](data=[telling.tier(each) for each in found]))


def _live() -> ProgramRow:
    live = programs.live()
    if live is None:
        raise Http404
    return live


def _own(request: BearerRequest) -> MemberRow:
    """The member whose token it is, on the card that her points are on now. A token of somebody
    who is gone is good for nothing; one of a server is nobody's.
    """
    if request.bearer.member is None:
        raise Wrong(403, "member_only", "This is for a member's own token.")
    found = MemberRow.objects.filter(pk=request.bearer.member).select_related("merged_into").first()
    if found is None or not finding.kept(found).is_active:
        raise unauthorized()
    return finding.kept(found)
