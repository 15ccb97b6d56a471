"""The owner's portal."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from loyalty import insights, overview, purchases, refunds
from loyalty.enrolment import enrol
from loyalty.models import BooksCheck
from tenants.actors import Actor
from tenants.context import inside
from tests.portal.conftest import PIECE


@pytest.fixture
def sold(cafe):
    """One sale of AED 24.50, a minute ago or so."""
    with inside(cafe.tenant):
        return purchases.record(
            cafe.member, 2450, at=timezone.now(), by=cafe.till, key=str(uuid4())
        )


def test_home_tells_of_the_sale_just_made(owner, sold):
    page = owner.get("/manage/").text
    assert "1 visit</a>" in page
    assert "Amina Rahman" in page
    assert "+24" in page
    assert "Bought for AED\u00a024.50, by Sam" in page


def test_home_of_a_shop_without_sales(owner):
    page = owner.get("/manage/").text
    assert "Nobody has been in yet today." in page
    assert "—" in page


def test_members_are_found_by_name_and_digits(owner, cafe):
    with inside(cafe.tenant):
        enrol(name="Lena Fischer", phone="0501239999", at=timezone.now(), by=Actor.command("test"))
    assert {"Amina", "Lena"} <= set(owner.get("/manage/members/").text.replace(">", " ").split())
    for q in ("fisch", "9999", "٩٩٩٩"):
        page = owner.get("/manage/members/", {"q": q}, headers=PIECE).text
        assert "Lena Fischer" in page
        assert "Amina" not in page
    assert "Nobody for “zzz”" in owner.get("/manage/members/", {"q": "zzz"}, headers=PIECE).text


def test_a_piece_of_the_list_is_the_element_it_replaces(owner):
    piece = owner.get("/manage/members/", headers=PIECE).text
    assert piece.lstrip().startswith('<div id="people"')


@pytest.mark.parametrize("sort", ["last", "name", "points", "joined", "x", "-pk"])
@pytest.mark.parametrize("page", ["1", "999", "0", "-1", "x", "1e9", "9" * 30])
def test_no_address_of_the_list_breaks(owner, sort, page):
    assert owner.get("/manage/members/", {"sort": sort, "page": page, "q": "a"}).status_code == 200


@pytest.mark.parametrize("q", ["\x00", "x" * 10_000, "%", "_", "\\", "'; --", "٪"])
def test_no_search_breaks(owner, q):
    assert owner.get("/manage/members/", {"q": q}).status_code == 200


def test_a_members_page_unfolds_each_entry(owner, cafe, sold):
    page = owner.get(f"/manage/members/{cafe.member.pk}/").text
    assert "24 \u00d7 AED\u00a01.00" in page
    assert "050 123 4567" in page
    assert cafe.member.code[:4] in page


def test_what_was_undone_stays_in_the_account(owner, cafe, sold):
    with inside(cafe.tenant):
        refunds.void(sold.purchase, at=timezone.now(), by=cafe.till, key=str(uuid4()))
    page = owner.get(f"/manage/members/{cafe.member.pk}/").text
    assert "Taken back: AED\u00a024.50" in page
    assert 'class="undone"' in page


ODD_ID = "01a21dce-2f19-7408-927d-727414032506"


@pytest.mark.parametrize(
    "before",
    [
        "x",
        "\x00",
        "9999-12-31T23:59:59+00:00",
        f"2026-13-45T00:00:00+00:00_{ODD_ID}",
        f"2026-03-02T09:00:00+23:59_{ODD_ID}",  # PostgreSQL knows no such offset
        f"0001-01-01T00:00:00+23:59_{ODD_ID}",  # before the first day there is
        f"9999-12-31T23:59:59-23:59_{ODD_ID}",
        f"2026-03-02T09:00:00_{ODD_ID}",
        "2026-03-02T09:00:00+00:00_",
        "2026-03-02T09:00:00+00:00_x",
        f"_{ODD_ID}",
    ],
)
def test_no_address_of_a_timeline_breaks(owner, cafe, before):
    for url in (f"/manage/members/{cafe.member.pk}/", "/manage/counter/"):
        assert owner.get(url, {"before": before}).status_code == 200


def test_older_entries_go_on_where_the_page_ended(owner, cafe):
    with inside(cafe.tenant):
        now = timezone.now()
        for n in range(45):
            at = now - timezone.timedelta(hours=n + 1)
            purchases.record(cafe.member, 100 * (n + 1), at=at, by=cafe.till, key=str(n))
    first = owner.get(f"/manage/members/{cafe.member.pk}/")
    assert first.text.split("<main")[1].count("<summary>") == 40
    older = first.text.split("?before=")[1].split('"')[0]
    second = owner.get(f"/manage/members/{cafe.member.pk}/?before={older}")
    assert second.text.split("<main")[1].count("<summary>") == 5


def test_lines_of_one_instant_are_all_there_page_after_page(owner, cafe):
    with inside(cafe.tenant):
        at = timezone.now()
        for n in range(55):
            purchases.record(cafe.member, 100 * (n + 1), at=at, by=cafe.till, key=str(n))
    for url in (f"/manage/members/{cafe.member.pk}/", "/manage/counter/"):
        first = owner.get(url).text.split("<main")[1]
        older = html.unescape(re.search(r'\?before=([^"]+)"', first)[1])
        second = owner.get(f"{url}?before={older}").text.split("<main")[1]
        assert "?before=" not in second
        sums = [re.findall(r"Bought for AED\xa0([\d.]+)", page) for page in (first, second)]
        assert len({*sums[0], *sums[1]}) == 55
        assert not {*sums[0]} & {*sums[1]}, "none twice"


def test_the_neighbours_member_is_like_nobody(owner, spa):
    theirs = owner.get(f"/manage/members/{spa.member.pk}/")
    nobody = owner.get(f"/manage/members/{uuid4()}/")
    assert theirs.status_code == nobody.status_code == 404
    assert theirs.content == nobody.content


def test_a_list_costs_the_same_for_one_and_for_many(owner, cafe, statements):
    owner.get("/manage/members/")
    with statements() as few:
        owner.get("/manage/members/")
    with inside(cafe.tenant):
        for n in range(20):
            enrol(
                name=f"Guest {n}",
                phone=f"05012300{n:02}",
                at=timezone.now(),
                by=Actor.command("test"),
            )
    with statements() as many:
        owner.get("/manage/members/")
    assert len(few) == len(many)
    assert len(many) <= 10, "\n".join(many)


@pytest.mark.django_db(transaction=True)
def test_home_keeps_its_figures_until_the_next_sale(owner, cafe, statements):
    """Figures are kept, the list of what happened at the counter is not."""
    with statements() as anew:
        assert "Nobody has been in yet today." in owner.get("/manage/").text
    with statements() as kept:
        assert "Nobody has been in yet today." in owner.get("/manage/").text
    figures = "SELECT loyalty_purchase"
    assert figures in anew
    assert figures not in kept
    assert len(anew) - len(kept) >= 10
    with inside(cafe.tenant):
        for visits in (1, 2):
            sale = purchases.record(
                cafe.member, 2450, at=timezone.now(), by=cafe.till, key=str(uuid4())
            )
            page = owner.get("/manage/").text
            assert f"{visits} visit" in page
            assert "Members spent" in page
        refunds.void(sale.purchase, at=timezone.now(), by=cafe.till, key=str(uuid4()))
        assert "1 visit</a>" in owner.get("/manage/").text


@pytest.mark.django_db(transaction=True)
def test_kept_figures_are_the_figures(owner, cafe, sold):
    """What comes out of the cache is drawn as what was read: charts, percent, dates, sums."""
    first = owner.get("/manage/").text
    with inside(cafe.tenant):
        at = timezone.now()
        read = overview.overview(at)
        assert overview.overview(at + timedelta(seconds=9)) == read, "it was not kept"
        assert read.today == insights.today(read.today.at)
        assert read.month == insights.thirty_days(at)
        assert read.standing == insights.standing(at)
        assert read.returning == insights.returning(at)
    assert figures_of(owner.get("/manage/").text) == figures_of(first)


def figures_of(page):
    """Everything on the page but its clock and tokens."""
    return re.findall(r'class="fig">.*?</td>|<svg.*?</svg>', page, re.DOTALL)


def checked(cafe, at=None, **found):
    with inside(cafe.tenant):
        BooksCheck.objects.create(at=at or timezone.now(), entries=1204, **found)


def test_home_says_in_one_quiet_line_that_the_books_were_checked(owner, cafe):
    assert "checked last night" not in owner.get("/manage/").text
    checked(cafe)
    page = owner.get("/manage/").text
    assert "The books were checked last night: 1,204 entries, nothing wrong." in page
    assert "notice bad" not in page
    for language, word in (("ar", "فُحصت الدفاتر"), ("bn", "খাতা মিলিয়ে")):
        assert word in owner.get("/manage/", {"lang": language}, follow=True).text


def test_home_says_when_the_last_check_is_no_longer_of_last_night(owner, cafe):
    checked(cafe, at=timezone.now() - timedelta(days=9))
    page = owner.get("/manage/").text
    assert "The books were last checked on" in page
    assert "last night" not in page


def test_home_does_not_hide_that_the_books_are_wrong(owner, cafe):
    checked(cafe, wrong=2, faults=[{"kind": "sum", "member": "7KQ2M9XAB3CD", "amount": 5}])
    page = owner.get("/manage/").text
    assert "The books do not add up in 2 places." in page
    assert 'role="alert"' in page
    assert "7KQ2M9XAB3CD" in page
    assert "nothing wrong" not in page
