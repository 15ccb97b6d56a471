"""Giving a reward away: choose it, confirm it, hand it over; and taking that back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from loyalty import operations, proofs, redemptions, refunds, shifts, vouchers
from loyalty.habits import habits
from loyalty.models import Member, Reward, Voucher, VoucherUse
from loyalty.refusals import OutOfStock, Refusal, TooLateToVoid, VoucherUsed
from portal import gifts, waiting
from portal.forms import first_error
from portal.guards import TillRequest, unlocked
from portal.pages import go, wants_piece
from portal.till.approval import NoLeave, leave, managers
from portal.till.forms import Choice, Gift, Undo
from portal.till.receipts import Receipt, gift_of
from portal.till.screens import (
    AMOUNT,
    PIN,
    PROOF,
    base_links,
    counter,
    customer_or_404,
    decimals,
    links_of,
    sale_of,
    window_of,
)
from portal.voice import refused
from tenants.actors import Actor
from tenants.guesses import TooManyGuesses
from tenants.ids import uuid7

LONGEST = 24


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be given, and on which terms: points, and minor units off the bill."""

    name: str
    cost: int
    discount: int
    kind: str
    reward: Reward | None = None
    voucher: Voucher | None = None

    @property
    def pk(self) -> UUID | None:
        found = self.voucher or self.reward
        return found.pk if found else None


@require_safe
@unlocked
def rewards(request: TillRequest, pk: UUID) -> HttpResponse:
    """All rewards, what she can have and what she lacks; one of them chosen, if she said which."""
    form = Choice(request.GET, decimals=decimals())
    said, chosen = "", None
    if form.is_valid():
        member = get_object_or_404(Member, pk=pk)
        try:
            chosen = _chosen(request, member, form)
        except Refusal as refusal:
            said = refused(refusal, habits())
    else:
        said = first_error(form)
    return _choose(
        request, pk, form, chosen, said=said, asks=bool(request.GET.get("ask")), status=200
    )


@require_POST
@unlocked
def gift(request: TillRequest, pk: UUID) -> HttpResponse:
    """Give it. The same form sent twice is one gift, and answers the same both times."""
    member = get_object_or_404(Member, pk=pk)
    form = Gift(request.POST, decimals=decimals())
    said = first_error(form)
    wanted = _wanted(form) if form.is_valid() else None
    if wanted is None:
        said = said or gettext("Choose a reward first.")
        return _choose(request, pk, form, None, said=said, status=422)
    chosen: Chosen | None = None
    approver: Actor | None = None
    try:
        # What was done under this key is told again, whatever has changed since.
        if not operations.was_done(request.by, str(form.cleaned_data["key"])):
            chosen = _terms(request, member, form, wanted)
            approver = leave(request, at=timezone.now())
            _ask_for_proof(member, chosen, form, approver)
    except NoLeave as wrong:
        return _choose(request, pk, form, chosen, wrong=str(wrong), asks=True, status=422)
    except (Refusal, TooManyGuesses) as refusal:
        return _choose(request, pk, form, chosen, said=_sentence(refusal), status=422)
    return _hand_over(request, member, form, wanted, approver)


def _hand_over(
    request: TillRequest,
    member: Member,
    form: Gift,
    wanted: Reward | Voucher,
    approver: Actor | None,
) -> HttpResponse:
    """Carry it out, and say so: in green, or who was quicker."""
    now, key = timezone.now(), str(form.cleaned_data["key"])
    total = form.cleaned_data.get("amount")
    try:
        if isinstance(wanted, Voucher):
            used = vouchers.use(
                wanted, at=now, by=request.by, key=key, member=member, total=total or 0
            )
            return _given(request, member, used.voucher, used.discount)
        done = redemptions.redeem(
            member, wanted, at=now, by=request.by, key=key, total=total, approved_by=approver
        )
        return _given(request, member, done.voucher, done.discount)
    except (OutOfStock, VoucherUsed) as refusal:
        return _lost(request, member.pk, form, wanted, str(refusal))
    except Refusal as refusal:
        said, final = refused(refusal, habits()), refusal.is_final
        return _choose(request, member.pk, form, None, said=said, refused=final, status=422)


