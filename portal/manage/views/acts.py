"""What a manager does to a member, her sales and her vouchers. Each button counts once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loyalty import adjustments, finding, members, profiles, programs, redemptions, refunds
from loyalty.models import Member, Program, Purchase, Voucher
from loyalty.refusals import InsufficientPoints, Refusal
from portal import letters, links, waiting
from portal.arithmetic import is_undone, sum_of
from portal.guards import StaffRequest, freshly, manager
from portal.manage import floods
from portal.manage.forms import Adjustment, Pressed, TakeBack
from portal.manage.head import head, member_or_404
from portal.manage.setting import Setting
from portal.pages import go, page
from portal.voice import refused
from tenants import shops
from tenants.guesses import TooManyGuesses
from tenants.ids import uuid7


@require_http_methods(["GET", "HEAD", "POST"])
@manager
def adjust(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Give points by hand, or take them, and say why."""
    found = member_or_404(pk)
    program, front = programs.current() or Program(), shops.front()
    setting = Setting(program, front.currency, front.decimals)
    if request.method != "POST":
        return _adjustment(request, found, Adjustment(initial={"key": uuid7()}, setting=setting))
    form = Adjustment(request.POST, setting=setting)
    if not form.is_valid():
        return _adjustment(request, found, form, status=422)
    try:
        adjustments.adjust(
            found,
            form.cleaned_data["points"],
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
            by=request.by,
            key=str(form.cleaned_data["key"]),
        )
    except Refusal as refusal:
        fresh = renewed(form, refusal, setting=setting)
        fresh.add_error("points", refused(refusal, program))
        return _adjustment(
            request, found, fresh, status=422, too_much=isinstance(refusal, InsufficientPoints)
        )
    return go(request, _there(found, "points"))


