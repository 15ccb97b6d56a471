"""Taking a sale, and taking it back at once."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from loyalty import purchases as verbs
from loyalty import refunds
from loyalty.desk import Customer
from loyalty.models import Member, Purchase
from loyalty.refusals import AboveLimit, Refusal
from loyalty.sales import Recorded, under_key
from portal.figures import money
from portal.forms import first_error
from portal.guards import TillRequest, unlocked
from portal.pages import go, wants_piece
from portal.till.approval import NoLeave, leave, managers
from portal.till.forms import Bill, Sale, Undo
from portal.till.receipts import last_ten, receipt_of
from portal.till.screens import (
    PIN,
    as_typed,
    base_links,
    counter,
    customer_or_404,
    decimals,
    discount_on,
    links_of,
    quoted,
    sale_of,
    typed,
    window_of,
)
from tenants.ids import uuid7


@require_safe
@unlocked
def quote(request: TillRequest, pk: UUID) -> HttpResponse:
    """What an amount would earn, while it is being typed."""
    if not wants_piece(request):
        context = sale_of(request, customer_or_404(pk), request.GET)
        return counter(request, context, screen="sale", window=window_of())
    member = get_object_or_404(Member, pk=pk)
    asked = request.GET
    form = Bill(asked, decimals=decimals(), required=False)
    context = typed(asked) | {"member": member}
    context |= quoted(request, Customer(member, "", None), form)
    return counter(request, context, fragment="quote", also=("act",))


@require_POST
@unlocked
def member_purchases(request: TillRequest, pk: UUID) -> HttpResponse:
    """Award a sale. The same form sent twice is one sale, and answers the same both times."""
    member = get_object_or_404(Member, pk=pk)
    form = Sale(request.POST, decimals=decimals())
    if not form.is_valid():
        return _again(request, member, form, first_error(form))
    try:
        recorded = _record(request, member, form)
    except AboveLimit as refusal:
        return _ask_a_manager(request, member, form, refusal)
    except NoLeave as wrong:
        return _ask_a_manager(request, member, form, None, wrong=str(wrong))
    except Refusal as refusal:
        return _again(request, member, form, str(refusal), refused=refusal.is_final)
    return _awarded(request, member, recorded)


def _record(request: TillRequest, member: Member, form: Sale) -> Recorded:
    """Raises why it may not be, and NoLeave where a manager's PIN was wrong."""
    now = timezone.now()
    approver = leave(request, at=now)
    verbs.refuse_above_limit(form.total, by=request.by, approved_by=approver)
    off = _taken_off(request, member, form)
    return verbs.record(
        member,
        form.total,
        at=now,
        by=request.by,
        key=str(form.cleaned_data["key"]),
        lines=form.lines,
        reward_discount=off,
        redemptions=[form.cleaned_data["voucher"]] if off else (),
        approved_by=approver,
    )


def _taken_off(request: TillRequest, member: Member, form: Sale) -> int:
    """What the reward on this bill takes off it. One that is in the books takes nothing off another
    sale; but the same form sent again has to say what it said the first time.
    """
    off = discount_on(form, member)
    if off or not form.cleaned_data["voucher"]:
        return off
    earlier = under_key(str(form.cleaned_data["key"]), by=request.by)
    return earlier.reward_discount if earlier else 0


def _awarded(request: TillRequest, member: Member, recorded: Recorded) -> HttpResponse:
    """The strip; and what came by itself, because the card is full."""
    if not wants_piece(request):
        return go(request, base_links()["home"])
    receipt = receipt_of(
        recorded.purchase,
        by=request.by,
        at=timezone.now(),
        name=member.name,
        balance=recorded.account.balance,
        fresh=True,
    )
    also = ("register", "strip")
    if won := [voucher for voucher in recorded.issued if voucher.reward]:
        context = {"won": won, "member": member, "links": links_of(member)}
        return counter(request, context, screen="won", receipt=receipt, also=also)
    return counter(request, receipt=receipt, also=also)


@require_safe
@unlocked
def purchases(request: TillRequest) -> HttpResponse:
    """The last ten sales and gifts of this till, or the sales with a receipt's number."""
    now, ref = timezone.now(), request.GET.get("ref", "").strip()[:80].replace("\x00", "")
    if ref:
        found = refunds.with_receipt(ref)
        sales = [receipt_of(sale, by=request.by, at=now) for sale in found]
    else:
        sales = last_ten(request.device, by=request.by, at=now)
    return counter(request, {"sales": sales, "ref": ref}, screen="sales")


@require_POST
@unlocked
def reversal(request: TillRequest, pk: UUID) -> HttpResponse:
    """Undo a sale. Twice is once. If it was somebody else's, the next thing is to find her, and the
    amount waits.
    """
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
        return go(request, base_links()["home"])
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
    if form.data.get("wrong") and not refusal:
        context = {"kept": as_typed(purchase.total) if receipt.total else "", "moved": receipt}
        return counter(
            request, context, screen="moved", receipt=receipt, also=("register", "strip")
        )
    if form.data.get("list"):
        sales = last_ten(request.device, by=request.by, at=now)
        return counter(
            request,
            {"sales": sales},
            screen="sales",
            receipt=receipt,
            also=("strip",),
            status=status,
        )
    return counter(request, receipt=receipt, fragment="strip", also=(), status=status)


def _again(
    request: TillRequest, member: Member, form: Sale, said: str, *, refused: bool = False
) -> HttpResponse:
    """The same form with what was typed and its key, and a sentence about it.

    What was refused stays so under its key: whoever presses again means a new command.
    """
    key = None if refused else form.cleaned_data.get("key")
    context = sale_of(request, customer_or_404(member.pk), request.POST)
    context |= {"key": key or uuid7(), "said": said}
    context.pop("quote", None)
    return counter(request, context, screen="sale", window=window_of(), status=422)


def _ask_a_manager(
    request: TillRequest,
    member: Member,
    form: Sale,
    refusal: AboveLimit | None,
    *,
    wrong: str = "",
) -> HttpResponse:
    """The same form with the same key, and a place for a manager's PIN."""
    context = sale_of(request, customer_or_404(member.pk), request.POST)
    said = ""
    if refusal:
        said = gettext("More than %(limit)s in one sale.") % {
            "limit": money(refusal.figures["limit"])
        }
    context |= {
        "key": form.cleaned_data["key"],
        "said": said,
        "wrong": wrong,
        "total": form.total,
        "managers": managers(),
        "approver": request.POST.get("approver", ""),
        "pin_form": "sale",
    }
    return counter(request, context, screen="approve", window=PIN, status=422)
