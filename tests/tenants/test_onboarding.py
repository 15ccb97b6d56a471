"""A shop opens whole or not at all."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from loyalty import presets, programs
from loyalty.models import EarnRule, Program
from tenants import onboarding
from tenants.context import inside, platform
from tenants.models import AuditEntry, Domain, Location, Seat, Shop, Staff, Tenant, User
from tests.conftest import make_shop

EVERYTHING = (Shop, Location, Staff, Program, EarnRule, AuditEntry)


def test_a_new_shop_has_all_it_needs(cafe):
    tenant = Tenant.objects.get(slug="cafe")
    assert (tenant.currency_id, tenant.zone) == ("AED", "Asia/Dubai")
    assert Domain.objects.get(pk="cafe").tenant == tenant
    owner = User.objects.get(email="owner@cafe.example")
    assert Seat.objects.get(user=owner).tenant_id == tenant.pk
    assert not owner.has_usable_password()
    with inside(tenant):
        assert Staff.objects.get(role="owner").user_id == owner.pk
        assert programs.live() == cafe.program
        rule = EarnRule.objects.get()
        assert (rule.kind, rule.points, rule.per) == ("spend", 1, 100)
        assert list(AuditEntry.objects.order_by("id").values_list("act", flat=True))[:3] == [
            "staff.employed",
            "shop.opened",
            "program.started",
        ]


def test_a_rule_counts_in_the_currencys_own_unit(db):
    from loyalty.opening import open_shop
    from tests.conftest import NOW

    for slug, country, per in (("tokyo", "JP", 1), ("kuwait", "KW", 1000)):
        tenant = open_shop(
            slug, name=slug, email="a@b.example", owner_name="A", country=country, at=NOW
        ).opened.tenant
        with inside(tenant):
            assert EarnRule.objects.get().per == per


class Broken(RuntimeError):
    pass


STEPS = [
    (Shop.objects, "create"),
    (Location.objects, "create"),
    (onboarding, "employ"),
    (onboarding, "user_with"),
    (onboarding, "write"),
    (presets, "start"),
    (EarnRule.objects, "create"),
    (presets, "write"),
]


@pytest.mark.parametrize(("place", "name"), STEPS, ids=str)
def test_a_failure_at_any_step_leaves_nothing(db, monkeypatch, place, name):
    def breaks(*args, **options):
        raise Broken

    with monkeypatch.context() as patch:
        patch.setattr(place, name, breaks)
        with pytest.raises(Broken):
            make_shop("cafe")
    assert not Tenant.objects.exists()
    assert not Domain.objects.exists()
    assert not Seat.objects.exists()
    with platform("a test"):
        assert [model for model in EVERYTHING if model._base_manager.exists()] == []
    assert make_shop("cafe").tenant.slug == "cafe"


def test_the_application_cannot_change_a_tenant(cafe):
    with pytest.raises(DatabaseError, match="permission denied"):
        Tenant.objects.filter(pk=cafe.tenant.pk).update(plan="gold")


def test_the_command_opens_a_shop_and_says_what_is_wrong(db, capsys):
    given = ["--name", "Corner", "--email", "a@b.example", "--country", "de"]
    call_command("open_shop", "corner", *given)
    assert "http://corner.localhost:8000/" in capsys.readouterr().out
    call_command("open_shop", "second", *given, "--pin", "8642")
    with inside(Tenant.objects.get(slug="second")):
        assert Staff.objects.get().pin_hash
    for slug, options, why in (
        ("third", [*given, "--pin", "12"], "four to six digits"),
        ("corner", given, "another shop has it"),
        ("Corner!", given, "3 to 63"),
        ("other", [*given[:-1], "xx"], "No country"),
    ):
        with pytest.raises(CommandError, match=why):
            call_command("open_shop", slug, *options)