@require_POST
@manager
def status(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Block her card, or let it work again."""
    found = member_or_404(pk)
    is_blocked = request.POST.get("to") == "blocked"
    verb = members.block if is_blocked else members.unblock
    try:
        verb(found, at=timezone.now(), by=request.by)
    except Refusal:
        return go(request, _there(found))
    return go(request, _there(found, "blocked" if is_blocked else "unblocked"))


@require_POST
@manager
def card_link(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Send her a link that brings her card onto her phone, or show it once. It is shown too where
    she has had too many letters: nothing is lost then.
    """
    found = member_or_404(pk)
    now, known = timezone.now(), profiles.profile_of(found)
    ways = {"mail": (letters.Channel.MAIL, known.email)}
    if letters.can_text():
        ways["text"] = (letters.Channel.TEXT, known.phone)
    channel, to = ways.get(request.POST.get("how", ""), (letters.Channel.MAIL, ""))
    wait = 0
    if to:
        try:
            floods.refuse_flood(to, at=now)
        except TooManyGuesses as many:
            wait = many.wait
    url = links.to_a_card(request.tenant, found.pk, at=now)
    if to and not wait:
        told = {"url": url}
        letters.write("card_link", to, told, at=now, language=found.language, channel=channel)
        return go(request, _there(found, "sent"))
    context = head(request, found, "account") | {
        "url": url,
        "email": known.email,
        "can_text": letters.can_text(),
        "wait": waiting.sentence(wait) if wait else "",
    }
    status = 429 if wait else 200
    return page(request, "manage/card_link.html", context, fragment="act", status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@manager
@freshly
def erase(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Forget who held this card. It cannot be undone, so it is asked twice."""
    found = member_or_404(pk)
    form = Pressed(request.POST if request.method == "POST" else None)
    said = ""
    if request.method == "POST" and form.is_valid():
        try:
            members.erase(
                found, at=timezone.now(), by=request.by, key=str(form.cleaned_data["key"])
            )
        except Refusal as refusal:
            said = str(refusal)
        else:
            return go(request, f"{reverse('manage:members')}?done=erased")
    context = head(request, found, "privacy") | {"key": uuid7(), "said": said}
    wrong = request.method == "POST"
    return page(request, "manage/erase.html", context, status=422 if wrong else 200)


@require_safe
@manager
def sale(request: StaffRequest, pk: UUID) -> HttpResponse:
    """One sale, and the two ways of taking it back."""
    sold = _sale_or_404(pk)
    return _sale(request, sold, TakeBack(initial={"key": uuid7()}, decimals=shops.front().decimals))


@require_POST
@manager
def void(request: StaffRequest, pk: UUID) -> HttpResponse:
    """All of a sale was a mistake."""
    sold = _sale_or_404(pk)
    fresh = TakeBack(initial={"key": uuid7()}, decimals=shops.front().decimals)
    form = Pressed(request.POST)
    if not form.is_valid():
        return _sale(request, sold, fresh, said=first(form), status=422)
    try:
        refunds.void(sold, at=timezone.now(), by=request.by, key=str(form.cleaned_data["key"]))
    except Refusal as refusal:
        return _sale(request, sold, fresh, said=str(refusal), status=422)
    return go(request, _there(sold.account.member, "voided"))


@require_POST
@manager
def refund(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Part of a sale came back."""
    sold = _sale_or_404(pk)
    form = TakeBack(request.POST, decimals=shops.front().decimals)
    if not form.is_valid():
        return _sale(request, sold, form, status=422)
    try:
        refunds.refund(
            sold,
            amount=form.cleaned_data["amount"],
            at=timezone.now(),
            by=request.by,
            key=str(form.cleaned_data["key"]),
        )
    except Refusal as refusal:
        fresh = renewed(form, refusal, decimals=shops.front().decimals)
        fresh.add_error("amount", str(refusal))
        return _sale(request, sold, fresh, status=422)
    return go(request, _there(sold.account.member, "refunded"))


@require_POST
@manager
def reverse_voucher(request: StaffRequest, pk: UUID) -> HttpResponse:
    """A reward was not wanted after all: its points come back."""
    told = Voucher.objects.select_related("owner", "account__member")
    voucher = get_object_or_404(told, pk=pk)
    member = voucher.owner or (voucher.account.member if voucher.account else None)
    there = reverse("manage:members")
    if member is not None:
        there = reverse("manage:member_rewards", args=[finding.kept(member).pk])
    form = Pressed(request.POST)
    if form.is_valid():
        try:
            redemptions.reverse(
                voucher, at=timezone.now(), by=request.by, key=str(form.cleaned_data["key"])
            )
        except Refusal:
            return go(request, there)
        return go(request, f"{there}?done=reversed")
    return go(request, there)


def renewed(form: forms.Form, refusal: Refusal, **options: Any) -> Any:
    """The form as it was typed; after a final refusal with a new key, because whoever presses again
    means a new command.
    """
    told = form.data.dict()  # type: ignore[attr-defined]
    if refusal.is_final:
        told["key"] = str(uuid7())
    again = type(form)(told, **options)
    again.is_valid()
    return again


def first(form: forms.Form) -> str:
    return next((str(errors[0]) for errors in form.errors.values()), "")


def _there(member: Member, done: str = "") -> str:
    url = reverse("manage:member", args=[member.pk])
    return f"{url}?done={done}" if done else url


def _adjustment(
    request: StaffRequest, found: Member, form: Adjustment, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = head(request, found, "account") | {"form": form, **more}
    if account := context["account"]:
        context["all"] = f"-{form.setting.plain_points(account.balance)}"
    return page(request, "manage/adjust.html", context, fragment="act", status=status)


def _sale_or_404(pk: UUID) -> Purchase:
    told = Purchase.objects.select_related("account__member", "account__program", "staff", "device")
    sold: Purchase = get_object_or_404(told, pk=pk)
    return sold


def _sale(
    request: StaffRequest, sold: Purchase, form: TakeBack, *, said: str = "", status: int = 200
) -> HttpResponse:
    member = finding.kept(sold.account.member)
    steps = sold.snapshot.get("steps", ())
    context = head(request, member, "account") | {
        "sale": sold,
        "left": sold.total - sold.refunded,
        "sum": sum_of(
            steps,
            sold.earned,
            program=sold.account.program,
            rounding=str(sold.snapshot.get("rounding", "floor")),
        ),
        "is_undone": is_undone(sold),
        "form": form,
        "key": uuid7(),
        "said": said,
    }
    return page(request, "manage/sale.html", context, fragment="act", status=status)
