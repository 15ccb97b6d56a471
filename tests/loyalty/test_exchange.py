"""Real sales come in whole, once, and go on where they stopped."""

from __future__ import annotations

import datetime as dt
import itertools
import lzma
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from loyalty import demo
from loyalty.exchange import UnreadableFile, read, replay
from loyalty.models import Account, Entry, Member, Purchase, Reward
from portal.home import ROOT
from tenants.context import inside
from tests.conftest import NOW, make_shop

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")


def first(count):
    return itertools.islice(read(demo.CDNOW, zone=UTC, decimals=2), count)


def expected(count):
    """Members, sales and points, counted from the file itself."""
    lines = list(first(count))
    by_customer: dict[str, int] = {}
    for line in lines:
        by_customer[line.who.card] = by_customer.get(line.who.card, 0) + line.amount // 100
    return len(by_customer), len(lines), by_customer


def books():
    """Members but the one of the fixture, sales, points by card."""
    rows = Account.objects.filter(member__source="import", member__identifiers__kind="card")
    by_card = dict(rows.values_list("member__identifiers__value", "balance"))
    return len(by_card), Purchase.objects.count(), by_card


def run(lines, batch=500):
    return list(replay(lines, name="cdnow", at=NOW, batch=batch))[-1]


def test_three_thousand_real_sales(in_cafe):
    done = run(first(3_000))
    members, sales, points = expected(3_000)
    assert books() == (members, sales, points)
    assert (done.recorded, done.points, done.refused) == (sales, sum(points.values()), [])
    assert Entry.objects.aggregate(s=Sum("amount"))["s"] == sum(points.values())


def test_killed_in_the_middle_and_run_again_gives_the_same(in_cafe):
    class Killed(BaseException):
        pass

    def dying(lines):
        for number, line in enumerate(lines):
            if number == 777:
                raise Killed
            yield line

    with pytest.raises(Killed):
        run(dying(first(1_500)), batch=250)
    assert Purchase.objects.count() == 750
    done = run(first(1_500), batch=400)  # another size of batch: whole ones and half ones are known
    assert (done.recorded, done.known) == (750, 750)
    assert books() == expected(1_500)
    assert run(first(1_500)).known == 1_500
    assert books() == expected(1_500)


def test_a_csv_with_odd_lines_says_what_it_refused(in_cafe, tmp_path, capsys):
    path = tmp_path / "sales.csv"
    path.write_text(
        "Receipt,Customer,Date,Amount,Note\n"
        "r1,7,2026-01-05,12.34,x\n"
        "r2,7,2026-01-05T23:30,\u0661\u0662,\n"
        "r3,8,2026-01-06,-4.00,\n"
        "r1,8,2026-01-06,5.00,\n",
        encoding="utf-8",
    )
    call_command("import_sales", "--shop", "cafe", str(path))
    told = capsys.readouterr().out
    assert "2 sales recorded, 0 were there already, 2 refused; 24 points given" in told
    assert "line 4: An amount below zero" in told
    assert "line 5: Receipt r1 already counted" in told
    sale = Purchase.objects.get(ref="r1")
    assert sale.occurred_at == dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)  # noon in Dubai
    assert Purchase.objects.get(ref="r2").total == 1200


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n", "must name the columns"),
        ("", "must name the columns"),
        ("customer,date,amount,receipt\n7,yesterday,1,r\n", "Line 2: 'yesterday' is no date"),
        ("customer,date,amount,receipt\n7,2026-01-01,1e3,r\n", "Line 2: '1e3' is no amount"),
        ("customer,date,amount,receipt\n7,2026-01-01,1,\n", "needs a customer and a receipt"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_its_line(in_cafe, tmp_path, text, why):
    path = tmp_path / "sales.csv"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=why):
        list(read(path, zone=BERLIN, decimals=2))
    with pytest.raises(CommandError, match=why):
        call_command("import_sales", "--shop", "cafe", str(path))


