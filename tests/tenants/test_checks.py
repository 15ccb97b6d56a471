"""Each rule is provoked, and the project itself breaks none."""

from __future__ import annotations

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey
from django.core.checks import Error, run_checks
from django.db import connection, models
from django.test.utils import isolate_apps

from tenants import checks, database_checks
from tenants.context import owner
from tenants.fields import TenantField
from tenants.kinds import Reference
from tenants.models import Currency, TenantModel, User


def codes(found):
    return sorted({message.id.removeprefix("tenants.") for message in found})


def of(model):
    return codes(checks.tenant_rules(model))


def test_the_project_breaks_no_rule(db):
    assert [m for m in run_checks(databases=["default"]) if m.id.startswith("tenants.")] == []


@isolate_apps("loyalty")
def test_models_that_break_a_rule_are_named():
    class Undecided(models.Model):
        class Meta:
            app_label = "loyalty"

    class Nullable(models.Model):
        id = models.UUIDField(primary_key=True)
        tenant = TenantField(null=True)

        class Meta:
            app_label = "loyalty"

    class Twice(TenantModel):
        other = TenantField()

        class Meta:
            app_label = "loyalty"

    class GloballyUnique(TenantModel):
        code = models.CharField(max_length=3, unique=True)

        class Meta:
            app_label = "loyalty"

    class Spanning(TenantModel):
        code = models.CharField(max_length=3)

        class Meta:
            app_label = "loyalty"
            constraints = [models.UniqueConstraint(fields=["code"], name="spanning")]
            indexes = [models.Index(fields=["code", "tenant"], name="late")]

    class Guessable(models.Model):
        tenant = TenantField()

        class Meta:
            app_label = "loyalty"

    class Unfenced(TenantModel):
        user = models.ForeignKey(User, models.CASCADE, related_name="+")
        currency = models.ForeignKey(
            Currency, models.PROTECT, related_name="+", db_constraint=False
        )

        class Meta:
            app_label = "loyalty"

    class Anything(TenantModel):
        object_id = models.UUIDField()
        thing = GenericForeignKey(fk_field="object_id")

        class Meta:
            app_label = "loyalty"

    class Tree(TenantModel):
        parent = models.ForeignKey("self", models.CASCADE, null=True)

        class Meta:
            app_label = "loyalty"

    class Pointing(Reference, models.Model):
        tree = models.ForeignKey(Tree, models.CASCADE)

        class Meta:
            app_label = "loyalty"

    assert codes(checks.other_rules(Undecided)) == ["E001"]
    assert of(Nullable) == ["E002"]
    assert of(Twice) == ["E002"]
    assert of(GloballyUnique) == ["E003"]
    assert of(Spanning) == ["E003", "E004"]
    assert of(Guessable) == ["E007"]
    assert of(Unfenced) == ["E008"]
    assert of(Anything) == ["E009"]
    assert of(Tree) == ["E021"]
    assert codes(checks.other_rules(Pointing)) == ["E006"]


@isolate_apps("loyalty")
def test_an_automatic_table_between_tenant_rows_is_refused():
    class Tag(TenantModel):
        class Meta:
            app_label = "loyalty"

    class Tagged(TenantModel):
        tags = models.ManyToManyField(Tag)

        class Meta:
            app_label = "loyalty"

    assert codes(checks.other_rules(Tagged.tags.through)) == ["E005"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESSION_COOKIE_DOMAIN", ".loyal.example"),
        ("CSRF_COOKIE_DOMAIN", ".loyal.example"),
        ("ALLOWED_HOSTS", ["*"]),
        ("CSRF_TRUSTED_ORIGINS", ["https://*.loyal.example"]),
        ("USE_X_FORWARDED_HOST", True),
        ("SESSION_ENGINE", "django.contrib.sessions.backends.cache"),
    ],
)
def test_settings_that_mix_tenants_are_refused(settings, name, value):
    assert codes(checks.check_settings(None)) == []
    setattr(settings, name, value)
    assert codes(checks.check_settings(None)) == ["E020"]


TABLE = "loyalty_member"
HOLES = {
    "E012": [f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY"],
    "E013": [f"CREATE POLICY hole ON {TABLE} USING (true)"],
    "E015": ["CREATE VIEW hole AS SELECT * FROM loyalty_member"],
    "E016": ["CREATE FUNCTION hole() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"],
    "E017": [
        f"ALTER TABLE {TABLE} DROP CONSTRAINT {TABLE}_pkey CASCADE",
        f"ALTER TABLE {TABLE} ADD PRIMARY KEY (id)",
    ],
    "E018": ["CREATE TABLE hole (tenant_id uuid)"],
    "E019": ["GRANT TEMPORARY ON DATABASE {} TO PUBLIC"],
}


@pytest.mark.parametrize("code", sorted(HOLES))
def test_a_hole_in_the_database_is_named(db, code):
    with connection.as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (database,) = cursor.fetchone()
        for statement in HOLES[code]:
            cursor.execute(statement.format(connection.ops.quote_name(database)))
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE portal_app")
    found = database_checks.check_database(None, databases=["default"])
    assert codes(found) == [code]
    assert all(isinstance(message, Error) for message in found)


def test_a_role_that_sees_through_is_named(db):
    with owner("a test"), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE portal_owner")
    found = database_checks.check_database(None, databases=["default"])
    assert {"E011", "E014"} <= set(codes(found))


def test_a_stock_backend_is_refused(settings, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ENGINE", "django.db.backends.postgresql")
    assert codes(database_checks.check_database(None, databases=["default"])) == ["E010"]
