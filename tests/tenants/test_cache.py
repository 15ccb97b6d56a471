"""The tenant's cache: its keys, its limits, and that it may vanish."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django_redis import get_redis_connection

from tenants import cache, shops
from tenants.context import OutsideTenant, inside
from tenants.models import Shop


def test_keys_begin_with_the_tenant(cafe, spa):
    for shop in (cafe, spa):
        with inside(shop.tenant):
            cache.mine().set("greeting", shop.tenant.slug, 5)
    with inside(cafe.tenant):
        assert cache.mine().get("greeting") == "cafe"
        assert cache.tenant_key("x", "", 1) == f"portal:{{{cafe.tenant.pk}}}:1:x"
    keys = get_redis_connection("tenant").keys(f"*{cafe.tenant.pk}*")
    assert keys == [f"portal:{{{cafe.tenant.pk}}}:1:greeting".encode()]


def test_nobody_has_no_cache():
    with pytest.raises(OutsideTenant):
        caches["tenant"].get("greeting")


def test_clearing_forgets_this_tenant_and_no_other(cafe, spa):
    for shop in (cafe, spa):
        with inside(shop.tenant):
            cache.mine().set("greeting", shop.tenant.slug, 5)
    with inside(cafe.tenant):
        cache.mine().set_many({f"{n}": n for n in range(1_200)}, 5)
        cache.mine().clear()
        assert cache.mine().get("greeting") is None
        assert cache.mine().get("1199") is None
    with inside(spa.tenant):
        assert cache.mine().get("greeting") == "spa"


def test_a_shops_front_is_read_once_and_shown_anew_after_a_change(
    cafe, django_assert_num_queries, django_capture_on_commit_callbacks
):
    with inside(cafe.tenant):
        with django_assert_num_queries(1):
            assert shops.front().name == "Cafe"
            assert shops.front().name == "Cafe"
        with django_capture_on_commit_callbacks(execute=True):
            shops.change(name="Café Aroma")
        assert shops.front().name == "Café Aroma"


def test_a_kept_value_of_another_tenant_is_refused(cafe, spa):
    with inside(spa.tenant):
        assert shops.front().name == "Spa"
        stolen = cache.client().get(shops.FRONT.key())
    with inside(cafe.tenant):
        cache.client().set(shops.FRONT.key(), stolen)
        assert shops.front().name == "Cafe"


def test_a_value_that_another_release_kept_is_read_anew(cafe):
    with inside(cafe.tenant):
        shops.front()
        cache.client().set(shops.FRONT.key(), '["front", {"name": "Old"}]')
        shops.forget()
        assert shops.front().name == "Cafe"


def test_a_whole_key_is_the_one_that_django_uses(cafe):
    with inside(cafe.tenant):
        cache.mine().set("greeting", "hello", 5)
        assert cache.client().get(cache.key_of("greeting")) == b'"hello"'
    assert cache.key_of("greeting", cafe.tenant.pk) == f"portal:{{{cafe.tenant.pk}}}:1:greeting"
    with pytest.raises(OutsideTenant):
        cache.key_of("greeting")


def test_without_a_cache_everything_works(cafe, settings):
    gone = {**settings.CACHES["tenant"], "LOCATION": "unix:///nowhere/valkey.sock"}
    settings.CACHES = {**settings.CACHES, "tenant": gone}
    with inside(cafe.tenant):
        assert shops.front().name == "Cafe"
        assert Shop.objects.get().name == "Cafe"