@require_POST
@unlocked
def gift_reversal(request: TillRequest, pk: UUID) -> HttpResponse:
    """Take back that a reward was given: the points return. Twice is once."""
    told = Voucher.objects.select_related("reward", "owner")
    voucher = get_object_or_404(told, pk=pk)
    form = Undo(request.POST)
    key = form.cleaned_data["key"] if form.is_valid() else uuid7()
    now, refusal, balance = timezone.now(), "", None
    use = VoucherUse.objects.filter(voucher=voucher.pk).select_related("member", "staff").last()
    try:
        may = use is not None and refunds.may_reverse(use, by=request.by, at=now)
        if not may and not operations.was_done(request.by, str(key)):  # sent again, too late
            raise TooLateToVoid(minutes=int(refunds.UNDO_FOR.total_seconds() // 60))
        undone = redemptions.reverse(voucher, at=now, by=request.by, key=str(key))
        voucher.status, balance = undone.voucher.status, undone.account.balance
    except Refusal as refused:
        refusal = str(refused)
    if not wants_piece(request) or use is None:
        return go(request, base_links()["home"])
    use.voucher = voucher
    receipt = gift_of(
        use, by=request.by, at=now, balance=balance, fresh=not refusal, refusal=refusal
    )
    status = 422 if refusal else 200
    if request.POST.get("sheet") and voucher.owner_id:
        context = sale_of(request, customer_or_404(voucher.owner_id), request.POST)
        return counter(
            request,
            context,
            screen="sale",
            window=window_of(),
            receipt=receipt,
            also=("register", "strip"),
            status=status,
        )
    return counter(request, receipt=receipt, fragment="strip", also=(), status=status)


def _sentence(refusal: Refusal | TooManyGuesses) -> str:
    if isinstance(refusal, Refusal):
        return refused(refusal, habits())
    return waiting.in_seconds(refusal.wait)


def _wanted(form: Choice) -> Reward | Voucher | None:
    """The reward or the voucher that was named; None for what is not there."""
    told = form.cleaned_data
    if pk := told.get("voucher"):
        found: Voucher | None = Voucher.objects.select_related("reward").filter(pk=pk).first()
        return found
    if pk := told.get("reward"):
        reward: Reward | None = Reward.objects.filter(pk=pk).first()
        return reward
    return None


def _chosen(request: TillRequest, member: Member, form: Choice) -> Chosen | None:
    code = form.cleaned_data.get("code")
    wanted = vouchers.find(code) if code else _wanted(form)
    return _terms(request, member, form, wanted) if wanted else None


def _terms(request: TillRequest, member: Member, form: Choice, wanted: Reward | Voucher) -> Chosen:
    """Raises why it cannot be given."""
    now, total = timezone.now(), form.cleaned_data.get("amount")
    if isinstance(wanted, Voucher):
        off = vouchers.worth(wanted, at=now, by=request.by, member=member, total=total or 0)
        return Chosen(gifts.gift(wanted, off), wanted.cost, off, wanted.kind, voucher=wanted)
    terms = redemptions.quote(member, wanted, at=now, by=request.by, total=total)
    return Chosen(wanted.name, terms.cost, terms.discount, wanted.kind, reward=wanted)


def _ask_for_proof(member: Member, chosen: Chosen, form: Gift, approver: Actor | None) -> None:
    """Raises where the customer has to show her code first, and did not."""
    if approver is None and proofs.is_needed(chosen.cost):
        proofs.prove(member, form.cleaned_data["proof"], at=timezone.now())


def _choose(
    request: TillRequest,
    pk: UUID,
    form: Choice,
    chosen: Chosen | None,
    *,
    said: str = "",
    wrong: str = "",
    asks: bool = False,
    refused: bool = False,
    lost: Receipt | None = None,
    status: int,
) -> HttpResponse:
    """The rewards, and in the window what is asked for next: the bill, the customer's code, or a
    manager's PIN.
    """
    customer = customer_or_404(pk)
    key = None if refused else form.cleaned_data.get("key") if form.is_bound else None
    needs_proof = chosen is not None and proofs.is_needed(chosen.cost)
    context: dict[str, object] = {
        "customer": customer,
        "member": customer.member,
        "phone": customer.phone,
        "account": customer.account,
        "links": links_of(customer.member),
        "chosen": chosen,
        "amount": form.data.get("amount", "")[:LONGEST],
        "code": form.data.get("code", "")[:40],
        "said": said,
        "wrong": wrong,
        "key": key or uuid7(),
        "needs_proof": needs_proof,
        "asks": asks and needs_proof,
        "managers": managers() if asks and needs_proof else (),
        "approver": request.POST.get("approver", ""),
        "pin_form": "gift",
        "decimals": decimals(),
        "lost": lost,
        # The bill can still be typed: what the reward takes off it follows.
        "amount_form": "gift",
        "amount_target": "panel",
        "amount_url": f"{links_of(customer.member)['rewards']}?{_names(chosen)}typing=1",
    }
    window = AMOUNT
    if needs_proof:
        window = PIN if asks else PROOF
    also = () if request.GET.get("typing") else ("register",)
    return counter(request, context, screen="rewards", window=window, also=also, status=status)


def _names(chosen: Chosen | None) -> str:
    """What was chosen, for a query."""
    if chosen is None:
        return ""
    return f"{'voucher' if chosen.voucher else 'reward'}={chosen.pk}&"


def _given(request: TillRequest, member: Member, voucher: Voucher, off: int) -> HttpResponse:
    """The green sheet: give it now."""
    now = timezone.now()
    if not wants_piece(request):
        return go(request, base_links()["home"])
    customer = customer_or_404(member.pk)
    uses = VoucherUse.objects.filter(voucher=voucher.pk)
    use = uses.select_related("voucher__reward", "member", "staff").last()
    if use is None:
        return go(request, base_links()["home"])
    balance = customer.account.balance if customer.account else None
    receipt = gift_of(use, by=request.by, at=now, balance=balance, fresh=True)
    asked = {"amount": request.POST.get("amount", ""), "voucher": str(voucher.pk) if off else ""}
    context = sale_of(request, customer, asked)
    context |= {"given": receipt, "off_now": off, "given_kind": voucher.kind}
    return counter(
        request,
        context,
        screen="sale",
        window=window_of(),
        receipt=receipt,
        also=("register", "strip"),
    )


def _lost(
    request: TillRequest, pk: UUID, form: Gift, wanted: Reward | Voucher, said: str
) -> HttpResponse:
    """Somebody else was quicker: who, and when."""
    if isinstance(wanted, Reward):
        use = shifts.last_use(wanted.pk)
    else:
        told = VoucherUse.objects.filter(voucher=wanted.pk)
        use = told.select_related("member", "staff", "voucher__reward").last()
    lost = gift_of(use, by=request.by, at=timezone.now()) if use else None
    return _choose(request, pk, form, None, said=said, lost=lost, refused=True, status=409)