def test_the_command_names_what_is_missing(in_cafe, tmp_path):
    with pytest.raises(CommandError, match="no shop 'nobody'"):
        call_command("import_sales", "--shop", "nobody", "x.csv")
    with pytest.raises(CommandError, match="There is no file"):
        call_command("import_sales", "--shop", "cafe", str(tmp_path / "x.csv"))


def test_the_demo_has_people_hours_and_a_today(db):
    at = dt.datetime(2026, 11, 24, 11, 20, tzinfo=dt.UTC)
    totals = dict(demo.seed(at=at))
    assert set(totals) == {"demo", "spa"}
    sales = sum(total.recorded for total in totals.values())
    assert 2_700 < sales < 3_300
    from tenants.models import Tenant

    members = 0
    for tenant in Tenant.objects.all():
        with inside(tenant):
            zone = ZoneInfo(tenant.zone)
            members += Member.objects.count()
            times = list(Purchase.objects.values_list("occurred_at", flat=True))
            assert max(times) <= at
            assert max(times).astimezone(zone).date() == at.astimezone(zone).date()
            hours = {time.astimezone(zone).hour for time in times}
            assert min(hours) >= demo.OPENS
            assert max(hours) < demo.CLOSES
            assert not Member.objects.filter(name="").exists()
            offered = next(shop.offers for shop in demo.SHOPS if shop.slug == tenant.slug)
            assert list(Reward.objects.order_by("position").values_list("name", "cost")) == [
                (offer.name, offer.cost) for offer in offered
            ]
    assert 280 <= members <= 300
    assert dict(demo.seed(at=at)) == {}


@pytest.mark.parametrize("hour", [0, 3, 5, 20])
def test_the_demo_never_sells_later_than_now(hour):
    zone, at = ZoneInfo("Asia/Dubai"), dt.datetime(2026, 11, 24, hour, 5, tzinfo=dt.UTC)
    last = replace(next(first(1)), at=dt.datetime.combine(demo.LAST_DAY, dt.time(12), zone))
    told = demo._as_demo(last, demo._moved(at.astimezone(zone)), at, zone)
    assert told.at <= at
    assert at - told.at < dt.timedelta(days=1, hours=1)


def test_the_demos_parts_are_cut_from_the_whole():
    parts = runpy.run_path(str(ROOT / "script/demo_parts"))["parts"]()
    for slug, text in parts.items():
        kept = lzma.decompress((demo.PARTS / f"{slug}.csv.xz").read_bytes())
        assert kept.decode() == text


def importing(path):
    """`manage.py import_sales` in a process of its own, logged in as the application."""
    names = {"PORTAL_LOGIN": "app", "PORTAL_ASSUME_ROLE": "", "PORTAL_NO_BOOTSTRAP": "1"}
    command = [sys.executable, "manage.py", "import_sales", "--shop", "cafe", str(path)]
    return subprocess.Popen(
        [*command, "--batch", "500"], cwd=ROOT, env={**os.environ, **names}, stdout=subprocess.PIPE
    )


@pytest.mark.thorough
@pytest.mark.parametrize("count", [3_000, 69_659], ids="{:,}".format)
def test_a_killed_import_goes_on_where_it_was(transactional_db, tmp_path, count):
    """kill -9 in the middle of a transaction, then the same command again: the same books."""
    shop = make_shop("cafe")
    path = tmp_path / "cdnow.txt"
    with lzma.open(demo.CDNOW, "rt") as whole, path.open("w") as part:
        part.writelines(itertools.islice(whole, count + 1))
    with inside(shop.tenant), importing(path) as first:
        while Purchase.objects.count() < count // 3:
            assert first.poll() is None
        first.kill()
        first.wait()
        assert count // 3 <= Purchase.objects.count() < count
        with importing(path) as again:
            told, _ = again.communicate()
        assert again.returncode == 0, told
        members, sales, points = expected(count)
        assert books() == (members, sales, points)
        assert Entry.objects.aggregate(s=Sum("amount"))["s"] == sum(points.values())
        if count == 69_659:
            assert (members, sales, sum(points.values())) == (23_570, 69_659, 2_453_159)
