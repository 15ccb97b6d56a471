"""Taking a sale, and taking it back."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from loyalty import purchases as verbs
from loyalty import refunds
from loyalty.models import Member, Purchase
from loyalty.refusals import Refusal
from portal.arithmetic import sum_of
from portal.forms import first_error
from portal.guards import TillRequest, unlocked
from portal.pages import see_other, wants_piece
from portal.till.forms import Quoted, Sale, Undo
from portal.till.receipts import last_ten, receipt_of
from portal.till.views.counter import counter, decimals, sale_of
from tenants.ids import uuid7

LONGEST = 24  # signs of an amount that are shown again


@require_safe
@unlocked
def quote(request: TillRequest, pk: UUID) -> HttpResponse:
    """What an amount would earn, while it is being typed."""
    member = get_object_or_404(Member, pk=pk)
    form = Quoted(request.GET, decimals=decimals())
    context: dict[str, object] = {
        "said": first_error(form),
        "amount": request.GET.get("amount", "")[:LONGEST],
    }
    if form.is_valid() and form.cleaned_data["amount"]:
        try:
            quoted = verbs.quote(member, form.cleaned_data["amount"], at=timezone.now())
            context |= {
                "quote": quoted,
                "sum": sum_of(quoted.breakdown, quoted.points, rounding=quoted.program.rounding),
            }
        except Refusal as refusal:
            context["said"] = str(refusal)
    if not wants_piece(request):
        context = {**sale_of(request, member), **context}
    return counter(request, context, fragment="quote", also=())


@require_POST
@unlocked
def member_purchases(request: TillRequest, pk: UUID) -> HttpResponse:
    """Award a sale. The same form sent twice is one sale, and answers the same both times."""
    member = get_object_or_404(Member, pk=pk)
    form = Sale(request.POST, decimals=decimals())
    if not form.is_valid():
        return _again(request, member, form, first_error(form))
    now = timezone.now()
    try:
        recorded = verbs.record(
            member,
            form.cleaned_data["amount"],
            at=now,
            by=request.by,
            key=str(form.cleaned_data["key"]),
        )
    except Refusal as refusal:
        return _again(request, member, form, str(refusal), refused=refusal.is_final)
    if not wants_piece(request):
        return see_other(reverse("till:till"))
    receipt = receipt_of(
        recorded.purchase,
        by=request.by,
        at=now,
        name=member.name,
        balance=recorded.account.balance,
        fresh=True,
    )
    return counter(request, receipt=receipt, also=("register", "strip"))


@require_safe
@unlocked
def purchases(request: TillRequest) -> HttpResponse:
    """The last ten sales of this till."""
    sales = last_ten(request.device, by=request.by, at=timezone.now())
    return counter(request, {"sales": sales})


@require_POST
@unlocked
def reversal(request: TillRequest, pk: UUID) -> HttpResponse:
    """Undo a sale. Twice is once."""
    sold = Purchase.objects.select_related("account__member", "account__program", "staff")
    purchase = get_object_or_404(sold, pk=pk)
    name = purchase.account.member.name
    form = Undo(request.POST)
    key = form.cleaned_data["key"] if form.is_valid() else uuid7()
    now, refusal, balance = timezone.now(), "", None
    try:
        voided = refunds.void(purchase, at=now, by=request.by, key=str(key))
        purchase, balance = voided.purchase, voided.account.balance
    except Refusal as refused:
        refusal = str(refused)
    if not wants_piece(request):
        return see_other(reverse("till:till"))
    receipt = receipt_of(
        purchase,
        by=request.by,
        at=now,
        name=name,
        balance=balance,
        fresh=not refusal,
        refusal=refusal,
    )
    status = 422 if refusal else 200
    if form.data.get("list"):
        sales = last_ten(request.device, by=request.by, at=now)
        return counter(request, {"sales": sales}, receipt=receipt, also=("strip",), status=status)
    return counter(request, receipt=receipt, fragment="strip", also=(), status=status)


def _again(
    request: TillRequest, member: Member, form: Sale, said: str, *, refused: bool = False
) -> HttpResponse:
    """The same form with what was typed and its key, and a sentence about it.

    What was refused stays so under its key: whoever presses again means a new command.
    """
    key = None if refused else form.cleaned_data.get("key")
    kept = {"amount": request.POST.get("amount", "")[:LONGEST], "key": key or uuid7()}
    context = {**sale_of(request, member), **kept, "said": said}
    return counter(request, context, status=422)
