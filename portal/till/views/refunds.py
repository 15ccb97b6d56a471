"""Money given back, of a sale that is no longer the last: all of it, or a part."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from loyalty import operations
from loyalty import refunds as verbs
from loyalty.models import Purchase
from loyalty.refusals import Refusal
from portal.forms import first_error
from portal.guards import TillRequest, unlocked
from portal.pages import go, wants_piece
from portal.till.approval import NoLeave, leave, managers
from portal.till.forms import LONGEST, Back
from portal.till.receipts import last_ten, receipt_of
from portal.till.screens import BACK, PIN, base_links, counter, decimals
from tenants.ids import uuid7


@require_safe
@unlocked
def purchase(request: TillRequest, pk: UUID) -> HttpResponse:
    """A sale, and what can be given back of it. While an amount is typed, what that takes."""
    sale = _sale(pk)
    form = Back(request.GET, decimals=decimals())
    context = _back(request, sale, form)
    if request.GET.get("ask"):
        return _show(request, context | {"asks": True})
    if "amount" in request.GET and wants_piece(request) and request.GET.get("typing"):
        return counter(request, context, screen="refund", window=BACK, fragment="back", also=())
    return _show(request, context)


@require_POST
@unlocked
def refund(request: TillRequest, pk: UUID) -> HttpResponse:
    """Give it back. The same form sent twice gives back once."""
    sale = _sale(pk)
    form = Back(request.POST, decimals=decimals())
    if not form.is_valid():
        context = _back(request, sale, form) | {"said": first_error(form)}
        return _show(request, context, status=422)
    now, key = timezone.now(), form.cleaned_data["key"]
    try:
        approver = leave(request, at=now)
    except NoLeave as wrong:
        context = _back(request, sale, form) | {"wrong": str(wrong), "key": key, "asks": True}
        return _show(request, context, status=422)
    may = verbs.may_void(sale, by=approver or request.by, at=now)
    if not may and not operations.was_done(request.by, str(key)):  # sent again, too late
        context = _back(request, sale, form) | {"key": key, "asks": True}
        return _show(request, context, status=422)
    try:
        done = verbs.refund(
            sale,
            amount=form.cleaned_data["amount"],
            at=now,
            by=request.by,
            key=str(key),
            approved_by=approver,
        )
    except Refusal as refusal:
        context = _back(request, sale, form) | {"said": str(refusal), "key": uuid7()}
        return _show(request, context, status=422)
    if not wants_piece(request):
        return go(request, base_links()["home"])
    receipt = receipt_of(
        done.purchase,
        by=request.by,
        at=now,
        name=sale.account.member.name,
        balance=done.account.balance,
        fresh=True,
    )
    context = {
        "sales": last_ten(request.device, by=request.by, at=now),
        "returned": done.refund.amount,
        "clawed": done.clawed,
        "restored": done.restored,
    }
    return counter(request, context, screen="sales", receipt=receipt, also=("register", "strip"))


def _sale(pk: UUID) -> Purchase:
    told = Purchase.objects.select_related("account__member", "account__program", "staff")
    found: Purchase = get_object_or_404(told, pk=pk)
    return found


def _back(request: TillRequest, sale: Purchase, form: Back) -> dict[str, object]:
    """What is said of a sale that somebody wants to return."""
    now = timezone.now()
    form.full_clean()
    amount = form.cleaned_data.get("amount")
    said = str(form.errors["amount"][0]) if "amount" in form.errors else ""
    told = verbs.preview(sale)
    try:
        told = verbs.preview(sale, amount)
    except Refusal as refusal:
        said = str(refusal)
    may = verbs.may_void(sale, by=request.by, at=now)
    context: dict[str, object] = {
        "sale": receipt_of(sale, by=request.by, at=now),
        "program": sale.account.program,
        "preview": told,
        "amount": form.data.get("amount", "")[:LONGEST],
        "said": said,
        "key": uuid7(),
        "asks": False,
        "needs_manager": not may,
        "refunded": sale.refunded,
        "approver": request.POST.get("approver", ""),
        "decimals": decimals(),
        "pin_form": "giveback",
    }
    if not may:
        context["why"] = gettext("After a while, or for a colleague's sale, a manager allows it.")
    return context


def _show(request: TillRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    asks = bool(context["asks"])
    context["managers"] = managers() if asks else ()
    return counter(request, context, screen="refund", window=PIN if asks else BACK, status=status)
