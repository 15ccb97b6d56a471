"""Members: found, made, read; what was written about them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query, Router
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from loyalty import admission, finding, history, profiles
from loyalty.enrolment import Newcomer as Person
from loyalty.models import Entry as EntryRow
from loyalty.models import Member as MemberRow
from portal.api import telling
from portal.api.answers import LIMIT, MOST, expected_version, key_of, made, page_of, tagged
from portal.api.auth import BearerRequest, Token
from portal.api.commands import Newcomer, Profile
from portal.api.fields import read_id
from portal.api.problems import not_allowed_in
from portal.api.resources import Entry, Member, Page
from portal.forms import clean_text
from tenants import prefixed

router = Router(tags=["Members"])
EMPTY = asdict(profiles.Profile())


class Place(BaseModel):
    """How much of a list, and where in it."""

    limit: Annotated[int, Field(ge=1, le=MOST, description="How many at most.")] = LIMIT
    after: Annotated[
        str,
        StringConstraints(max_length=300, pattern=r"^[A-Za-z0-9_-]*$"),
        Field(description="The `next` of the page before."),
    ] = ""


class Search(Place):
    q: Annotated[
        str,
        StringConstraints(max_length=200),
        AfterValidator(clean_text),
        Field(description="A name's beginning, a phone's end, an address, a card, a code."),
    ] = ""


@router.get(
    "members",
    auth=Token("member:read"),
    response=Page[Member],
    operation_id="listMembers",
    summary="List or search members",
    url_name="members",
)
def listed(request: BearerRequest, asked: Query[Search]) -> HttpResponse:
    """Newest first."""
    now = timezone.now()
    return page_of(
        request,
        finding.search(asked.q),
        limit=asked.limit,
        after=asked.after,
        tell=lambda rows: telling.members(rows, at=now),
        kind=Page[Member],
    )


@router.post(
    "members",
    auth=Token("member:write"),
    response={201: Member, 200: Member},
    operation_id="enrolMember",
    summary="Enrol somebody, or find her",
    url_name="members",
)
def enrol(request: BearerRequest, body: Newcomer) -> HttpResponse:
    """Whoever is known by one of phone, email, card already is found and not changed (200); else
    she becomes a member (201), with the bonus for joining where the program gives one.
    """
    key, now = key_of(request), timezone.now()
    referrer = None
    if body.referred_by is not None:
        pk = prefixed.read("mem", body.referred_by)
        referrer = MemberRow.objects.filter(pk=pk).first() if pk else None
        if referrer is None:
            raise not_allowed_in("/referred_by", "unknown_member", "Nobody here has this id.")
    done = admission.admit(
        Person(body.name, body.phone, body.email, body.card, body.birth_date),
        referred_by=referrer,
        at=now,
        by=request.by,
        key=key,
    )
    status = 200 if done.existing else 201
    return made(telling.member(done.member, at=now), replayed=done.replayed, status=status)


@router.get(
    "members/{member}",
    auth=Token("member:read"),
    response={200: Member, 304: None},
    operation_id="getMember",
    summary="One member",
    url_name="member",
)
def member(request: BearerRequest, member: str) -> HttpResponse:
    """With an ETag: ask again with If-None-Match."""
    found = member_of(member)
    return tagged(request, telling.member(found, at=timezone.now()), version=found.version)


@router.patch(
    "members/{member}",
    auth=Token("member:write"),
    response={200: Member},
    operation_id="editMember",
    summary="Change what is known of a member",
    url_name="member",
)
def edit(request: BearerRequest, member: str, body: Profile) -> HttpResponse:
    """What is not named stays; null takes a thing away. With If-Match, only if nobody else changed
    her since.
    """
    found, now = member_of(member), timezone.now()
    expected = expected_version(request)
    wanted = {name: getattr(body, name) or EMPTY[name] for name in body.model_fields_set}
    profiles.change(
        found,
        replace(profiles.profile_of(found), **wanted),
        version=found.version if expected is None else expected,
        at=now,
        by=request.by,
    )
    found.refresh_from_db()
    return tagged(request, telling.member(found, at=now), version=found.version)


@router.get(
    "members/{member}/entries",
    auth=Token("member:read"),
    response=Page[Entry],
    operation_id="listEntries",
    summary="The lines of a member's ledger",
    url_name="entries",
)
def entries(request: BearerRequest, member: str, asked: Query[Place]) -> HttpResponse:
    """Everything that ever moved her points, newest first."""
    found = member_of(member)
    lines = EntryRow.objects.filter(account__member=found.pk).select_related(*history.TOLD)
    return page_of(
        request,
        lines,
        limit=asked.limit,
        after=asked.after,
        by_time="occurred_at",
        tell=lambda rows: [telling.entry(row) for row in rows],
        kind=Page[Entry],
    )


def member_of(text: str) -> MemberRow:
    """The member with this id; the neighbour's is a 404 like anybody's."""
    found: MemberRow = get_object_or_404(MemberRow, pk=read_id("mem", text))
    return found
