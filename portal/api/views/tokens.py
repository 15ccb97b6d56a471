"""The exchange: a secret key for a token, and a token for nothing."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from ninja import Router

from loyalty import enrolment
from loyalty.models import Member
from loyalty.refusals import UnknownMember
from portal.api.answers import made
from portal.api.auth import BearerRequest, KeyRequest, SecretKey, Token
from portal.api.commands import Known, TokenWanted
from portal.api.problems import Wrong, not_allowed_in
from portal.api.resources import Issued
from tenants import keys, prefixed, tokens

router = Router(tags=["Tokens"])


@router.post(
    "tokens",
    auth=SecretKey(),
    response={201: Issued},
    operation_id="issueToken",
    summary="Exchange a secret key for a token",
    url_name="tokens",
)
def issue(request: KeyRequest, body: TokenWanted) -> HttpResponse:
    """A token for your server lives 60 minutes, one for a member 15. There is no refresh: ask
    again.
    """
    key, wanted = request.key, body.scope.split(" ")
    if not set(wanted) <= set(key.scopes):
        told = f"The key has {' '.join(key.scopes)}."
        raise Wrong(403, "insufficient_scope", told)
    member = _member(body.member) if body.member else None
    if member and not set(wanted) <= keys.MEMBER_SCOPES:
        told = f"A member's token may have {' '.join(sorted(keys.MEMBER_SCOPES))}."
        raise not_allowed_in("/scope", "not_for_members", told)
    if not set(body.origins) <= set(key.origins):
        raise not_allowed_in("/origins", "not_of_the_key", "The key names no such site.")
    done = tokens.issue(
        key,
        request.tenant,
        scopes=wanted,
        origins=body.origins,
        member=member.pk if member else None,
        at=timezone.now(),
    )
    return made(
        Issued(access_token=done.token, expires_in=done.expires_in, scope=" ".join(done.scopes))
    )


@router.delete(
    "tokens",
    auth=Token(of_member=True),
    response={204: None},
    operation_id="revokeToken",
    summary="Take back the token that this is asked with",
    url_name="tokens",
)
def revoke(request: BearerRequest) -> HttpResponse:
    """It is good for nothing afterwards."""
    tokens.revoke(request.bearer)
    return HttpResponse(status=204, headers={"Cache-Control": "no-store"})


def _member(known: Known) -> Member:
    """Whom the body names. Raises a problem where it names nobody, or is not clear."""
    given = known.model_dump(exclude_none=True)
    if len(given) != 1:
        raise not_allowed_in("/member", "one_of", "Name one of id, phone, email, card.")
    if known.id is None:
        return enrolment.find(**given)
    pk = prefixed.read("mem", known.id)
    member: Member | None = Member.objects.filter(pk=pk).first() if pk else None
    if member is None:
        raise UnknownMember
    return member
