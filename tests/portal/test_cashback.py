"""A shop whose points are money: nobody reads or types minor units, on any page of any face."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import reduce
from html import unescape
from itertools import accumulate
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from loyalty import adjustments, history, ladders, programs, purchases, refunds, rewards
from loyalty.enrolment import enrol, new_link
from loyalty.models import Account, Draft, Entry, Member, Purchase, Reward, Tier, Voucher
from loyalty.state import state_at
from portal.templatetags.portal import spaced
from tenants import shops
from tenants.actors import Actor
from tenants.context import inside
from tests.conftest import make_shop, settled
from tests.forms import forms_of
from tests.portal.conftest import PIECE
from tests.portal.matrix import SHOP, urls
from tests.portal.matrix_rows import ROWS
from tests.scene import CUSTOMER, OWNER, STRANGER, TILL, Scene, furnished

WHO = {"manage": OWNER, "till": TILL, "card": CUSTOMER}
# What is no page, or opens once.
APART = {
    "manage:export", "manage:export_csv", "manage:poster_code", "manage:settings_colour",
    "manage:slip", "till:pair", "card:link", "card:data_json", "card:data_csv", "card:scanned",
}  # fmt: skip
# What the addresses of the table are about, by the names of the scene.
OF = {"person": "cashier"}
ASKED = {
    "till:quote": "?amount=345.50",
    "till:member": "?amount=345.50",
    "till:training_quote": "?amount=345.50",
    "till:training_member": "?amount=345.50",
    "till:members": "?q=4567",
    "till:newcomer": "?q=0501112233",
    "manage:reward_new": "?kind=item",
}
SMALLEST = 100  # minor units: what is smaller is a number that anything may be
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}")
NUMBER = re.compile(r"(?<![\w.,:])\d[\d,]*(?![\w:]|[.,]\d)")
COUNTED = re.compile(r".{30}(?<![\w.,])\d[\d,]* (?:points?|more are needed)\b")
# Of a tag one reads what it is called, and of a field what stands in it.
LABEL = re.compile(r'\s(?:aria-label|placeholder|title)="([^"]*)"')
VALUE = re.compile(r'<(?:input|button)\b.*\svalue="([^"]*)"', re.DOTALL)


@pytest.fixture
def cash(db, settings) -> Scene:
    """Sales, a sale taken back, a reward that was given, a draft that was rehearsed; what is on
    its way, what ends soon and what is owed; tiers by what is earned, and money to pay with.
    """
    settings.RATE_LIMITS = False
    shop = make_shop("cash", preset="cashback")
    with inside(shop.tenant):
        at, by = timezone.now(), Actor.of_staff(shop.owner)
        promised = {
            "point_value": "1",
            "enrol_bonus": 1_533,
            "adjust_limit": 400_077,
            "tiers": {"metric": "points"},
            "expiry": {"mode": "lot", "days": 9},
            "caps": {"points_per_purchase": 60_055},
        }
        programs.set_policy(shop.program, promised, at=at, by=by)
        shop.program.refresh_from_db()
        before = at - dt.timedelta(days=3)
        purchases.record(shop.member, 13_460, at=before, by=shop.till, key="before")
    scene = furnished(settled(shop))
    with inside(shop.tenant):
        at = timezone.now()
        owes = enrol(name="Omar Haddad", phone="0509998877", at=at, by=by)
        sold = purchases.record(owes, 80_000, at=at, by=shop.till, key="sold")
        adjustments.adjust(owes, -5_000, reason="x", at=at, by=by, key="by hand")
        refunds.void(sold.purchase, at=at, by=by, key="void")
        least = {"rate": {"points": 1, "value": 1}, "min": 1_866}
        pay = rewards.create(shop.program, "pay", "Pay with it", at=at, by=by, told=least)
        two = Decimal(2)
        gold = ladders.create(
            shop.program, at=at, by=by, name="Gold", threshold=7_755, multiplier=two
        )
        programs.set_policy(shop.program, {"pending_days": 2}, at=at, by=by)
        purchases.record(shop.member, 46_200, at=at, by=shop.till, key="waits")
    scene.made |= {"owes": owes.pk, "pay": pay.pk, "gold": gold.pk}
    shops.forget()
    return scene


def read(scene: Scene, answer: HttpResponse) -> str:
    """What a page says, and what stands in its fields, without what only draws."""
    html = re.sub(r"<[^>]*>", lambda tag: f" {_said(tag[0])} ", answer.content.decode())
    text = re.sub(r"\s+", " ", ID.sub("", unescape(html)))
    with inside(scene.shop.tenant):  # names that are drawn by lot
        cards = [spaced(code) for code in Member.objects.values_list("code", flat=True)]
        names = [*cards, *Voucher.objects.values_list("code", flat=True)]
    return reduce(lambda said, name: said.replace(name, ""), names, text)


def _said(tag: str) -> str:
    return " ".join([*LABEL.findall(tag), *VALUE.findall(tag)])


def minor_units(scene: Scene) -> set[int]:
    """Every figure in points that a page could show."""
    with inside(scene.shop.tenant):
        found = {1_533, 1_866, 60_055, 400_077}
        found |= set(Purchase.objects.values_list("earned", flat=True))
        found |= set(Reward.objects.values_list("cost", flat=True))
        found |= set(Tier.objects.values_list("threshold", flat=True))
        told = Draft.objects.get().rehearsal
        found |= {value for value in told.values() if isinstance(value, int)}
        found |= {told["draft"] - told["actual"], *told["days"][-1][2:]}
        held = 0
        for account in Account.objects.select_related("program", "tenant"):
            now = state_at(account, timezone.now())
            moved = list(history.entries_of(account.member).values_list("amount", flat=True))
            found |= {*moved, *accumulate(moved), *accumulate(reversed(moved))}
            found |= {now.balance, now.pending, now.debt, account.lifetime}
            found |= {account.balance, account.pending}
            found |= {goal - now.balance + now.debt for goal in (9_000, 1_866)}
            found |= {7_755 - account.lifetime, now.balance + now.pending}
            held += account.balance
        for kinds in (("earn",), ("earn", "clawback"), ("earn", "bonus"), ("clawback",)):
            moves = Entry.objects.filter(kind__in=kinds).values_list("amount", flat=True)
            found.add(sum(moves))
    return {abs(figure) for figure in {*found, held} if abs(figure) >= SMALLEST}


def raw_in(text: str, figures: set[int]) -> list[str]:
    """Where minor units stand as a number, and where points are counted."""
    found = COUNTED.findall(text)
    for number in NUMBER.finditer(text):
        if int(number[0].replace(",", "")) in figures:
            found.append(text[max(0, number.start() - 40) : number.end() + 20])
    return found


def ask(scene: Scene, who: str, path: str) -> HttpResponse:
    is_piece = "quote" in path
    answer = scene.client(who).get(path, follow=True, headers=PIECE if is_piece else {})
    assert answer.status_code in (200, 204), (path, answer.status_code)
    return answer


def pages(scene: Scene):
    """(client, path) of every page of the three faces."""
    for url in urls(SHOP, ROWS):
        if url.face not in WHO or "GET" not in url.row.may or url.name in APART:
            continue
        values = {arg: scene.made[OF.get(of, of)] for arg, of in url.row.of.items()}
        is_for_all = url.face == "card" and STRANGER in url.row.may["GET"]
        yield (
            STRANGER if is_for_all else WHO[url.face],
            url.path(values | url.row.fixed) + ASKED.get(url.name, ""),
        )
    made = scene.made
    yield OWNER, f"/manage/rewards/{made['pay']}/"
    yield OWNER, f"/manage/tiers/{made['gold']}/"
    yield OWNER, f"/manage/members/{made['owes']}/"
    yield OWNER, f"/manage/members/{made['new']}/"
    yield OWNER, "/manage/settings/till/"
    yield TILL, f"/till/members/{made['member']}/rewards/?reward={made['pay']}&amount=345.50"
    yield TILL, f"/till/members/{made['owes']}/rewards/?reward={made['pay']}&amount=345.50"
    yield TILL, f"/till/members/{made['owes']}/rewards/?reward={made['reward']}"


def test_no_page_shows_minor_units_where_money_is_meant(cash):
    figures, told = minor_units(cash), {}
    for who, path in pages(cash):
        told[path] = read(cash, ask(cash, who, path))
    for name in ("member", "owes", "new"):
        phone = Client(HTTP_HOST=cash.shop.host)
        with inside(cash.shop.tenant):
            phone.cookies["card"] = new_link(Member.objects.get(pk=cash.made[name]))
        told |= {f"{name} {path}": read(cash, phone.get(path)) for path in ("/c", "/c/history")}
    wrong = {path: found for path, text in told.items() if (found := raw_in(text, figures))}
    assert wrong == {}
    assert len(told) > MANY
    for path, said in SAYS:
        text = told[path.format(**cash.made)].replace("\u00a0", " ")
        assert said in text, (path, said)


MANY = 70
SAYS = [
    ("/manage/", "given = AED 0.20 used"),
    ("/manage/", "You owe AED"),
    ("/manage/counter/", "Redeemed: Any coffee −AED 0.20"),
    ("/manage/members/", "Regular AED 18.78 "),
    ("/manage/members/{member}/", "AED 23.10 more are on their way"),
    ("/manage/members/{member}/", "AED 71.22 more AED 18.78 / AED 90.00"),
    ("/manage/members/{owes}/", "AED 34.67 owed from sales taken back"),
    ("/manage/members/{member}/rewards/", "Any coffee AED 0.20"),
    ("/manage/members/{member}/erase/", "AED 18.78 end with her."),
    ("/manage/program/", "Points given AED 18.98 AED 22.77 +AED 3.79"),
    ("/manage/program/", "so far: AED 19.43 as it was, AED 23.31 with the draft"),
    ("/manage/team/", " AED 82.53 "),
    ("/manage/tiers/", "Gold AED 77.55"),
    ("/till/members/{member}/quote/?amount=345.50", "Breakfast at AED 90.00"),
    ("/till/purchases/{sale}/", "−AED 12.25"),
    ("member /c", "AED 18.78 of AED 90.00"),
    ("member /c", "can be used from"),
    ("owes /c", "AED 34.67 too many were given after a return"),
    ("new /c", "You started with AED 15.33. Welcome."),
    ("new /c", "AED 62.22 to Gold"),
    ("member /c/history", "+AED 23.10"),
]


def test_whoever_corrects_types_money(cash):
    owner = cash.client(OWNER)
    path = f"/manage/members/{cash.made['new']}/points/"

    def typed(points, **more):
        return owner.post(path, {"key": str(uuid4()), "points": points, "reason": "x", **more})

    def balance():
        with inside(cash.shop.tenant):
            return Account.objects.get(member=cash.made["new"]).balance

    assert "Amount in AED" in owner.get(path).text
    for points, after in (("5", 2_033), ("−12.50", 783), ("+٠٫١٧", 800)):
        assert typed(points).status_code == 303
        assert balance() == after
    for points in ("1,000", "5.555", "x", "-", "0", "1e3"):
        assert typed(points).status_code == 422, points
    refused = typed("-20")
    assert refused.status_code == 422
    assert "AED\u00a012.00 more are needed" in refused.text
    assert 'value="-20"' in refused.text
    everything = re.search(r'name="points" value="(-[^"]*)">Take all AED\u00a08.00', refused.text)
    assert everything
    assert everything[1] == "-8"
    assert typed(everything[1]).status_code == 303
    assert balance() == 0


def test_a_tier_by_what_is_earned_begins_at_an_amount(cash):
    owner = cash.client(OWNER)
    gold = f"/manage/tiers/{cash.made['gold']}/"
    page = owner.get(gold).text
    assert 'value="77.55"' in page
    sent = next(f.sent() for f in forms_of(page, gold) if "threshold" in f.fields)
    assert owner.post(gold, sent | {"threshold": "50"}).status_code == 303
    with inside(cash.shop.tenant):
        assert Tier.objects.get(pk=cash.made["gold"]).threshold == 5_000
    assert "AED\u00a050.00" in owner.get("/manage/tiers/").text


def test_what_is_paid_with_has_a_least_amount_and_nobody_has_enough_of_it(cash):
    owner, path = cash.client(OWNER), f"/manage/rewards/{cash.made['pay']}/"
    page = owner.get(path).text
    assert "enough" not in page
    form = next(form for form in forms_of(page, path) if "least" in form.fields)
    assert form.fields["least"].value == "18.66"
    assert owner.post(path, form.sent() | {"least": "20"}).status_code == 303
    with inside(cash.shop.tenant):
        told = Reward.objects.get(pk=cash.made["pay"]).conditions
    assert told == {"rate": {"points": 1, "value": 1}, "min": 2_000}
    assert "at least AED\u00a020.00 at a time" in owner.get("/manage/rewards/").text


def test_the_till_tells_and_takes_back_money(cash):
    till, member = cash.client(TILL), cash.made["new"]
    figures = minor_units(cash)
    sold = till.post(
        f"/till/members/{member}/purchases/",
        {"key": str(uuid4()), "amount": "345.60"},
        headers=PIECE,
    )
    text = read(cash, sold).replace("\u00a0", " ")
    assert "+AED 17.28 for Nour S." in text
    with inside(cash.shop.tenant):
        sale = Purchase.objects.get(total=34_560)
    back = read(cash, till.get(f"/till/purchases/{sale.pk}/")).replace("\u00a0", " ")
    assert "−AED 17.28" in back
    shift = read(cash, till.get("/till/shift/"))
    assert raw_in(text + back + shift, figures | {1_728, 3_261}) == []
